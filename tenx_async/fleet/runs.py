"""The runs of a directory: new ones, a list of them, and those to be taken up again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgspec
from attrs import field, frozen

from tenx_async.clock import Clock, SystemClock
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.journal import Journal, NoJournal
from tenx_async.fleet.lock import is_held as lock_is_held
from tenx_async.fleet.recorded import (
    Recorded,
    RunSummary,
    digests_in,
    history_of,
    plan_of,
)
from tenx_async.fleet.run_file import DAMAGED_NAMES, FILE_NAME, RunFile
from tenx_async.fleet.sqlite_journal import SqliteJournal, lock_file, take_lock

_RUNS = """
select id, account, manifest, began, operation, region, counts, state,
    (select count(*) from steps where run = runs.id)
from runs
"""
_WHOSE = "ifnull(?1, account) = account"
_ORDER = "order by began desc, id desc"
_UNFINISHED = f"{_RUNS} where {_WHOSE} and state is not 'finished' {_ORDER}"
_LATEST = f"{_RUNS} where {_WHOSE} {_ORDER} limit ?2"
_ONE = f"{_RUNS} where id = ?"
_COUNTS = """
select result, count(*) from (
    select kind, result, max(id) from entries
    where run = ? and kind in ('intent', 'over') group by step
) where kind = 'over' group by result
"""
_REST = "select terms, fleet, planned_at, settled from runs where id = ?"
_STEPS = "select record from steps where run = ? order by step"
_ENTRIES = "select at, kind, step, write, outcome from entries where run = ? order by id"
_TAKEN_UP = "update runs set state = null where id = ?"
_NAMED = 5
"""Runs that a message names."""

Row = tuple[Any, ...]


@frozen
class Runs:
    """The runs that are kept in a directory."""

    directory: Path
    clock: Clock = field(factory=SystemClock, kw_only=True, repr=False)

    def new(self, *, account: str, manifest: Path | None = None) -> SqliteJournal:
        """A journal for a new run, which makes its files when it begins.

        Args:
            account: whose run it is, to be shown: endpoint, username and region, no secret.
            manifest: the file that it is declared in, to be read again when it is resumed.
        """
        return SqliteJournal(self.directory, account, manifest, clock=self.clock)

    def list(self, limit: int = 20) -> list[RunSummary]:
        """List the latest runs, the latest first.

        Raises:
            ConfigurationError: they cannot be read.
        """
        if not (self.directory / FILE_NAME).exists():
            return []
        with closing(RunFile.open(self.directory)) as file:
            return [*self._latest(file, limit)]

    def read(self, run_id: str | None = None, *, account: str | None = None) -> Recorded:
        """Read a run as it is, without taking it up.

        Args:
            run_id: which one; the latest one without it.
            account: whose latest one; anybody's without it.

        Raises:
            ConfigurationError: there is no such run, or it cannot be read.
        """
        with closing(self._opened()) as file:
            found = self._find(file, run_id) if run_id else self._latest_of(file, account)
            return _recorded(file, found, NoJournal(found.run_id))

    def reopen(self, run_id: str | None = None, *, account: str | None = None) -> Recorded:
        """Take up a run that did not come to its end; end its journal, whatever happens.

        Args:
            run_id: which one; the latest one that did not come to its end without it.
            account: whose latest one; anybody's without it.

        Raises:
            ConfigurationError: there is no such run, it has finished, or some process still
                does it; says what there is instead.
        """
        with ExitStack() as undo:
            file = undo.enter_context(closing(self._opened()))
            found = self._find(file, run_id) if run_id else self._latest_unfinished(file, account)
            lock = take_lock(self.directory, found.run_id)
            if lock is None:
                raise ConfigurationError(f"run {found.run_id} is still being done by a process")
            undo.callback(lock.release)
            summary = self._summary(*_rows(file, _ONE, found.run_id), is_held=False)
            if summary.state == "finished":
                raise ConfigurationError(f"run {found.run_id} has finished: nothing is left of it")
            journal = SqliteJournal(
                self.directory,
                summary.account,
                summary.manifest,
                clock=self.clock,
                run_id=summary.run_id,
                file=file,
                lock=lock,
            )
            recorded = _recorded(file, summary, journal)
            file.write([(_TAKEN_UP, (summary.run_id,))])
            undo.pop_all()
            return recorded

    def _opened(self) -> RunFile:
        if not (self.directory / FILE_NAME).exists():
            raise self._none_there()
        return RunFile.open(self.directory)

    def _find(self, file: RunFile, run_id: str) -> RunSummary:
        for row in _rows(file, _ONE, run_id):
            return self._summary(row)
        raise ConfigurationError(f"there is no run {run_id!r}; {self._what_there_is(file)}")

    def _latest(
        self, file: RunFile, limit: int, account: str | None = None
    ) -> Sequence[RunSummary]:
        return [self._summary(row) for row in _rows(file, _LATEST, account, limit)]

    def _latest_of(self, file: RunFile, account: str | None) -> RunSummary:
        for run in self._latest(file, 1, account):
            return run
        raise self._none_there(account)

    def _latest_unfinished(self, file: RunFile, account: str | None) -> RunSummary:
        for row in _rows(file, _UNFINISHED, account):
            if (run := self._summary(row)).state != "running":
                return run
        raise ConfigurationError(f"there is no run to resume; {self._what_there_is(file)}")

    def _what_there_is(self, file: RunFile) -> str:
        runs = ", ".join(f"{run.run_id} ({run.state})" for run in self._latest(file, _NAMED))
        return f"the latest are {runs}" if runs else f"{self.directory} has none at all"

    def _none_there(self, account: str | None = None) -> ConfigurationError:
        aside = sorted(self.directory.glob(DAMAGED_NAMES))
        hint = f"; damaged ones were set aside as {aside[-1]}" if aside else ""
        whose = f" of {account}" if account else ""
        return ConfigurationError(f"there are no runs{whose} in {self.directory}{hint}")

    def _summary(self, row: Row, *, is_held: bool | None = None) -> RunSummary:
        run_id, account, manifest, began, operation, region, settled, state, steps, counts = row
        if is_held is None:
            is_held = lock_is_held(lock_file(self.directory, run_id))
        return RunSummary(
            run_id=run_id,
            operation=operation,
            region=region,
            account=account,
            began=dt.datetime.fromisoformat(began),
            state="running" if is_held else state or "interrupted",
            manifest=Path(manifest) if manifest else None,
            steps=steps,
            counts=Counter(msgspec.json.decode(settled)) + counts,
        )


def _rows(file: RunFile, sql: str, *values: object) -> Iterator[Row]:
    """Runs, each with the counts of what is over."""
    for row in file.read(sql, *values):
        yield *row, Counter(dict(file.read(_COUNTS, row[0])))


def _recorded(file: RunFile, summary: RunSummary, journal: Journal) -> Recorded:
    run_id = summary.run_id
    try:
        steps = [msgspec.json.decode(record) for (record,) in file.read(_STEPS, run_id)]
        history = history_of(file.read(_ENTRIES, run_id))
        ((terms, *rest),) = file.read(_REST, run_id)
        return Recorded(
            journal=journal,
            summary=summary,
            plan=plan_of(summary, steps, rest),
            terms=msgspec.json.decode(terms),
            intents=history.intents,
            answers=history.answers,
            over=history.over,
            digests=digests_in(steps),
        )
    except (ValueError, TypeError, LookupError) as error:
        raise ConfigurationError(f"the journal of run {run_id} cannot be read: {error}") from error
