"""The journal of one run in SQLite: what it returns from is durable."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from attrs import define, field

from tenx_async.api.outcome import Outcome
from tenx_async.clock import Clock
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.group_commit import GroupCommit, Statement
from tenx_async.fleet.lock import Lock
from tenx_async.fleet.outcomes import outcome_record
from tenx_async.fleet.plan import Plan
from tenx_async.fleet.records import step_record
from tenx_async.fleet.run_file import RunFile
from tenx_async.fleet.threads import finish

KEPT = 20
"""Runs that are kept beyond their end; those that are not at their end are all kept."""
_TYPEABLE = "23456789abcdefghjkmnpqrstuvwxyz"
_NEW_RUN = "insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null)"
_NEW_STEP = "insert into steps values (?, ?, ?)"
_ENTRY = """
insert into entries (run, at, kind, step, write, result, outcome) values (?, ?, ?, ?, ?, ?, ?)
"""
_FORGET = """
delete from runs where state in ('finished', 'stopped')
and id not in (select id from runs order by began desc, id desc limit ?)
"""
_END = "update runs set state = ? where id = ?"


@define(eq=False)
class SqliteJournal:
    """What one run writes down, in the file of a directory."""

    directory: Path
    account: str
    """Whose run it is, without secrets."""
    manifest: Path | None = None
    clock: Clock = field(kw_only=True, repr=False)
    run_id: str = ""
    commits: GroupCommit = field(init=False, repr=False)
    _file: RunFile | None = field(default=None, repr=False)
    _lock: Lock | None = field(default=None, repr=False)
    _turn: threading.Lock = field(factory=threading.Lock, init=False, repr=False)
    """Held by the thread that is at the file."""

    def __attrs_post_init__(self) -> None:
        self.commits = GroupCommit(self._write)

    async def begin(self, plan: Plan, terms: Mapping[str, object]) -> None:
        """Write down what the run is going to do, and on which terms.

        Raises:
            ConfigurationError: that cannot be kept; nothing may be sent.
        """
        await asyncio.to_thread(self._begin, plan, terms)

    async def intend(self, step: int, write: int) -> None:
        """Note that a write is about to be sent.

        Raises:
            ConfigurationError: that cannot be kept; it may not be sent.
        """
        await self._enter("intent", step, write)

    async def answered(self, step: int, write: int, outcome: Outcome) -> None:
        """Note what became of a write.

        Raises:
            ConfigurationError: that cannot be kept.
        """
        await self._enter("answer", step, write, outcome)

    async def over(self, step: int, outcome: Outcome) -> None:
        """Note what became of a step.

        Raises:
            ConfigurationError: that cannot be kept.
        """
        await self._enter("over", step, None, outcome)

    async def end(self, state: str) -> None:
        """Note how the run ended, and let others have it; a second end does nothing.

        Whoever calls `begin` calls this at last, even where `begin` failed.

        Args:
            state: `finished`, `stopped` or `interrupted`.

        Raises:
            ConfigurationError: that cannot be kept; others may have it all the same.
        """
        await finish(self._end_all(state))

    async def _end_all(self, state: str) -> None:
        await self.commits.finish()
        await asyncio.to_thread(self._end, state)

    async def _enter(
        self, kind: str, step: int, write: int | None, outcome: Outcome | None = None
    ) -> None:
        now = self.clock.now().astimezone(dt.UTC).isoformat()
        result = outcome and outcome.result
        record = outcome and msgspec.json.encode(outcome_record(outcome))
        await self.commits.put(_ENTRY, self.run_id, now, kind, step, write, result, record)

    def _begin(self, plan: Plan, terms: Mapping[str, object]) -> None:
        with self._turn:
            self._file = RunFile.open(self.directory, afresh=True)
            now = self.clock.now().astimezone(dt.UTC)
            self._take_name(f"{now:%Y%m%d-%H%M%S}-{plan.operation}")
            self._file.write(self._beginning(plan, terms, now))

    def _take_name(self, stem: str) -> None:
        while self._lock is None:
            run_id = f"{stem}-{''.join(secrets.choice(_TYPEABLE) for _ in range(3))}"
            assert self._file
            if not self._file.read("select 1 from runs where id = ?", run_id):
                self._lock = take_lock(self.directory, run_id)
                self.run_id = run_id

    def _beginning(
        self, plan: Plan, terms: Mapping[str, object], now: dt.datetime
    ) -> Iterator[Statement]:
        encode = msgspec.json.encode
        yield (
            _NEW_RUN,
            (
                self.run_id,
                self.account,
                str(self.manifest.absolute()) if self.manifest else None,
                now.isoformat(),
                plan.operation,
                plan.region,
                plan.fleet,
                plan.planned_at.astimezone(dt.UTC).isoformat(),
                encode(terms),
                encode([outcome_record(outcome) for outcome in plan.settled]),
                encode(Counter(outcome.result for outcome in plan.settled)),
            ),
        )
        for place, step in enumerate(plan.steps):
            yield _NEW_STEP, (self.run_id, place, encode(step_record(step)))
        yield _FORGET, (KEPT,)

    def _write(self, statements: Sequence[Statement]) -> None:
        with self._turn:
            if self._file is None:
                raise ConfigurationError(
                    "the run has not begun, or has ended: nothing is kept of it"
                )
            self._file.write(statements)

    def _end(self, state: str) -> None:
        with self._turn:
            file, self._file = self._file, None
            lock, self._lock = self._lock, None
        try:
            if file is not None:
                with closing(file):
                    file.write([(_END, (state, self.run_id))])
        finally:
            if lock is not None:
                lock.release()


def lock_file(directory: Path, run_id: str) -> Path:
    """The file that is locked while a run is done."""
    return directory / f"{run_id}.lock"


def take_lock(directory: Path, run_id: str) -> Lock | None:
    """Take a run's lock; `None`: somebody has it.

    Raises:
        ConfigurationError: there can be no such file.
    """
    try:
        return Lock.take(lock_file(directory, run_id))
    except OSError as error:
        raise ConfigurationError(f"cannot lock a run in {directory}: {error}") from error
