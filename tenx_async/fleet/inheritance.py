"""What a replaced service keeps: what is not declared stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve

from tenx_async.api.models import Container, Service, Volume
from tenx_async.api.specs import ContainerSpec, PortSpec, ServiceSpec
from tenx_async.fleet.declared import Declared
from tenx_async.fleet.difference import SIZE

TIME_ZONE = "tenxcloud-time-zone"


def with_the_undeclared(declared: Declared, service: Service) -> ServiceSpec:
    """Complete a declaration by what the service has, where nothing is declared."""
    spec, given = declared.spec, declared.given
    disks = [volume for volume in service.volumes if _is_own(volume)]
    found: dict[str, Any] = {
        SIZE: service.target_instance_size,
        "binding_domain_name": service.binding_domain_name,
        "port_mappings": tuple(
            evolve(each, service_url=None, service_port=None) for each in service.port_mappings
        ),
        "volumes": tuple(disks),
        "sync_timezone": _has_time_zone(spec.volumes, service) or None,
        "containers": _containers(declared, service, {volume.name for volume in disks}),
    }
    changes = {
        name: value
        for name, value in found.items()
        if value is not None and (name == "containers" or name not in given)
    }
    return evolve(spec, **changes)


def _containers(
    declared: Declared, service: Service, disks: set[str | None]
) -> tuple[ContainerSpec, ...]:
    wanted = declared.spec.containers
    if len(wanted) != len(service.containers):
        return wanted
    if "volumes" in declared.given:
        disks = disks & {volume.name for volume in declared.spec.volumes}
    return tuple(
        _container(declared, index, seen, disks) for index, seen in enumerate(service.containers)
    )


def _container(
    declared: Declared, index: int, seen: Container, disks: set[str | None]
) -> ContainerSpec:
    found: dict[str, Any] = {
        "memory": seen.memory,
        "command": seen.command,
        "env": seen.env,
        "ports": tuple(_ports(seen)),
        "volume_mounts": tuple(mount for mount in seen.volume_mounts if mount.name in disks),
    }
    spec = declared.spec.containers[index]
    unset = {
        name: value
        for name, value in found.items()
        if value and f"containers[{index}].{name}" not in declared.given
    }
    if spec.memory is not None:
        unset.pop("memory", None)
    return evolve(spec, **unset)


def _ports(seen: Container) -> Iterator[PortSpec]:
    for port in seen.ports:
        if port.container_port is not None:
            yield PortSpec(port.container_port, port.protocol or "TCP", extra=port.extra)


def _has_time_zone(declared: Sequence[Volume], service: Service) -> bool:
    """Whether the server has added the volume of `sync_timezone`, which is not shown itself."""
    names = [[volume.name for volume in volumes] for volumes in (declared, service.volumes)]
    return TIME_ZONE not in names[0] and TIME_ZONE in names[1]


def _is_own(volume: Volume) -> bool:
    """Whether users asked for it; what a server adds is no disk, and it adds it again."""
    return volume.disk_name is not None
