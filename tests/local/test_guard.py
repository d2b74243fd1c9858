"""Whoever of the guard and its keepers is killed or stopped, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from tenx_async.local import LocalCloud, guard
from tenx_async.local.processes import Processes

from .conftest import until
from .processes import (
    LINUX_ONLY,
    MEMBERS,
    PARENTS,
    SLEEP,
    ask,
    gone,
    is_running,
    pedigree,
    pids_of,
    shell,
    status,
    stop,
    texts,
)

pytestmark = LINUX_ONLY

BARE = f"{PARENTS}; echo $$; exec env -i sleep 1000"


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    async with LocalCloud(runtime="process", crash_pause=0.05, stop_grace=0.3) as cloud:
        yield cloud


def guard_of(cloud: LocalCloud) -> int:
    """The process above the keepers."""
    assert isinstance(cloud._runtime, Processes)
    assert cloud._runtime._guard
    pid = cloud._runtime._guard.pid
    assert pid
    return pid


async def test_a_guard_that_is_killed_is_replaced(cloud: LocalCloud, litter: list[int]) -> None:
    """What it guarded ends and is started again, under another guard."""
    cloud.add_service("bare", containers=[shell(BARE)])
    bare = await pids_of(cloud, 2, "bare")
    litter += bare
    pids = [*await pedigree(cloud, litter), *bare]
    first = guard_of(cloud)

    os.kill(first, signal.SIGKILL)

    await gone(pids)
    litter += await pids_of(cloud, 2 * MEMBERS) + await pids_of(cloud, 4, "bare")
    await until(lambda: status(cloud) == "Running")
    assert (False, True) == (is_running(first), is_running(guard_of(cloud)))


async def test_a_keeper_that_is_killed_is_replaced(cloud: LocalCloud, litter: list[int]) -> None:
    """The guard ends what a keeper has left; the command is started again by another one."""
    pids = await pedigree(cloud, litter)

    os.kill(pids[0], signal.SIGKILL)

    await gone(pids)
    litter += await pids_of(cloud, 2 * MEMBERS)
    await until(lambda: status(cloud) == "Running")


async def test_what_outlives_guard_and_keeper_is_known_by_its_mark(litter: list[int]) -> None:
    """When both are killed at once, the command dies with them; a new guard finds the rest."""
    async with LocalCloud(runtime="process", crash_pause=30) as cloud:
        daemon = f"{PARENTS}; setsid sleep 1000 & echo $!; {SLEEP}"
        cloud.add_service("web", containers=[shell(daemon)])
        cloud.add_service("bare", containers=[shell(BARE)])
        pids = [*await pids_of(cloud, 2), *await pids_of(cloud, 2, "bare")]
        litter += pids
        above = [guard_of(cloud), pids[0], pids[2]]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in above:
                os.kill(pid, number)

        await gone(pids)


async def test_a_keeper_that_is_stopped_is_replaced_by_the_guard(litter: list[int]) -> None:
    """A stop does not wait for it for ever."""
    async with LocalCloud(runtime="process", stop_grace=0.1) as cloud:
        pids = await pedigree(cloud, litter)
        os.kill(pids[0], signal.SIGSTOP)

        await stop(cloud)

        await gone(pids)


async def test_a_keeper_that_its_command_stops_at_once_is_replaced(
    cloud: LocalCloud, litter: list[int]
) -> None:
    """Even before it can say that it has begun."""
    cloud.add_service("web", containers=[shell(f"kill -STOP $PPID; echo $$; {SLEEP}")])
    pids = await pids_of(cloud, 1)
    litter += pids

    await ask(cloud, "DELETE", "web")

    await gone(pids)


async def test_a_guard_that_is_stopped_does_not_hold_up_a_stop(
    cloud: LocalCloud, litter: list[int]
) -> None:
    """Who waits for a start when a service is stopped does not wait for ever."""
    cloud.add_service("web", containers=[shell(f"{PARENTS}; {SLEEP}")])
    litter += await pids_of(cloud, 1)
    litter.append(guard_of(cloud))
    os.kill(guard_of(cloud), signal.SIGSTOP)
    cloud.add_service("late", containers=[shell(SLEEP)])

    async with asyncio.timeout(5):
        await cloud.stop()

    assert not any(is_running(pid) for pid in litter)


async def test_without_adoption_the_group_is_ended(
    monkeypatch: pytest.MonkeyPatch, litter: list[int]
) -> None:
    """Where the system knows no descendants, who stays in the group still ends, and is heard."""
    program = guard._PROGRAM.replace("watch.main", "watch.kin.ADOPTS = False\nwatch.main")
    monkeypatch.setattr(guard, "_PROGRAM", program)
    late = "sh -c 'trap \"sleep 0.1; echo 1; exit\" TERM; echo $$; while :; do sleep 0.02; done' &"
    async with LocalCloud(runtime="process", stop_grace=5) as cloud:
        cloud.add_service("web", containers=[shell(f"{late}\necho $$; {SLEEP}")])
        pids = await pids_of(cloud, 2)
        litter += pids
        before = time.monotonic()
        await stop(cloud)

        assert "1" == texts(cloud)[-1]
        assert time.monotonic() - before < 4
        assert not any(is_running(pid) for pid in pids)


async def test_a_cloud_that_stops_leaves_neither_guard_nor_keepers(litter: list[int]) -> None:
    """They end when nothing is left to do."""
    async with LocalCloud(runtime="process", stop_grace=0.1) as cloud:
        pids = [*await pedigree(cloud, litter), guard_of(cloud)]
        litter.append(guard_of(cloud))

    assert not any(is_running(pid) for pid in pids)
