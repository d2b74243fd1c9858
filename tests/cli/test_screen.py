from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import pytest
from rich.text import Text

from tenx_async.cli import screen
from tenx_async.cli.display import block, clock, counts
from tenx_async.cli.screen import Screen, lines_of, rows_of
from tenx_async.fleet.standing import Standing

STANDING = Standing(
    total=300,
    waiting=171,
    under_way=29,
    away=30,
    wave=3,
    waves=4,
    results={"applied": 90, "unchanged": 2, "failed": 4, "conflict": 1, "unknown": 2, "skipped": 1},
)


@pytest.fixture
def size(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Columns and lines of a terminal that takes everything."""
    size = [80, 24]
    monkeypatch.setattr(screen, "terminal_size", lambda: os.terminal_size(size))
    monkeypatch.setattr(screen, "_takes_more", lambda: True)
    return size


def _drawn(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def _shown(last: Sequence[str] = (), width: int = 77) -> Sequence[str]:
    return lines_of(block("restart", STANDING, last, 65), width)


def test_a_block_is_drawn_over_the_one_before(
    size: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """In one write, without taking the old one away first: so nothing flickers."""
    shown = Screen()
    shown.draw(Text("one\ntwo"))
    assert "\x1b[?25l\rone\x1b[K\ntwo\x1b[K\x1b[J\x1b[?25h" == _drawn(capsys)

    shown.draw(Text("one\n2"))
    assert "\x1b[?25l\r\x1b[1Aone\x1b[K\n2\x1b[K\x1b[J\x1b[?25h" == _drawn(capsys)

    shown.draw(Text("one\n2"))
    assert "" == _drawn(capsys)

    shown.clear()
    assert "\r\x1b[1A\x1b[J" == _drawn(capsys)


def test_a_narrower_terminal_has_wrapped_what_was_drawn(
    size: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The block goes back to where it began."""
    shown = Screen()
    shown.draw(Text(f"{'x' * 70}\nshort"))
    _drawn(capsys)

    size[0] = 30
    shown.draw(Text("short"))

    assert "\x1b[?25l\r\x1b[3Ashort\x1b[K\x1b[J\x1b[?25h" == _drawn(capsys)


def test_a_low_terminal_shows_the_beginning(
    size: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """More lines than there are rows could not be drawn over."""
    size[1] = 3
    Screen().draw(Text("one\ntwo\nthree\nfour"))

    assert "three" not in _drawn(capsys)


@pytest.mark.parametrize("width", [20, 40, 77, 200])
def test_a_run_fits_any_width(width: int) -> None:
    """A line that is too long is cut, so that it stays one row."""
    lines = _shown([f"web-1: failed: {'so long ' * 40}"], width)

    assert len(lines) == 3
    assert 3 == rows_of(lines, width)


def test_a_run_is_shown_in_80_columns() -> None:
    """Wave, progress and time, and who is where."""
    head, numbers = _shown()

    assert head.startswith("restart wave 3 of 4 ")
    assert head.endswith(" 100/300 1:05")
    assert numbers == (
        "92 done · 5 failed · 2 unknown · 1 left out · 29 under way · 30 away · 171 w…"
    )
    assert counts(STANDING).endswith("171 waiting")


def test_wide_characters_take_two_columns() -> None:
    """As on the terminal."""
    assert 2 == rows_of(["上海" * 5], 10)
    assert 1 == rows_of(["\x1b[1m12345\x1b[0m"], 5)
    assert 2 == rows_of(["", ""], 5)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0:00"), (65, "1:05"), (3599, "59:59"), (36_061, "10:01:01")]
)
def test_a_duration_is_read_as_a_clock(seconds: float, text: str) -> None:
    """Minutes and seconds, and hours where there are any."""
    assert text == clock(seconds)


def test_without_a_terminal_80_columns_are_assumed() -> None:
    """And with one that does not know its size."""
    assert not sys.stderr.isatty()
    assert (80, 24) == screen.terminal_size()
