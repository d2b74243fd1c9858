from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import signal
import socket
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from shutil import which
from uuid import uuid4

import aiohttp
import pytest

from tenx_async import LocalCloud, TenxError
from tenx_async.cli.kept import KeptLine, kept_at
from tenx_async.local import Quirks

from .conftest import DEADLINE, Running, Shell, command

Lines = Counter[tuple[str, str, str]]
PLACES = ["files:logs", "sqlite:logs.sqlite"]


def today() -> dt.date:
    """The day of the server's."""
    return dt.datetime.now(dt.UTC).date()


def truth(cloud: LocalCloud, *names: str) -> Lines:
    """What services really wrote, as a multiset."""
    return Counter(
        (name, line.instance_name, line.log) for name in names for line in cloud.log(name)
    )


def kept(tenx: Shell, place: str) -> Lines:
    """What counts of what was shipped, as a multiset; nothing before there is a place for it."""
    kind, _, path = place.partition(":")
    try:
        lines = [*kept_at(f"{kind}:{tenx.folder / path}").lines(today())]
    except TenxError:
        return Counter()
    return Counter(
        (line.service, line.instance_name, line.log) for line in lines if isinstance(line, KeptLine)
    )


async def until_kept(tenx: Shell, place: str, wanted: Lines) -> None:
    """Wait until so much was shipped; fewer or more is for the test to tell."""
    async with asyncio.timeout(DEADLINE):
        while kept(tenx, place).total() < wanted.total():  # noqa: ASYNC110  # another process writes
            await asyncio.sleep(0.05)


def write(cloud: LocalCloud, name: str, count: int, *, first: int = 0) -> None:
    """Let a service write lines, one in three the same as others."""
    texts = (f"line {n}" if n % 3 else "same" for n in range(first, first + count))
    cloud.append(name, *texts, instance=f"{name}-x1")


@pytest.fixture
def shop(cloud: LocalCloud) -> LocalCloud:
    """A cloud with two services that have logs."""
    for name in ("api", "web"):
        cloud.add_service(name)
        write(cloud, name, 1500)
    return cloud


@pytest.mark.parametrize("place", PLACES)
async def test_sigterm_ends_it_with_everything_written(
    tenx: Shell, shop: LocalCloud, place: str
) -> None:
    """Status 0, which a service manager takes for well; what was there and what came, once."""
    running = await tenx.start("ship", "--to", place)
    await running.until("following 2 services: ", "err")
    write(shop, "web", 10, first=5000)
    wanted = truth(shop, "api", "web")
    await until_kept(tenx, place, wanted)

    ended = await running.end(signal.SIGTERM)

    assert kept(tenx, place) == wanted
    assert (ended.status, ended.out) == (0, "")
    assert ended.err.endswith(f"tenx: wrote {wanted.total():,} lines of 2 services\n")


async def test_ctrl_c_is_told_by_the_status(tenx: Shell, shop: LocalCloud) -> None:
    """As of any command; all that was read is written all the same."""
    running = await tenx.start("ship", "w*", "--to", "files:logs", "-n", "3")
    await running.until("following 1 service: web", "err")
    await until_kept(tenx, "files:logs", Counter({("", "", ""): 3}))

    ended = await running.end(signal.SIGINT)

    assert ended.status == 130
    assert [log for _, _, log in kept(tenx, "files:logs").elements()] == [
        line.log for line in shop.log("web")[-3:]
    ]


@pytest.mark.parametrize("place", PLACES)
async def test_kill_9_neither_loses_nor_repeats_a_line(
    tenx: Shell, shop: LocalCloud, place: str
) -> None:
    """Whenever it comes, also while lines are inserted late."""
    chance = random.Random(place)
    for turn in range(4):
        running = await tenx.start("ship", "--to", place)
        await running.until("following", "err")
        write(shop, "web", 700, first=2000 * turn)
        shop.insert("web", f"late {turn}", "same", position=1400 + turn, instance="web-x1")
        await asyncio.sleep(chance.uniform(0, 1.2))
        await running.end(signal.SIGKILL)

    wanted = truth(shop, "api", "web")
    running = await tenx.start("ship", "--to", place)
    await running.until("following", "err")
    await until_kept(tenx, place, wanted)
    ended = await running.end(signal.SIGTERM)

    assert kept(tenx, place) == wanted
    assert ended.status == 0


