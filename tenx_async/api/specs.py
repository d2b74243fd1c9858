"""What is sent: the specification of a new service, and the changes to one that exists.

Source of the shapes: the vendor's services page, lines 172-226 (create) and 324-335 (update).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import field, fields, frozen, has

from tenx_async.api.memory import Memory
from tenx_async.api.models import EnvVar, PortMapping, Volume, VolumeMount, extra_field
from tenx_async.errors import InvalidSpec

MemoryKey = Literal["resource", "resources", "both"]
"""The key under which an update carries the memory: documented is `resource`."""


def _check_texts(place: str, value: Any) -> None:
    """Refuse a text, at any depth, that cannot be written as UTF-8.

    Raises:
        InvalidSpec: there is one; the message names the place and shows no value.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidSpec(f"{place}: holds half a character (a lone surrogate)") from None
    elif isinstance(value, Mapping):
        for key, each in value.items():
            _check_texts(f"{place}: a key", key)
            _check_texts(f"{place}.{key}" if place else str(key), each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            _check_texts(f"{place}[{index}]", each)
    elif has(type(value)):
        for part in fields(type(value)):
            name = "" if part.name == "extra" else part.name
            _check_texts(".".join(filter(None, (place, name))), getattr(value, part.name))


def _are_texts(_: object, attribute: Any, value: Any) -> None:
    texts = value if isinstance(value, tuple) else (value,)
    if value is not None and not all(isinstance(text, str) for text in texts):
        raise InvalidSpec(f"{attribute.name}: has to be text")


def _memory(amount: Memory | int | str | None) -> Memory | None:
    try:
        return None if amount is None else Memory.parse(amount)
    except ValueError as error:
        raise InvalidSpec(f"memory: {error}") from None


def _command(command: str | Iterable[str]) -> tuple[str, ...]:
    return (command,) if isinstance(command, str) else tuple(command)


def _env(env: Mapping[str, str] | Iterable[EnvVar]) -> tuple[EnvVar, ...]:
    if isinstance(env, Mapping):
        env = (EnvVar(name, value) for name, value in env.items())
    variables = tuple(env)
    for variable in variables:
        if not isinstance(variable, EnvVar):
            raise InvalidSpec("env: give EnvVar(name, value), or a mapping of names to values")
        if not isinstance(variable.name, str):
            raise InvalidSpec(f"env: the name {variable.name!r} is not a text")
        if not isinstance(variable.value, str):
            raise InvalidSpec(f"env: the value of {variable.name!r} is not a text")
    return variables


def _ports(ports: Iterable[PortSpec | int]) -> tuple[PortSpec, ...]:
    return tuple(PortSpec(port) if isinstance(port, int) else port for port in ports)


def _volume_mounts(mounts: Iterable[VolumeMount]) -> tuple[VolumeMount, ...]:
    return tuple(mounts)


def _containers(containers: Iterable[ContainerSpec]) -> tuple[ContainerSpec, ...]:
    return tuple(containers)


def _port_mappings(mappings: Iterable[PortMapping]) -> tuple[PortMapping, ...]:
    return tuple(mappings)


def _volumes(volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    return tuple(volumes)


def _domains(domains: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if domains is None:
        return None
    return (domains,) if isinstance(domains, str) else tuple(domains)


def _check_size(_: object, __: object, size: int | None) -> None:
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise InvalidSpec(f"target_instance_size: {size!r} is not a whole number from 0 up")


def _check_port(_: object, __: object, port: int) -> None:
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise InvalidSpec(f"port: {port!r} is not a whole number from 1 to 65535")


def _check_containers(_: object, __: object, containers: tuple[ContainerSpec, ...]) -> None:
    if not containers:
        raise InvalidSpec("containers: a service needs at least one")
    if not all(isinstance(container, ContainerSpec) for container in containers):
        raise InvalidSpec("containers: each has to be a ContainerSpec")


@frozen
class PortSpec:
    """A port that a container listens on."""

    port: int = field(validator=_check_port)
    protocol: str = field(default="TCP", validator=_are_texts)
    extra: Mapping[str, Any] = extra_field()


@frozen(kw_only=True)
class ContainerSpec:
    """One container of a new service.

    Raises:
        InvalidSpec: no image, or memory that is no amount.
    """

    image: str
    command: tuple[str, ...] = field(default=(), converter=_command, validator=_are_texts)
    """Program and arguments; empty runs what the image says."""
    env: tuple[EnvVar, ...] = field(default=(), converter=_env)
    """Pairs in order; a mapping of names to values does as well."""
    ports: tuple[PortSpec, ...] = field(default=(), converter=_ports)
    """Plain numbers do as well and mean TCP."""
    memory: Memory | None = field(default=None, converter=_memory)
    """A limit: `"512Mi"`, `"1Gi"`, or a number of MiB."""
    volume_mounts: tuple[VolumeMount, ...] = field(default=(), converter=_volume_mounts)
    extra: Mapping[str, Any] = extra_field()

    def __attrs_post_init__(self) -> None:
        if not self.image:
            raise InvalidSpec("image: a container needs one")
        if not isinstance(self.image, str):
            raise InvalidSpec("image: has to be text")


@frozen(kw_only=True)
class ServiceSpec:
    """A service to be created.

    Raises:
        InvalidSpec: no container, or a negative number of instances.
    """

    containers: tuple[ContainerSpec, ...] = field(
        converter=_containers, validator=_check_containers
    )
    target_instance_size: int = field(default=1, validator=_check_size)
    port_mappings: tuple[PortMapping, ...] = field(default=(), converter=_port_mappings)
    volumes: tuple[Volume, ...] = field(default=(), converter=_volumes)
    sync_timezone: bool | None = None
    """Mount the host's time zone; the server then shows a volume that was not sent."""
    binding_domain_name: tuple[str, ...] | None = field(
        default=None, converter=_domains, validator=_are_texts
    )
    extra: Mapping[str, Any] = extra_field()

    def __attrs_post_init__(self) -> None:
        _check_texts("", self)

    def secrets(self) -> tuple[str, ...]:
        """The values that may appear in no message."""
        return tuple(variable.value for c in self.containers for variable in c.env)


@frozen(kw_only=True)
class ServiceUpdate:
    """Changes to a service; what is `None` stays as it is.

    Raises:
        InvalidSpec: nothing to change, or a value that no server would accept.
    """

    target_instance_size: int | None = field(default=None, validator=_check_size)
    memory: Memory | None = field(default=None, converter=_memory)
    """The limit of every container that the update reaches."""
    binding_domain_name: tuple[str, ...] | None = field(
        default=None, converter=_domains, validator=_are_texts
    )
    """All domains that shall be bound; an empty list unbinds them."""

    def __attrs_post_init__(self) -> None:
        changes = (self.target_instance_size, self.memory, self.binding_domain_name)
        if all(change is None for change in changes):
            raise InvalidSpec(
                "nothing to update: give target_instance_size, memory or binding_domain_name"
            )
        _check_texts("", self)

    def body(self, memory_key: MemoryKey = "resource") -> dict[str, Any]:
        """Write the update as the server reads it; what stays as it is does not appear."""
        body: dict[str, Any] = {}
        if self.target_instance_size is not None:
            body["target_instance_size"] = self.target_instance_size
        if self.memory is not None:
            limits = {"limits": {"memory": str(self.memory)}}
            keys = ("resource", "resources") if memory_key == "both" else (memory_key,)
            body["containers"] = [dict.fromkeys(keys, limits)]
        if self.binding_domain_name is not None:
            body["binding_domain_name"] = list(self.binding_domain_name)
        return body
