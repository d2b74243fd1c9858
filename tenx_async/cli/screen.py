"""A block of lines at the end of a terminal that is drawn again and again."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field

from tenx_async.cli.terminal import has_colour

_MARGIN = 3
"""Columns that stay free, so that an echoed `^C` does not begin another line."""
_FALLBACK = os.terminal_size((80, 24))


@define
class Screen:
    """Draws a block over the one before, in one write, and only where something is different."""

    _lines: Sequence[str] = field(default=(), init=False)
    """What was drawn last, with its colours."""
    _columns: int = field(default=0, init=False)

    def draw(self, content: Any) -> None:
        """Draw what rich can show; not while the terminal takes nothing."""
        size = terminal_size()
        lines = lines_of(content, size.columns - _MARGIN)[: max(1, size.lines - 1)]
        if (lines, size.columns) == (self._lines, self._columns) or not _takes_more():
            return
        block = "\n".join(f"{line}\x1b[K" for line in lines)
        _write(f"\x1b[?25l{self._back(size.columns)}{block}\x1b[J\x1b[?25h")
        self._lines, self._columns = lines, size.columns

    def clear(self) -> None:
        """Take the block away."""
        if self._lines:
            _write(f"{self._back(terminal_size().columns)}\x1b[J")
            self._lines = ()

    def _back(self, columns: int) -> str:
        """Go to where the block begins; a terminal that became narrower has wrapped its lines."""
        up = rows_of(self._lines, columns) - 1
        return f"\r\x1b[{up}A" if up > 0 else "\r"


def terminal_size() -> os.terminal_size:
    """Tell how large the terminal is now."""
    with suppress(OSError):
        size = os.get_terminal_size(sys.stderr.fileno())
        if size.columns and size.lines:
            return size
    return _FALLBACK


def lines_of(content: Any, width: int) -> Sequence[str]:
    """Lay out what rich can show as lines of at most so many columns, with colours if wanted."""
    from rich.console import Console  # noqa: PLC0415  # who is piped needs none of it

    console = Console(
        file=io.StringIO(),
        width=max(1, width),
        force_terminal=has_colour(sys.stderr),
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(content, end="", no_wrap=True, overflow="ellipsis", crop=True)
    return [line.rstrip() for line in capture.get().splitlines()]


def rows_of(lines: Sequence[str], columns: int) -> int:
    """Tell how many rows lines take on a terminal of so many columns."""
    from rich.text import Text  # noqa: PLC0415  # the same

    widths = (Text.from_ansi(line).cell_len for line in lines)
    return sum(max(1, -(-width // max(1, columns))) for width in widths)


def _takes_more() -> bool:
    """Whether the terminal is not held by Ctrl-S."""
    _, writable, _ = select.select([], [sys.stderr], [], 0)
    return bool(writable)


def _write(text: str) -> None:
    with suppress(OSError):  # a terminal that is gone shows nothing
        sys.stderr.write(text)
        sys.stderr.flush()
