"""What has to be done so that there is what a manifest declares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Any

from attrs import evolve

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome, Result
from tenx_async.api.specs import ServiceUpdate
from tenx_async.clock import Clock
from tenx_async.errors import TenxError
from tenx_async.fleet.complaints import invalid
from tenx_async.fleet.declared import Declared, Manifest
from tenx_async.fleet.dependencies import in_order, waits
from tenx_async.fleet.difference import DOMAINS, MEMORY, SIZE, UPDATABLE, contents, differences
from tenx_async.fleet.inheritance import with_the_undeclared
from tenx_async.fleet.plan import Change, Plan, Step, Write

_NEEDED = (
    "to replace it its {} must be declared, if only as []: between its deletion and its creation "
    "nobody else would know it"
)


async def plan_apply(
    manifest: Manifest,
    list_services: Callable[[], Awaitable[Sequence[Service]]],
    *,
    region: str,
    clock: Clock,
    prune: bool = False,
) -> Plan:
    """Look at what there is, by one call, and plan what has to be done; see `plan_manifest`."""
    _check_region(manifest, region)
    services = await list_services()
    return plan_manifest(manifest, services, region=region, prune=prune, now=clock.now())


def plan_manifest(
    manifest: Manifest,
    services: Sequence[Service],
    *,
    region: str,
    now: dt.datetime,
    prune: bool = False,
) -> Plan:
    """Plan what makes a region's services as they are declared.

    Args:
        manifest: what there shall be.
        services: all that there are.
        region: where they are.
        now: when they were listed.
        prune: delete what is not declared.

    Raises:
        InvalidManifest: a service is declared for another region.
    """
    _check_region(manifest, region)
    there = {service.name: service for service in services}
    planned = {each.name: _planned(each, there.get(each.name)) for each in manifest.services}
    settled = (outcome for outcome in planned.values() if isinstance(outcome, Outcome))
    return Plan(
        operation="apply",
        region=region,
        steps=(
            *_ordered(manifest, [step for step in planned.values() if isinstance(step, Step)]),
            *(_deletions(services, planned.keys()) if prune else ()),
        ),
        settled=tuple(evolve(outcome, region=region) for outcome in settled),
        fleet=len(services),
        planned_at=now,
    )


def _check_region(manifest: Manifest, region: str) -> None:
    elsewhere = [each for each in manifest.services if each.region not in {None, region}]
    if elsewhere:
        raise invalid(
            [
                f"{manifest.source}:{each.line}: region: {each.name!r} is declared for "
                f"{each.region!r}, and this is {region!r}"
                for each in elsewhere
            ]
        )


def _ordered(manifest: Manifest, steps: Sequence[Step]) -> Iterator[Step]:
    needs = {each.name: each.depends_on for each in manifest.services}
    by_name = {step.service: step for step in steps}
    before = waits(needs, by_name.keys())
    for name in in_order(needs):
        if name in by_name:
            yield evolve(by_name[name], after=before[name])


def _planned(declared: Declared, service: Service | None) -> Step | Outcome:
    if service is None:
        return Step(
            service=declared.name,
            operation="create",
            writes=(Write(verb="create", spec=declared.spec),),
            changes=tuple(contents(declared)),
        )
    if not service.containers or not all(container.image for container in service.containers):
        return _settled(declared, "skipped", "the server does not show what its containers are")
    if not (changes := tuple(differences(declared, service))):
        return _settled(declared, "unchanged")
    is_update = UPDATABLE.issuperset(change.field for change in changes)
    if not is_update and (undeclared := _undeclared(declared, service)):
        return _settled(declared, "skipped", _NEEDED.format(" and ".join(undeclared)))
    return Step(
        service=declared.name,
        operation="update" if is_update else "replace",
        writes=(_update(declared, changes),) if is_update else _replacement(declared, service),
        seen=service,
        changes=changes,
    )


def _undeclared(declared: Declared, service: Service) -> list[str]:
    """What a replacement would need of a service, may be secret, and so is kept nowhere."""
    return [
        name
        for name in ("env", "command")
        if any(getattr(container, name) for container in service.containers)
        and not all(
            f"containers[{index}].{name}" in declared.given
            for index in range(len(service.containers))
        )
    ]


def _settled(declared: Declared, result: Result, reason: str = "") -> Outcome:
    return Outcome(
        operation="apply",
        service=declared.name,
        result=result,
        attempts=0,
        error=TenxError(f"{declared.name}: {reason}") if reason else None,
    )


def _update(declared: Declared, changes: Sequence[Change]) -> Write:
    spec = declared.spec
    values: dict[str, Any] = {
        SIZE: spec.target_instance_size,
        MEMORY: spec.containers[0].memory,
        DOMAINS: spec.binding_domain_name,
    }
    update = ServiceUpdate(**{change.field: values[change.field] for change in changes})
    return Write(verb="update", update=update)


def _replacement(declared: Declared, service: Service) -> tuple[Write, ...]:
    spec = with_the_undeclared(declared, service)
    return Write(verb="delete"), Write(verb="create", spec=spec)


def _deletions(services: Sequence[Service], declared: Collection[str]) -> Iterator[Step]:
    for service in services:
        if service.name not in declared:
            yield Step(
                service=service.name,
                operation="delete",
                writes=(Write(verb="delete"),),
                seen=service,
            )
