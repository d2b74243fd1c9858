"""A plan that takes back what a run did, as far as that can be taken back."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import evolve

from tenx_async.api.containment import contains, is_down, is_up
from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome, Result
from tenx_async.api.specs import ServiceUpdate
from tenx_async.errors import ConfigurationError, TenxError
from tenx_async.fleet.plan import Plan, Step, Write
from tenx_async.fleet.recorded import Recorded

UNDO = "undo"
"""What such a plan is called."""

_FINAL: Mapping[tuple[str, ...], str] = {
    ("create",): "it was created; delete it if it is not wanted",
    ("delete",): "it was deleted, and its log with it",
    ("delete", "create"): "it was replaced; apply what it was made from before",
    ("restart",): "a restart cannot be taken back",
    ("stop", "start"): "a restart cannot be taken back",
}


class _NoStepError(Exception):
    """Says why there is no way back; without a reason, all is as before."""


def undo_plan(recorded: Recorded, services: Sequence[Service], now: dt.datetime) -> Plan:
    """Plan the way back to what a run had seen: sizes, memory, domains, started or stopped.

    Steps of which nothing was applied are left out. What cannot be taken back, and what is not
    any more as the run left it, is settled as skipped, with the reason as its error.

    Args:
        recorded: the run.
        services: all services that there are now.
        now: when they were seen.

    Raises:
        ConfigurationError: the run still goes on.
    """
    if recorded.summary.state == "running":
        raise ConfigurationError(f"run {recorded.summary.run_id} still goes on: stop it first")
    present = {service.name: service for service in services}
    results = _results(recorded)
    steps: list[Step] = []
    settled: list[Outcome] = []
    for place, step in reversed([*enumerate(recorded.plan.steps)]):
        try:
            steps += _way_back(step, results.get(place, set()), present.get(step.service))
        except _NoStepError as reason:
            settled.append(_settled(step, recorded.plan.region, str(reason)))
    return Plan(
        operation=UNDO,
        region=recorded.plan.region,
        steps=_in_reverse(steps, recorded.plan.steps),
        settled=settled,
        fleet=len(services),
        planned_at=now,
    )


def _way_back(step: Step, results: set[Result], service: Service | None) -> Iterator[Step]:
    """The step back; none where nothing was done."""
    if "applied" not in results:
        if "unknown" in results:
            raise _NoStepError("it is not known whether anything was done to it")
        return
    verbs = tuple(write.verb for write in step.writes)
    if verbs not in _BACK:
        raise _NoStepError(_FINAL.get(verbs, f"nobody knows the way back from {', '.join(verbs)}"))
    before, now = _the_same(step.seen, service)
    back = _BACK[verbs](step.writes[0], before, now)
    yield Step(service=step.service, operation=back.verb, writes=(back,), seen=now)


def _results(recorded: Recorded) -> dict[int, set[Result]]:
    """What became of each step and of its writes: one may have failed after it was applied."""
    results: dict[int, set[Result]] = defaultdict(set)
    for place in recorded.intents:
        answer = recorded.answers.get(place)
        results[place[0]].add(answer.result if answer else "unknown")
    for step, outcome in recorded.over.items():
        results[step].add(outcome.result)
    return results


def _the_same(before: Service | None, now: Service | None) -> tuple[Service, Service]:
    if now is None:
        raise _NoStepError("it is not there any more")
    if before is None:
        raise _NoStepError("nobody saw what it was like before")
    if before.uid and now.uid and before.uid != now.uid:
        raise _NoStepError("it was made anew since: it is another service now")
    return before, now


def _update_back(write: Write, before: Service, now: Service) -> Write:
    assert write.update is not None
    update = _values_before(write.update, before)
    if contains(now, update):
        raise _NoStepError
    if not contains(now, write.update):
        raise _NoStepError("somebody changed it since")
    return Write(verb="update", update=update)


def _values_before(update: ServiceUpdate, before: Service) -> ServiceUpdate:
    """What the fields that an update changed were before it."""
    memory = before.containers[0].memory if before.containers else None
    values = {
        "target_instance_size": before.target_instance_size,
        "memory": memory,
        "binding_domain_name": before.binding_domain_name,
    }
    changed = {name: it for name, it in values.items() if getattr(update, name) is not None}
    for name, value in changed.items():
        if value is None:
            raise _NoStepError(f"its {name} was not shown before")
    return ServiceUpdate(**changed)  # type: ignore[arg-type]  # each has its own type


def _stop_back(_: Write, before: Service, now: Service) -> Write:
    if not is_up(before):
        raise _NoStepError(f"it was {before.status or 'without a status'} before")
    if is_up(now):
        raise _NoStepError
    return Write(verb="start")


def _start_back(_: Write, before: Service, now: Service) -> Write:
    if not is_down(before):
        raise _NoStepError(f"it was {before.status or 'without a status'} before")
    if is_down(now):
        raise _NoStepError
    return Write(verb="stop")


_BACK: Mapping[tuple[str, ...], Callable[[Write, Service, Service], Write]] = {
    ("update",): _update_back,
    ("stop",): _stop_back,
    ("start",): _start_back,
}


def _settled(step: Step, region: str, reason: str) -> Outcome:
    return Outcome(
        operation=UNDO,
        service=step.service,
        region=region,
        result="skipped" if reason else "unchanged",
        attempts=0,
        error=TenxError(reason) if reason else None,
    )


def _in_reverse(back: Sequence[Step], steps: Sequence[Step]) -> list[Step]:
    """Let each step back come after those of the services that had come after it."""
    names = {step.service for step in back}
    later: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        for earlier in step.after if step.service in names else ():
            later[earlier].append(step.service)
    return [evolve(step, after=tuple(later[step.service])) for step in back]
