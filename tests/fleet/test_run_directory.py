"""The runs of a directory: listed, taken up again, and what is in the way of that."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tenx_async.errors import ConfigurationError
from tenx_async.fleet import lock, sqlite_journal
from tenx_async.fleet.lock import Lock, is_held
from tenx_async.fleet.plan import Plan
from tenx_async.fleet.runs import Runs
from tests.clock import NOON, ManualClock
from tests.fleet.journals import ALICE, outcome, plan, restarts, step


@pytest.fixture
def runs(tmp_path: Path, clock: ManualClock) -> Runs:
    return Runs(tmp_path / "state", clock=clock)


async def done(runs: Runs, state: str, plan: Plan | None = None) -> str:
    """A run that came to this end, a second later."""
    journal = runs.new(account=ALICE)
    await journal.begin(plan or restarts(2), {})
    await journal.end(state)
    runs.clock.advance(1)  # type: ignore[attr-defined]  # a manual one
    return journal.run_id


async def test_a_run_is_called_by_its_time(runs: Runs, clock: ManualClock) -> None:
    """Its name is short, sorts by time and tells the operation."""
    first, second = [await done(runs, "finished"), await done(runs, "finished")]

    assert first.startswith("20151229-120000-restart-")
    assert second.startswith("20151229-120001-restart-")
    assert len("20151229-120000-restart-k3f") == len(first)


async def test_two_runs_of_one_second_have_two_names(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is taken is drawn again, whether its run goes on or has ended."""
    drawn = iter("aaaaaabbbaaabbbccc")
    monkeypatch.setattr("secrets.choice", lambda _: next(drawn))
    journals = [runs.new(account=ALICE) for _ in range(3)]
    await journals[0].begin(restarts(1), {})
    await journals[1].begin(restarts(1), {})
    await journals[0].end("finished")
    await journals[2].begin(restarts(1), {})
    for journal in journals:
        await journal.end("finished")

    assert ["aaa", "bbb", "ccc"] == [journal.run_id[-3:] for journal in journals]


async def test_runs_are_listed_with_what_became_of_them(runs: Runs, tmp_path: Path) -> None:
    """The latest first; counted is what is over, with what was settled before."""
    old = await done(runs, "stopped")
    manifest = tmp_path / "fleet.yaml"
    journal = runs.new(account=ALICE, manifest=manifest)
    steps = [step("a"), step("b"), step("c")]
    await journal.begin(plan(*steps, operation="apply", settled=[outcome("unchanged")]), {})
    await journal.over(0, outcome())
    await journal.over(1, outcome("unknown"))
    await journal.over(1, outcome())
    going, stopped = runs.list()
    await journal.end("finished")

    assert (old, "stopped", "restart", {}) == (
        stopped.run_id,
        stopped.state,
        stopped.operation,
        stopped.counts,
    )
    assert (journal.run_id, "running", "apply") == (going.run_id, going.state, going.operation)
    assert {"applied": 2, "unchanged": 1} == going.counts
    assert (3, ALICE, "beijing1", manifest) == (
        going.steps,
        going.account,
        going.region,
        going.manifest,
    )
    assert stopped.began == NOON
    assert [journal.run_id] == [run.run_id for run in runs.list(limit=1)]


def test_where_nothing_was_kept_there_are_no_runs(runs: Runs) -> None:
    """A look makes no files."""
    assert [] == runs.list()
    with pytest.raises(ConfigurationError, match="there are no runs in"):
        runs.reopen(None)
    with pytest.raises(ConfigurationError, match="there are no runs in"):
        runs.read(None)
    assert not runs.directory.exists()


async def test_the_latest_unfinished_run_is_taken_up(runs: Runs) -> None:
    """One that was stopped or interrupted, not one that finished, nor one that goes on."""
    await done(runs, "interrupted")
    stopped = await done(runs, "stopped")
    await done(runs, "finished")
    going = runs.new(account=ALICE)
    await going.begin(restarts(1), {})
    recorded = runs.reopen(None)
    await going.end("finished")
    await recorded.journal.intend(0, 0)
    await recorded.journal.end("finished")

    assert (stopped, "stopped") == (recorded.summary.run_id, recorded.summary.state)
    assert {(0, 0)} == runs.read(stopped).intents.keys()
    assert ["finished", "finished", "finished", "interrupted"] == [run.state for run in runs.list()]


async def test_a_run_that_is_taken_up_is_running(runs: Runs) -> None:
    """And nobody else can take it up, not even within the process."""
    run_id = await done(runs, "stopped")
    recorded = runs.reopen(run_id)

    assert ["running"] == [run.state for run in runs.list()]
    with pytest.raises(ConfigurationError, match=f"run {run_id} is still being done"):
        runs.reopen(run_id)
    with pytest.raises(ConfigurationError, match=rf"no run to resume.* {run_id} \(running\)"):
        runs.reopen(None)
    await recorded.journal.end("interrupted")
    assert ["interrupted"] == [run.state for run in runs.list()]


