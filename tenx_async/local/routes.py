"""Which operation a method and a path stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from attrs import frozen

from tenx_async.local.refusal import Refusal

_SERVICES = "/v1/regions/{region}/services"
_SERVICE = _SERVICES + "/{service}"
_PATHS: dict[str, dict[str, str]] = {
    _SERVICE + "/logs": {"GET": "logs"},
    _SERVICE: {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"},
    _SERVICES: {"GET": "list"},
    _SERVICE + "/start": {"PUT": "start"},
    _SERVICE + "/stop": {"PUT": "stop"},
    _SERVICE + "/restart": {"PUT": "restart"},
    _SERVICE + "/instances": {"GET": "instances"},
    _SERVICE + "/instances/{instance}/logs": {"GET": "instance_logs"},
    "/v1/regions": {"GET": "regions"},
    "/v1/auth": {"GET": "auth"},
    "/v1/status": {"GET": "status"},
    "/openapi.json": {"GET": "openapi"},
    "/_control/quirks": {"GET": "show_quirks", "PUT": "set_quirks", "PATCH": "change_quirks"},
    "/_control/faults": {"GET": "show_faults", "PUT": "set_faults"},
    "/_control/truth": {"GET": "truth"},
    "/_control/log": {"GET": "logged"},
}
CONTROLS = frozenset(
    operation
    for path, operations in _PATHS.items()
    if path.startswith("/_control/")
    for operation in operations.values()
)
"""What is asked of the cloud itself; no part of the API."""
STRUCK = tuple(way for ways in _PATHS.values() for way in ways.values() if way not in CONTROLS)
"""Operations at which faults may strike."""
_PATTERNS = [
    (re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]*)", template)), operations)
    for template, operations in _PATHS.items()
]
UNKNOWN = "unknown"


@frozen
class Route:
    """An operation and the names in its path, decoded."""

    operation: str
    names: Mapping[str, str]


@lru_cache(maxsize=4096)
def route(method: str, raw_path: str) -> Route:
    """Read a path as it was sent; nothing in it is resolved, so `..` is a name, and a bad one.

    Raises:
        Refusal: 404 for an unknown path, 405 for another method.
    """
    for pattern, operations in _PATTERNS:
        if match := pattern.fullmatch(raw_path):
            names = {kind: unquote(name) for kind, name in match.groupdict().items()}
            return Route(_operation(method, raw_path, operations), names)
    raise Refusal(404, f"there is no {raw_path} in this API")


def _operation(method: str, raw_path: str, operations: Mapping[str, str]) -> str:
    try:
        return operations[method]
    except KeyError:
        allowed = ", ".join(operations)
        message = f"{method} is not allowed on {raw_path}, only {allowed}"
        raise Refusal(405, message, allow=allowed) from None
