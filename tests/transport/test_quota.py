"""Calls as a currency: counted, shown, and not overspent."""

from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tenx_async.errors import ConfigurationError, QuotaExceeded, TenxError
from tenx_async.settings import Credentials
from tenx_async.transport.account import Account, Limits
from tenx_async.transport.counter import SqliteCounter
from tests.clock import ManualClock
from tests.transport.conftest import ALICE, TOKEN, opened, pool_of
from tests.transport.rawserver import RawServer, fails, hanging_up
from tests.transport.test_answers import GET, RESTART

TODAY = dt.date(2015, 12, 29)
MIDNIGHT = dt.datetime(2015, 12, 30, tzinfo=dt.UTC)
HUNDRED = Limits(calls_per_day=100)


async def test_a_run_stops_at_its_budget_and_goes_on_the_next_day(
    clock: ManualClock, server: RawServer
) -> None:
    """Of 150 operations 100 are done today, the others say when they can be, and then are."""
    async with pool_of(server, limits=HUNDRED) as (pool, client):
        calls = [client.services.calls.get("web") for _ in range(150)]
        outcomes = [outcome async for outcome in pool.run(calls)]
        errors = [outcome.error for outcome in outcomes if not outcome.ok]

        assert (100, 50) == (len(server.requests), len(errors))
        assert {QuotaExceeded} == {type(error) for error in errors}
        assert {MIDNIGHT} == {getattr(error, "resumes_at", None) for error in errors}
        assert {
            "get web: the budget of 100 calls a day is spent; it goes on at 2015-12-30 00:00 UTC"
        } == {str(error) for error in errors}
        assert (100, 0) == (client.usage.calls_today, client.usage.budget_left)

        clock.advance((MIDNIGHT - clock.now()).total_seconds())
        assert (0, 100) == (client.usage.calls_today, client.usage.budget_left)
        outcomes = [outcome async for outcome in pool.run(calls[:50])]
        assert all(outcome.ok for outcome in outcomes)
        assert 50 == client.usage.calls_today


async def test_all_clients_of_an_account_share_its_budget(server: RawServer) -> None:
    """Regions and clients are no way around it; another account has its own."""
    async with pool_of(server, limits=Limits(calls_per_day=2)) as (pool, client):
        await client.services.get("web")
        await pool.client().services.get("web")
        with pytest.raises(QuotaExceeded):
            await pool.client(region="us").services.list()
        await pool.client(username="bob").services.get("web")

    assert 3 == len(server.requests)


async def test_what_was_not_sent_is_taken_back(clock: ManualClock) -> None:
    """A refused connection costs nothing, a lost answer does."""
    async with (
        RawServer(clock, listens=False) as server,
        pool_of(server, limits=HUNDRED) as (_, client),
    ):
        with pytest.raises(TenxError):
            await client.services.get("web")
        assert 0 == client.usage.calls_today

        await server.listen()
        server.model.add("web")
        server.do(reads=[fails(hanging_up)])
        await client.services.get("web")
        assert 2 == client.usage.calls_today


async def test_looks_and_retries_count(server: RawServer) -> None:
    """Every request that left is a call."""
    server.do(fails(hanging_up, executes=True))
    async with pool_of(server, limits=HUNDRED) as (_, client):
        await client.services.stop("web")

        assert len(server.requests) == client.usage.calls_today == 2


def counter_of(state: Path, account: Credentials = ALICE) -> SqliteCounter:
    return SqliteCounter.open(state, "http://127.0.0.1:1", account)


def test_a_count_survives_its_process(tmp_path: Path) -> None:
    """Whoever opens the same directory counts on."""
    first = counter_of(tmp_path)
    assert 3 == first.add(TODAY, 3)
    first.close()
    second = counter_of(tmp_path)

    assert 4 == second.add(TODAY, 1)
    assert 0 == second.add(TODAY + dt.timedelta(days=1), 0)
    second.close()


def test_each_account_has_its_own_count(tmp_path: Path) -> None:
    """Another user, and another endpoint, count apart; another token of the same user does not."""
    others = [
        counter_of(tmp_path),
        counter_of(tmp_path, Credentials("bob", TOKEN)),
        SqliteCounter.open(tmp_path, "http://127.0.0.1:2", ALICE),
        counter_of(tmp_path, Credentials(ALICE.username, "a-newer-token")),
    ]
    assert [1, 1, 1, 2] == [counter.add(TODAY, 1) for counter in others]
    for counter in others:
        counter.close()


COUNTING = """
import datetime as dt, pathlib, sys
from tenx_async.settings import Credentials
from tenx_async.transport.counter import SqliteCounter
alice = Credentials("alice", "x")
print("ready", flush=True)
sys.stdin.readline()
counter = SqliteCounter.open(pathlib.Path(sys.argv[1]), "http://127.0.0.1:1", alice)
seen = [counter.add(dt.date(2015, 12, 29), 1) for _ in range(200)]
print(len(set(seen)), seen == sorted(seen))
counter.close()
"""


