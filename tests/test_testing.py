from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tenx_async import Client, LocalCloud
from tenx_async.local import Fault, Quirks
from tenx_async.testing import InstantClock

EXAMPLE = Path(__file__).parents[1] / "examples" / "testing"


def run(directory: Path, *options: str) -> str:
    """Run pytest as a user would, in a process of its own; give what it says."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=directory,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    return ran.stdout


def test_the_example_project_is_tested() -> None:
    """A project needs nothing but the package and pytest-asyncio."""
    assert "5 passed" in run(EXAMPLE)


def test_parallel_workers_do_not_meet(tmp_path: Path) -> None:
    """Each test has a cloud of its own, in whatever process it runs."""
    project = shutil.copytree(EXAMPLE, tmp_path / "project")
    shutil.copy(project / "test_nightly.py", project / "test_again.py")

    lean = [word for name in ("schemathesis", "hypothesispytest") for word in ("-p", f"no:{name}")]

    assert "10 passed" in run(project, "-n", "2", *lean)


def test_the_plugin_imports_little() -> None:
    """Pytest loads it for every test of an environment, also for those that do not use it."""
    code = "import sys, tenx_async.testing; print('aiohttp' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == ran.stdout.strip()


STRICT = """
import pytest

@pytest.mark.{mark}
async def test_strict(tenx_cloud, tenx_client):
    tenx_cloud.add_service("web")
    assert (await tenx_client.services.get("web")).name == "web"
"""


@pytest.mark.parametrize(
    ("mark", "options"),
    [("asyncio", ["-o", "asyncio_mode=strict"]), ("anyio", ["-p", "no:asyncio"])],
)
def test_any_way_of_asynchronous_tests_will_do(
    mark: str, options: list[str], tmp_path: Path
) -> None:
    """pytest-asyncio in its strict mode, or anyio's plugin."""
    (tmp_path / "test_strict.py").write_text(STRICT.format(mark=mark))
    (tmp_path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"
    )

    assert "1 passed" in run(tmp_path, *options)


async def test_a_service_changes_at_once(tenx_cloud: LocalCloud, tenx_client: Client) -> None:
    """Nothing is waited for that the test does not ask for."""
    tenx_cloud.add_service("web")
    before = time.monotonic()
    await tenx_client.services.restart("web", mode="verified")

    assert (await tenx_client.services.wait("web")).has_status("Running")
    assert time.monotonic() - before < 1
    assert 1 == tenx_cloud.executed("stop", "web")


async def test_a_slow_change_takes_no_time(
    tenx_cloud: LocalCloud, tenx_client: Client, tenx_clock: InstantClock
) -> None:
    """A test that wants to see a transition waits by the clock of the fixtures."""
    tenx_cloud.add_service("web")
    tenx_cloud.quirks = Quirks(transition=30)
    before = time.monotonic()
    await tenx_client.services.restart("web")
    assert (await tenx_client.services.get("web")).has_status("Restarting")

    await tenx_client.services.wait("web", timeout=60)

    assert 30 <= tenx_clock.monotonic()
    assert time.monotonic() - before < 1


async def test_retries_take_no_time(tenx_cloud: LocalCloud, tenx_client: Client) -> None:
    """Failures are asked again without a pause that anybody notices."""
    tenx_cloud.add_service("web")
    tenx_cloud.faults = [Fault("error", status=503, retry_after=20, times=3)]
    before = time.monotonic()

    assert (await tenx_client.services.get("web")).name == "web"

    assert time.monotonic() - before < 1


async def test_who_wakes_first_wakes_first(tenx_clock: InstantClock) -> None:
    """Waits end in the order of their ends, whoever began."""
    ended: list[float] = []

    async def wait(seconds: float) -> None:
        await tenx_clock.sleep(seconds)
        ended.append(tenx_clock.monotonic())

    async with asyncio.TaskGroup() as tasks:
        for seconds in (3, 1, 2, 0):
            tasks.create_task(wait(seconds))

    assert [0, 1, 2, 3] == ended
    assert [3, 1, 2, 0] == tenx_clock.sleeps


async def test_a_wait_that_is_cancelled_holds_nobody_up(tenx_clock: InstantClock) -> None:
    """Who gave up waiting is not waited for."""
    early = asyncio.create_task(tenx_clock.sleep(1))
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.gather(early, return_exceptions=True)

    await tenx_clock.sleep(5)

    assert 5 == tenx_clock.monotonic()
    tenx_clock.advance(2)
    assert 7 == tenx_clock.monotonic()


async def test_what_is_on_its_way_comes_before_time_does(
    tenx_cloud: LocalCloud, tenx_client: Client, tenx_clock: InstantClock
) -> None:
    """A long wait of one task makes no call of another too late."""
    tenx_cloud.add_service("web")
    tenx_cloud.faults = [Fault("throttle", retry_after=1, times=3), Fault("latency", seconds=0.02)]
    long_wait = asyncio.create_task(tenx_clock.sleep(3600))

    assert (await tenx_client.services.get("web")).name == "web"

    assert 10 > tenx_clock.monotonic()
    await long_wait
    assert 3600 == tenx_clock.monotonic()


async def test_a_call_that_does_not_end_stops_no_clock(
    tenx_cloud: LocalCloud, tenx_client: Client, tenx_clock: InstantClock
) -> None:
    """It holds time back once, for a moment."""
    tenx_cloud.add_service("web")
    tenx_cloud.faults = [Fault("stall")]
    stalled = asyncio.create_task(tenx_client.services.get("web"))
    before = time.monotonic()

    for _ in range(10):
        await tenx_clock.sleep(5)

    assert 50 == tenx_clock.monotonic()
    assert time.monotonic() - before < 5
    stalled.cancel()
    await asyncio.gather(stalled, return_exceptions=True)
