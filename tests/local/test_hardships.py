from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tenx_async.local import LocalCloud, processes
from tenx_async.local.child import MAX_LINE

from .conftest import Caller, headers, until
from .processes import LINUX_ONLY, SLEEP, is_running, open_files, python, shell, status, texts

pytestmark = LINUX_ONLY

FLOOD = """
import os
chunk = (b"x" * 99 + b"\\n") * 655
for _ in range(1600):
    os.write(1, chunk)
os.write(2, b"end\\n")
"""
"""About 100 MB, as fast as somebody reads."""


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    async with LocalCloud(runtime="process", crash_pause=30, stop_grace=0.3) as cloud:
        yield cloud


@pytest.fixture
async def call(cloud: LocalCloud) -> AsyncIterator[Caller]:
    async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
        yield Caller(session)


async def read(call: Caller) -> list[str]:
    return [entry["log"] for entry in (await call.service("GET", "web/logs")).json]


def kept(cloud: LocalCloud) -> int:
    """How many lines the log holds; counting is quicker than decoding."""
    service, _ = cloud._operations.found("beijing1", "web")
    return sum(len(day.readable) for day in service.logbook.days.values())


async def test_output_without_a_newline_is_a_line_at_its_end(
    cloud: LocalCloud, call: Caller
) -> None:
    """What is written last is kept, whether or not the line was finished."""
    cloud.add_service("web", containers=[shell(f"printf unfinished; exec >&- 2>&-; {SLEEP}")])

    await until(lambda: texts(cloud))

    assert ["unfinished"] == await read(call)


async def test_binary_output_is_text_that_json_can_hold(cloud: LocalCloud, call: Caller) -> None:
    """Every byte there is, in any order, comes as lines of replaced characters."""
    script = "import os, time; os.write(1, bytes(range(256)) * 40 + b'\\nend\\n'); time.sleep(99)"
    cloud.add_service("web", containers=[python(script)])

    await until(lambda: "end" in texts(cloud))

    expected = (bytes(range(256)) * 40 + b"\nend").split(b"\n")
    assert [line.decode(errors="replace") for line in expected] == await read(call)


async def test_a_line_of_a_megabyte_is_one_line(cloud: LocalCloud, call: Caller) -> None:
    """A megabyte is whole; what is longer is cut there."""
    lengths = (MAX_LINE, MAX_LINE + 5)
    script = f"for n in {lengths}: print('x' * n)\nprint('end')\nimport time; time.sleep(99)"
    cloud.add_service("web", containers=[python(script)])

    await until(lambda: "end" in texts(cloud))

    assert [MAX_LINE, MAX_LINE, 5, 3] == [len(line) for line in await read(call)]


async def test_a_child_that_ignores_sigterm_is_killed(cloud: LocalCloud, call: Caller) -> None:
    """It has its grace, and what it writes in it; then it is gone."""
    ignoring = "trap 'echo no' TERM; echo $$; while :; do sleep 0.02; done"
    cloud.add_service("web", containers=[shell(ignoring)])
    await until(lambda: texts(cloud))
    before = time.monotonic()

    await call.service("PUT", "web/stop")
    await until(lambda: status(cloud) == "Stopped")

    assert time.monotonic() - before >= 0.3
    assert not is_running(int(texts(cloud)[0]))
    assert "no" in texts(cloud)


async def test_a_child_that_forks_is_ended_with_its_brood(cloud: LocalCloud, call: Caller) -> None:
    """Children and their children write to the same log, and end with the service."""
    brood = f"(echo $$; ({SLEEP} & echo $!; wait) & {SLEEP} & echo $!; wait) & echo $!; wait"
    cloud.add_service("web", containers=[shell(brood)])
    await until(lambda: len(texts(cloud)) == 4)
    pids = [int(text) for text in texts(cloud)]
    assert all(is_running(pid) for pid in pids)

    await call.service("PUT", "web/stop")
    await until(lambda: status(cloud) == "Stopped")

    assert not any(is_running(pid) for pid in pids)


async def test_a_child_that_forks_and_exits_takes_its_brood_along(cloud: LocalCloud) -> None:
    """When the first process of an instance ends, so does the instance."""
    cloud.add_service("web", containers=[shell("sleep 1000 & echo $!; exit 0")])
    await until(lambda: texts(cloud))

    await until(lambda: not is_running(int(texts(cloud)[0])))


async def test_a_full_pipe_is_read_as_fast_as_it_fills(
    cloud: LocalCloud, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 MB come through while the API answers; the log keeps its bound and counts the rest."""
    monkeypatch.setattr(processes, "LOG_LIMIT", 4 << 20)
    cloud.add_service("web", containers=[python(FLOOD)])
    cloud.add_service("other")
    service, _ = cloud._operations.found("beijing1", "web")
    began, slowest = time.monotonic(), 0.0
    while kept(cloud) + service.logbook.dropped < 1600 * 655:
        asked = time.monotonic()
        assert 200 == (await call.service("GET", "other")).status
        slowest = max(slowest, time.monotonic() - asked)
        assert asked - began < 30, "100 MB should not take that long"

    assert slowest < 1
    assert kept(cloud) < 50_000


async def test_a_flood_that_nobody_can_stop_is_stopped(
    cloud: LocalCloud, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that writes without end and ignores SIGTERM is gone after its grace."""
    monkeypatch.setattr(processes, "LOG_LIMIT", 1 << 20)
    cloud.add_service("web", containers=[shell("trap '' TERM; echo $$; yes")])
    await until(lambda: texts(cloud))

    await call.service("PUT", "web/stop")
    await until(lambda: status(cloud) == "Stopped")

    assert not is_running(int(texts(cloud)[0]))


def test_the_limit_of_a_log_is_stated() -> None:
    """128 MiB of each service's log are kept."""
    assert 128 << 20 == processes.LOG_LIMIT
    assert "128 MiB" in (LocalCloud.__doc__ or "")


async def test_many_quick_exits_leave_nothing() -> None:
    """A storm of crashes is weathered: no process, no task, no open file remains."""
    files = open_files()
    async with LocalCloud(runtime="process", crash_pause=0.001) as cloud:
        cloud.add_service("web", instances=8, containers=[shell("echo hi; exit 1")])
        await until(lambda: len(texts(cloud)) > 60)

    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert files == open_files()
