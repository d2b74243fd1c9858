"""A plan as text for people, and as JSON for programs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from tenx_async.cli.outcomes import OutcomeFormat, json_line, outcome_fields, some
from tenx_async.cli.terminal import visible
from tenx_async.fleet.plan import Plan, Step
from tenx_async.fleet.terms import Terms, count_of
from tenx_async.fleet.waves import Waves

FEW_NAMES = 5
FEW_WAVES = 6


def services(count: int) -> str:
    """Say how many services, such as `1 service`."""
    return f"{count:,} service{'s' * (count != 1)}"


def plan_text(plan: Plan, terms: Terms, form: OutcomeFormat) -> str:
    """Write out what a run is going to do."""
    if form is OutcomeFormat.JSON:
        return "".join(map(json_line, _objects(plan, terms)))
    rows = list(_rows(plan, terms))
    width = max((len(title) for title, _ in rows), default=0)
    head = f"{plan.operation} {services(len(plan.steps))} of {plan.fleet:,} in {plan.region}\n"
    body = "".join(f"  {title:<{width}}  {visible(_line(text))}\n" for title, text in rows)
    return head + body + "".join(map(_changes, plan.steps))


def _line(text: str) -> str:
    return " ".join(text.split())


def _rows(plan: Plan, terms: Terms) -> Iterator[tuple[str, str]]:
    if doing := _doing(plan):
        yield ("steps", doing)
    if plan.steps:
        names = [step.service for step in plan.steps]
        yield ("first", some(names, FEW_NAMES))
        yield ("waves", _waves(plan, terms))
    left_out: dict[str, list[str]] = defaultdict(list)
    for outcome in plan.settled:
        left_out[f"{outcome.result}: {outcome.error or 'as wanted already'}"].append(
            outcome.service
        )
    for why, names in left_out.items():
        yield ("left out", f"{len(names):,} {why} ({some(names, FEW_NAMES)})")


def _doing(plan: Plan) -> str:
    """What is done, where neither the plan's name nor a list of changes says it."""
    unsaid = (s.operation for s in plan.steps if not s.changes and s.operation != plan.operation)
    return ", ".join(f"{count:,} {operation}" for operation, count in Counter(unsaid).items())


def _waves(plan: Plan, terms: Terms) -> str:
    sizes = wave_sizes(plan, terms)
    more = f", … in {len(sizes)} waves" if len(sizes) > FEW_WAVES else ""
    shown = ", ".join(f"{size:,}" for size in sizes[:FEW_WAVES]) + more
    if not any(step.is_disruptive for step in plan.steps):
        return shown
    away = count_of(terms.max_unavailable, len(plan.steps))
    return f"{shown}; at most {away:,} away at once, {terms.stable:g} s stable"


def wave_sizes(plan: Plan, terms: Terms) -> Sequence[int]:
    """Tell how many services each wave has."""
    bounds = Waves(plan, terms).bounds
    return [upper - lower for lower, upper in pairwise([0, *bounds])]


def _changes(step: Step) -> str:
    if not step.changes:
        return ""
    head = f"  {step.operation} {step.service}\n"
    changes = (
        f"    {change.field}: {_value(change.before)} → {_value(change.after)}\n"
        for change in step.changes
    )
    return visible(head + "".join(changes))


def _value(text: str | None) -> str:
    return "(none)" if text is None else _line(text)


def _objects(plan: Plan, terms: Terms) -> Iterator[dict[str, Any]]:
    for step in plan.steps:
        yield {
            "operation": step.operation,
            "service": step.service,
            "region": plan.region,
            "result": "planned",
            "writes": [write.verb for write in step.writes],
        }
    yield from map(outcome_fields, plan.settled)
    summary = {
        "operation": plan.operation,
        "region": plan.region,
        "services": len(plan.steps),
        "left_out": len(plan.settled),
        "fleet": plan.fleet,
        "waves": wave_sizes(plan, terms) if plan.steps else [],
    }
    yield {"plan": summary}
