"""How much was read of a day since all that is remembered of it was last read again."""

from __future__ import annotations

from attrs import define


@define
class Unlooked:
    """What came, and what polls read, since then."""

    came: int = 0
    """Entries."""
    read: int = 0
    """Entries, those that were known included."""

    def note(self, start: int, read: int, came: int) -> None:
        """Note a poll that read from an index of memory on: from 0 it read all of it again."""
        self.came, self.read = (self.came + came, self.read + read) if start else (0, 0)
