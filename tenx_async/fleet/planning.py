"""What becomes of each chosen service, settled before the first write: absolute values only."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen

from tenx_async.api.containment import contains, is_down, is_up
from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.api.specs import ServiceUpdate
from tenx_async.errors import ConfigurationError, NotFound, TenxError
from tenx_async.fleet.plan import Plan, Step, Write

MakePlan = Callable[[], Awaitable[Plan]]
Decide = Callable[[Service], Sequence[Write] | str]
"""What to write to a service, or why not: `unchanged`, or a reason to leave it out."""

UNCHANGED = "unchanged"
_RELATIVE = re.compile(r"[+-]\d{1,9}", re.ASCII)


def start(service: Service) -> Sequence[Write] | str:
    """Start what does not run, nor is about to."""
    return UNCHANGED if is_up(service) else (Write(verb="start"),)


def stop(service: Service) -> Sequence[Write] | str:
    """Stop what is not stopped, nor about to be."""
    return UNCHANGED if is_down(service) else (Write(verb="stop"),)


def delete(_: Service) -> Sequence[Write] | str:
    """Delete it."""
    return (Write(verb="delete"),)


@frozen(kw_only=True)
class Restart:
    """Restart what is not stopped."""

    writes: Sequence[Write]

    def __call__(self, service: Service) -> Sequence[Write] | str:
        """Decide about a service."""
        return "it is stopped: there is nothing to restart" if is_down(service) else self.writes


@frozen
class Update:
    """Give all the same values."""

    update: ServiceUpdate

    def __call__(self, service: Service) -> Sequence[Write] | str:
        """Decide about a service."""
        if contains(service, self.update):
            return UNCHANGED
        return (Write(verb="update", update=self.update),)


@frozen
class Scale:
    """Let each run so many instances, or so many more or fewer than it does."""

    to: int | str

    def __attrs_post_init__(self) -> None:
        if isinstance(self.to, str) and not _RELATIVE.fullmatch(self.to):
            raise ConfigurationError(f"scale: {self.to!r} is neither a number nor like '+1'")

    def __call__(self, service: Service) -> Sequence[Write] | str:
        """Decide about a service; how many it is to be is settled here."""
        if isinstance(self.to, str) and service.target_instance_size is None:
            return "the server does not show how many instances it has"
        return Update(ServiceUpdate(target_instance_size=self._size(service)))(service)

    def _size(self, service: Service) -> int:
        if isinstance(self.to, int):
            return self.to
        return max(0, (service.target_instance_size or 0) + int(self.to))


def make_plan(
    operation: str,
    decide: Decide,
    chosen: Sequence[Service],
    *,
    missing: Sequence[str],
    region: str,
    fleet: int,
    now: dt.datetime,
) -> Plan:
    """Settle what becomes of each service that was chosen, and of names that there are not."""
    steps: list[Step] = []
    settled = [_missing(operation, name, region) for name in missing]
    for service in chosen:
        writes = decide(service)
        if isinstance(writes, str):
            settled.append(_left_out(operation, service, region, writes))
        else:
            step = Step(service=service.name, operation=operation, writes=writes, seen=service)
            steps.append(step)
    return Plan(
        operation=operation,
        region=region,
        steps=steps,
        settled=settled,
        fleet=fleet,
        planned_at=now,
    )


def _left_out(operation: str, service: Service, region: str, why: str) -> Outcome:
    is_unchanged = why == UNCHANGED
    return Outcome(
        operation=operation,
        service=service.name,
        region=region,
        result="unchanged" if is_unchanged else "skipped",
        attempts=0,
        error=None if is_unchanged else TenxError(why),
    )


def _missing(operation: str, name: str, region: str) -> Outcome:
    """What is to be deleted and is not there is as it was to be; anything else has failed."""
    error = NotFound("there is no such service", operation=f"{operation} {name}", status=404)
    return Outcome(
        operation=operation,
        service=name,
        region=region,
        result="unchanged" if operation == "delete" else "failed",
        attempts=0,
        error=None if operation == "delete" else error,
    )
