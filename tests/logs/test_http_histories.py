"""The same random histories over real HTTP: a local cloud plays them by its switches."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import pytest
from attrs import define, field

from tenx_async import Client, LocalCloud, LogEntry
from tenx_async.local import Quirks
from tenx_async.logs.order import PageRequest
from tests.clock import ManualClock
from tests.conftest import client_of
from tests.logs.corpus import BROKE, HARD, Worst
from tests.logs.draws import Draw
from tests.logs.histories import History, Outcome, play
from tests.logs.model import DAY

NAME = "web"


@define
class CloudLog:
    """The log of a service of a local cloud, as a history treats it, and a client reads it.

    Histories are played in a thread of their own, which waits while the loop carries out a call.
    """

    cloud: LocalCloud
    client: Client
    loop: asyncio.AbstractEventLoop
    ever: Counter[LogEntry] = field(factory=Counter)
    lacking: int = 0
    _swaps: bool = False

    @property
    def entries(self) -> Sequence[LogEntry]:
        """The log, oldest first."""
        return [LogEntry(line.instance_name, line.log) for line in self.cloud.log(NAME)]

    @property
    def swaps(self) -> bool:
        """Whether two replicas answer in turn."""
        return self._swaps

    @swaps.setter
    def swaps(self, on: bool) -> None:
        self._swaps = on
        self.cloud.quirks = self.cloud.quirks.changed({"swap_ties": on})

    def append(self, *entries: LogEntry) -> None:
        """Write lines."""
        for instance, lines in groupby(entries, lambda entry: entry.instance_name):
            self.cloud.append(NAME, *(line.log for line in lines), instance=instance)
        self.ever.update(entries)

    def insert(self, back: int, *entries: LogEntry) -> None:
        """Insert lines so far before the end."""
        if not self.entries:
            return self.append(*entries)
        place = max(0, len(self.entries) - back)
        for position, entry in enumerate(entries, place):
            self.cloud.insert(NAME, entry.log, position=position, instance=entry.instance_name)
        self.ever.update(entries)
        return None

    def twin(self, back: int) -> None:
        """Write a line a second time, behind the first."""
        if log := self.entries:
            self.insert(back, log[max(0, len(log) - 1 - back)])

    def lack(self, replies: int) -> None:
        """Let replies lack a shard."""
        if self.entries:
            self.cloud.lose_shard(NAME, replies)
            self.lacking = replies

    def remove(self, back: int, count: int) -> None:
        """Take lines away."""
        index = max(0, len(self.entries) - back)
        self.cloud.wipe(NAME, lines=slice(index, index + count))

    def wipe(self) -> None:
        """Take all lines away."""
        self.cloud.wipe(NAME)

    def page(self, request: PageRequest) -> Sequence[LogEntry]:
        """Ask for a page, over HTTP."""
        self.lacking = max(0, self.lacking - 1)
        call = self.client.logs.page(NAME, date=DAY, from_=request.from_, size=request.size)
        return asyncio.run_coroutine_threadsafe(call, self.loop).result()


async def play_over_http(history: History) -> Outcome:
    """Play a history on a local cloud."""
    clock = ManualClock()
    quirks = Quirks().changed({"log_order": history.order.value, "size_cap": history.cap or 0})
    async with (
        LocalCloud(clock=clock.now, quirks=quirks) as cloud,
        client_of(cloud, clock=clock) as client,
    ):
        cloud.add_service(NAME)
        log = CloudLog(cloud, client, asyncio.get_running_loop())
        return await asyncio.to_thread(play, history, log)


@pytest.mark.parametrize("first", range(500_000, 500_040, 10))
async def test_random_histories_are_exact_over_http(first: int) -> None:
    """What the model does to a reader, a real server does as well, and nothing is lost."""
    drawn = {seed: Draw(seed).history() for seed in range(first, first + 10)}
    outcomes = {seed: await play_over_http(history) for seed, history in drawn.items()}

    assert not {seed: one for seed, one in outcomes.items() if one.is_wrong}


async def test_what_is_taken_away_hides_nothing_in_silence_over_http() -> None:
    """Where content cannot tell what there was, the ledger says so."""
    drawn = {seed: Draw(seed, erasing=True).history() for seed in range(500_000, 500_010)}
    outcomes = {seed: await play_over_http(history) for seed, history in drawn.items()}

    assert not {seed: one for seed, one in outcomes.items() if one.is_wrong}


@pytest.mark.parametrize("worst", [*BROKE[:3], *HARD[6:10]], ids=lambda worst: worst.why)
async def test_the_worst_histories_come_out_right_over_http(worst: Worst) -> None:
    """Those that are written out, rather than drawn."""
    outcome = await play_over_http(worst.history)

    assert not outcome.is_wrong, outcome
