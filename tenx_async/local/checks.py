"""What a request may say; anything else is refused with a reason that names the place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from attrs import field, frozen

from tenx_async.api import dates, names
from tenx_async.api.memory import Memory
from tenx_async.errors import InvalidName
from tenx_async.local.refusal import Refusal

MAX_INSTANCES = 100
MAX_DEPTH = 50
"""Of objects and lists in a body; deeper ones could not be rewritten without end."""

_DAY = re.compile(r"\d{4}\.\d{2}\.\d{2}", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_DIGITS = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_SERVER_OWNED = ("name", "uid", "created_at", "status", "region", "default_domain_name")
_UPDATABLE = {"target_instance_size", "containers", "binding_domain_name"}
_CHECKED_NAMES = {
    "region": names.region_name,
    "service": names.service_name,
    "instance": names.instance_name,
}


@frozen
class Window:
    """The part of a day's log that a request asks for."""

    day: dt.date
    start: int
    size: int


@frozen
class Changes:
    """What an update sets; what is `None` stays."""

    size: int | None = None
    memory: dict[int, str] = field(factory=dict)
    """By the container's place in the list."""
    domains: list[str] | None = None


def path_name(kind: str, name: str) -> None:
    """A region, service or instance name from a path."""
    try:
        _CHECKED_NAMES[kind](name)
    except InvalidName as error:
        raise Refusal(400, str(error)) from None
    _require(name.isascii() or kind != "instance", f"{name!r} is not a name of an instance")


@lru_cache(maxsize=1024)
def window(query: str, today: dt.date) -> Window:
    """The `date`, `from` and `size` of a log request; today's first 100 entries by default."""
    asked = dict(parse_qsl(query, keep_blank_values=True))
    return Window(
        day=_day(asked["date"]) if "date" in asked else today,
        start=_count(asked.get("from", "0"), "from"),
        size=_count(asked.get("size", "100"), "size"),
    )


def document(body: bytes) -> dict[str, Any]:
    """The JSON object that a body must be."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refusal(400, f"the body is not JSON: {error}") from None
    _require(_is_flat(value, MAX_DEPTH), f"the body: more than {MAX_DEPTH} levels deep")
    return _object(value, "the body")


def declaration(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The instance count and the fields of a service to be created, checked."""
    fields = {key: value for key, value in asked.items() if key not in _SERVER_OWNED}
    size = _size(fields.pop("target_instance_size", 1))
    containers = _objects(fields.get("containers"), "containers")
    _require(bool(containers), "containers: at least one is needed")
    fields["containers"] = [
        _container(container, f"containers[{place}]") for place, container in enumerate(containers)
    ]
    fields["port_mappings"] = [_mapping(m) for m in _named_list(fields, "port_mappings")]
    fields["volumes"] = [_volume(v) for v in _named_list(fields, "volumes")]
    domains = fields.get("binding_domain_name")
    fields["binding_domain_name"] = [] if domains is None else _domains(domains)
    zone = fields.get("sync_timezone", False)
    _require(isinstance(zone, bool), "sync_timezone: neither true nor false")
    return size, fields


def changes(asked: dict[str, Any], containers: Sequence[str]) -> Changes:
    """What an update asks for; only count, memory and domains can be changed.

    Args:
        asked: The body.
        containers: The names of the service's containers, in order.
    """
    unknown = sorted(asked.keys() - _UPDATABLE)
    _require(not unknown, f"{', '.join(unknown)}: cannot be updated, replace the service instead")
    _require(bool(asked), f"nothing to update: give {', '.join(sorted(_UPDATABLE))}")
    return Changes(
        size=_size(asked["target_instance_size"]) if "target_instance_size" in asked else None,
        memory=_memories(_objects(asked.get("containers", []), "containers"), containers),
        domains=_domains(asked["binding_domain_name"]) if "binding_domain_name" in asked else None,
    )


def with_memory(resources: dict[str, Any] | None, amount: str) -> dict[str, Any]:
    """A container's resources with another limit of memory."""
    resources = resources or {}
    return {**resources, "limits": {**(resources.get("limits") or {}), "memory": amount}}


def port(value: Any, where: str) -> int:
    """A port number, as an integer or as digits."""
    number = _integer(value, where)
    _require(1 <= number <= 65535, f"{where}: {number} is not a port")
    return number


def _is_flat(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_flat(each, levels - 1) for each in inner)


def _day(text: str) -> dt.date:
    try:
        _require(bool(_DAY.fullmatch(text)), "")
        return dates.parse_day(text)
    except (Refusal, ValueError):
        raise Refusal(400, f"date: {text!r} is not a day such as 2015.12.29") from None


def _count(text: str, where: str) -> int:
    _require(
        bool(_COUNT.fullmatch(text)),
        f"{where}: {text[:50]!r} is not a count of at most nine digits",
    )
    return int(text)


