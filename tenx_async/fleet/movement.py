"""Whether the world is still as it was when a plan was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tenx_async.api.models import Service
from tenx_async.fleet.difference import domain_set
from tenx_async.fleet.plan import Plan, Step


def moved(plan: Plan, services: Sequence[Service]) -> list[str]:
    """Tell which services of a plan's steps are no longer as they were, and in what.

    Args:
        plan: what was planned.
        services: all that there are now.

    Returns:
        A sentence for each, such as `web: was made anew`, `web: has 3 instances, not 1`.
    """
    there = {service.name: service for service in services}
    return [
        f"{step.service}: {text}"
        for step in plan.steps
        if (text := ", ".join(_changes(step, there.get(step.service))))
    ]


def _changes(step: Step, now: Service | None) -> Iterator[str]:
    seen = step.seen
    if seen is None or now is None:
        if now is not seen:
            yield "is there" if seen is None else "is gone"
    elif seen.uid != now.uid:
        yield "was made anew"
    else:
        yield from _updates(seen, now)


def _updates(seen: Service, now: Service) -> Iterator[str]:
    if seen.target_instance_size != now.target_instance_size:
        yield f"has {now.target_instance_size} instances, not {seen.target_instance_size}"
    memories = [[container.memory for container in each.containers[:1]] for each in (now, seen)]
    if memories[0] != memories[1]:
        after, before = (str(each[0]) if each else "none" for each in memories)
        yield f"has {after} of memory, not {before}"
    if domain_set(seen.binding_domain_name) != domain_set(now.binding_domain_name):
        yield "has other domains"
