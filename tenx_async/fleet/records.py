"""Steps of a plan as plain data, and back: what is kept of one, and never a secret."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from tenx_async.api import wire
from tenx_async.api.models import Container, Limits, Resources, Service
from tenx_async.api.specs import ServiceSpec, ServiceUpdate
from tenx_async.fleet.plan import Step, Write


def spec_digest(spec: ServiceSpec) -> str:
    """A digest of all that a specification says; equal ones have equal digests."""
    return hashlib.sha256(msgspec.json.encode(wire.dump(spec), order="sorted")).hexdigest()


def step_record(step: Step) -> dict[str, Any]:
    """Write a step as plain data.

    Of a specification only its digest is kept, of a service what tells whether it has changed;
    the differences that were shown to people are left out.
    """
    return {
        "service": step.service,
        "operation": step.operation,
        "writes": [_write_record(write) for write in step.writes],
        "after": list(step.after),
        **({"seen": wire.dump(_without_secrets(step.seen))} if step.seen else {}),
    }


def step_of(record: Mapping[str, Any]) -> Step:
    """Read a step, whose creates have no specification."""
    seen = record.get("seen")
    return Step(
        service=record["service"],
        operation=record["operation"],
        writes=tuple(_write_of(write) for write in record["writes"]),
        after=tuple(record["after"]),
        seen=wire.load(Service, seen) if seen else None,
    )


def digests_of(record: Mapping[str, Any]) -> dict[int, str]:
    """The digests of the specifications that a step's creates had, by the write's place."""
    writes = enumerate(record["writes"])
    return {place: write["digest"] for place, write in writes if "digest" in write}


def _write_record(write: Write) -> dict[str, Any]:
    update = write.update and {
        "target_instance_size": write.update.target_instance_size,
        "memory": str(write.update.memory) if write.update.memory else None,
        "binding_domain_name": write.update.binding_domain_name,
    }
    return {
        "verb": write.verb,
        **({"update": update} if update else {}),
        **({"digest": spec_digest(write.spec)} if write.spec else {}),
        **({"at_least_once": True} if write.at_least_once else {}),
    }


def _write_of(record: Mapping[str, Any]) -> Write:
    update = record.get("update")
    return Write(
        verb=record["verb"],
        update=ServiceUpdate(**update) if update else None,
        at_least_once=record.get("at_least_once", False),
    )


def _without_secrets(service: Service) -> Service:
    return Service(
        name=service.name,
        region=service.region,
        uid=service.uid,
        created_at=service.created_at,
        status=service.status,
        target_instance_size=service.target_instance_size,
        containers=tuple(
            Container(
                image=container.image,
                resources=Resources(Limits(container.memory)),
                ports=container.ports,
                volume_mounts=container.volume_mounts,
            )
            for container in service.containers
        ),
        port_mappings=service.port_mappings,
        volumes=service.volumes,
        binding_domain_name=service.binding_domain_name,
    )
