"""A service in the shape that the vendor documents, decoded in one go.

Whatever departs from that shape, by an unknown key, another spelling or another type, is refused
here and left to `wire`. The two never differ in what they make of the same JSON. Ports and limits
that are equal become one object, as most of a fleet's are.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from tenx_async.api.dates import parse_instant
from tenx_async.api.memory import Memory
from tenx_async.api.models import (
    Container,
    EnvVar,
    Limits,
    Port,
    PortMapping,
    Resources,
    Service,
    Volume,
    VolumeMount,
)


@lru_cache(maxsize=1024)
def _port(container_port: int | None, protocol: str | None) -> Port:
    return Port(container_port, protocol)


@lru_cache(maxsize=1024)
def _resources(memory: str | int | None) -> Resources:
    return Resources(Limits(None if memory is None else Memory.parse(memory)))


class _Shape(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What is missing or `null` here is missing in what is made of it."""


class _EnvVar(_Shape):
    name: str
    value: str | None = None

    def made(self) -> EnvVar:
        return EnvVar(self.name, self.value or "")


class _Port(_Shape):
    container_port: int | None = None
    protocol: str | None = None


class _VolumeMount(_Shape):
    name: str | None = None
    mount_path: str | None = msgspec.field(default=None, name="mountPath")

    def made(self) -> VolumeMount:
        return VolumeMount(self.name, self.mount_path)


class _Limits(_Shape):
    memory: str | int | None = None


class _Resources(_Shape):
    limits: _Limits | None = None


class _Container(_Shape):
    image: str | None = None
    name: str | None = None
    command: tuple[str, ...] | None = None
    env: tuple[_EnvVar, ...] | None = None
    ports: tuple[_Port, ...] | None = None
    resources: _Resources | None = None
    volume_mounts: tuple[_VolumeMount, ...] | None = msgspec.field(
        default=None, name="volumeMounts"
    )
    image_pull_policy: str | None = msgspec.field(default=None, name="imagePullPolicy")

    @property
    def memory(self) -> str | int | None:
        limits = self.resources and self.resources.limits
        return limits.memory if limits else None

    def made(self) -> Container:
        return Container(
            image=self.image,
            name=self.name,
            command=self.command or (),
            env=tuple(map(_EnvVar.made, self.env or ())),
            ports=tuple([_port(port.container_port, port.protocol) for port in self.ports or ()]),
            resources=_resources(self.memory),
            volume_mounts=tuple(map(_VolumeMount.made, self.volume_mounts or ())),
            image_pull_policy=self.image_pull_policy,
        )


class _PortMapping(_Shape):
    container_port: int | None = None
    protocol: str | None = None
    service_url: str | None = None
    service_port: int | None = None

    def made(self) -> PortMapping:
        return PortMapping(self.container_port, self.protocol, self.service_url, self.service_port)


class _Volume(_Shape):
    name: str | None = None
    disk_name: str | None = None
    fs_type: str | None = msgspec.field(default=None, name="fsType")
    is_read_only: bool | None = None

    def made(self) -> Volume:
        return Volume(self.name, self.disk_name, self.fs_type, self.is_read_only)


class _Service(_Shape):
    name: str
    region: str | None = None
    uid: str | None = None
    created_at: str | None = None
    status: str | None = None
    target_instance_size: int | None = None
    containers: tuple[_Container, ...] | None = None
    port_mappings: tuple[_PortMapping, ...] | None = None
    volumes: tuple[_Volume, ...] | None = None
    default_domain_name: str | None = None
    binding_domain_name: tuple[str, ...] | None = None

    def made(self, region: str) -> Service:
        return Service(
            name=self.name,
            region=region if self.region is None else self.region,
            uid=self.uid,
            created_at=None if self.created_at is None else parse_instant(self.created_at),
            status=self.status,
            target_instance_size=self.target_instance_size,
            containers=tuple(map(_Container.made, self.containers or ())),
            port_mappings=tuple(map(_PortMapping.made, self.port_mappings or ())),
            volumes=tuple(map(_Volume.made, self.volumes or ())),
            default_domain_name=self.default_domain_name,
            binding_domain_name=self.binding_domain_name,
        )


_decoder = msgspec.json.Decoder(_Service)


def read_service(body: bytes | msgspec.Raw, region: str) -> Service:
    """Decode a service, which is in `region` if it does not say where it is.

    Raises:
        ValueError: it is not as documented.
    """
    return _decoder.decode(body).made(region)