def test_processes_share_a_count(tmp_path: Path) -> None:
    """Calls that are counted at the same time are all counted, and no number is given twice."""
    program = [sys.executable, "-c", COUNTING, str(tmp_path)]
    processes = [
        subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout
        assert "ready\n" == process.stdout.readline()
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=30)[0] for process in processes]

    assert ["200 True\n"] * 3 == said

    counter = counter_of(tmp_path)
    assert 600 == counter.add(TODAY, 0)
    counter.close()


async def test_a_budget_is_shared_by_all_that_know_its_directory(
    clock: ManualClock, server: RawServer, tmp_path: Path
) -> None:
    """Two pools, one after the other, have one day's budget together."""
    limits = Limits(calls_per_day=3)
    async with pool_of(server, limits=limits, state=tmp_path) as (_, client):
        for _ in range(2):
            await client.services.get("web")
    assert (2, 1) == (client.usage.calls_today, client.usage.budget_left)

    async with pool_of(server, limits=limits, state=tmp_path) as (_, client):
        assert 1 == client.usage.budget_left
        await client.services.get("web")
        with pytest.raises(QuotaExceeded):
            await client.services.get("web")

    assert 3 == len(server.requests)


async def test_no_file_of_the_count_tells_who_calls(server: RawServer, tmp_path: Path) -> None:
    """Neither the name nor the token stands in it, and nobody else can look into its directory."""
    state = tmp_path / "state"
    async with pool_of(server, state=state) as (_, client):
        await client.services.get("web")
        written = b"".join(file.read_bytes() for file in state.iterdir())

    assert written
    assert ALICE.username.encode() not in written
    assert TOKEN.encode() not in written
    assert 0o700 == state.stat().st_mode & 0o777


def _a_file(path: Path) -> Path:
    path.write_text("not a directory")
    return path


def _below_a_file(path: Path) -> Path:
    return _a_file(path) / "state"


def _no_database(path: Path) -> Path:
    path.mkdir()
    (path / "calls.sqlite").write_bytes(b"something else entirely" * 100)
    return path


def _a_directory_in_its_place(path: Path) -> Path:
    (path / "calls.sqlite").mkdir(parents=True)
    return path


def _another_schema(path: Path) -> Path:
    path.mkdir()
    database = sqlite3.connect(path / "calls.sqlite")
    database.execute("create view calls as select 1")
    database.commit()
    database.close()
    return path


@pytest.mark.parametrize("spoil", [_a_file, _below_a_file, _no_database, _a_directory_in_its_place])
async def test_a_count_that_cannot_be_kept_is_said_at_once(tmp_path: Path, spoil) -> None:
    """A state directory that is none is a matter of configuration, told before any call."""
    state = spoil(tmp_path / "state")
    account = Account(endpoint="http://127.0.0.1:1", credentials=ALICE, state=state)
    with pytest.raises(ConfigurationError, match=r"cannot count calls in .*calls\.sqlite"):
        account.open()


@pytest.mark.parametrize("operation", [GET, RESTART], ids=["read", "write"])
async def test_a_count_that_breaks_holds_no_place(
    server: RawServer, tmp_path: Path, operation: Any
) -> None:
    """A file that goes wrong meanwhile ends operations as errors of this package."""
    state = _another_schema(tmp_path / "state")
    account = Account(
        endpoint=server.endpoint, credentials=ALICE, state=state, clock=server.clock
    ).open()
    with pytest.raises(ConfigurationError, match="cannot count calls"):
        await account.perform(operation)
    assert 0 == account.gate.in_flight
    await account.close()
    assert [] == server.requests


class Stepping(ManualClock):
    """A clock that is set to the next day."""

    days: int = 0

    def now(self) -> dt.datetime:
        return super().now() + dt.timedelta(days=self.days)


async def test_a_clock_that_is_set_gives_no_calls_away() -> None:
    """What is taken back is taken from the day on which it was counted."""
    clock = Stepping()
    async with (
        RawServer(clock, listens=False) as server,
        opened(server, calls_per_day=1) as account,
    ):
        call = asyncio.create_task(account.perform(GET, attempts=1))
        await asyncio.sleep(0)
        clock.days = 1
        with pytest.raises(TenxError):
            await call

        assert (0, 1) == (account.usage.calls_today, account.usage.budget_left)


async def test_a_count_that_another_process_locks_is_soon_told(tmp_path: Path) -> None:
    """Nobody waits for long for the file, since everybody waits meanwhile."""
    counter = counter_of(tmp_path)
    other = sqlite3.connect(tmp_path / "calls.sqlite", isolation_level=None)
    other.execute("begin immediate")
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match="database is locked"):
        counter.add(TODAY, 1)
    waited = time.monotonic() - began
    other.execute("rollback")
    other.close()

    assert waited < 2.0
    assert 1 == counter.add(TODAY, 1)
    counter.close()


@pytest.mark.parametrize("name", ["calls_per_day", "calls_per_second"])
@pytest.mark.parametrize("number", [0, -1, float("nan"), float("inf")])
def test_limits_that_make_no_sense_are_refused(name: str, number: float) -> None:
    """No calls a second are not any number of calls a second."""
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: number})  # type: ignore[arg-type]  # which one is the test's to say
