"""What a journal keeps, what it does not, and when it is durable."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tenx_async import errors
from tenx_async.api.specs import ContainerSpec, ServiceSpec
from tenx_async.errors import (
    ConfigurationError,
    Forbidden,
    InvalidSpec,
    OutcomeUnknown,
    QuotaExceeded,
    TenxError,
    TimedOut,
)
from tenx_async.fleet.journal import Journal, NoJournal
from tenx_async.fleet.plan import Plan
from tenx_async.fleet.records import spec_digest
from tenx_async.fleet.runs import Runs
from tenx_async.fleet.sqlite_journal import SqliteJournal
from tests.clock import NOON, ManualClock
from tests.fleet.journals import ALICE, EVERYTHING, SECRET, SEEN, SPEC, outcome, restarts


@pytest.fixture
def runs(tmp_path: Path, clock: ManualClock) -> Runs:
    return Runs(tmp_path / "state" / "tenx", clock=clock)


@asynccontextmanager
async def begun(runs: Runs, plan: Plan | None = None) -> AsyncIterator[SqliteJournal]:
    """A journal of a run that is interrupted when the block ends."""
    journal = runs.new(account=ALICE)
    try:
        await journal.begin(plan or restarts(9), {"stable": 10.0, "waves": [1, "5%"]})
        yield journal
    finally:
        await journal.end("interrupted")


async def test_a_plan_comes_back_without_its_secrets(runs: Runs) -> None:
    """All that a run needs is kept: of services what tells them apart, of a create a digest."""
    async with begun(runs, EVERYTHING) as journal:
        pass
    recorded = runs.read(journal.run_id)
    web, *others, api = recorded.plan.steps

    assert EVERYTHING.steps[1:-1] == tuple(others)
    assert EVERYTHING.steps[0].writes == web.writes
    assert ("delete", "create") == tuple(write.verb for write in api.writes)
    assert (None, ()) == (api.writes[1].spec, api.changes)
    assert {(4, 1): spec_digest(SPEC)} == recorded.digests
    assert EVERYTHING.settled == recorded.plan.settled
    assert {"stable": 10.0, "waves": [1, "5%"]} == recorded.terms
    assert ("apply", "beijing1", 9, NOON) == (
        recorded.plan.operation,
        recorded.plan.region,
        recorded.plan.fleet,
        recorded.plan.planned_at,
    )


async def test_what_a_service_looked_like_comes_back(runs: Runs) -> None:
    """What tells whether it changed is kept to the microsecond."""
    async with begun(runs, EVERYTHING) as journal:
        pass
    seen = runs.read(journal.run_id).plan.steps[0].seen

    assert seen
    for name in ("name", "region", "uid", "created_at", "status", "target_instance_size"):
        assert getattr(SEEN, name) == getattr(seen, name)
    assert SEEN.binding_domain_name == seen.binding_domain_name
    assert [("web:1", SEEN.containers[0].memory)] == [(c.image, c.memory) for c in seen.containers]


async def test_no_secret_reaches_the_disk(runs: Runs) -> None:
    """Neither variables, nor commands, nor what nobody knows the meaning of."""
    async with begun(runs, EVERYTHING) as journal:
        await journal.answered(4, 1, outcome(value=SEEN))
        written = b"".join(file.read_bytes() for file in runs.directory.iterdir())

    assert b"web:1" in written
    assert SECRET.encode() not in written


async def test_only_its_owner_can_read_it(runs: Runs) -> None:
    """The directory and all files in it are the user's own."""
    async with begun(runs):
        modes = {file.stat().st_mode & 0o777 for file in runs.directory.iterdir()}

        assert {0o600} == modes
        assert 0o700 == runs.directory.stat().st_mode & 0o777


def test_equal_specifications_have_equal_digests() -> None:
    """Neither the notation of an amount nor the order of keys counts; a password does."""

    def spec(password: str, memory: str, **extra: str) -> ServiceSpec:
        container = ContainerSpec(image="web:1", memory=memory, env={"PASSWORD": password})
        return ServiceSpec(containers=[container], extra=extra)

    one = spec_digest(spec("a", "1Gi", x="1", y="2"))

    assert one == spec_digest(spec("a", "1024Mi", y="2", x="1"))
    assert one != spec_digest(spec("b", "1Gi", x="1", y="2"))


