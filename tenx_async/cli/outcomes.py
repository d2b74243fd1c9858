"""What became of several operations: a line for each, then the failures by their reason."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from attrs import define, field

from tenx_async.api.outcome import Outcome
from tenx_async.cli.ending import Status, explain
from tenx_async.cli.terminal import say, visible
from tenx_async.fleet.report import groups_of

_DONE = {
    "create": "created",
    "update": "scaled",
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
        keys = ("operation", "service", "region", "result", "attempts")
        fields = {key: getattr(outcome, key) for key in keys}
        error = None if outcome.error is None else str(outcome.error)
        return f"{msgspec.json.encode({**fields, 'error': error}).decode()}\n"
    if is_absent(outcome):
        return f"{outcome.service}: {ABSENT}\n"
    if outcome.ok:
        done = _DONE[outcome.operation] if outcome.result == "applied" else outcome.result
        return f"{outcome.service}: {done}\n"
    error = " ".join(str(outcome.error).split())
    return f"{outcome.service}: {outcome.result}: {visible(error)}\n"


def is_absent(outcome: Outcome) -> bool:
    """Whether what was to be deleted is not there; the name may be a slip."""
    return outcome.operation == "delete" and outcome.result == "unchanged"


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
            say(f"interrupted; done or not, look with `tenx ls`: {_some(sorted(open_))}")

    def close(self) -> Status:
        """Say what failed, by reason; tell the exit status."""
        for group in groups_of(self.outcomes):
            names = _some([outcome.service for outcome in group.outcomes])
            first = explain(group.outcomes[0].error) if group.outcomes[0].error else ""
            of_all = f"{len(group.outcomes)} of {len(self.names)} {group.result}, {group.reason}"
            say(f"{of_all} ({names}); first: {first}")
        if absent := [outcome.service for outcome in self.outcomes if is_absent(outcome)]:
            say(f"{len(absent)} of {len(self.names)} not deleted, {ABSENT} ({_some(absent)})")
        results = {outcome.result for outcome in self.outcomes if not outcome.ok}
        if "unknown" in results:
            return Status.UNKNOWN
        return Status.FAILED if results else Status.WELL


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
