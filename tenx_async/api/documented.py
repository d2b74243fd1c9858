"""A service in the shape that the vendor documents, decoded in one go.

Whatever departs from that shape, by an unknown key, another spelling or another type, is refused
here and left to `wire`. The two never differ in what they make of the same JSON.
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

_parse_memory = lru_cache(maxsize=1024)(Memory.parse)


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

    def made(self) -> Port:
        return Port(self.container_port, self.protocol)


class _VolumeMount(_Shape):
    name: str | None = None
    mount_path: str | None = msgspec.field(default=None, name="mountPath")

    def made(self) -> VolumeMount:
        return VolumeMount(self.name, self.mount_path)


class _Limits(_Shape):
    memory: str | int | None = None

    def made(self) -> Limits:
        return Limits(None if self.memory is None else _parse_memory(self.memory))


class _Resources(_Shape):
    limits: _Limits | None = None

    def made(self) -> Resources:
        return Resources(self.limits.made()) if self.limits else Resources()


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

    def made(self) -> Container:
        return Container(
            image=self.image,
            name=self.name,
            command=self.command or (),
            env=tuple(map(_EnvVar.made, self.env or ())),
            ports=tuple(map(_Port.made, self.ports or ())),
            resources=self.resources.made() if self.resources else Resources(),
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
