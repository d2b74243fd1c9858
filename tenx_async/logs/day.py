"""One day of one source's log: what was read of it, and what a poll brings.

A poll is a generator: it yields requests, is sent the replies, and returns what they bring. What is
known of the day changes only when a poll has ended, so one that fails on its way has no effect.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections import Counter
from collections.abc import Generator, Sequence
from typing import TypeVar

from attrs import define, field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, Difference, Memory
from tenx_async.logs.digests import Kept, digests_of
from tenx_async.logs.findings import Absence, Doubt, Finding, Removal, Reordered, Reset, Shift
from tenx_async.logs.order import Habits, Order, PageRequest
from tenx_async.logs.proof import Proof

T = TypeVar("T")
_UNMOVED = Difference()
Reading = Generator[PageRequest, Sequence[LogEntry], T]
"""Yields requests, is sent replies, returns what they come to."""


@frozen
class Stretch:
    """Entries that stand together and were not delivered before."""

    position: int
    entries: Sequence[LogEntry] = field(repr=False)
    late: bool = False


@frozen
class Delivery:
    """What a poll brought."""

    stretches: Sequence[Stretch] = ()
    more: bool = False
    """Whether more is certainly, or probably, waiting."""
    findings: Sequence[Finding] = ()
    suppressed: int = 0
    """Entries that had been gone, came back, and are not delivered again."""
    reread: int = 0
    """Entries that were known and came again."""
    window: Sequence[LogEntry] = field(default=(), repr=False)
    """All that was read, the oldest first: up to the end of the log, unless there is more."""

    @property
    def lines(self) -> int:
        """How many lines there are to deliver."""
        return sum(len(stretch.entries) for stretch in self.stretches)


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
    assumed: Order = field(default=Order.OLDEST_FIRST, init=False)
    """How pages are ordered as long as that is not certain."""
    depth: int = field(default=ANCHOR, init=False)
    """How far back insertions were found lately."""
    arrived: int = field(default=0, init=False)
    """How many entries the last poll found appended."""
    shifted: bool = field(default=False, init=False)
    """Whether the last poll found anything inserted or removed."""
    is_cut: bool = field(default=False, init=False)
    """Whether more was written than the server's log window lets anyone read from here."""
    is_absent: bool = field(default=False, init=False)
    """Whether the server had no log of this day the last time, though lines of it are known."""
    settles: bool = field(default=False, init=False)
    """Whether what the window reaches is all that is wanted, for there is no way around it."""
    unlooked: int = field(default=0, init=False)
    """How many entries were appended since all that is remembered was last read again."""
    read_unlooked: int = field(default=0, init=False)
    """How many entries polls have read since then."""
    proof: Proof = field(init=False)
    delivered: int = field(default=0, init=False)
    front: array[int] = field(factory=lambda: array("q"), init=False, repr=False)
    """The first page from 0, kept until the order is certain."""
    front_is_all: bool = field(default=True, init=False, repr=False)
    """Whether that page was the whole day."""
    undecided: int = field(default=0, init=False, repr=False)
    """Polls that could not tell the order although it mattered."""
    quiet: int = field(default=0, init=False, repr=False)
    """Polls that found the first page unchanged while the order was a guess."""
    end: int | None = field(default=None, init=False, repr=False)
    """Where the log ended when that was looked for."""
    gone: Counter[int] = field(factory=Counter, init=False, repr=False)
    """Digests of entries that were delivered and are gone: they may come back."""
    _doubted: bool = field(default=False, init=False, repr=False)
    _reordered: bool = field(default=False, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.memory = self._blank()
        self.proof = Proof(self.remember)

    def _blank(self, *, base: int = 0, whole: bool = True) -> Memory:
        """Make a memory; where polls do not see every insertion, it has to last between looks."""
        limit = 3 * self.remember if self.order.counts_back else self.remember
        return Memory(limit, base=base, whole=whole)

    @property
    def position(self) -> int:
        """Where the next new entry is expected."""
        return self.memory.end

    @property
    def order(self) -> Order:
        """How pages are ordered, as far as that is known."""
        return self.habits.order or self.assumed

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

    def adopt(self, order: Order) -> None:
        """Go on in another order than was assumed.

        Where all of the day is wanted it is read again, less what was delivered; else what is new
        is what came since the first page.
        """
        self.assumed = order
        if self.tail is None:
            self.gone.update(self.memory.digests)
            self.proof.read_again()
            self.memory, self.begun = self._blank(), False
        else:
            ascending = self.front[::-1] if order is Order.NEWEST_FIRST else self.front
            self.memory = self._blank(whole=self.front_is_all or not order.counts_back)
            self.memory.replace_from(0, ascending)

    def begin(
        self, entries: Sequence[LogEntry], *, base: int, whole: bool, known: int | None = None
    ) -> Delivery:
        """Start from the end of a day whose last entries these are, the first of them known."""
        if known is None:
            known = 0 if self.tail is None else max(0, len(entries) - self.tail)
        self.memory = self._blank(base=base, whole=whole)
        self.memory.replace_from(0, digests_of(entries[:known]))
        self.begun = True
        digests = digests_of(entries[known:])
        change = Difference(range(len(digests)), 0)
        return self.accept(known, entries[known:], digests, change)

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
        added, suppressed = self._without_returned(change.added, digests)
        moved = change.missing or change.is_reordered
        place = base + _common(self.memory.digests[start:], digests) if moved else base
        found = [*findings, *self._found(change, base, known, place)]
        self.memory.replace_from(start, digests)
        self._learn_depth(change, known)
        self.proof.note(digests, change.added, found)
        self.arrived, self.shifted = len(change.new), bool(found)
        self._note_look(start, len(window))
        self.delivered += len(added)
        return Delivery(
            _stretches(added, window, base, change.appended_from),
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
        self.arrived, self.shifted = 0, False
        self._note_look(start, read)
        return Delivery((), more, self._doubt(), reread=read, window=window)

    def append(self, start: int, page: Sequence[LogEntry]) -> Delivery:
        """Take over a page whose first entries are all from an index on, while more is waiting."""
        back, position = len(self.memory) - start, self.position
        new, kept = page[back:], Kept.of(page, back)
        self._learn_depth(_UNMOVED, back)
        self.arrived, self.shifted = len(new), False
        self._note_look(start, len(page))
        self.memory.put(new, kept)
        self.proof.put(kept)
        self.delivered += len(new)
        stretches = [Stretch(position, new)] if new else []
        return Delivery(stretches, more=True, findings=self._doubt(), reread=back, window=page)

    def restart(self, window: Sequence[LogEntry], *, more: bool) -> Delivery:
        """Begin again with a log of which nothing was known."""
        reset = Reset(self.position)
        self.memory = self._blank()
        self.gone.clear()
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

    def _without_returned(
        self, added: Sequence[int], digests: array[int]
    ) -> tuple[Sequence[int], int]:
        if not self.gone:
            return added, 0
        fresh = []
        for index in added:
            if self.gone[digests[index]] > 0:
                self.gone[digests[index]] -= 1
            else:
                fresh.append(index)
        self.gone = +self.gone
        return fresh, len(added) - len(fresh)

    def _note_look(self, start: int, read: int) -> None:
        if start == 0:
            self.unlooked = self.read_unlooked = 0
        else:
            self.unlooked += self.arrived
            self.read_unlooked += read

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


def _common(known: array[int], window: array[int]) -> int:
    """How far two stretches are the same."""
    return next((n for n, pair in enumerate(zip(known, window)) if pair[0] != pair[1]), len(window))  # noqa: B905  # the shorter ends it


def _stretches(
    added: Sequence[int], window: Sequence[LogEntry], base: int, appended_from: int
) -> list[Stretch]:
    """Group entries that stand together, those inserted apart from those appended."""
    if isinstance(added, range):
        return [Stretch(base + added.start, window[added.start : added.stop])] if added else []
    stretches: list[Stretch] = []
    start = 0
    for end in range(1, len(added) + 1):
        is_last = end == len(added)
        if is_last or added[end] != added[end - 1] + 1 or added[end] == appended_from:
            first = added[start]
            entries = window[first : added[end - 1] + 1]
            stretches.append(Stretch(base + first, entries, first < appended_from))
            start = end
    return stretches