async def test_a_second_signal_ends_it_at_once(tenx: Shell, shop: LocalCloud) -> None:
    """Whatever the sink is busy with; the next one goes on as after a crash."""
    place = "sqlite:logs.sqlite"
    running = await tenx.start("ship", "--to", place)
    await until_kept(tenx, place, truth(shop, "api", "web"))
    file = tenx.folder / "logs.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("begin immediate")
        write(shop, "web", 10, first=9000)
        await asyncio.sleep(1.5)
        running.process.send_signal(signal.SIGTERM)
        await running.until("stopping", "err")
        before = time.monotonic()
        ended = await running.end(signal.SIGTERM)

    assert time.monotonic() - before < 1
    assert ended.status == 143
    assert ended.err.endswith("is read again the next time\n")


async def test_lines_that_may_be_missing_show_in_the_status(tenx: Shell, cloud: LocalCloud) -> None:
    """With their places, also when a service manager ends it."""
    cloud.quirks = Quirks(window_limit=50, log_order="newest-first")
    cloud.add_service("web")
    cloud.append("web", *(f"line {number}" for number in range(40)), instance="web-x1")
    running = await tenx.start("ship", "--to", "files:logs", "-n", "20")
    await until_kept(tenx, "files:logs", Counter({("", "", ""): 20}))
    cloud.append("web", *(f"more {number}" for number in range(200)), instance="web-x1")
    await running.until("not read before 40", "err")

    ended = await running.end(signal.SIGTERM)

    assert ended.status == 6
    assert "tenx: lines may be missing or repeated: web of " in ended.err


async def _goes_on(tenx: Shell, cloud: LocalCloud, running: Running) -> None:
    """It was told of a sink that works again, and lost nothing."""
    await running.until("lines are written again", "err")
    wanted = truth(cloud, "api", "web")
    await until_kept(tenx, "files:logs", wanted)
    ended = await running.end(signal.SIGTERM)
    assert kept(tenx, "files:logs") == wanted
    assert ended.status == 0
    assert ended.err.count("tenx: paused: ") == ended.err.count("lines are written again") == 1


async def _without_power(tenx: Shell, *arguments: str) -> Running:
    """Start a command for which a read-only directory is one, also if root runs it."""
    humble = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(humble if os.geteuid() == 0 else []),
        *command(*arguments),
        stdout=pipe,
        stderr=pipe,
        env=tenx.environment(),
        cwd=tenx.folder,
    )
    return Running(process)


@pytest.mark.skipif(
    os.geteuid() == 0 and not which("setpriv"), reason="nothing is read-only for root"
)
async def test_a_directory_that_becomes_read_only_is_told(tenx: Shell, shop: LocalCloud) -> None:
    """It goes on by itself when it can be written again."""
    folder = tenx.folder / "logs"
    running = await _without_power(tenx, "ship", "--to", "files:logs")
    await until_kept(tenx, "files:logs", truth(shop, "api", "web"))
    folder.chmod(0o500)
    for name in ("api", "web"):
        for file in folder.glob(f"{name}.*"):
            file.chmod(0o400)
        write(shop, name, 9, first=6000)
    await running.until("tenx: paused: ", "err")
    await asyncio.sleep(1)
    folder.chmod(0o700)
    for file in folder.glob("*.jsonl"):
        file.chmod(0o600)

    await _goes_on(tenx, shop, running)


async def test_a_directory_that_cannot_be_made_is_waited_for(tenx: Shell, shop: LocalCloud) -> None:
    """It is told once, and it goes on by itself when the cause is gone."""
    in_the_way = tenx.folder / "logs"
    in_the_way.write_text("not a directory")
    running = await tenx.start("ship", "--to", "files:logs")
    await running.until("tenx: paused: ", "err")
    in_the_way.unlink()

    await _goes_on(tenx, shop, running)


@pytest.mark.parametrize("place", PLACES)
async def test_a_second_one_waits_for_the_first(tenx: Shell, shop: LocalCloud, place: str) -> None:
    """It says who has the sink, and takes over when that one is gone, however it went."""
    first = await tenx.start("ship", "--to", place)
    await until_kept(tenx, place, truth(shop, "api", "web"))
    second = await tenx.start("ship", "--to", place)
    await second.until(f"process {first.process.pid} has it", "err")
    write(shop, "web", 5, first=7000)
    await first.end(signal.SIGKILL)
    await second.until("lines are written again", "err")
    write(shop, "web", 5, first=8000)

    wanted = truth(shop, "api", "web")
    await until_kept(tenx, place, wanted)
    ended = await second.end(signal.SIGTERM)

    assert kept(tenx, place) == wanted
    assert ended.status == 0