def _container(asked: dict[str, Any], where: str) -> dict[str, Any]:
    container = dict(asked)
    _text(container.get("image"), f"{where}.image")
    _texts(container, where, "name")
    _command(container.get("command", []), f"{where}.command")
    for pair in _named_list(container, "env", where):
        name, value = _text(pair.get("name"), f"{where}.env[].name"), pair.get("value")
        _require(isinstance(value, str), f"{where}.env[].value: not a string")
        _require("=" not in name and "\0" not in f"{name}{value}", f"{where}.env[]: not possible")
    for exposed in _named_list(container, "ports", where):
        given = [exposed[key] for key in ("port", "container_port") if key in exposed]
        _require(len(given) == 1, f"{where}.ports[]: give one port")
        port(given[0], f"{where}.ports[].port")
        _texts(exposed, f"{where}.ports[]", "protocol")
    for mount in _named_list(container, "volumeMounts", where):
        _text(mount.get("name"), f"{where}.volumeMounts[].name")
        _text(mount.get("mountPath"), f"{where}.volumeMounts[].mountPath")
    if (amount := _limit(container.get("resources"), f"{where}.resources")) is not None:
        container["resources"] = with_memory(container["resources"], amount)
    return container


def _mapping(asked: dict[str, Any]) -> dict[str, Any]:
    where = "port_mappings[]"
    number = port(asked.get("container_port"), f"{where}.container_port")
    protocol = asked.get("protocol", "tcp")
    _texts(asked, where, "service_url")
    return {**asked, "container_port": number, "protocol": _text(protocol, f"{where}.protocol")}


def _volume(asked: dict[str, Any]) -> dict[str, Any]:
    _text(asked.get("name"), "volumes[].name")
    _texts(asked, "volumes[]", "disk_name", "fsType")
    read_only = asked.get("is_read_only", False)
    _require(isinstance(read_only, bool), "volumes[].is_read_only: neither true nor false")
    return {"fsType": "ext4", "is_read_only": False, **asked}


def _memories(asked: list[dict[str, Any]], containers: Sequence[str]) -> dict[int, str]:
    memory = {}
    for place, change in enumerate(asked):
        where = f"containers[{place}]"
        unknown = sorted(change.keys() - {"name", "resource", "resources"})
        _require(not unknown, f"{where}: {', '.join(unknown)} cannot be updated")
        if place >= len(containers) or change.get("name", containers[place]) != containers[place]:
            raise Refusal(409, f"{where}: the service has no such container")
        amounts = [_limit(change.get(key), f"{where}.{key}") for key in ("resource", "resources")]
        if amount := amounts[0] or amounts[1]:
            memory[place] = amount
    return memory


def _limit(resources: Any, where: str) -> str | None:
    if resources is None:
        return None
    limits = _object(_object(resources, where).get("limits", {}), f"{where}.limits")
    if "memory" not in limits:
        return None
    asked = limits["memory"]
    if isinstance(asked, float):
        asked = _integer(asked, f"{where}.limits.memory")
    is_plain = isinstance(asked, int) or (isinstance(asked, str) and asked == asked.strip())
    _require(is_plain, f"{where}.limits.memory: neither a number of MiB nor a quantity")
    try:
        return str(Memory.parse(asked))
    except ValueError as error:
        raise Refusal(400, f"{where}.limits.memory: {error}") from None


def _command(value: Any, where: str) -> None:
    fits = isinstance(value, list) and all(isinstance(word, str) for word in value)
    _require(fits, f"{where}: not a list of strings")
    _require(not any("\0" in word for word in value), f"{where}: holds a NUL character")


def _size(value: Any) -> int:
    size = _integer(value, "target_instance_size")
    _require(0 <= size <= MAX_INSTANCES, f"target_instance_size: not in 0..{MAX_INSTANCES}")
    return size


def _integer(value: Any, where: str) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    _require(is_whole and not isinstance(value, bool), f"{where}: not a whole number")
    return int(value)


def _domains(value: Any) -> list[str]:
    domains = [value] if isinstance(value, str) else value
    fits = isinstance(domains, list) and all(isinstance(d, str) and d for d in domains)
    _require(fits, "binding_domain_name: not a list of host names")
    return list(domains)


def _named_list(fields: dict[str, Any], key: str, where: str = "") -> list[dict[str, Any]]:
    value = fields.get(key)
    return [] if value is None else _objects(value, f"{where}.{key}".lstrip("."))


def _objects(value: Any, where: str) -> list[dict[str, Any]]:
    _require(isinstance(value, list), f"{where}: not a list")
    return [_object(item, f"{where}[]") for item in value]


def _object(value: Any, where: str) -> dict[str, Any]:
    _require(isinstance(value, dict), f"{where}: not an object")
    return dict(value)


def _text(value: Any, where: str) -> str:
    _require(isinstance(value, str) and value != "", f"{where}: not a text")
    return str(value)


def _texts(fields: dict[str, Any], where: str, *keys: str) -> None:
    for key in fields.keys() & keys:
        _text(fields[key], f"{where}.{key}")


def _require(fits: bool, message: str) -> None:
    if not fits:
        raise Refusal(400, message)
