"""An asyncio client for the TenxCloud v1 services API."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenx_async.api.entries import LogEntry
    from tenx_async.api.memory import Memory
    from tenx_async.api.models import (
        Container,
        EnvVar,
        Identity,
        Instance,
        Port,
        PortMapping,
        Region,
        Service,
        Volume,
        VolumeMount,
    )
    from tenx_async.api.outcome import Outcome
    from tenx_async.api.specs import ContainerSpec, PortSpec, ServiceSpec, ServiceUpdate
    from tenx_async.client import Client
    from tenx_async.clock import Clock
    from tenx_async.errors import (
        ApiError,
        BadRequest,
        BadResponse,
        ConfigurationError,
        Conflict,
        ConnectFailed,
        DeadlineExceeded,
        Disconnected,
        Forbidden,
        InvalidManifest,
        InvalidName,
        InvalidSpec,
        MethodNotAllowed,
        NotFound,
        OperationError,
        OutcomeUnknown,
        QuotaExceeded,
        Redirected,
        ResponseTooLarge,
        RunFailed,
        ServerError,
        SinkUnavailable,
        TenxError,
        Throttled,
        TimedOut,
        TransportError,
        Unauthorized,
        WindowLimit,
    )
    from tenx_async.fleet.fleet import Fleet
    from tenx_async.fleet.plan import Plan, Step
    from tenx_async.fleet.report import Report
    from tenx_async.fleet.run import Run
    from tenx_async.fleet.terms import Terms
    from tenx_async.local import LocalCloud
    from tenx_async.logs.cursors import CursorStore, MemoryCursors
    from tenx_async.logs.follow import Follower
    from tenx_async.logs.ledger import Ledger
    from tenx_async.logs.lines import LogBatch, LogLine, LogPage
    from tenx_async.pool import SessionPool
    from tenx_async.sinks.address import sink_at
    from tenx_async.sinks.files import FileSink
    from tenx_async.sinks.function import FunctionSink
    from tenx_async.sinks.ship import Ship, ShipStatus
    from tenx_async.sinks.sink import Sink
    from tenx_async.sinks.sqlite import SqliteSink
    from tenx_async.sinks.sqlite_cursors import SqliteCursors
    from tenx_async.transport.account import Limits, Usage
    from tenx_async.transport.call import Call
    from tenx_async.transport.exchange import Timeouts
    from tenx_async.transport.reconcile import ReconcilePolicy
    from tenx_async.transport.retry import RetryPolicy

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "BadRequest",
    "BadResponse",
    "Call",
    "Client",
    "Clock",
    "ConfigurationError",
    "Conflict",
    "ConnectFailed",
    "Container",
    "ContainerSpec",
    "CursorStore",
    "DeadlineExceeded",
    "Disconnected",
    "EnvVar",
    "FileSink",
    "Fleet",
    "Follower",
    "Forbidden",
    "FunctionSink",
    "Identity",
    "Instance",
    "InvalidManifest",
    "InvalidName",
    "InvalidSpec",
    "Ledger",
    "Limits",
    "LocalCloud",
    "LogBatch",
    "LogEntry",
    "LogLine",
    "LogPage",
    "Memory",
    "MemoryCursors",
    "MethodNotAllowed",
    "NotFound",
    "OperationError",
    "Outcome",
    "OutcomeUnknown",
    "Plan",
    "Port",
    "PortMapping",
    "PortSpec",
    "QuotaExceeded",
    "ReconcilePolicy",
    "Redirected",
    "Region",
    "Report",
    "ResponseTooLarge",
    "RetryPolicy",
    "Run",
    "RunFailed",
    "ServerError",
    "Service",
    "ServiceSpec",
    "ServiceUpdate",
    "SessionPool",
    "Ship",
    "ShipStatus",
    "Sink",
    "SinkUnavailable",
    "SqliteCursors",
    "SqliteSink",
    "Step",
    "TenxError",
    "Terms",
    "Throttled",
    "TimedOut",
    "Timeouts",
    "TransportError",
    "Unauthorized",
    "Usage",
    "Volume",
    "VolumeMount",
    "WindowLimit",
    "sink_at",
]

_HOMES = {
    "tenx_async.api.entries": ("LogEntry",),
    "tenx_async.api.memory": ("Memory",),
    "tenx_async.api.models": (
        "Container",
        "EnvVar",
        "Identity",
        "Instance",
        "Port",
        "PortMapping",
        "Region",
        "Service",
        "Volume",
        "VolumeMount",
    ),
    "tenx_async.api.outcome": ("Outcome",),
    "tenx_async.api.specs": (
        "ContainerSpec",
        "PortSpec",
        "ServiceSpec",
        "ServiceUpdate",
    ),
    "tenx_async.client": ("Client",),
    "tenx_async.clock": ("Clock",),
    "tenx_async.fleet.fleet": ("Fleet",),
    "tenx_async.fleet.plan": ("Plan", "Step"),
    "tenx_async.fleet.report": ("Report",),
    "tenx_async.fleet.run": ("Run",),
    "tenx_async.fleet.terms": ("Terms",),
    "tenx_async.local": ("LocalCloud",),
    "tenx_async.logs.cursors": ("CursorStore", "MemoryCursors"),
    "tenx_async.logs.follow": ("Follower",),
    "tenx_async.logs.ledger": ("Ledger",),
    "tenx_async.logs.lines": (
        "LogBatch",
        "LogLine",
        "LogPage",
    ),
    "tenx_async.pool": ("SessionPool",),
    "tenx_async.sinks.address": ("sink_at",),
    "tenx_async.sinks.files": ("FileSink",),
    "tenx_async.sinks.function": ("FunctionSink",),
    "tenx_async.sinks.ship": ("Ship", "ShipStatus"),
    "tenx_async.sinks.sink": ("Sink",),
    "tenx_async.sinks.sqlite": ("SqliteSink",),
    "tenx_async.sinks.sqlite_cursors": ("SqliteCursors",),
    "tenx_async.transport.account": (
        "Limits",
        "Usage",
    ),
    "tenx_async.transport.call": ("Call",),
    "tenx_async.transport.exchange": ("Timeouts",),
    "tenx_async.transport.reconcile": ("ReconcilePolicy",),
    "tenx_async.transport.retry": ("RetryPolicy",),
}
"""Where the public names live, but for the errors: each is imported when it is first used."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((home for home, names in _HOMES.items() if name in names), "tenx_async.errors")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
