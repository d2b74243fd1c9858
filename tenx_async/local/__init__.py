"""The whole services API as an embedded server, for demonstrations and tests."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenx_async.local.cloud import LocalCloud
    from tenx_async.local.daylog import LoggedLine
    from tenx_async.local.faults import Fault
    from tenx_async.local.quirks import Quirks
    from tenx_async.local.services import Execution

__all__ = ["Execution", "Fault", "LocalCloud", "LoggedLine", "Quirks"]

_HOMES = dict(zip(__all__, ("services", "faults", "cloud", "daylog", "quirks"), strict=True))


def __getattr__(name: str) -> Any:
    """Import the server only where it is used: the command line shows its options without it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
