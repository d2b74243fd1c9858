"""Runs that are broken off anywhere, and gone on with: done stays done, the rest is done once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tenx_async import Client, LocalCloud
from tenx_async.api.outcome import Outcome
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.manifest import parse_manifest
from tenx_async.fleet.report import Report
from tenx_async.fleet.run import Run
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks
from tenx_async.testing import InstantClock
from tests.conftest import client_of

WEBS = ("web-a", "web-b", "web-c", "web-d")
TERMS: dict[str, Any] = {"stable": 2.0, "max_unavailable": 2, "max_failures": "100%"}
INSTANTS = range(30)
"""Requests after which a run is broken off."""
Begin = Callable[[Client, Path], Run]


def declared(name: str, image: str) -> dict[str, Any]:
    """A service whose memory and environment are declared."""
    limits = {"limits": {"memory": "512Mi"}}
    env = [{"name": "PASSWORD", "value": "hunter2"}]
    return {"name": name, "containers": [{"image": image, "env": env, "resources": limits}]}


FILE = json.dumps([declared(name, "web:2") for name in (*WEBS[1:], "new")])


@frozen
class Shop:
    """A cloud with some services, and the state that clients of it share."""

    cloud: LocalCloud
    folder: Path
    clock: InstantClock

    def client(self, **more: Any) -> Client:
        """Another process's client."""
        return client_of(self.cloud, clock=self.clock, state=self.folder, **more)

    async def broken_off(self, begin: Begin, requests: int) -> None:
        """Begin a run, and break it off after so many requests, and a few turns of the loop."""
        async with self.client() as client:
            task = asyncio.ensure_future(_awaited(begin(client, self.folder / "fleet.json")))
            while self.cloud.requests < requests and not task.done():  # noqa: ASYNC110  # a counter
                await asyncio.sleep(0)
            for _ in range(requests * 7 % 20):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def gone_on_with(self, begin: Begin) -> Collection[Outcome]:
        """Go on with the run, or begin it where it had not begun; tell what came of it."""
        async with self.client() as client:
            runs = client.fleet.runs
            states = [run.state for run in runs.list()]
            if states == ["finished"]:
                return runs.runs.read().over.values()
            run = runs.resume() if states else begin(client, self.folder / "fleet.json")
            return (await run).outcomes

    def executed(self, *verbs: str) -> Counter[str]:
        """How often each service was written to."""
        done = (one.service for one in self.cloud.executions if one.operation in verbs)
        return Counter(done)


async def _awaited(run: Run) -> Report:
    return await run


@asynccontextmanager
async def shop(folder: Path, faults: Sequence[Fault] = ()) -> AsyncIterator[Shop]:
    """Four services that run, the answers to some writes lost."""
    clock = InstantClock()
    async with LocalCloud(clock=clock.now) as cloud:
        for name in WEBS:
            cloud.add_service(name, containers=declared(name, "web:1")["containers"])
        cloud.quirks = Quirks(transition=3.0)
        cloud.faults = faults
        (folder / "fleet.json").write_text(FILE, encoding="utf-8")
        yield Shop(cloud, folder, clock)


def restart(client: Client, _: Path) -> Run:
    return client.fleet("web-*").restart(**TERMS)


def verified(client: Client, _: Path) -> Run:
    return client.fleet("web-*").restart(mode="verified", **TERMS)


def stop(client: Client, _: Path) -> Run:
    return client.fleet("web-*").stop(**TERMS)


def scale(client: Client, _: Path) -> Run:
    return client.fleet("web-*").scale("+1", **TERMS)


def apply(client: Client, file: Path) -> Run:
    return client.fleet.apply(
        parse_manifest(FILE, "fleet.json", {}), file=file, prune=True, **TERMS
    )


LOST = Fault("reset", rate=0.3, operations=("stop", "update", "delete", "create"), after=True)


@pytest.mark.parametrize("requests", INSTANTS)
async def test_no_service_is_restarted_twice(tmp_path: Path, requests: int) -> None:
    """What is said to be done was done; what cannot be told is unknown."""
    async with shop(tmp_path) as on:
        await on.broken_off(restart, requests)
        outcomes = await on.gone_on_with(restart)

        assert {1} >= set(on.executed("restart").values())
        for outcome in outcomes:
            assert outcome.result in {"applied", "unknown"}
            assert outcome.result == "unknown" or on.executed("restart")[outcome.service]


@pytest.mark.parametrize("requests", INSTANTS)
@pytest.mark.parametrize(
    ("begin", "verbs", "goal"),
    [
        (verified, ("stop", "start"), ("Running", 1)),
        (stop, ("stop",), ("Stopped", 1)),
        (scale, ("update",), ("Running", 2)),
    ],
)
async def test_each_service_comes_to_its_goal_once(
    tmp_path: Path, requests: int, begin: Begin, verbs: Sequence[str], goal: tuple[str, int]
) -> None:
    """A relative size is settled once, and stays what it was."""
    async with shop(tmp_path, [LOST]) as on:
        await on.broken_off(begin, requests)
        outcomes = await on.gone_on_with(begin)

        shown = [on.cloud.service(name) for name in WEBS]
        assert {goal} == {(one["status"], one["target_instance_size"]) for one in shown}
        assert dict.fromkeys(WEBS, len(verbs)) == on.executed(*verbs)
        assert all(outcome.ok for outcome in outcomes)


@pytest.mark.parametrize("requests", INSTANTS)
async def test_what_is_declared_is_made_once(tmp_path: Path, requests: int) -> None:
    """Replacements included, whose creation no journal knows."""
    async with shop(tmp_path, [LOST]) as on:
        await on.broken_off(apply, requests)
        outcomes = await on.gone_on_with(apply)

        assert all(outcome.ok for outcome in outcomes)
        assert dict.fromkeys(WEBS, 1) == on.executed("delete")
        assert dict.fromkeys((*WEBS[1:], "new"), 1) == on.executed("create")
        async with on.client() as client:
            again = await apply(client, tmp_path / "fleet.json")
        assert () == again.plan.steps


async def test_a_run_that_is_refused_can_be_gone_on_with(tmp_path: Path) -> None:
    """It is nobody's afterwards, for whatever reason it was refused."""
    async with shop(tmp_path) as on:
        await on.broken_off(apply, 3)
        file = tmp_path / "fleet.json"
        file.unlink()
        async with on.client() as client:
            with pytest.raises(FileNotFoundError):
                await client.fleet.runs.resume()
        file.write_text(FILE.replace("web:2", "web:3"), encoding="utf-8")
        async with on.client() as client:
            with pytest.raises(ConfigurationError, match="not declared any more"):
                await client.fleet.runs.resume()
        file.write_text(FILE, encoding="utf-8")

        assert all(outcome.ok for outcome in await on.gone_on_with(apply))


async def test_the_clock_may_be_set_back_meanwhile(tmp_path: Path) -> None:
    """When a write was sent does not decide whether it was."""
    async with shop(tmp_path) as on:
        await on.broken_off(verified, 5)
        on.clock.advance(10.0)  # what the server was about to do has ended: its clock is set, too
        async with on.client() as client:
            await client.services.list()
        on.clock.start = on.clock.start.replace(year=2014)

        assert all(outcome.ok for outcome in await on.gone_on_with(verified))
        assert dict.fromkeys(WEBS, 2) == on.executed("stop", "start")
