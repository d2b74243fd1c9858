"""Pages of a log, as servers send them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, strategies as st

from tenx_async import LogEntry
from tenx_async.api.entries import read_entries

PAGES: list[tuple[bytes, list[LogEntry]]] = [
    (b'[{"instance_name": "a-1", "log": "x"}]', [LogEntry("a-1", "x")]),
    (b'[{"log": "x"}]', [LogEntry("", "x")]),
    (b'[{"instance_name": null, "log": "x"}]', [LogEntry("", "x")]),
    (b'[{"instance_name": "a-1"}]', [LogEntry("a-1", "")]),
    (b'[{"instance_name": "a-1", "log": null}]', [LogEntry("a-1", "")]),
    (b'[{"instance_name": "a-1", "log": "x", "@timestamp": 1}]', [LogEntry("a-1", "x")]),
    (b'[{"instance_name": 7, "log": 3.5}]', [LogEntry("7", "3.5")]),
    (b'[{"log": {"level": "info", "n": [1]}}]', [LogEntry("", '{"level":"info","n":[1]}')]),
    (b'[{"log": true}]', [LogEntry("", "true")]),
    (b'["x", null, 5]', [LogEntry("", "x"), LogEntry(), LogEntry("", "5")]),
    (b'[{"log": "x\\n"}, {"log": "y\\nz"}]', [LogEntry("", "x\n"), LogEntry("", "y\nz")]),
    ('[{"log": "日志 ✓"}]'.encode(), [LogEntry("", "日志 ✓")]),
    (b'[{"log": "\\u65e5"}]', [LogEntry("", "日")]),
    (b'[{"log": "cut \\ud83d"}, {"log": "ok"}]', [LogEntry("", "cut �"), LogEntry("", "ok")]),
    (b'[{"log": "latin \xe9"}, {"log": "ok"}]', [LogEntry("", "latin �"), LogEntry("", "ok")]),
    (b'[{"log": 123456789012345678901234567890.0}]', [LogEntry("", "1.2345678901234568e+29")]),
    (b"[]", []),
    (b"null", []),
    (b"", []),
    (b" \n", []),
]


@pytest.mark.parametrize(("body", "expected"), PAGES)
def test_a_page_is_read(body: bytes, expected: list[LogEntry]) -> None:
    """Every entry is kept, in its place, whatever of it is missing or strange."""
    assert expected == read_entries(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'["x", "y"]', [LogEntry("a-1", "x"), LogEntry("a-1", "y")]),
        (b'[null, 5, {"log": "z"}]', [LogEntry("a-1"), LogEntry("a-1", "5"), LogEntry("a-1", "z")]),
        (b'[{"instance_name": "a-2", "log": "z"}]', [LogEntry("a-2", "z")]),
        (b"null", []),
        (b"", []),
    ],
)
def test_the_log_of_an_instance_is_bare_texts(body: bytes, expected: list[LogEntry]) -> None:
    """Entries that do not say whose they are belong to the instance that was asked for."""
    assert expected == read_entries(body, instance="a-1")


@pytest.mark.parametrize("body", [b"{", b"{}", b'"x"', b"5", b"[" * 50_000, b'[{"a": ' * 50_000])
def test_what_is_no_page_is_refused(body: bytes) -> None:
    """Something else than a list of entries raises a ValueError and nothing else."""
    with pytest.raises(ValueError):
        read_entries(body)


@given(st.lists(st.builds(LogEntry, st.text(), st.text())))
def test_every_text_is_kept(entries: list[LogEntry]) -> None:
    """A page brings the texts that were written, to the last character."""
    assert entries == read_entries(msgspec.json.encode(entries))


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Whatever bytes come are a page, or raise a ValueError and nothing else."""
    try:
        entries = read_entries(body)
    except ValueError:
        return
    assert all(isinstance(entry.log, str) for entry in entries)
