"""Random histories of a fleet over several followings: nothing is lost or repeated in silence."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from tenx_async.errors import ServerError
from tenx_async.logs.follow import Follower
from tenx_async.logs.order import Habits, Order
from tenx_async.sinks.sqlite_cursors import SqliteCursors
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud, Line
from tests.logs.test_cursors import Sink, follow_for
from tests.logs.test_follow import follower, quiet

DOWN = ServerError("down", status=500)


@define
class Fleet:
    """Services that come, write, and cannot be read for a while."""

    fake: FakeCloud
    clock: ManualClock
    chance: random.Random
    _count: int = 0

    def happen(self) -> None:
        """Have something happen."""
        names = list(self.fake.uids)
        what = self.chance.random()
        if what < 0.15 or not names:
            self.come(self.chance.random() < 0.5)
        elif what < 0.55:
            self.write(self.chance.choice(names))
        elif what < 0.7:
            self.fake.failing[self.chance.choice(names)] = DOWN
        elif what < 0.85:
            self.fake.failing.pop(self.chance.choice(names), None)
        else:
            self.fake.listing_fails = DOWN if self.chance.random() < 0.5 else None

    def come(self, can_be_read: bool) -> None:
        """Have a service come to be, and write."""
        name = f"s{len(self.fake.uids)}"
        self.fake.add(name)
        self.write(name)
        if not can_be_read:
            self.fake.failing[name] = DOWN

    def write(self, name: str) -> None:
        """Write some lines, no two of them alike."""
        first = self._count
        self._count += self.chance.choice([1, 3, 30])
        self.fake.write(name, *(f"line {number}" for number in range(first, self._count)))

    def pass_time(self) -> None:
        """Have things happen while nobody follows, for days at times."""
        for _ in range(self.chance.randrange(4)):
            self.happen()
        self.clock.advance(self.chance.choice([0, 0, 3_600, 86_400, 2 * 86_400]))

    def recover(self) -> None:
        """Let all be read."""
        self.fake.failing.clear()
        self.fake.listing_fails = None


@define
class History:
    """Followings of a fleet, each of which goes on where the last one was committed."""

    fleet: Fleet
    tail: int | None
    file: Path | None
    """Where cursors are kept; none: in memory."""
    order: Order | None
    sink: Sink = field(factory=Sink)
    gaps: set[str] = field(factory=set)
    """Sources of which lines were told to be missing."""

    async def follow_for_a_while(self) -> None:
        """Follow for some batches, while things happen; or not at all, if nothing can be listed."""
        happening = asyncio.ensure_future(self._happen())
        with suppress(ServerError), self._follower() as lines:
            await follow_for(lines, self.sink, self.fleet.chance.randrange(12))
        happening.cancel()
        await asyncio.wait([happening])

    async def follow_to_the_end(self) -> None:
        """Read all that there is."""
        self.fleet.recover()
        with self._follower(follow=False) as lines:
            async with lines:
                async for batch in lines.batches():
                    await self.sink.write(batch)

    @contextmanager
    def _follower(self, **options: Any) -> Iterator[Follower]:
        with ExitStack() as stack:
            if self.file is not None:
                self.sink.cursors = stack.enter_context(SqliteCursors(self.file))
            self.sink.open()
            lines, _ = follower(
                self.fleet.fake,
                tail=self.tail,
                cursors=self.sink.cursors,
                commit="manual",
                habits=Habits(self.fleet.chance.choice([20, 40]), self.order),
                discover_every=self.fleet.chance.choice([0.5, 10.0]),
                **options,
            )
            yield lines
            self.gaps |= {account.source for account in lines.ledger if account.gaps}

    async def _happen(self) -> None:
        for _ in range(self.fleet.chance.randrange(4)):
            await quiet(self.fleet.chance.randrange(50, 400))
            self.fleet.happen()


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.usefixtures("no_threads")
async def test_no_line_is_lost_or_repeated_in_silence(
    clock: ManualClock, tmp_path: Path, seed: int
) -> None:
    """Where few of the first lines are wanted, others may be left out of those, or are told."""
    chance = random.Random(seed)
    fake = FakeCloud(clock, order=chance.choice(list(Order)))
    fleet = Fleet(fake, clock, chance)
    for _ in range(chance.randrange(3)):
        fleet.come(chance.random() < 0.6)
    history = History(
        fleet,
        tail=chance.choice([None, None, 0, 1, 5]),
        file=tmp_path / "cursors" if chance.random() < 0.5 else None,
        order=chance.choice([fake.order, None]),
    )
    at_first = Counter(fake.written)
    for _ in range(chance.randrange(2, 7)):
        await history.follow_for_a_while()
        fleet.pass_time()
    await history.follow_to_the_end()

    found = Counter(history.sink.lines)
    assert not found - fake.written
    assert not left_out(fake.written - found, history, at_first)


def left_out(missing: Counter[Line], history: History, at_first: Counter[Line]) -> set[Line]:
    """The lines that are missing though they are wanted, and that nobody told of."""
    if history.tail is None:
        return {*missing}
    return {line for line in missing if line not in at_first and line[0] not in history.gaps}
