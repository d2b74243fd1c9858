"""`tenx demo`."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from attrs import define, field

from tenx_async.cli.account import Account, Written, read_tallies
from tenx_async.cli.ending import Status, run
from tenx_async.cli.logs import text_lines
from tenx_async.cli.render import Lines
from tenx_async.cli.shop import NEWCOMER, SHOP
from tenx_async.cli.status import Following
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import Output, emit, say
from tenx_async.logs.source import SourceState, SourceStatus

if TYPE_CHECKING:
    from tenx_async.client import Client
    from tenx_async.local import LocalCloud
    from tenx_async.logs.follow import Follower

RESTARTED = ("web", "api")
DRAIN_SECONDS = 20.0


def _playable(seconds: float) -> float:
    if math.isnan(seconds):  # which no bound holds back
        raise typer.BadParameter("that is no number of seconds")
    return seconds


def demo(
    seconds: Annotated[
        float,
        typer.Option(callback=_playable, min=1, max=86_400, help="How long the services run."),
    ] = 20,
) -> None:
    """Follow services that run here, restart some meanwhile, and check that no line is missing."""
    run(_demo(seconds))


async def _demo(seconds: float) -> Status:
    from tenx_async.local import LocalCloud  # noqa: PLC0415  # brings a web framework along

    with TemporaryDirectory(prefix="tenx-demo-") as directory:
        async with LocalCloud(runtime="process") as cloud:
            return await Play(cloud, Path(directory), seconds).perform()


@define
class Play:
    """A shop on a local cloud, followed from its opening to its end."""

    cloud: LocalCloud
    tallies: Path
    seconds: float
    show: Lines = field(factory=text_lines)
    output: Output = field(factory=Output)
    delivered: Written = field(factory=Counter, init=False)
    _began: float = field(factory=time.monotonic, init=False)

    async def perform(self) -> Status:
        """Play all of it; tell whether the account is exact."""
        status = Following(live=True)
        target = Target(
            endpoint=self.cloud.endpoint,
            username=self.cloud.username,
            region=self.cloud.regions[0],
        )
        async with target.pool(status) as pool:
            client = pool.client(token=self.cloud.token)
            for sample in SHOP:
                await client.services.create(sample.name, sample.spec(self.tallies))
            follower = client.follow(tail=None, interval=(0.2, 1.0), discover_every=1.0)
            async with follower as lines, asyncio.TaskGroup() as tasks:
                status.begin()
                reading = tasks.create_task(self._read(lines))
                await self._act(client)
                await self._drain(lines)
                reading.cancel()
        return self._close(lines)

    async def _read(self, lines: Follower) -> None:
        async for batch in lines.batches():
            self.delivered.update((line.service, line.log) for line in batch)
            await self.output.write(self.show(batch))

    async def _act(self, client: Client) -> None:
        """Create one service, restart others one after the other, and stop all at the end."""
        await self._reach(0.25)
        say(f"creating {NEWCOMER.name}")
        await client.services.create(NEWCOMER.name, NEWCOMER.spec(self.tallies))
        await self._reach(0.45)
        for name in RESTARTED:
            say(f"restarting {name}")
            await client.services.restart(name)
            await client.services.wait(name)
            say(f"{name} is running again")
        await self._reach(1.0)
        say("stopping all services")
        names = [service.name for service in await client.services.list()]
        for name in names:
            await client.services.stop(name)
        await asyncio.gather(*(client.services.wait(name, "Stopped") for name in names))

    async def _reach(self, part: float) -> None:
        await asyncio.sleep(self._began + part * self.seconds - time.monotonic())

    async def _drain(self, lines: Follower) -> None:
        """Wait until every log has been asked for once more after its end, and all is shown."""
        with suppress(TimeoutError):  # the account will show what is missing
            async with asyncio.timeout(DRAIN_SECONDS):
                for _ in range(2):  # the first answer may be to a question from before the end
                    await _read_anew(lines)
                await _until(lambda: self.delivered.total() >= lines.ledger.delivered)

    def _close(self, lines: Follower) -> Status:
        account = Account.compare(read_tallies(self.tallies), self.delivered)
        calls, polls = self.cloud.requests, lines.ledger.calls
        emit(
            f"\nservices  {len(SHOP) + 1:>8}   {NEWCOMER.name} was created meanwhile\n"
            f"restarts  {len(RESTARTED):>8}   {', '.join(RESTARTED)}, one after the other\n"
            f"calls     {calls:>8,}   {polls:,} of them to follow\n"
            f"seconds   {time.monotonic() - self._began:>8.1f}\n"
            f"lines, checked against what the processes really wrote:\n{account.shown()}"
        )
        return Status.WELL if account.is_exact else Status.FAILED


def _was_read(source: SourceStatus, moment: dt.datetime) -> bool:
    last = source.last_success
    return source.state is SourceState.LIVE and last is not None and last > moment


async def _read_anew(lines: Follower) -> None:
    now = dt.datetime.now(dt.UTC)
    await _until(lambda: all(_was_read(source, now) for source in lines.sources))


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # a follower tells of lines, not of their absence
        await asyncio.sleep(0.05)
