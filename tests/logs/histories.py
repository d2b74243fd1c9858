"""Histories of a log: what a server did to its readers, as plain data, and what came of it.

A history can be written down, drawn from a seed, and played on any server that is a `Log`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from attrs import define, field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.findings import Doubt, Guess, Removal, Shift
from tenx_async.logs.order import Order
from tests.logs.model import ModelLog, PagedLog, Reader


class Log(Protocol):
    """A server's log, as a history treats it; `back` counts from the newest line."""

    swaps: bool

    def append(self, *entries: LogEntry) -> None: ...
    def insert(self, back: int, *entries: LogEntry) -> None: ...
    def twin(self, back: int) -> None: ...
    def lack(self, replies: int) -> None: ...
    def remove(self, back: int, count: int) -> None: ...
    def wipe(self) -> None: ...


class Step(Protocol):
    """Something that the server does."""

    def play(self, log: Log) -> None: ...


@frozen
class Append:
    """Lines are written, and can be read."""

    lines: Sequence[LogEntry]

    def play(self, log: Log) -> None:
        log.append(*self.lines)


@frozen
class Insert:
    """Lines arrive late, so far before the end."""

    back: int
    lines: Sequence[LogEntry]

    def play(self, log: Log) -> None:
        log.insert(self.back, *self.lines)


@frozen
class Twin:
    """The shipper writes a line a second time, behind the first."""

    back: int

    def play(self, log: Log) -> None:
        log.twin(self.back)


@frozen
class Lack:
    """The next replies lack the lines of a shard."""

    replies: int = 1

    def play(self, log: Log) -> None:
        log.lack(self.replies)


@frozen
class Swap:
    """From now on two replicas answer, or one again."""

    on: bool = True

    def play(self, log: Log) -> None:
        log.swaps = self.on


@frozen
class Remove:
    """Lines are taken away for good."""

    back: int
    count: int

    def play(self, log: Log) -> None:
        log.remove(self.back, self.count)


@frozen
class Wipe:
    """The day's log is emptied."""

    def play(self, log: Log) -> None:
        log.wipe()


@frozen
class Poll:
    """The reader polls; the call after so many fails, and meanwhile things happen."""

    fail_after: int | None = None
    meanwhile: Sequence[tuple[int, Step]] = ()
    """What happens before the n-th request of the poll is answered."""


@frozen(kw_only=True)
class History:
    """What a server is like, what it does, and when it is read."""

    order: Order = Order.OLDEST_FIRST
    told: bool = True
    """Whether the reader is told the order."""
    size: int = 100
    cap: int | None = None
    tied: int = 3
    """How many lines have the same time, which replicas order each its own way."""
    in_turn: bool = True
    """Whether replicas answer in turn, and not either by chance."""
    steps: Sequence[Step | Poll] = field(repr=False)

    @property
    def takes_away(self) -> bool:
        """Whether lines are removed for good."""
        return any(isinstance(step, Remove | Wipe) for step in self.all_steps())

    def all_steps(self) -> Iterator[Step | Poll]:
        """The steps, and what happens during polls."""
        for step in self.steps:
            yield step
            if isinstance(step, Poll):
                yield from (inner for _, inner in step.meanwhile)


@define
class Outcome:
    """What a reader made of a history, and how that compares with the truth."""

    lost: Counter[LogEntry]
    """Lines that were written and did not come."""
    repeated: Counter[LogEntry]
    """Lines that came more often than they were written."""
    unread: Counter[LogEntry]
    """Lines that are in the log at the end and did not come."""
    unseen: Counter[LogEntry]
    """Lines that did not come, although the log grew by them between two polls."""
    takes_away: bool
    """Whether lines were removed for good, so that content alone may not tell what was there."""
    is_doubtful: bool
    """Whether the lines never showed their order, or a doubt was told."""
    has_ties: bool
    """Whether two replicas ordered equal times differently."""
    removals: int
    """How many lines the ledger counts as gone: each may have been repeated."""
    reported: bool
    """Whether the ledger would say that something could not be kept."""
    reader: Reader = field(repr=False)

    @property
    def is_exact(self) -> bool:
        """Whether every line came once."""
        return not self.lost and not self.repeated

    @property
    def is_wrong(self) -> bool:
        """Whether a line was lost or repeated that need not have been, or that nobody is told of.

        Whatever a server does, nothing may be repeated, and what is in the log at the end must
        have come. Where lines were taken away for good, those that equal them in text may be
        lost, as content cannot tell one from another: then the ledger must say so. It cannot
        where the log looked the same at every poll, as if nothing had happened. And where the
        lines are so alike that they show neither the log's order nor, as a doubt says, what was
        inserted before them, what is repeated must be counted. So it is where replicas order
        equal times differently.
        """
        if self.is_exact:
            return False
        if (self.is_doubtful or self.has_ties) and not self.lost:
            return self.repeated.total() > self.removals
        if not self.takes_away:
            return True
        return bool(self.repeated or self.unread or (self.unseen and not self.reported))


@define
class Witness:
    """Sees all of the log whenever the reader has read all, by its texts: none can know more."""

    last: Counter[LogEntry] = field(factory=Counter)
    known: Counter[LogEntry] = field(factory=Counter)

    def look(self, before: Counter[LogEntry], after: Counter[LogEntry]) -> None:
        """See what stood in the log all through a poll, more often than at any time of the last."""
        self.known += (before & after) - self.last
        self.last = before | after


class ReadableLog(Log, PagedLog, Protocol):
    """A log that tells the truth as well."""

    ever: Counter[LogEntry]
    lacking: int

    @property
    def entries(self) -> Sequence[LogEntry]: ...


def play(history: History, on: ReadableLog | None = None) -> Outcome:
    """Play a history on a log, by default on the model, and read it to its end."""
    log = on or ModelLog(history.order, cap=history.cap, tied=history.tied, in_turn=history.in_turn)
    reader = Reader.of(log, size=history.size, order=history.order if history.told else None)
    witness = Witness()
    for step in history.steps:
        if isinstance(step, Poll):
            _poll(step, log, reader, witness)
        else:
            step.play(log)
    log.lack(0)
    reader.catch_up()
    for _ in range(2):
        reader.audit()
        reader.catch_up()
    return _outcome(history, log, reader, witness)


def _poll(step: Poll, log: ReadableLog, reader: Reader, witness: Witness) -> None:
    def meanwhile(number: int) -> None:
        for place, inner in step.meanwhile:
            if place == number:
                inner.play(log)

    before, lacking = Counter(log.entries), log.lacking
    delivery = reader.poll(fail_after=step.fail_after, meanwhile=meanwhile)
    if delivery is not None and not delivery.more and not lacking:
        witness.look(before, Counter(log.entries))


def _outcome(history: History, log: ReadableLog, reader: Reader, witness: Witness) -> Outcome:
    witness.look(Counter(log.entries), Counter(log.entries))
    return Outcome(
        lost=log.ever - reader.delivered,
        repeated=reader.delivered - log.ever,
        unread=Counter(log.entries) - reader.delivered,
        unseen=witness.known - reader.delivered,
        takes_away=history.takes_away,
        is_doubtful=reader.day.habits.order is None
        or any(isinstance(found, Doubt) for found in reader.findings),
        has_ties=any(isinstance(step, Swap) and step.on for step in history.all_steps()),
        removals=sum(found.lines for found in reader.findings if isinstance(found, Removal)),
        reported=reader.suppressed > 0
        or any(not isinstance(f, Shift | Guess) for f in reader.findings),
        reader=reader,
    )