ERRORS: list[TenxError] = [
    Forbidden("the quota is spent", operation="restart web", attempts=2, status=403),
    OutcomeUnknown("nobody knows", operation="restart web", attempts=3),
    TimedOut("nothing came", operation="stop web"),
    QuotaExceeded("100 calls are spent", operation="stop web"),
    InvalidSpec("no image"),
    ConfigurationError("not so"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_an_error_comes_back_as_it_was(runs: Runs, error: TenxError) -> None:
    """Of the same class, with the same text."""
    async with begun(runs) as journal:
        await journal.answered(0, 0, outcome("failed", error=error))
    (answer,) = runs.read().answers.values()

    assert type(error) is type(answer.error)
    assert str(error) == str(answer.error)
    assert getattr(error, "attempts", None) == getattr(answer.error, "attempts", None)


def _all_errors(cls: type[TenxError] = TenxError) -> Iterator[type[TenxError]]:
    yield cls
    for one in cls.__subclasses__():
        yield from _all_errors(one)


async def test_every_error_can_be_kept(runs: Runs) -> None:
    """Whatever class of errors there is, its text comes back."""
    classes = [cls for cls in _all_errors() if cls.__module__ == errors.__name__]
    async with begun(runs, restarts(len(classes))) as journal:
        for place, cls in enumerate(classes):
            await journal.over(place, outcome("failed", error=cls("half \ud800 a letter")))
    over = runs.read().over

    assert classes == [type(one.error) for one in over.values()]
    assert {"half ? a letter"} == {one.error.message for one in over.values() if one.error}


async def test_what_happened_comes_back(runs: Runs, clock: ManualClock) -> None:
    """Each intent with its instant, each answer and each end of a step."""
    async with begun(runs) as journal:
        await journal.intend(0, 0)
        clock.advance(60)
        await journal.intend(1, 0)
        await journal.answered(0, 0, outcome())
        await journal.over(0, outcome("failed"))
    recorded = runs.read()

    assert {(0, 0): NOON, (1, 0): NOON + dt.timedelta(seconds=60)} == recorded.intents
    assert {(0, 0): outcome()} == recorded.answers
    assert {0: outcome("failed")} == recorded.over


async def test_a_new_intent_is_open_again(runs: Runs, clock: ManualClock) -> None:
    """What is about to be sent once more has no answer; one without any keeps its first instant."""
    async with begun(runs) as journal:
        await journal.intend(0, 0)
        await journal.intend(1, 0)
        await journal.answered(0, 0, outcome("failed"))
        await journal.over(0, outcome("failed"))
        clock.advance(60)
        await journal.intend(0, 0)
        await journal.intend(1, 0)
    recorded = runs.read()

    assert {(0, 0): NOON + dt.timedelta(seconds=60), (1, 0): NOON} == recorded.intents
    assert ({}, {}) == (recorded.answers, recorded.over)
    assert {} == runs.list()[0].counts


async def test_many_share_one_wait_for_the_disk(runs: Runs) -> None:
    """What 64 tasks note at a time takes few commits, not one for each."""
    async with begun(runs, restarts(2_000)) as journal:
        places = iter(range(2_000))

        async def intend() -> None:
            for place in places:
                await journal.intend(place, 0)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(64):
                tasks.create_task(intend())
        commits = journal.commits.batches

    assert 2_000 == len(runs.read().intents)
    assert commits <= 2_000 / 64 * 2


async def test_runs_at_the_same_time_share_the_file(runs: Runs) -> None:
    """Each writes for itself, and keeps all that is its own."""
    async with begun(runs) as one, begun(runs) as other, asyncio.TaskGroup() as tasks:
        for place in range(50):
            tasks.create_task(one.intend(place, 0))
            await other.intend(place, 1)

    assert {(place, 0) for place in range(50)} == runs.read(one.run_id).intents.keys()
    assert {(place, 1) for place in range(50)} == runs.read(other.run_id).intents.keys()


async def test_who_is_cancelled_stops_waiting_only(runs: Runs) -> None:
    """What was given to be written is written, and others go on."""
    async with begun(runs) as journal:
        tasks = [asyncio.create_task(journal.intend(place, 0)) for place in range(9)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [3] == [place for place, task in enumerate(tasks) if task.cancelled()]

    assert {(place, 0) for place in range(9)} == runs.read().intents.keys()


async def test_a_run_that_is_cancelled_as_it_begins_can_be_ended(runs: Runs) -> None:
    """Nothing stays locked."""
    journal = runs.new(account=ALICE)
    beginning = asyncio.create_task(journal.begin(restarts(500), {}))
    await asyncio.sleep(0)
    beginning.cancel()
    await asyncio.gather(beginning, return_exceptions=True)
    await journal.end("interrupted")

    assert "running" not in [run.state for run in runs.list()]


LIMITS = {
    "full": "pragma max_page_count = 1",
    "read-only": "pragma query_only = on",
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
async def test_what_cannot_be_kept_may_not_be_sent(runs: Runs, limit: str) -> None:
    """An intent that does not reach the disk is an error; what was kept before stays."""
    async with begun(runs) as journal:
        await journal.intend(0, 0)
        assert journal._file
        journal._file._database.execute(limit)
        with pytest.raises(ConfigurationError, match=r"runs\.sqlite"):
            for _ in range(200):
                await journal.intend(1, 0)
        journal._file._database.execute("pragma query_only = off")
        journal._file._database.execute("pragma max_page_count = 1000000")
        await journal.intend(8, 0)

    assert {(0, 0), (8, 0)} <= runs.read().intents.keys()


async def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A run whose journal cannot be begun begins nothing."""
    (tmp_path / "file").touch()
    journal = Runs(tmp_path / "file").new(account=ALICE)
    with pytest.raises(ConfigurationError, match="cannot keep the journal"):
        await journal.begin(restarts(1), {})
    await journal.end("interrupted")


async def test_nothing_is_kept_before_and_after(runs: Runs) -> None:
    """A journal that has not begun, or has ended, takes no intent."""
    journal = runs.new(account=ALICE)
    with pytest.raises(ConfigurationError, match="has not begun"):
        await journal.intend(0, 0)
    await journal.begin(restarts(1), {})
    await journal.end("finished")
    await journal.end("stopped")
    with pytest.raises(ConfigurationError, match="has ended"):
        await journal.intend(0, 0)

    assert ["finished"] == [run.state for run in runs.list()]


async def test_a_run_ends_in_one_of_three_ways(runs: Runs) -> None:
    """Another word is refused, and the run is let go all the same."""
    journal = runs.new(account=ALICE)
    await journal.begin(restarts(1), {})
    with pytest.raises(ConfigurationError, match="constraint failed"):
        await journal.end("done")

    assert ["interrupted"] == [run.state for run in runs.list()]


async def test_no_journal_keeps_nothing() -> None:
    """It can be written to like any other."""
    journals: list[Journal] = [NoJournal()]
    for journal in journals:
        await journal.begin(restarts(1), {})
        await journal.intend(0, 0)
        await journal.answered(0, 0, outcome())
        await journal.over(0, outcome())
        await journal.end("finished")
        assert "" == journal.run_id


@pytest.mark.parametrize("after", [1, 500, 3_000])
def test_a_kill_loses_nothing_that_returned(runs: Runs, after: int) -> None:
    """Of a process that dies at once, every intent that had returned is in the file."""
    command = [sys.executable, "-m", "tests.fleet.journals", str(runs.directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        returned = [int(next(process.stdout)) for _ in range(after)]
        assert ["running"] == [run.state for run in runs.list()]
        os.kill(process.pid, signal.SIGKILL)
        returned += [int(line) for line in process.stdout if line.endswith("\n")]
    (run,) = runs.list()
    kept = {step for step, _ in runs.read(run.run_id).intents}

    assert "interrupted" == run.state
    assert set(returned) <= kept
    assert len(kept) <= len(returned) + 2 * 16


def test_the_repr_of_a_journal_shows_no_more_than_it_needs(tmp_path: Path) -> None:
    """Which run, where and whose."""
    journal = Runs(tmp_path).new(account="alice")

    assert (
        f"SqliteJournal(directory={tmp_path!r}, account='alice', manifest=None, run_id='')"
        == repr(journal)
    )


async def test_who_is_cancelled_waits_until_the_run_is_let_go(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody finds it running when its task has ended."""
    journal = runs.new(account=ALICE)
    await journal.begin(restarts(1), {})
    may_end, end = threading.Event(), journal._end

    def end_late(state: str) -> None:
        may_end.wait(10)
        end(state)

    monkeypatch.setattr(SqliteJournal, "_end", lambda _, state: end_late(state))
    task = asyncio.create_task(journal.end("interrupted"))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    assert "running" == runs.list()[0].state
    assert not task.done()
    may_end.set()
    await asyncio.wait([task])

    assert task.cancelled()
    assert "interrupted" == runs.list()[0].state
