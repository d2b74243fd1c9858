"""What a manifest takes, shown before anything is done."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from tenx_async.cli.outcomes import OutcomeFormat
from tenx_async.cli.terminal import has_colour, visible, visible_json
from tenx_async.fleet.plan import Change, Plan, Step

REPLACEMENT_LOSES = (
    "deleted, then created anew: what its containers keep outside of volumes is lost, "
    "and so is its log"
)
DELETION_LOSES = "its log and what its containers keep outside of volumes are lost"

_SIGNS = {"create": ("+", "32"), "update": ("~", "33"), "replace": ("-/+", "35")}
_SIGNS |= {"delete": ("-", "31")}
"""Of each operation its sign and its colour."""

_LOSSES = {"replace": REPLACEMENT_LOSES, "delete": DELETION_LOSES}


def plan_text(plan: Plan, form: OutcomeFormat) -> str:
    """Show a plan: for people, or as one JSON object for each step and one for all."""
    if form is OutcomeFormat.JSON:
        lines = [*map(_step_object, plan.steps), {"summary": counts(plan)}]
        text = msgspec.json.Encoder().encode_lines(lines).decode()
        return visible_json(text) if sys.stdout.isatty() else text
    colour = has_colour(sys.stdout)
    return "".join(f"{line}\n" for line in _lines(plan, colour=colour))


def counts(plan: Plan) -> dict[str, int]:
    """Count what is to be done, and what needs nothing."""
    operations = Counter(step.operation for step in plan.steps)
    results = Counter(outcome.result for outcome in plan.settled)
    return {
        **{operation: operations[operation] for operation in _SIGNS},
        "unchanged": results["unchanged"],
        "skipped": results["skipped"],
    }


def summary(plan: Plan) -> str:
    """Say it in one line: `3 to create, 1 to update, 0 to replace, …, 12 unchanged`."""
    numbers = counts(plan)
    parts = [f"{numbers[operation]} to {operation}" for operation in _SIGNS]
    parts.append(f"{numbers['unchanged']} unchanged")
    if skipped := numbers["skipped"]:
        parts.append(f"{skipped} skipped")
    return ", ".join(parts)


def _lines(plan: Plan, *, colour: bool) -> Iterator[str]:
    for step in plan.steps:
        sign, code = _SIGNS[step.operation]
        yield _painted(f"{sign} {step.operation} {step.service}", f"1;{code}", colour=colour)
        for change in step.changes:
            yield f"    {_painted(_change_line(change), code, colour=colour)}"
        if loss := _LOSSES.get(step.operation):
            yield f"    {_painted(f'! {loss}', '1;31', colour=colour)}"
    for outcome in plan.settled:
        if outcome.error:
            yield f"? {outcome.result} {_one_line(str(outcome.error))}"
    yield summary(plan)


def _change_line(change: Change) -> str:
    after = change.after if change.after is not None else "none"
    texts = after if change.before is None else f"{change.before} -> {after}"
    return _one_line(f"{change.field}: {texts}")


def _one_line(text: str) -> str:
    return visible(text).replace("\n", "␊")


def _painted(text: str, code: str, *, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def _step_object(step: Step) -> dict[str, Any]:
    changes = [
        {"field": change.field, "before": change.before, "after": change.after}
        for change in step.changes
    ]
    return {
        "operation": step.operation,
        "service": step.service,
        "after": list(step.after),
        "changes": changes,
        "warning": _LOSSES.get(step.operation),
    }
