"""What a server turned out to have done with a log besides appending to it, with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from attrs import frozen


@frozen
class Shift:
    """Entries were inserted behind the position, and found."""

    position: int
    """Where the first of them stands."""
    depth: int
    """How far behind the position it was inserted."""
    lines: int

    is_resolved: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"{_lines(self.lines)} inserted at {self.position:,}, {self.depth:,} back; delivered"


@frozen
class Removal:
    """Entries that had been read are gone; a second read confirmed it."""

    position: int
    lines: int

    is_resolved: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"{_lines(self.lines)} that had been read gone from {self.position:,} on"


@frozen
class Reset:
    """Nothing of what had been read is left: the log began again."""

    position: int
    """Where it had been read to."""

    is_resolved: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"the log began again, after {self.position:,} lines"


@frozen
class Absence:
    """The server had no log of the day for a while, though lines of it had been read.

    They are kept in mind: it is read on from there if it comes back as it was.
    """

    position: int
    """Where it had been read to."""

    is_resolved: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"the log is not there any more, or not for now, after {_lines(self.position)}"


@frozen
class Gap:
    """Something changed farther back than is remembered; these lines were not read."""

    position: int
    lines: int | None
    """How many, if that can be told."""

    is_resolved: ClassVar[bool] = False

    def __str__(self) -> str:
        count = "an unknown number of lines" if self.lines is None else _lines(self.lines)
        return f"{count} not read before {self.position:,}"


@frozen
class Doubt:
    """The last lines recur so much that an insertion behind them would not show."""

    position: int
    lines: int
    """How many were looked at."""

    is_resolved: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"the last {_lines(self.lines)} before {self.position:,} are too alike to be sure"


@frozen
class Alike:
    """The service was made anew, and lines of its log are as some of which it is not known whose.

    They came since the service was last known to be the same, and may have been the new one's
    already; so they were not delivered again. If they were of the one before, they are missing.
    """

    position: int
    """Up to where the new log was compared."""
    lines: int

    is_resolved: ClassVar[bool] = False

    def __str__(self) -> str:
        return (
            f"{_lines(self.lines)} of the new log before {self.position:,} as in the one before: "
            "taken for delivered"
        )


@frozen
class Guess:
    """Nothing showed how the server orders its pages: the lines may have come in another order.

    Where only the last lines were wanted they may be the first ones. A log that grows shows it.
    """

    position: int
    order: str
    """What was assumed."""

    is_resolved: ClassVar[bool] = False

    def __str__(self) -> str:
        return (
            f"nothing shows in what order the server gives the {_lines(self.position)}; "
            f"{self.order} was assumed, so give the order if you know it"
        )


@frozen
class Reordered:
    """Entries stand in another order than before: one that went may hide one equal to it that came.

    A server does so whose replicas order equal times differently; it is told once a day.
    """

    position: int

    is_resolved: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"lines from {self.position:,} on changed places; equal ones may hide a change"


@frozen
class OutOfReach:
    """The server's log window ends here: what lies past it cannot be read from the service's log.

    The way around is the log of each instance, where the server has that.
    """

    position: int
    around: Sequence[str] = ()
    """The instances in whose own logs it is read on; none: nothing past the window is read."""
    without: Sequence[str] = ()
    """Instances that wrote here and have no log of their own: what they wrote later is lost."""

    @property
    def is_resolved(self) -> bool:
        """Whether all is read on."""
        return bool(self.around) and not self.without

    def __str__(self) -> str:
        past = f"the server gives no lines past {self.position:,}"
        if self.is_resolved:
            return f"{past}; reading on in the logs of {_count(len(self.around), 'instance')}"
        lost = f"of {', '.join(self.without)} " if self.around else ""
        return f"{past}, and no instance's own log there: later lines {lost}are not read"


Finding = Shift | Removal | Reset | Absence | Gap | Doubt | Alike | Guess | Reordered | OutOfReach


def _lines(count: int) -> str:
    return _count(count, "line")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