async def test_a_service_manager_is_told(tenx: Shell, shop: LocalCloud) -> None:
    """That it is ready, how it goes, that it lives, and that it stops."""
    name = f"tenx-test-{uuid4()}"  # of a file, it may be too long
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.setblocking(False)
        running = await tenx.start(
            *("ship", "--to", "files:logs"),
            NOTIFY_SOCKET=f"@{name}",
            WATCHDOG_USEC="400000",
        )
        told: list[str] = []
        await _hear(manager, told, "READY=1")
        begun = len(told)
        await asyncio.sleep(1)
        running.process.send_signal(signal.SIGTERM)
        await _hear(manager, told, "STOPPING=1")
        await running.end()

    assert told[begun:].count("WATCHDOG=1") in range(3, 9)
    assert any(one.startswith("STATUS=2 services · ") for one in told)


async def _hear(manager: socket.socket, told: list[str], wanted: str) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(DEADLINE):
        while wanted not in told:
            told.append((await loop.sock_recv(manager, 4096)).decode())


async def test_prometheus_is_answered_on_this_machine(tenx: Shell, shop: LocalCloud) -> None:
    """How shipping goes, and whatever else the events tell."""
    running = await tenx.start("ship", "--to", "files:logs", "--metrics", "0")
    await running.until("/metrics\n", "err")
    url = running.err.split()[-1]
    await until_kept(tenx, "files:logs", truth(shop, "api", "web"))
    await asyncio.sleep(2)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        shown = (await answer.text()).splitlines()
    await running.end(signal.SIGTERM)

    assert url.startswith("http://127.0.0.1:")
    for line in (
        "tenx_ship_lines_total 3000.0",
        "tenx_ship_waiting_lines 0.0",
        "tenx_ship_paused 0.0",
        "tenx_ship_gaps 0.0",
        "tenx_sources 2.0",
    ):
        assert line in shown
    assert any(line.startswith("tenx_ship_lag_seconds ") for line in shown)


async def test_metrics_need_their_library_and_a_port(tenx: Shell, tmp_path: Path) -> None:
    """It is said which, before anything is read."""
    (tmp_path / "without" / "prometheus_client").mkdir(parents=True)
    (tmp_path / "without" / "prometheus_client" / "__init__.py").write_text("raise ImportError")
    asked = ("ship", "--to", "files:logs", "--metrics")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        without = await tenx(*asked, "0", PYTHONPATH=f"{tmp_path / 'without'}:{Path.cwd()}")
        busy = await tenx(*asked, port)

    assert (without.status, busy.status) == (1, 1)
    assert "pip install 'tenx-async[prometheus]'" in without.complaint
    assert f"--metrics {port}: Address already in use" in busy.complaint


async def test_a_terminal_shows_one_line_that_is_written_over(
    tenx: Shell, shop: LocalCloud
) -> None:
    """How much, how fast, how late, what waits, and how the sink is."""
    async with tenx.terminal("ship", "--to", "files:logs") as terminal:
        await terminal.until("2 services · 3,000 lines · ")
        await terminal.until(" · 0 waiting · ok")
        assert await terminal.end(signal.SIGINT) == 130

    assert "\x1b[K" in terminal.shown
    assert "services · 3,000 lines" not in terminal.shown.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--to", "nowhere:x"], "nowhere"),
        (["--to", "files:"], "files:"),
        (["--to", "otlp:127.0.0.1:4318"], "no address like http://127.0.0.1:4318/v1/logs"),
        (["--to", "otlp:http://[::1"], "no address like"),
        (["--to", "otlp:http://127.0.0.1:99999"], "no address like"),
        (["--to", "otlp:http://127.0.0.1:port"], "no address like"),
        (["--to", "files:x", "--rotate-size", "big"], "'big' is no size like 100M"),
        (["--to", "sqlite:x", "--text"], "of files:DIR only"),
        (["--to", "files:x", "-n", "few"], "neither a number of lines nor 'all'"),
        (["--to", "files:x", "--since", "1h"], "no date like 2015-12-29"),
        ([], "--to"),
    ],
)
async def test_a_command_line_that_makes_no_sense(
    tenx: Shell, arguments: list[str], complaint: str
) -> None:
    """It is told before anything is asked of the server, or made."""
    ended = await tenx("ship", *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert complaint in " ".join(ended.err.replace("│", " ").split())
    assert not (tenx.folder / "x").exists()
