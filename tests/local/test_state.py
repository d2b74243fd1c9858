from __future__ import annotations

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession

from tenx_async.errors import ConfigurationError
from tenx_async.local import LocalCloud, Quirks

from .conftest import Caller, Noon, headers, until, vendor
from .processes import LINUX_ONLY, SLEEP, shell, status, texts

CLOUD = """
import asyncio, sys
from tenx_async.local import LocalCloud

async def main():
    async with LocalCloud(state=sys.argv[1], token="t") as cloud:
        print(cloud.port, flush=True)
        cloud.add_service("web")
        for number in range(1_000_000):
            cloud.append("web", f"line {number}")
            await asyncio.sleep(0)

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cloud.sqlite"


async def everything(cloud: LocalCloud) -> list[Any]:
    """All that a client can read of the service `web`."""
    async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
        call = Caller(session)
        paths = ["web", "web/instances", "web/logs?size=1000"]
        return [(await call.service("GET", path)).json for path in paths]


async def test_a_restart_keeps_services_and_logs(file: Path, noon: Noon) -> None:
    """Whatever was there is there again: fields, uid, instances, days, order, truth."""
    async with LocalCloud(state=file, clock=noon) as cloud:
        async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
            call = Caller(session)
            await call.service("POST", "web", json=vendor("service"))
            await call.service("PUT", "web", json=vendor("update_service"))
            await call.service("PUT", "web/restart")
        cloud.append("web", *"abc", "日\x00\n", instance="web-1")
        cloud.insert("web", "late", position=1)
        cloud.wipe("web", lines=slice(1))
        cloud.add_service("gone")
        cloud.append("gone", "line")
        cloud.remove_service("gone")
        before, log, executions = await everything(cloud), cloud.log("web"), cloud.executions

    async with LocalCloud(state=file, clock=noon) as again:
        after = await everything(again)

        assert before == after
        assert log == again.log("web")
        assert executions == again.executions
        assert ["late", "b", "c", "日\x00\n"] == [line["log"] for line in after[2]]
        again.add_service("gone")
        assert [] == again.log("gone")


async def test_lines_that_nobody_could_read_yet_are_kept(file: Path, noon: Noon) -> None:
    """A restart shows at once what a quirk held back, where it belongs."""
    async with LocalCloud(state=file, clock=noon, quirks=Quirks(flush_every=60)) as cloud:
        cloud.add_service("web")
        cloud.append("web", *"ab")
        cloud.quirks = Quirks()
        cloud.append("web", "c")

    async with LocalCloud(state=file, clock=noon) as again:
        _, _, page = await everything(again)

    assert [*"abc"] == [line["log"] for line in page]


async def test_what_was_before_the_start_is_kept_too(file: Path, noon: Noon) -> None:
    """Services may be added before the file is open; a cloud may be started again."""
    cloud = LocalCloud(state=file, clock=noon)
    cloud.add_service("web")
    cloud.append("web", "a")
    for line in "bc":
        async with cloud:
            cloud.append("web", line)

    async with LocalCloud(state=file, clock=noon) as again:
        assert [*"abc"] == texts(again)


async def test_a_change_that_was_underway_goes_on(file: Path, noon: Noon) -> None:
    """A service that was restarting is not left behind in that."""
    async with LocalCloud(state=file, clock=noon, quirks=Quirks(transition=10)) as cloud:
        cloud.add_service("web")
        cloud.add_service("off", status="Stopped")
        assert "Starting" == status(cloud)

    async with LocalCloud(state=file, clock=noon) as again:
        assert ["Running", "Stopped"] == [status(again, name) for name in ("web", "off")]


@LINUX_ONLY
async def test_what_ran_runs_again(file: Path, noon: Noon) -> None:
    """Processes are started anew; those of stopped services are not."""
    async with LocalCloud(runtime="process", state=file, clock=noon) as cloud:
        for name in ("web", "off"):
            cloud.add_service(name, containers=[shell(f"echo up; {SLEEP}")])
        await until(lambda: texts(cloud) + texts(cloud, "off") == ["up"] * 2)
        async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
            await Caller(session).service("PUT", "off/stop")
        await until(lambda: status(cloud, "off") == "Stopped")

    async with LocalCloud(runtime="process", state=file, clock=noon) as again:
        await until(lambda: texts(again) == ["up", "up"])
        assert (["up"], "Stopped") == (texts(again, "off"), status(again, "off"))


@LINUX_ONLY
async def test_what_came_by_itself_is_kept_soon(file: Path) -> None:
    """A status or a line is in the file though nobody asked and nothing came after it."""
    async with LocalCloud(runtime="process", state=file) as cloud:
        cloud.add_service("web", containers=[shell(f"echo up; {SLEEP}")])
        await until(lambda: (texts(cloud), status(cloud)) == (["up"], "Running"))

        state = cloud._registry.state
        assert state
        await until(lambda: not state._file.in_transaction)


def test_another_file_is_left_alone(file: Path) -> None:
    """What is no state of a cloud is neither read nor overwritten."""
    content = b"no database, but long enough to be looked at" * 9
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=str(file)):
        asyncio.run(LocalCloud(state=file).start())

    assert content == file.read_bytes()


def change(file: Path, statement: str) -> bytes:
    """Do something to a database that no cloud would do; give its bytes."""
    with sqlite3.connect(file) as other:
        other.execute(statement)
    other.close()
    return file.read_bytes()


@pytest.mark.parametrize("version", [0, 1, 99])
@pytest.mark.parametrize("table", ["mine", "service"])
def test_a_database_of_others_is_left_alone(file: Path, version: int, table: str) -> None:
    """Neither another program's nor another version's file is guessed at or written to."""
    change(file, f"PRAGMA user_version = {version}")
    content = change(file, f"CREATE TABLE {table} (a)")

    with pytest.raises(ConfigurationError, match="another version or another program"):
        asyncio.run(LocalCloud(state=file).start())

    assert content == file.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE service SET shown = '{}'",
        "UPDATE service SET shown = 'x'",
        "UPDATE line SET entry = '[]'",
        "UPDATE line SET day = 'today'",
        "INSERT INTO execution VALUES ('start', 'web', 'beijing1', 'never')",
    ],
)
async def test_a_damaged_file_is_one_clear_error(file: Path, damage: str) -> None:
    """The cloud does not start with half of it, and lets go of the file."""
    async with LocalCloud(state=file) as cloud:
        cloud.add_service("web")
        cloud.append("web", "line")
    change(file, damage)

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="damaged"):
            await LocalCloud(state=file).start()


async def test_two_clouds_do_not_share_a_file(file: Path) -> None:
    """The second is told so; the first goes on."""
    async with LocalCloud(state=file) as cloud:
        with pytest.raises(ConfigurationError, match="locked"):
            await LocalCloud(state=file).start()
        cloud.add_service("web")


async def start(file: Path) -> tuple[Process, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLOUD, str(file), stdout=PIPE
    )
    assert process.stdout
    return process, int(await process.stdout.readline())


async def use(port: int) -> tuple[list[str], list[dict[str, str]]]:
    """Create services and read the log until the cloud is gone; tell what was answered."""
    created: list[str] = []
    log: list[dict[str, str]] = []
    credentials = {"username": "demo", "Authorization": "token t"}
    async with ClientSession(f"http://127.0.0.1:{port}", headers=credentials) as session:
        call = Caller(session)
        try:
            while True:
                name = f"s{len(created)}"
                if (await call.service("POST", name, json=vendor("service"))).status == 200:
                    created.append(name)
                page = await call.service("GET", f"web/logs?from={len(log)}&size=1000")
                log += page.json or []
        except (aiohttp.ClientError, OSError):
            return created, log


@pytest.mark.parametrize("seconds", [0.05, 0.15, 0.3])
async def test_a_killed_cloud_keeps_what_it_has_answered(file: Path, seconds: float) -> None:
    """After SIGKILL every service that was confirmed and every line that was read is there."""
    process, port = await start(file)
    asyncio.get_running_loop().call_later(seconds, process.kill)
    created, log = await use(port)
    await process.wait()

    async with LocalCloud(state=file) as again:
        kept = [{"instance_name": line.instance_name, "log": line.log} for line in again.log("web")]
        assert log == kept[: len(log)]
        assert [f"line {number}" for number in range(len(kept))] == [each["log"] for each in kept]
        assert created == [each.service for each in again.executions][: len(created)]
        for name in created:
            assert name == again.service(name)["name"]
    assert created
