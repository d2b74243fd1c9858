from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tenx_async.local.child import MAX_LINE, LineSplitter


def split(*pieces: bytes) -> list[str]:
    splitter = LineSplitter()
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.end()


@given(st.lists(st.binary(max_size=9) | st.just(b"\n")))
def test_it_does_not_matter_how_the_stream_is_cut(pieces: list[bytes]) -> None:
    """Lines are the same, wherever one read ends and the next begins."""
    assert split(b"".join(pieces)) == split(*pieces)


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (b"", []),
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"\n\n", ["", ""]),
        (b"a\r\n", ["a\r"]),
        (b"\xff\xe6\x97\xa5\n", ["\ufffd日"]),
    ],
)
def test_a_line_is_what_stands_before_a_newline(stream: bytes, lines: list[str]) -> None:
    """Only the newline is taken away; a last line needs none; bad bytes are replaced."""
    assert lines == split(stream)


def test_a_character_may_come_in_two_reads() -> None:
    """Bytes are decoded when the line is complete."""
    assert ["日"] == split(b"\xe6", b"\x97\xa5", b"\n")


@pytest.mark.parametrize(
    ("length", "pieces"),
    [
        (MAX_LINE, [MAX_LINE]),
        (MAX_LINE + 1, [MAX_LINE, 1]),
        (5 * MAX_LINE // 2, [MAX_LINE] * 2 + [MAX_LINE // 2]),
    ],
)
def test_an_endless_line_is_cut(length: int, pieces: list[int]) -> None:
    """No more than a megabyte waits for its newline."""
    reads = [b"x" * 65536] * (length // 65536) + [b"x" * (length % 65536)]

    assert pieces == [len(line) for line in split(*reads)]
    assert pieces == [len(line) for line in split(*reads[:-1], reads[-1] + b"\n")]
    assert [*pieces, 1] == [len(line) for line in split(b"".join(reads) + b"\ny")]
