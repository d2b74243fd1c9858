"""One day of one source's log: what was read of it, and what a poll brings.

A poll is a generator: it yields requests, is sent the replies, and returns what they bring. What is
known of the day changes only when a poll has ended, so one that fails on its way has no effect.
"""

from __future__ import annotations

import datetime as dt
import math
from array import array
from collections import Counter
from collections.abc import Generator, Sequence
from typing import TypeVar

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, Difference, common_length, without_returned
from tenx_async.logs.clues import Clues
from tenx_async.logs.delivery import Delivery, Stretch, stretches_of
from tenx_async.logs.digests import Kept, digests_of
from tenx_async.logs.findings import Absence, Doubt, Finding, Gap, Removal, Reordered, Reset, Shift
from tenx_async.logs.lengths import Lengths
from tenx_async.logs.memory import Memory
from tenx_async.logs.order import Habits, Order, PageRequest
from tenx_async.logs.proof import Proof
from tenx_async.logs.unlooked import Unlooked

T = TypeVar("T")
_UNMOVED = Difference()
Reading = Generator[PageRequest, Sequence[LogEntry], T]
"""Yields requests, is sent replies, returns what they come to."""


@define
class Day:
    """What was read of one day of a source's log."""

    date: dt.date
    habits: Habits
    tail: int | None = None
    """How many of the lines that are there at first to deliver; `None`: all."""
    remember: int = 20_000
    instance: str = ""
    """The instance whose own log is read; empty: the service's."""
    memory: Memory = field(init=False)
    begun: bool = field(default=False, init=False)
    order: Order = field(default=Order.OLDEST_FIRST, init=False)
    """How pages are ordered, as far as that is known.

    What is found out while a poll is under way, of this day or another, holds from the next on.
    """
    depth: int = field(default=ANCHOR, init=False)
    """How far back insertions were found lately."""
    arrived: int = field(default=0, init=False)
    """How many entries the last poll found appended."""
    shifted: bool = field(default=False, init=False)
    """Whether the last poll found anything inserted or removed."""
    is_read_out: bool = field(default=False, init=False)
    """Whether nothing was waiting any more when the last poll had ended."""
    is_cut: bool = field(default=False, init=False)
    """Whether more was written than the server's log window lets anyone read from here."""
    is_absent: bool = field(default=False, init=False)
    """Whether the server had no log of this day the last time, though lines of it are known."""
    settles: bool = field(default=False, init=False)
    """Whether what the window reaches is all that is wanted, for there is no way around it."""
    lengths: Lengths = field(factory=Lengths, init=False, repr=False)
    unlooked: Unlooked = field(factory=Unlooked, init=False, repr=False)
    proof: Proof = field(init=False)
    delivered: int = field(default=0, init=False)
    clues: Clues = field(factory=Clues, init=False, repr=False)
    gone: Counter[int] = field(factory=Counter, init=False, repr=False)
    """Digests of entries that were delivered and are gone: they may come back."""
    is_certain: bool = field(default=False, init=False, repr=False)
    """Whether the order is not only assumed."""
    _doubted: bool = field(default=False, init=False, repr=False)
    _reordered: bool = field(default=False, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.memory = self.blank()
        self.proof = Proof(self.remember)

    def blank(self, *, base: int = 0, whole: bool = True) -> Memory:
        """Make a memory that holds nothing yet."""
        return Memory(self._limit, base=base, whole=whole)

    @property
    def _limit(self) -> float:
        """How many entries to remember.

        All, as long as what was read may have to be told from what is read in another order; and
        where polls do not see every insertion, until all that is remembered is read again.
        """
        may_be_anew = not self.is_certain and self.tail is None
        is_unseen = self.order.counts_back and self.unlooked.came
        return math.inf if may_be_anew or is_unseen else self.remember

    @property
    def position(self) -> int:
        """Where the next new entry is expected."""
        return self.memory.end

    def ascending(self, page: Sequence[LogEntry]) -> Sequence[LogEntry]:
        """A page's entries, the oldest first."""
        return page[::-1] if self.order is Order.NEWEST_FIRST else page

    @property
    def lookback(self) -> int:
        """How many known entries a poll reads again, at least.

        Half a page at most, so that there is room for new ones; all, where a page holds all and
        nothing less stands for its place.
        """
        anchor, reach = self.memory.anchor(), self.habits.reach
        if self.memory.whole and reach // 2 < anchor and len(self.memory) < reach:
            return len(self.memory)
        return min(max(anchor, self.depth), max(1, reach // 2), len(self.memory))

    def take_up(self, known: Sequence[LogEntry], gone: Counter[int]) -> None:
        """Begin with a log whose first entries were delivered already, as were some gone ones."""
        self.memory.replace_from(0, digests_of(known))
        self.gone, self.begun, self.tail = gone, True, None

    def adopt(self, order: Order) -> Delivery | None:
        """Go on in the order that was found out; tell what that comes to if another was assumed.

        If so, all of the day is read again where it is wanted, less what was delivered; else what
        is new is what came since the first page. Where not all that was delivered is remembered
        it is read on from the log's end.
        """
        if order is self.order:
            was_certain, self.is_certain = self.is_certain, True
            if not was_certain:
                self.note_look()
            return None
        position, self.order, self.is_certain = self.position, order, True
        self.unlooked.came = 0
        if self.tail is not None:
            if self.memory.whole:
                self.gone.update(Counter(self.memory.digests) - Counter(self.clues.front))
            ascending = self.clues.front[::-1] if order is Order.NEWEST_FIRST else self.clues.front
            self.memory = self.blank(whole=self.clues.is_all or not order.counts_back)
            self.memory.replace_from(0, ascending)
            return Delivery(more=True)
        is_known = self.memory.whole
        if is_known:
            self.gone.update(self.memory.digests)
        self.proof.read_again()
        self.memory, self.begun = self.blank(), False
        self.tail = self.tail if is_known else 0
        return Delivery(more=True, findings=[] if is_known else [Gap(position, None)])

    def begin(
        self,
        entries: Sequence[LogEntry],
        *,
        base: int,
        whole: bool,
        known: int | None = None,
        more: bool = False,
    ) -> Delivery:
        """Start from the end of a day whose last entries these are, the first of them known."""
        if known is None:
            known = 0 if self.tail is None else max(0, len(entries) - self.tail)
        self.memory = self.blank(base=base, whole=whole)
        self.memory.replace_from(0, digests_of(entries[:known]))
        self.begun = True
        digests = digests_of(entries[known:])
        change = Difference(range(len(digests)), 0)
        return self.accept(known, entries[known:], digests, change, more=more)

    def accept(
        self,
        start: int,
        window: Sequence[LogEntry],
        digests: array[int],
        change: Difference,
        *,
        more: bool = False,
        findings: Sequence[Finding] = (),
    ) -> Delivery:
        """Take over a window that begins at an index of memory, and tell what is new in it."""
        if not (change.added or change.missing or change.is_reordered or findings):
            return self._stand_still(start, window, more=more)
        base, known = self.memory.base + start, len(self.memory) - start
        added, suppressed = without_returned(change.added, digests, self.gone)
        moved = change.missing or change.is_reordered
        place = base + common_length(self.memory.digests[start:], digests) if moved else base
        found = [*findings, *self._found(change, base, known, place)]
        self._learn_depth(change, known)
        self.proof.note(digests, change.added, found)
        self.arrived, self.shifted = len(change.new), bool(found)
        self.is_read_out = not more
        if change.new:
            self.lengths.note(len(window), more=more)
        self.unlooked.note(start, len(window), len(change.added))
        self.memory.limit = self._limit
        self.memory.replace_from(start, digests)
        self.delivered += len(added)
        return Delivery(
            stretches_of(added, window, base, change.appended_from),
            more=more,
            findings=[*found, *self._doubt()],
            suppressed=suppressed,
            reread=len(window) - len(change.added),
            window=window,
        )

    def _stand_still(
        self, start: int, window: Sequence[LogEntry], *, more: bool = False
    ) -> Delivery:
        """Note that a window is what is known, to the last entry."""
        read = len(window)
        self._learn_depth(_UNMOVED, read)
        self.arrived, self.shifted, self.is_read_out = 0, False, not more
        self.unlooked.note(start, read, 0)
        return Delivery((), more, self._doubt(), reread=read, window=window)

    def append(self, start: int, page: Sequence[LogEntry]) -> Delivery:
        """Take over a page whose first entries are all from an index on, while more is waiting."""
        back, position = len(self.memory) - start, self.position
        new, kept = page[back:], Kept.of(page, back)
        self._learn_depth(_UNMOVED, back)
        self.arrived, self.shifted, self.is_read_out = len(new), False, False
        self.unlooked.note(start, len(page), len(new))
        self.memory.limit = self._limit
        self.memory.put(new, kept)
        self.proof.put(kept)
        self.delivered += len(new)
        stretches = [Stretch(position, new)] if new else []
        return Delivery(stretches, more=True, findings=self._doubt(), reread=back, window=page)

    def restart(self, window: Sequence[LogEntry], *, more: bool) -> Delivery:
        """Begin again with a log of which nothing was known: it may show the order, too."""
        reset = Reset(self.position)
        self.memory = self.blank()
        self.gone.clear()
        if self.habits.order is None:
            self.begun, self.tail = False, None
            return self.accept(0, (), array("Q"), _UNMOVED, more=True, findings=[reset])
        digests = digests_of(window)
        change = Difference(range(len(window)), 0)
        return self.accept(0, window, digests, change, more=more, findings=[reset])

    def cut(self) -> Delivery:
        """Note that what is to be read lies past what the server's log window reaches."""
        self.is_cut = True
        return Delivery()

    def miss(self) -> Delivery:
        """Note that there is no log of this day, or not for now; what is known stays known."""
        was_absent, self.is_absent = self.is_absent, True
        return Delivery(findings=[] if was_absent else [Absence(self.position)])

    def _found(self, change: Difference, base: int, known: int, gone: int) -> list[Finding]:
        found: list[Finding] = []
        if late := change.late:
            found.append(Shift(base + late[0], max(0, known - late[0]), len(late)))
        if change.missing:
            self.gone += change.missing
            found.append(Removal(gone, change.missing.total()))
        if change.is_reordered and not self._reordered:
            self._reordered = True
            found.append(Reordered(gone))
        return found

    def note_look(self) -> None:
        """Note that all that is remembered was read again."""
        self.unlooked = Unlooked()
        self.memory.limit = self._limit
        self.memory.trim()

    def look_soon(self) -> None:
        """Have all that is remembered read again by the next poll."""
        self.unlooked.read = max(self.unlooked.read, 2 * len(self.memory))

    def _learn_depth(self, change: Difference, known: int) -> None:
        late = change.late
        needed = known - late[0] + ANCHOR if late else 0
        self.depth = max(ANCHOR, needed, self.depth - self.depth // 16 - 1)

    def _doubt(self) -> list[Finding]:
        """Say so once when a shift could pass unseen from now on."""
        known = len(self.memory) - (not self.memory.whole)
        certain = self.memory.anchor() <= min(self.lookback, known)
        doubted, self._doubted = self._doubted, not certain
        if self._doubted and not doubted:
            return [Doubt(self.position, len(self.memory))]
        return []
