"""Which lines are known to be of the service that is followed, and not of one made anew since.

Pages do not tell whose they are; only a listing that was asked for later does.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from attrs import define, field

from tenx_async.logs.cursor import DayState
from tenx_async.logs.digests import Digests, Kept
from tenx_async.logs.findings import Finding, Reset, Shift


@define
class Proof:
    """What is known of where a log's lines came from."""

    limit: int
    """How many digests are kept."""
    unproven: Digests | None = field(factory=Digests, init=False, repr=False)
    """Digests of what was delivered of a log that may be another service's by now.

    So is any log at first, and again from a change on that is more than insertions; until the
    service is confirmed to be the same: `None`.
    """
    is_fresh: bool = field(default=True, init=False)
    """Whether all that is remembered came since the service was last confirmed to be the same."""
    left_at: int = field(default=0, init=False)
    """How many lines had come before the log was begun anew, of this one or of an earlier one."""
    presumed: int = field(default=0, init=False)
    """How many lines are taken for those of a new log only since they came when it may have."""

    is_changed: bool = field(default=False, init=False)
    """Whether what is unproven came since a change that was more than insertions."""

    @property
    def unconfirmed(self) -> int:
        """How many lines came since the service was last known to be the same."""
        return 0 if self.unproven is None else len(self.unproven)

    @property
    def unshown(self) -> int:
        """How many lines are unproven though nothing had changed: they may be an earlier log's."""
        return 0 if self.is_changed else self.unconfirmed

    @property
    def is_cut(self) -> bool:
        """Whether more was delivered than digests are kept."""
        return self.unconfirmed >= self.limit

    def note(self, digests: array[int], added: Sequence[int], found: Iterable[Finding]) -> None:
        """Note what a poll delivered, by indices in what it read, and what it found changed."""
        if any(not isinstance(one, Shift) for one in found):
            self.unproven, self.is_changed = Digests(), True
        self.is_fresh = self.is_fresh or any(isinstance(one, Reset) for one in found)
        if self.unproven is None:
            return
        if isinstance(added, range):
            self.unproven.made.extend(digests[added.start : added.stop])
        else:
            self.unproven.made.extend([digests[index] for index in added])
        del self.unproven.made[: -self.limit]

    def put(self, page: Kept) -> None:
        """Note a page of new lines, while more is waiting behind it."""
        if self.unproven is not None:
            self.unproven.keep(page)
            self.unproven.drop_waiting(self.limit)

    def read_again(self) -> None:
        """Forget what is delivered, or known, once more."""
        if self.unproven is not None:
            self.unproven = Digests()

    def confirm(self, unproven: Digests) -> bool:
        """Note that it was the same service when this was unproven; tell if it still is."""
        if self.unproven is not unproven:
            return False
        self.unproven, self.is_fresh, self.is_changed = None, False, False
        return True

    def apart(self, remembered: array[int]) -> bytes:
        """What is unproven, unless it is what is remembered last."""
        if self.unproven is None:
            return b""
        made = self.unproven.made
        last = remembered[max(0, len(remembered) - len(made)) :]
        return b"" if made == last else made.tobytes()

    def take_up(self, remembered: array[int], state: DayState) -> None:
        """Go on with what was known when a following ended; most likely of the same service."""
        last = remembered[max(0, len(remembered) - state.unproven) :]
        self.unproven, self.is_changed = Digests(), state.is_changed
        self.unproven.replace_from(0, array("Q", state.apart) if state.apart else last)
        self.is_fresh = state.unproven >= len(remembered) > 0
        self.left_at, self.presumed = state.left_at, state.presumed
