"""A service that is made anew, or renamed within, while a real server's log of it is followed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import pytest
from attrs import define, field

from tenx_async import Client, LocalCloud
from tenx_async.logs.findings import Reset
from tenx_async.logs.follow import Follower
from tests.conftest import client_of

PATIENCE = 10.0
"""Seconds after which what has not happened will not."""

Entry = tuple[str, str]
"""An instance's name and a text."""


@define
class Reading:
    """A follower of `web` that is running, and what it has delivered."""

    cloud: LocalCloud
    client: Client
    lines: Follower
    seen: list[Entry] = field(factory=list)
    earlier: list[Entry] = field(factory=list)
    """What was in logs that are no more."""

    async def read(self) -> None:
        async for line in self.lines:
            self.seen.append((line.instance_name, line.log))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110  # other tasks bring it about
                await asyncio.sleep(0.005)

    async def settled(self) -> None:
        """All is there, and services were looked for twice since."""
        wanted = len(self.written)
        await self.until(lambda: len(self.seen) >= wanted)
        listings = self.lines.ledger.listings
        await self.until(lambda: self.lines.ledger.listings >= listings + 2)

    @property
    def written(self) -> list[Entry]:
        """What the cloud's own account says, of this service and of those before it."""
        return self.earlier + [(line.instance_name, line.log) for line in self.cloud.log("web")]

    @property
    def resets(self) -> list[Reset]:
        return [reset for day in self.lines.ledger for reset in day.resets]

    def write(self, texts: Iterable[str], instance: str | None = None) -> None:
        self.cloud.append("web", *texts, instance=instance)

    def remake(self, texts: Sequence[str], instance: str | None = None) -> None:
        """Delete the service and make it again, before anybody can look."""
        self.earlier = self.written
        self.cloud.remove_service("web")
        self.cloud.add_service("web")
        self.write(texts, instance)


@pytest.fixture
async def reading(cloud: LocalCloud) -> AsyncIterator[Reading]:
    """A following of the whole day of `web`, which has written three lines."""
    cloud.add_service("web")
    async with client_of(cloud) as client, following(cloud, client) as reading:
        yield reading


@asynccontextmanager
async def following(cloud: LocalCloud, client: Client) -> AsyncIterator[Reading]:
    follower = client.follow("web", tail=None, interval=(0.01, 0.05), discover_every=0.1)
    async with follower as lines, asyncio.TaskGroup() as tasks:
        reading = Reading(cloud, client, lines)
        reader = tasks.create_task(reading.read())
        yield reading
        reader.cancel()


TEXTS = {
    "new": ["x", "y", "z", "x"],
    "as the old": ["a", "b", "b"],
    "as the old, and more": ["a", "b", "b", "c", "a"],
    "fewer": ["b"],
    "many": [f"line {number // 3}" for number in range(2500)],
}


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS.keys())
async def test_a_service_made_anew_is_followed_from_its_new_beginning(
    reading: Reading, texts: list[str]
) -> None:
    """Each line of the old and the new log comes once, equal or not; the reset is on record."""
    reading.write(["a", "b", "b"])
    await reading.settled()

    reading.remake(texts)
    await reading.settled()
    reading.write(["later", "a"])
    await reading.settled()

    assert Counter(reading.written) == Counter(reading.seen)
    assert [Reset(3)] == reading.resets
    assert 0 == reading.lines.ledger.gaps


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS.keys())
async def test_nothing_is_lost_where_instances_are_called_as_before(
    reading: Reading, texts: list[str]
) -> None:
    """Lines of the new log that look like what was read come nevertheless."""
    reading.write(["a", "b", "b"], "web-1")
    await reading.settled()

    reading.remake(texts, "web-1")
    await reading.settled()

    assert not Counter(reading.written) - Counter(reading.seen)
    assert reading.resets


async def test_a_service_made_anew_again_and_again_is_followed_each_time(
    reading: Reading,
) -> None:
    """Each of its logs is read to its end as it is made."""
    for number in range(4):
        reading.remake([f"made {number}", "same", "same"])
        await reading.settled()

    assert Counter(reading.written) == Counter(reading.seen)
    assert 3 == len(reading.resets)


async def test_a_restart_names_its_instances_anew_and_changes_nothing_else(
    reading: Reading,
) -> None:
    """The log goes on: there is no reset, and equal lines of another instance are lines, too."""
    for _ in range(3):
        reading.write(["a", "b", "b"])
        await reading.client.services.restart("web")
        reading.write(["a", "b", "b"])
    await reading.settled()

    assert Counter(reading.written) == Counter(reading.seen)
    assert 4 == len({instance for instance, _ in reading.seen})
    assert [] == reading.resets
    assert 0 == reading.lines.ledger.gaps
