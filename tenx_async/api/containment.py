"""Whether what is wanted is there: servers add to what was sent, and write it differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tenx_async.api.models import Container, PortMapping, Service
from tenx_async.api.specs import ContainerSpec, ServiceSpec, ServiceUpdate

T = TypeVar("T")

GOING_UP = frozenset({"running", "starting", "pending", "deploying", "restarting"})
"""Statuses of a service that runs or is about to."""
GOING_DOWN = frozenset({"stopped", "stopping"})
"""Statuses of a service that is stopped or is about to be."""


def is_up(service: Service) -> bool:
    """Tell whether a service runs or is on its way to."""
    return (service.status or "").casefold() in GOING_UP


def is_down(service: Service) -> bool:
    """Tell whether a service is stopped or on its way to."""
    return (service.status or "").casefold() in GOING_DOWN


def is_another(before: Service, now: Service) -> bool:
    """Tell whether a service was made anew under the same name, as far as both show it."""
    if before.uid and now.uid:
        return before.uid != now.uid
    return bool(before.created_at and now.created_at and before.created_at != now.created_at)


def contains(service: Service, wanted: ServiceSpec | ServiceUpdate) -> bool:
    """Tell whether a service is as it was wanted, whatever else it has."""
    if isinstance(wanted, ServiceUpdate):
        return _contains_update(service, wanted)
    return (
        service.target_instance_size == wanted.target_instance_size
        and _domains_fit(service, wanted.binding_domain_name)
        and len(service.containers) == len(wanted.containers)
        and all(map(_container_fits, service.containers, wanted.containers))
        and _subset(map(_exposure, wanted.port_mappings), map(_exposure, service.port_mappings))
        and _subset(
            ((volume.name, volume.disk_name) for volume in wanted.volumes),
            ((volume.name, volume.disk_name) for volume in service.volumes),
        )
    )


def _contains_update(service: Service, wanted: ServiceUpdate) -> bool:
    size, memory = wanted.target_instance_size, wanted.memory
    return (
        (size is None or service.target_instance_size == size)
        and (memory is None or any(c.memory == memory for c in service.containers[:1]))
        and _domains_fit(service, wanted.binding_domain_name)
    )


def _domains_fit(service: Service, wanted: tuple[str, ...] | None) -> bool:
    return wanted is None or set(wanted) == set(service.binding_domain_name or ())


def _container_fits(seen: Container, wanted: ContainerSpec) -> bool:
    return (
        seen.image == wanted.image
        and (not wanted.command or seen.command == wanted.command)
        and (wanted.memory is None or seen.memory == wanted.memory)
        and _subset(
            ((variable.name, variable.value) for variable in wanted.env),
            ((variable.name, variable.value) for variable in seen.env),
        )
        and _subset(
            ((port.port, port.protocol.casefold()) for port in wanted.ports),
            ((port.container_port, (port.protocol or "tcp").casefold()) for port in seen.ports),
        )
        and _subset(
            ((mount.name, mount.mount_path) for mount in wanted.volume_mounts),
            ((mount.name, mount.mount_path) for mount in seen.volume_mounts),
        )
    )


def _exposure(mapping: PortMapping) -> tuple[int | None, str]:
    return mapping.container_port, (mapping.protocol or "tcp").casefold()


def _subset(wanted: Iterable[T], seen: Iterable[T]) -> bool:
    return set(wanted) <= set(seen)


def is_already(verb: str) -> Callable[[Service], bool]:
    """The state in which a start or a stop has nothing to do."""
    return {"start": is_up, "stop": is_down}.get(verb, lambda _: False)
