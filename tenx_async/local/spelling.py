"""How some servers spell what they show of services: each quirk a function of one JSON object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenx_async.api.memory import MIB, Memory
from tenx_async.local.quirks import Quirks

_OLD_NAMES = {
    "port_mappings": "ports_mapping",
    "container_port": "containerPort",
    "is_read_only": "is_ready_only",
}
_TIME_ZONE = "tenxcloud-time-zone"

Object = dict[str, Any]


def spell(value: Any, quirks: Quirks) -> Any:
    """Rewrite a reply, and every object in it, as the quirks say."""
    for name, change in _CHANGES.items():
        if getattr(quirks, name):
            value = _everywhere(value, change)
    is_list = isinstance(value, dict) and value.keys() == {"region", "services"}
    return [value] if is_list and quirks.old_list else value


def with_time_zone(fields: Object) -> Object:
    """What is declared, and the volume that brings the host's time zone, for `sync_timezone`."""
    mount = {"name": _TIME_ZONE, "mountPath": "/etc/localtime", "readOnly": True}
    volume = {"name": _TIME_ZONE, "hostPath": {"path": "/etc/localtime"}}
    containers = [
        {**container, "volumeMounts": [*(container.get("volumeMounts") or []), mount]}
        for container in fields["containers"]
    ]
    return {**fields, "containers": containers, "volumes": [*fields["volumes"], volume]}


def _everywhere(value: Any, change: Callable[[Object], Object]) -> Any:
    if isinstance(value, dict):
        return {key: _everywhere(inner, change) for key, inner in change(value).items()}
    if isinstance(value, list):
        return [_everywhere(inner, change) for inner in value]
    return value


def _with_old_names(shown: Object) -> Object:
    renamed = {_OLD_NAMES.get(key, key): value for key, value in shown.items()}
    if isinstance(shown.get("service_url"), str):
        host, _, port = shown["service_url"].partition(":")
        renamed |= {"service_url": host, **({"service_port": port} if port else {})}
    if isinstance(shown.get("target_instance_size"), int):
        renamed["target_instance_size"] = str(shown["target_instance_size"])
    return renamed


def _without_ports(shown: Object) -> Object:
    addresses = {key: shown.get(key) for key in ("service_url", "default_domain_name")}
    hosts = {k: text.partition(":")[0] for k, text in addresses.items() if isinstance(text, str)}
    return {**shown, **hosts}


def _with_reworded_memory(shown: Object) -> Object:
    try:
        size = Memory.parse(shown["memory"]).bytes
    except (KeyError, TypeError, ValueError):  # a field of the user's own may be called so
        return shown
    for unit, suffix in ((MIB << 20, "Ti"), (MIB << 10, "Gi")):
        if size % unit == 0:
            return {**shown, "memory": f"{size // unit}{suffix}"}
    return shown


_CHANGES: dict[str, Callable[[Object], Object]] = {
    "no_ports": _without_ports,
    "old_names": _with_old_names,
    "memory_reworded": _with_reworded_memory,
}
