"""What is known of a run from its journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from attrs import define, field, frozen

from tenx_async.api.outcome import Outcome
from tenx_async.fleet.journal import Journal
from tenx_async.fleet.outcomes import outcome_of
from tenx_async.fleet.plan import Plan
from tenx_async.fleet.records import digests_of, step_of

State = Literal["running", "interrupted", "finished", "stopped"]

Place = tuple[int, int]
"""A step, and one of its writes."""


@frozen(kw_only=True)
class RunSummary:
    """One run in short."""

    run_id: str
    operation: str
    region: str
    account: str
    began: dt.datetime
    state: State
    """`interrupted`: nobody does it any more, and it did not come to its end."""
    manifest: Path | None = None
    steps: int
    """How many steps there are."""
    counts: Mapping[str, int]
    """What is over, by result, with what was settled before the first write."""


@frozen(kw_only=True)
class Recorded:
    """A run as its journal has it."""

    journal: Journal
    """To write on with."""
    summary: RunSummary
    """As it was before."""
    plan: Plan
    """Its creates have no specification: see `digests`."""
    terms: Mapping[str, Any]
    intents: Mapping[Place, dt.datetime]
    """When each write was about to be sent; one without an answer may or may not have been."""
    answers: Mapping[Place, Outcome]
    over: Mapping[int, Outcome]
    digests: Mapping[Place, str]
    """Of the specifications that the plan's creates had, as `spec_digest` makes them."""

    @property
    def manifest(self) -> Path | None:
        """The file that the run was declared in."""
        return self.summary.manifest


@define
class History:
    """What the entries of a journal come to, one after the other."""

    intents: dict[Place, dt.datetime] = field(factory=dict)
    answers: dict[Place, Outcome] = field(factory=dict)
    over: dict[int, Outcome] = field(factory=dict)

    def add(
        self, at: dt.datetime, kind: str, step: int, write: int, outcome: Outcome | None
    ) -> None:
        """Add an entry; a new intent of a write makes open again what was known of it."""
        if outcome is None:
            self._intend(at, step, write)
        elif kind == "over":
            self.over[step] = outcome
        else:
            self.answers[step, write] = outcome

    def _intend(self, at: dt.datetime, step: int, write: int) -> None:
        answered = self.answers.pop((step, write), None)
        self.over.pop(step, None)
        if answered or (step, write) not in self.intents:
            self.intents[step, write] = at


def history_of(rows: Iterable[tuple[str, str, int, int, bytes | None]]) -> History:
    """Go through the entries of a run, in order: when, kind, step, write, outcome."""
    history = History()
    for at, kind, step, write, record in rows:
        outcome = outcome_of(msgspec.json.decode(record)) if record else None
        history.add(dt.datetime.fromisoformat(at), kind, step, write, outcome)
    return history


def plan_of(summary: RunSummary, steps: Iterable[Mapping[str, Any]], rest: Sequence[Any]) -> Plan:
    """Put a plan together again; the rest is the fleet, the time, and what was settled."""
    fleet, planned_at, settled = rest
    return Plan(
        operation=summary.operation,
        region=summary.region,
        steps=tuple(step_of(step) for step in steps),
        settled=tuple(outcome_of(record) for record in msgspec.json.decode(settled)),
        fleet=fleet,
        planned_at=dt.datetime.fromisoformat(planned_at),
    )


def digests_in(steps: Iterable[Mapping[str, Any]]) -> dict[Place, str]:
    """The digests of all specifications that there were."""
    return {
        (place, write): digest
        for place, step in enumerate(steps)
        for write, digest in digests_of(step).items()
    }