async def test_what_cannot_be_taken_up_says_what_there_is(runs: Runs) -> None:
    """Whoever mistypes a name sees some that are right."""
    run_id = await done(runs, "finished")

    with pytest.raises(ConfigurationError, match=rf"no run 'x/../y'.* {run_id} \(finished\)"):
        runs.reopen("x/../y")
    with pytest.raises(ConfigurationError, match=rf"no run to resume.* {run_id} \(finished\)"):
        runs.reopen(None)
    with pytest.raises(ConfigurationError, match=f"run {run_id} has finished"):
        runs.reopen(run_id)
    assert not is_held(runs.directory / f"{run_id}.lock")


async def test_old_runs_are_forgotten_but_for_unfinished_ones(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file does not grow for ever, and loses nothing that could be resumed."""
    monkeypatch.setattr(sqlite_journal, "KEPT", 2)
    interrupted = await done(runs, "interrupted")
    for _ in range(4):
        last = await done(runs, "finished")
    before_last = runs.list()[1].run_id

    assert [last, before_last, interrupted] == [run.run_id for run in runs.list()]
    assert 2 == len(runs.read(interrupted).plan.steps)


def garbage(file: Path) -> None:
    file.write_bytes(b"not a database" * 999)


def hole(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))


def half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:6000])


each_damage = pytest.mark.parametrize("damage", [garbage, hole, half])


@each_damage
async def test_a_damaged_file_is_set_aside_and_told(runs: Runs, damage: Any) -> None:
    """Whoever resumes is told where it is now, and the next one still."""
    await done(runs, "stopped")
    damage(runs.directory / "runs.sqlite")
    bytes_of_it = (runs.directory / "runs.sqlite").read_bytes()

    with pytest.raises(ConfigurationError, match=r"is damaged .* set aside as .*runs-damaged-"):
        runs.reopen(None)
    (aside,) = runs.directory.glob("runs-damaged-*.sqlite")
    assert bytes_of_it == aside.read_bytes()
    assert [] == runs.list()
    with pytest.raises(ConfigurationError, match=f"set aside as {aside}"):
        runs.reopen(None)


@each_damage
async def test_a_new_run_begins_a_fresh_file_in_place_of_a_damaged_one(
    runs: Runs, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not kept from its work, and the log says what happened."""
    await done(runs, "stopped")
    damage(runs.directory / "runs.sqlite")
    fresh = await done(runs, "stopped")

    assert [fresh] == [run.run_id for run in runs.list()]
    assert "was set aside as" in caplog.text
    assert 1 == len([*runs.directory.glob("runs-damaged-*.sqlite")])


async def test_a_file_of_a_newer_version_is_left_alone(runs: Runs) -> None:
    """Nobody writes to what they do not understand, and nobody sets it aside."""
    await done(runs, "stopped")
    with sqlite3.connect(runs.directory / "runs.sqlite") as database:
        database.execute("pragma user_version = 99")
    database.close()
    for use in (runs.list, runs.reopen):
        with pytest.raises(ConfigurationError, match="newer version"):
            use()
    journal = runs.new(account=ALICE)
    with pytest.raises(ConfigurationError, match="newer version"):
        await journal.begin(restarts(1), {})

    assert [] == [*runs.directory.glob("runs-damaged-*")]


async def test_a_run_that_cannot_be_read_is_told(runs: Runs) -> None:
    """The other runs of the file can still be."""
    whole, broken = await done(runs, "stopped"), await done(runs, "stopped")
    with sqlite3.connect(runs.directory / "runs.sqlite") as database:
        database.execute("update steps set record = '{}' where run = ?", [broken])
    database.close()
    with pytest.raises(ConfigurationError, match=f"run {broken} cannot be read"):
        runs.reopen(None)
    with pytest.raises(ConfigurationError, match=f"run {broken} cannot be read"):
        runs.read(broken)

    assert 2 == len(runs.read(whole).plan.steps)
    assert ["stopped", "stopped"] == [run.state for run in runs.list()]


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """A look does not keep it from anybody, and the file goes with it."""
    file = tmp_path / "lock"
    assert not is_held(file)
    first = Lock.take(file)
    assert first
    assert is_held(file)
    assert Lock.take(file) is None
    first.release()

    assert not file.exists()
    again = Lock.take(file)
    assert again
    again.release()


def test_a_lock_whose_file_was_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who locks a file that its holder removes at that moment locks the next one."""
    file = tmp_path / "lock"
    holders = [Lock.take(file)]
    really = lock._lock

    def lock_late(handle: int, kind: int) -> bool:
        if holders and (holder := holders.pop()):
            holder.release()
        return really(handle, kind)

    monkeypatch.setattr(lock, "_lock", lock_late)
    second = Lock.take(file)

    assert second
    assert is_held(file)
    second.release()
