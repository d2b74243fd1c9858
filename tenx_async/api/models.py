"""What the API shows: services and their parts, instances, regions, the account's owner.

Every field but a name may be missing in some reply and is then `None` or empty. Keys that are
not known here are kept in `extra` and written back by `wire.dump`. Source of the shapes: the
vendor's services page, examples of the list (lines 15-82) and of one service (lines 94-160).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from tenx_async.api.memory import Memory


def extra_field() -> Any:
    """A field for the keys that a class does not know."""
    return field(factory=dict, repr=False, hash=False, kw_only=True)


@frozen
class EnvVar:
    """One variable of a container's environment; its value is often a password."""

    name: str
    value: str = field(default="", repr=False)
    extra: Mapping[str, Any] = extra_field()


@frozen
class Port:
    """A port that a container listens on."""

    container_port: int | None = None
    protocol: str | None = None
    """Transport, `TCP` or `UDP`."""
    extra: Mapping[str, Any] = extra_field()


@frozen
class VolumeMount:
    """Where a container sees a volume."""

    name: str | None = None
    """The name of a volume of the same service."""
    mount_path: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen
class Limits:
    """Upper bounds on what a container may use."""

    memory: Memory | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen
class Resources:
    """What a container may use."""

    limits: Limits = Limits()
    extra: Mapping[str, Any] = extra_field()


@frozen(kw_only=True)
class Container:
    """One container of a service; every instance of the service runs all of them."""

    image: str | None = None
    name: str | None = None
    """Only in list replies."""
    command: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    ports: tuple[Port, ...] = ()
    resources: Resources = Resources()
    volume_mounts: tuple[VolumeMount, ...] = ()
    image_pull_policy: str | None = None
    extra: Mapping[str, Any] = extra_field()

    @property
    def memory(self) -> Memory | None:
        """The memory limit."""
        return self.resources.limits.memory


@frozen
class PortMapping:
    """How a container's port is reached from outside."""

    container_port: int | None = None
    protocol: str | None = None
    """Kind of exposure, `tcp` or `http`; not the transport of `Port.protocol`."""
    service_url: str | None = None
    """`host:port`; a service exposed as http has no port in it."""
    service_port: int | None = None
    """The public port, as older servers show it."""
    extra: Mapping[str, Any] = extra_field()


@frozen
class Volume:
    """A disk that containers of a service can mount."""

    name: str | None = None
    disk_name: str | None = None
    fs_type: str | None = None
    is_read_only: bool | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(kw_only=True)
class Service:
    """A service: a number of equal instances of some containers."""

    name: str
    region: str | None = None
    uid: str | None = None
    """Differs between a service and one created later under the same name."""
    created_at: dt.datetime | None = None
    status: str | None = None
    """An open set, compared without case; documented is `Running`."""
    target_instance_size: int | None = None
    """How many instances are wanted."""
    containers: tuple[Container, ...] = ()
    port_mappings: tuple[PortMapping, ...] = ()
    volumes: tuple[Volume, ...] = ()
    default_domain_name: str | None = None
    binding_domain_name: tuple[str, ...] | None = None
    extra: Mapping[str, Any] = extra_field()

    def has_status(self, status: str) -> bool:
        """Tell whether the status is this one, in any case."""
        return (self.status or "").casefold() == status.casefold()


@frozen(kw_only=True)
class Instance:
    """One running copy of a service."""

    name: str
    create_time: dt.datetime | None = None
    containers: tuple[Container, ...] = ()
    port_mappings: tuple[PortMapping, ...] = ()
    volumes: tuple[Volume, ...] = ()
    extra: Mapping[str, Any] = extra_field()


@frozen
class Region:
    """A place where services run."""

    name: str
    display_name: str | None = None
    status: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen
class Identity:
    """Whose credentials these are."""

    user_name: str
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    creation_time: dt.datetime | None = None
    last_login_time: dt.datetime | None = None
    extra: Mapping[str, Any] = extra_field()
