"""Whether pages come as long as each other: then a server may give no longer ones any more."""

from __future__ import annotations

from attrs import define

_HARDLY_CHANCE = 3


@define
class Lengths:
    """How many entries were read by the polls of a day that brought lines."""

    last: int = 0
    alike: int = 0
    """How many polls in a row found no more behind, and read as many as the one before."""

    def note(self, count: int, *, more: bool) -> None:
        """Note how many entries a poll read that brought lines."""
        self.alike = 0 if more or count != self.last else self.alike + 1
        self.last = count

    def is_worth_a_look(self, count: int, new: int) -> bool:
        """Tell whether to look behind a page that is as long as the last ones, and mostly new.

        A log may grow by as much each time: then it is looked at ever more rarely.
        """
        is_long = 2 * new > count == self.last
        return is_long and self.alike >= _HARDLY_CHANCE and not self.alike & (self.alike + 1)
