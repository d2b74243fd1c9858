"""In what a service is not as it was declared: what is wanted has to be contained in what is seen.

Servers add volumes and mounts, name memory in other units and protocols in another case. What is
not declared is not compared, and what the server does not show is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tenx_async.api.models import Container, EnvVar, Port, PortMapping, Service, Volume, VolumeMount
from tenx_async.api.redact import MASK
from tenx_async.api.specs import ContainerSpec, PortSpec
from tenx_async.fleet.declared import Declared
from tenx_async.fleet.plan import Change

SIZE = "target_instance_size"
MEMORY = "memory"
DOMAINS = "binding_domain_name"

UPDATABLE = frozenset({SIZE, MEMORY, DOMAINS})
"""All that the API can change of a service; `memory` is that of the first container."""

NOTHING = "none"
_PULL_POLICY = "imagePullPolicy"


def differences(declared: Declared, service: Service) -> list[Change]:
    """Tell field by field what is not as it was declared."""
    return [
        *_size(declared, service),
        *_containers(declared, service.containers),
        *_port_mappings(declared, service),
        *_volumes(declared, service),
        *_domains(declared, service),
    ]


def contents(declared: Declared) -> list[Change]:
    """Tell field by field what a new service is made of."""
    containers = (Container(),) * len(declared.spec.containers)
    nothing = Service(name=declared.name, containers=containers)
    return [change for change in differences(declared, nothing) if change.after != NOTHING]


def domain_set(domains: Iterable[str] | None) -> frozenset[str]:
    """Domains, as they are compared."""
    return frozenset(domain.casefold() for domain in domains or ())


def _size(declared: Declared, service: Service) -> Iterator[Change]:
    wanted, seen = declared.spec.target_instance_size, service.target_instance_size
    if SIZE in declared.given and wanted != seen:
        yield Change(SIZE, _text(seen), str(wanted))


def _domains(declared: Declared, service: Service) -> Iterator[Change]:
    wanted, seen = declared.spec.binding_domain_name, service.binding_domain_name
    if wanted is not None and domain_set(wanted) != domain_set(seen):
        yield Change(DOMAINS, _list(seen or ()), _list(wanted) or NOTHING)


def _containers(declared: Declared, seen: Sequence[Container]) -> Iterator[Change]:
    wanted = declared.spec.containers
    if len(wanted) != len(seen):
        images = [_list(str(one.image) for one in each) for each in (seen, wanted)]
        yield Change("containers", *images)
        return
    for index, (one, other) in enumerate(zip(wanted, seen, strict=True)):
        yield from _container(declared, index, one, other)


def _container(
    declared: Declared, index: int, wanted: ContainerSpec, seen: Container
) -> Iterator[Change]:
    place = f"containers[{index}]"
    if seen.image != wanted.image:
        yield Change(f"{place}.image", seen.image, wanted.image)
    if wanted.memory is not None and wanted.memory != seen.memory:
        field = f"{place}.memory" if index else MEMORY
        yield Change(field, _text(seen.memory), str(wanted.memory))
    if f"{place}.command" in declared.given and wanted.command != seen.command:
        commands = [seen.command, wanted.command]
        is_hidden = f"{place}.command" in declared.hidden
        before, after = (MASK if c and is_hidden else " ".join(c) for c in commands)
        yield Change(f"{place}.command", before or None, after or NOTHING)
    if f"{place}.env" in declared.given:
        yield from _environment(f"{place}.env", wanted.env, seen.env)
    if f"{place}.ports" in declared.given:
        yield from _listed(f"{place}.ports", map(_port, wanted.ports), map(_port, seen.ports))
    mounts = [[*map(_mount, each)] for each in (wanted.volume_mounts, seen.volume_mounts)]
    if not set(mounts[0]) <= set(mounts[1]):
        yield Change(f"{place}.volumeMounts", _list(mounts[1]), _list(mounts[0]))
    policy = wanted.extra.get(_PULL_POLICY)
    if not _agrees(policy, seen.image_pull_policy) and isinstance(policy, str):
        yield Change(f"{place}.{_PULL_POLICY}", seen.image_pull_policy, policy)


def _environment(place: str, wanted: Sequence[EnvVar], seen: Sequence[EnvVar]) -> Iterator[Change]:
    """Compare pairs in their order; values are told to differ, never shown."""
    pairs = [[(one.name, one.value) for one in each] for each in (seen, wanted)]
    if pairs[0] == pairs[1]:
        return
    before, after = map(_by_name, pairs)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    for name in changed:
        masks = (MASK if name in values else None for values in (before, after))
        yield Change(f"{place}.{name}", *masks)
    if not changed:
        yield Change(place, *(_list(name for name, _ in each) for each in pairs))


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _port_mappings(declared: Declared, service: Service) -> Iterator[Change]:
    if "port_mappings" in declared.given:
        wanted, seen = declared.spec.port_mappings, service.port_mappings
        yield from _listed("port_mappings", map(_exposure, wanted), map(_exposure, seen))


def _listed(place: str, wanted: Iterable[str], seen: Iterable[str]) -> Iterator[Change]:
    """Compare lists to which a server may add; an empty one says that there shall be none."""
    after, before = [*wanted], [*seen]
    if not set(after) <= set(before) or (before and not after):
        yield Change(place, _list(before), _list(after) or NOTHING)


def _volumes(declared: Declared, service: Service) -> Iterator[Change]:
    seen = {volume.name: volume for volume in service.volumes}
    for wanted in declared.spec.volumes:
        there = seen.get(wanted.name)
        if there is None or not _is_as(wanted, there):
            before = None if there is None else _volume(there)
            yield Change(f"volumes.{wanted.name}", before, _volume(wanted))


def _is_as(wanted: Volume, seen: Volume) -> bool:
    return (
        _agrees(wanted.disk_name, seen.disk_name)
        and _agrees(wanted.fs_type, seen.fs_type)
        and _agrees(wanted.is_read_only, seen.is_read_only)
    )


def _agrees(wanted: Any, seen: Any) -> bool:
    return wanted is None or seen is None or str(wanted).casefold() == str(seen).casefold()


def _port(port: Port | PortSpec) -> str:
    number = port.port if isinstance(port, PortSpec) else port.container_port
    return f"{number}/{(port.protocol or 'tcp').lower()}"


def _exposure(mapping: PortMapping) -> str:
    return f"{mapping.container_port}/{(mapping.protocol or 'tcp').lower()}"


def _mount(mount: VolumeMount) -> str:
    return f"{mount.name} at {mount.mount_path}"


def _volume(volume: Volume) -> str:
    parts = (volume.disk_name, volume.fs_type, "read-only" if volume.is_read_only else None)
    return " ".join(filter(None, parts)) or "a volume"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _list(texts: Iterable[str]) -> str | None:
    return ", ".join(texts) or None
