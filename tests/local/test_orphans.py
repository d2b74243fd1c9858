"""Nothing outlives its service or its cloud, wherever it hides."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tenx_async.local import LocalCloud

from .conftest import until
from .processes import (
    DAEMON,
    HIDING,
    LINUX_ONLY,
    MEMBERS,
    PARENTS,
    PEDIGREE,
    SLEEP,
    ask,
    gone,
    is_running,
    pids_of,
    python,
    shell,
    stop,
)

pytestmark = LINUX_ONLY

BROOD = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for number in range(50):
    if os.fork():
        continue
    os.setsid()
    os.fork()
    os.write(1, b"%d\\n" % os.getpid())
    os.execve("/bin/sleep", ["sleep", "1000"], {})
time.sleep(1000)
"""
FLEEING = """
import os, sys, time
if os.fork():
    time.sleep(1000)
trace = os.open("TRACE", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
    os.write(trace, b"%d " % os.getpid())
"""

CLOUD = """
import asyncio, json, os, sys, time
from tenx_async.local import LocalCloud

async def main():
    async with LocalCloud(runtime="process") as cloud:
        command = ["/bin/sh", "-c", sys.argv[1]]
        cloud.add_service("web", instances=3, containers=[{"image": "local", "command": command}])
        pids = []
        while len(pids) < 3 * int(sys.argv[2]):
            await asyncio.sleep(0.01)
            pids = [int(line.log) for line in cloud.log("web")]
        copy = os.fork() if "copy" in sys.argv else 0
        if "copy" in sys.argv and not copy:
            os.close(1)
            time.sleep(1000)
        print(json.dumps([pids, cloud._runtime._guard.pid, copy]), flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    async with LocalCloud(runtime="process", crash_pause=0.05, stop_grace=0.3) as cloud:
        yield cloud


class Dying:
    """A cloud in a process of its own, and all that it has started."""

    def __init__(self, process: Process, litter: list[int]) -> None:
        self.process = process
        self._litter = litter

    async def begin(self) -> None:
        assert self.process.stdout
        pids, self.guard, self.copy = json.loads(await self.process.stdout.readline())
        self.pids = [*pids, self.guard]
        self._litter += [*self.pids, *([self.copy] if self.copy else [])]
        assert all(is_running(pid) for pid in self.pids)

    async def leaves_nothing(self) -> None:
        await gone(self.pids)


@pytest.fixture
async def dying(litter: list[int]) -> AsyncIterator[Callable[..., Awaitable[Dying]]]:
    begun: list[Process] = []

    async def begin(script: str, count: int, *more: str) -> Dying:
        arguments = [f"{script}\n{SLEEP}", str(count), *more]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CLOUD, *arguments), stdout=PIPE, start_new_session=True
        )
        begun.append(process)
        dying = Dying(process, litter)
        await dying.begin()
        return dying

    yield begin
    for process in begun:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "web/stop"), ("DELETE", "web"), ("PUT", "web/restart")]
)
@pytest.mark.parametrize("script", HIDING.values(), ids=HIDING.keys())
async def test_nothing_outlives_its_service(
    cloud: LocalCloud, litter: list[int], method: str, path: str, script: str
) -> None:
    """A stop, a deletion or a restart ends all that came of a command, and no neighbour."""
    cloud.add_service("web", containers=[shell(f"{script}\necho $$; {SLEEP}")])
    cloud.add_service("neighbour", containers=[shell(f"{script}\necho $$; {SLEEP}")])
    ours, theirs = await pids_of(cloud, 2), await pids_of(cloud, 2, "neighbour")
    litter += ours + theirs

    await ask(cloud, method, path)

    await gone(ours)
    assert all(is_running(pid) for pid in theirs)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_outlives_its_cloud(
    dying: Callable[..., Awaitable[Dying]], number: signal.Signals
) -> None:
    """However the cloud dies, all that came of it dies too, and so do the guard and the keepers."""
    cloud = await dying(f"trap '' TERM\n{PEDIGREE}", MEMBERS)

    cloud.process.send_signal(number)

    await cloud.leaves_nothing()


async def test_a_copy_of_a_cloud_does_not_keep_it_alive(
    dying: Callable[..., Awaitable[Dying]],
) -> None:
    """Who has forked the cloud's process holds all of its sockets; that is no sign of its life."""
    cloud = await dying(PEDIGREE, MEMBERS, "copy")

    cloud.process.kill()

    await cloud.leaves_nothing()
    assert is_running(cloud.copy)


@pytest.mark.parametrize("stopped", ["the guard", "keepers", "all"])
async def test_whoever_is_stopped_ends_nevertheless(
    dying: Callable[..., Awaitable[Dying]], stopped: str
) -> None:
    """A guard or a keeper that somebody has stopped goes on when its cloud dies."""
    cloud = await dying(PARENTS, 1)
    keepers = cloud.pids[:-1]
    for pid in {"the guard": [cloud.guard], "keepers": keepers}.get(stopped, cloud.pids):
        os.kill(pid, signal.SIGSTOP)

    cloud.process.kill()

    await cloud.leaves_nothing()


async def test_a_brood_of_fifty_is_ended(cloud: LocalCloud, litter: list[int]) -> None:
    """Fifty deaf processes, each in a session of its own and without a mark, with a child each."""
    cloud.add_service("web", containers=[python(BROOD)])
    pids = await pids_of(cloud, 100)
    litter += pids
    assert all(is_running(pid) for pid in pids)

    await stop(cloud)

    assert not any(is_running(pid) for pid in pids)


async def test_who_flees_from_process_to_process_is_caught(
    cloud: LocalCloud, litter: list[int], tmp_path: Path
) -> None:
    """A process that ends and lives on in its child, again and again, ends with its service."""
    trace = tmp_path / "trace"
    cloud.add_service("web", containers=[python(FLEEING.replace("TRACE", str(trace)))])
    await until(lambda: trace.exists() and trace.stat().st_size > 1000)

    await stop(cloud)

    last = trace.read_text().split()[-1]
    litter.append(int(last))
    assert not is_running(int(last))
    await asyncio.sleep(0.1)
    assert last == trace.read_text().split()[-1]


async def test_who_is_born_from_the_last_words_is_ended(
    cloud: LocalCloud, litter: list[int]
) -> None:
    """What a command starts when it is told to end is heard, and ended as well."""
    command = f'trap "{DAEMON}; exit" TERM; echo $$; while :; do sleep 0.02; done'
    cloud.add_service("web", containers=[shell(command)])
    await pids_of(cloud, 1)

    await stop(cloud)

    pids = await pids_of(cloud, 2)
    litter += pids
    assert not any(is_running(pid) for pid in pids)
