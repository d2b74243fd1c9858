"""Services, plans and outcomes, made in few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome, Result
from tenx_async.errors import TenxError
from tenx_async.fleet.plan import Plan, Step, Write
from tests.clock import NOON

RESTART = Write(verb="restart")
STOP = Write(verb="stop")
START = Write(verb="start")
DELETE = Write(verb="delete")


def service(name: str = "web", status: str | None = "Running", **more: Any) -> Service:
    """A service that runs, unless it is to be another."""
    return Service(**{"name": name, "status": status, "uid": name, **more})


def names(count: int) -> list[str]:
    """So many names, in order."""
    return [f"web-{number:05}" for number in range(count)]


def step(name: str, *writes: Write, after: Iterable[str] = (), seen: Service | None = None) -> Step:
    """One step; a restart without writes."""
    writes = writes or (RESTART,)
    return Step(
        service=name,
        operation=writes[-1].verb,
        writes=writes,
        seen=seen or service(name),
        after=tuple(after),
    )


def plan_of(*steps: Step) -> Plan:
    """A plan of these steps."""
    return Plan(
        operation="restart", region="beijing1", steps=steps, fleet=len(steps), planned_at=NOON
    )


def restarts(count: int) -> Plan:
    """A plan to restart so many services."""
    return plan_of(*map(step, names(count)))


def outcome(result: Result = "applied", error: TenxError | None = None) -> Outcome:
    """What a write did."""
    return Outcome(operation="restart", result=result, error=error)


def shown(*services: Service) -> Mapping[str, Service]:
    """What a look shows."""
    return {one.name: one for one in services}
