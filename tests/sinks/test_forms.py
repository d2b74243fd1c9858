"""Lines as the bytes of a file."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from tenx_async.api.entries import LogEntry
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.forms import as_json

TEXTS = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["a\n", "b\n\n", "\ud800", '"', "\\n", "\u2028", "{}", "\n"]
)
ENTRIES = st.builds(LogEntry, st.sampled_from(["web-1", "web-2", "", '"', "\udc00"]), TEXTS)
BATCHES = st.builds(
    LogBatch,
    region=st.sampled_from(["us", "\\"]),
    source=st.sampled_from(["web", "wéb"]),
    date=st.dates(),
    position=st.integers(0, 2**40),
    entries=st.lists(ENTRIES, max_size=6),
    late=st.booleans(),
)


@given(BATCHES)
def test_json_has_all_of_each_line(batch: LogBatch) -> None:
    """Whatever it holds, and whoever wrote the line before."""
    read = [json.loads(line) for line in as_json(batch).split(b"\n")[:-1]]

    assert [msgspec.to_builtins(line) for line in batch] == read
