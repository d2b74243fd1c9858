"""What became of several operations: a line for each, then the failures by their reason."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from attrs import define, field

from tenx_async.api.outcome import Outcome
from tenx_async.cli.ending import Status, explain
from tenx_async.cli.terminal import say, visible, visible_json
from tenx_async.errors import NotFound, TenxError
from tenx_async.fleet.report import groups_of

_DONE = {
    "create": "created",
    "update": "updated",
    "scale": "scaled",
    "replace": "replaced",
    "delete": "deleted",
    "start": "started",
    "stop": "stopped",
    "restart": "restarted",
}
MOST_NAMES = 10
ABSENT = "there is no such service"


class OutcomeFormat(StrEnum):
    """How outcomes are told."""

    TEXT = "text"
    JSON = "json"


def outcome_line(outcome: Outcome, form: OutcomeFormat) -> str:
    """Tell one outcome in one line."""
    if form is OutcomeFormat.JSON:
        return json_line(outcome_fields(outcome))
    return f"{visible(' '.join(_words(outcome).split()))}\n"


def _words(outcome: Outcome) -> str:
    if is_absent(outcome):
        return f"{outcome.service}: {ABSENT}"
    if outcome.ok:
        done = _DONE.get(outcome.operation, "done")
        return f"{outcome.service}: {done if outcome.result == 'applied' else outcome.result}"
    return f"{outcome.service}: {outcome.result}: {outcome.error}"


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """Tell one outcome to a program."""
    keys = ("operation", "service", "region", "result", "attempts")
    fields = {key: getattr(outcome, key) for key in keys}
    return {**fields, "error": None if outcome.error is None else str(outcome.error)}


def json_line(value: Any) -> str:
    """Write a value as JSON in one line; no terminal obeys it."""
    text = msgspec.json.encode(value).decode()
    return f"{visible_json(text) if sys.stdout.isatty() else text}\n"


def is_absent(outcome: Outcome) -> bool:
    """Whether what was to be deleted is not there; the name may be a slip."""
    return outcome.operation == "delete" and outcome.result == "unchanged"


def raise_error(outcome: Outcome) -> None:
    """Tell of a failure that is the only outcome as an error."""
    if type(outcome.error) is TenxError:  # which does not say what it is about
        raise TenxError(f"{outcome.operation} {outcome.service}: {outcome.error}")
    if outcome.error:
        raise outcome.error
    if is_absent(outcome):
        raise NotFound(ABSENT, operation=f"delete {outcome.service}", status=404)


@define
class Tally:
    """Counts outcomes of operations on `names`."""

    names: Sequence[str]
    outcomes: list[Outcome] = field(factory=list, init=False)

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.outcomes.append(outcome)

    def interrupted(self) -> None:
        """Say of which services nothing is known."""
        if open_ := set(self.names) - {outcome.service for outcome in self.outcomes}:
            say(f"interrupted; done or not, look with `tenx ls`: {some(sorted(open_))}")

    def close(self, stopped: str = "") -> Status:
        """Say what failed, by reason; tell the exit status of a run that stopped, or did not."""
        for group in groups_of(self.outcomes):
            names = some([outcome.service for outcome in group.outcomes])
            first = explain(group.outcomes[0].error) if group.outcomes[0].error else ""
            reason = "" if group.reason == TenxError.__name__ else f", {group.reason}"
            of_all = f"{len(group.outcomes)} of {len(self.names)} {group.result}{reason}"
            say(f"{of_all} ({names}); first: {first}")
        if absent := [outcome.service for outcome in self.outcomes if is_absent(outcome)]:
            say(f"{len(absent)} of {len(self.names)} not deleted, {ABSENT} ({some(absent)})")
        results = {outcome.result for outcome in self.outcomes if not outcome.ok}
        if "unknown" in results:
            return Status.UNKNOWN
        if stopped:
            return Status.STOPPED
        return Status.FAILED if results else Status.WELL


def some(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Name the first few."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
