from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import pytest

from tenx_async.local import LocalCloud
from tenx_async.local.processes import Processes

from .conftest import until
from .processes import SLEEP, is_running, shell, texts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

CLOUD = """
import asyncio, json
from tenx_async.local import LocalCloud

async def main():
    async with LocalCloud(runtime="process") as cloud:
        sleepers = "sleep 1000", "setsid sleep 1000", "env -i sleep 1000"
        script = "; ".join(f"{sleeper} & echo $!" for sleeper in sleepers)
        command = ["sh", "-c", f"trap '' TERM; {script}; echo $$; wait"]
        containers = [{"image": "local", "command": command}]
        cloud.add_service("web", instances=3, containers=containers)
        while len(cloud.log("web")) < 12:
            await asyncio.sleep(0.01)
        print(json.dumps([int(line.log) for line in cloud.log("web")]), flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLOUD, stdout=PIPE, start_new_session=True
    )
    yield process
    if process.returncode is None:
        process.kill()
    await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_survives_the_clouds_own_death(
    process: Process, number: signal.Signals
) -> None:
    """However the cloud dies, its children die too, and theirs, in whatever session they are."""
    assert process.stdout
    pids = json.loads(await process.stdout.readline())
    assert [True] * 12 == [is_running(pid) for pid in pids]

    process.send_signal(number)

    await until(lambda: not any(is_running(pid) for pid in pids))


async def test_a_guard_that_is_killed_is_replaced() -> None:
    """The next process is guarded again, and those before it are still known."""
    async with LocalCloud(runtime="process") as cloud:
        cloud.add_service("web", containers=[shell(f"echo $$; {SLEEP}")])
        await until(lambda: texts(cloud))
        assert isinstance(cloud._runtime, Processes)
        guard = cloud._runtime._guard
        assert guard
        first = guard._process
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: first.poll() is not None)

        cloud.add_service("api", containers=[shell(f"echo $$; {SLEEP}")])
        await until(lambda: texts(cloud, "api"))

        assert first.pid != guard._process.pid
        assert is_running(guard._process.pid)
        assert 2 == len(guard._groups)
