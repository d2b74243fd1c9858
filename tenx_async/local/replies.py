"""How services are shown, field by field as the API documents it."""

from __future__ import annotations

from typing import Any

from tenx_async.api.dates import format_instant
from tenx_async.local.services import Instance, Service

_PLACED = {"containers", "port_mappings", "volumes", "binding_domain_name", "sync_timezone"}
_ADDRESS = "service_url"


def created(service: Service) -> dict[str, Any]:
    """The reply to a create: as it was sent, with addresses, without `uid`, time and status."""
    return {
        "name": service.name,
        "target_instance_size": service.size,
        "containers": service.containers,
        **_surroundings(service, addressed=True),
    }


def listed(service: Service, status: str) -> dict[str, Any]:
    """A service in the list of its region; only here containers have names."""
    named = zip(service.container_names, service.containers, strict=True)
    containers = [{"name": name, **_container(declared)} for name, declared in named]
    return _shown(service, status, containers)


def single(service: Service, status: str) -> dict[str, Any]:
    """A service on its own, with its region."""
    containers = [_container(c) for c in service.containers]
    return {"region": service.region, **_shown(service, status, containers)}


def instance(service: Service, one: Instance) -> dict[str, Any]:
    """One instance of a service, with how it fares."""
    return {
        "name": one.name,
        "create_time": format_instant(one.created_at),
        "status": "Waiting" if one.message else "Running",
        "message": one.message,
        "restarts": one.restarts,
        "containers": [_container(c) for c in service.containers],
        "volumes": service.fields["volumes"],
        "port_mappings": [_own_address(m, one) for m in service.fields["port_mappings"]],
    }


def _shown(service: Service, status: str, containers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uid": service.uid,
        "name": service.name,
        "created_at": format_instant(service.created_at),
        "status": status,
        "target_instance_size": service.size,
        "containers": containers,
        **_surroundings(service, addressed=service.is_up),
    }


def _surroundings(service: Service, *, addressed: bool) -> dict[str, Any]:
    mappings = service.fields["port_mappings"]
    if not addressed:
        mappings = [{k: v for k, v in m.items() if k != _ADDRESS} for m in mappings]
    domain = {"default_domain_name": mappings[0][_ADDRESS]} if addressed and mappings else {}
    return {
        "port_mappings": mappings,
        "volumes": service.fields["volumes"],
        **domain,
        "binding_domain_name": service.fields["binding_domain_name"],
        **{key: value for key, value in service.fields.items() if key not in _PLACED},
    }


def _container(declared: dict[str, Any]) -> dict[str, Any]:
    shown = {"imagePullPolicy": "IfNotPresent", **declared}
    shown.pop("name", None)
    if declared.get("ports"):
        shown["ports"] = [_port(port) for port in declared["ports"]]
    return shown


def _port(declared: dict[str, Any]) -> dict[str, Any]:
    return {("container_port" if key == "port" else key): v for key, v in declared.items()}


def _own_address(mapping: dict[str, Any], one: Instance) -> dict[str, Any]:
    own = one.ports.get(mapping["container_port"])
    return {**mapping, _ADDRESS: f"127.0.0.1:{own}"} if own else mapping
