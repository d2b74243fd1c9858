from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tenx_async import LocalCloud
from tenx_async.cli import demo
from tenx_async.cli.account import Account, read_tallies
from tenx_async.cli.demo import Play
from tenx_async.cli.ending import Status
from tenx_async.cli.shop import SHOP, Sample
from tenx_async.cli.terminal import colour_of
from tests.conftest import client_of

from .conftest import Shell

KINDS = ("web", "api", "worker", "mysql", "cache", "mailer")


def _numbers(out: str) -> dict[str, str]:
    words = (line.split() for line in out.splitlines()[-9:])
    return {pair[0]: pair[1] for pair in words if len(pair) > 1}


async def test_the_demonstration_loses_and_repeats_nothing(stranger: Shell) -> None:
    """Its account compares with what the processes wrote, and ends with status 0."""
    ended = await stranger("demo", "--seconds", "3")

    account = _numbers(ended.out)
    assert ended.status == 0, ended
    assert (account["lost"], account["repeated"]) == ("0", "0")
    assert account["written"] == account["delivered"]
    assert int(account["written"]) > 50
    assert "tenx: mailer: found" in ended.err
    assert "tenx: api is running again" in ended.err


async def test_the_demonstration_can_be_interrupted(stranger: Shell) -> None:
    """Ctrl-C ends it, with all that it started."""
    running = await stranger.start("demo")
    await running.until("GET /")

    ended = await running.end(signal.SIGINT)

    assert ended.status == 130
    assert "Traceback" not in ended.err


def test_the_account_finds_a_lost_and_a_repeated_line() -> None:
    """Multisets are compared, so that neither hides the other."""
    written = Counter({("web", "a"): 1, ("web", "PING"): 3, ("api", "a"): 1})
    delivered = Counter({("web", "a"): 2, ("web", "PING"): 2, ("api", "a"): 1})

    account = Account.compare(written, delivered)

    assert (account.written, account.delivered) == (5, 5)
    assert not account.is_exact
    assert "lost 1 times, web: PING" in account.shown()
    assert "repeated 1 times, web: a" in account.shown()
    assert Account.compare(written, written).is_exact


def test_the_account_knows_a_line_that_went_to_another_service() -> None:
    """The same text of two services is two lines."""
    account = Account.compare(Counter({("web", "a"): 1}), Counter({("api", "a"): 1}))

    assert (account.lost.total(), account.repeated.total()) == (1, 1)


async def test_a_wrong_account_shows_in_the_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that a process wrote and nobody delivered is named, and the status is 3."""
    (tmp_path / "web.1").write_text("never delivered\n")
    monkeypatch.setattr(Play, "_act", lambda *_: asyncio.sleep(0))
    monkeypatch.setattr(demo, "SHOP", ())

    async with LocalCloud(runtime="process") as cloud:
        assert Status.FAILED == await Play(cloud, tmp_path, seconds=1).perform()

    assert "lost 1 times, web: never delivered" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
async def test_a_process_notes_exactly_what_it_wrote(kind: str, tmp_path: Path) -> None:
    """Whenever SIGTERM comes, a line is in the tally if and only if it was written."""
    sample = Sample(kind, rate=20_000)
    container = sample.spec(tmp_path).containers[0]
    process = await asyncio.create_subprocess_exec(
        *container.command,
        env={variable.name: variable.value for variable in container.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout
    first = await process.stdout.readline()
    await asyncio.sleep(0.1)
    process.terminate()
    async with asyncio.timeout(10):
        rest, _ = await process.communicate()

    written = Counter((kind, line) for line in (first + rest).decode().splitlines())
    assert process.returncode == 0
    assert written.total() > 100
    assert written == read_tallies(tmp_path)


async def test_twenty_busy_processes_are_followed_exactly(tmp_path: Path) -> None:
    """A thousand lines a second of real processes, many of them equal, arrive once each."""
    shop = [Sample(f"busy-{number:02}", 50, kind=KINDS[number % 6]) for number in range(20)]
    delivered: Counter[tuple[str, str]] = Counter()

    async with LocalCloud(runtime="process") as cloud, client_of(cloud) as client:
        for sample in shop:
            await client.services.create(sample.name, sample.spec(tmp_path))
        async with client.follow("busy-*", tail=None, interval=(0.2, 1.0)) as lines:
            reading = asyncio.create_task(_count(lines.batches(), delivered))
            await asyncio.sleep(3)
            for sample in shop:
                await client.services.stop(sample.name)
            for sample in shop:
                await client.services.wait(sample.name, "Stopped")
            written = read_tallies(tmp_path)
            await _quiet(delivered, written.total())
            reading.cancel()

    assert written.total() > 2000
    assert (Counter(), Counter()) == (written - delivered, delivered - written)


async def _count(batches, delivered: Counter[tuple[str, str]]) -> None:
    async for batch in batches:
        delivered.update((line.service, line.log) for line in batch)


async def _quiet(delivered: Counter[tuple[str, str]], expected: int) -> None:
    """Wait for as many lines as were written, and a little longer for some too many."""
    ends = time.monotonic() + 10
    while delivered.total() < expected and time.monotonic() < ends:  # noqa: ASYNC110  # a counter
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)


def test_the_samples_differ_in_colour() -> None:
    """The first impression of merged logs is that their sources can be told apart."""
    assert len(SHOP) == len({colour_of(sample.name) for sample in SHOP})


def test_a_sample_runs_with_the_interpreter_that_runs_the_command() -> None:
    """A fresh machine has no other that is certain to do."""
    assert sys.executable == SHOP[0].spec().containers[0].command[0]
