"""An asyncio client for the TenxCloud v1 services API."""

from typing import TYPE_CHECKING, Any

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
    InvalidName,
    InvalidSpec,
    MethodNotAllowed,
    NotFound,
    OperationError,
    OutcomeUnknown,
    QuotaExceeded,
    Redirected,
    ResponseTooLarge,
    ServerError,
    TenxError,
    Throttled,
    TimedOut,
    TransportError,
    Unauthorized,
    WindowLimit,
)
from tenx_async.logs.follow import Follower
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.lines import LogBatch, LogLine, LogPage
from tenx_async.pool import SessionPool
from tenx_async.transport.account import Limits, Usage
from tenx_async.transport.call import Call
from tenx_async.transport.exchange import Timeouts
from tenx_async.transport.reconcile import ReconcilePolicy
from tenx_async.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from tenx_async.local import LocalCloud

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
    "DeadlineExceeded",
    "Disconnected",
    "EnvVar",
    "Follower",
    "Forbidden",
    "Identity",
    "Instance",
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
    "MethodNotAllowed",
    "NotFound",
    "OperationError",
    "Outcome",
    "OutcomeUnknown",
    "Port",
    "PortMapping",
    "PortSpec",
    "QuotaExceeded",
    "ReconcilePolicy",
    "Redirected",
    "Region",
    "ResponseTooLarge",
    "RetryPolicy",
    "ServerError",
    "Service",
    "ServiceSpec",
    "ServiceUpdate",
    "SessionPool",
    "TenxError",
    "Throttled",
    "TimedOut",
    "Timeouts",
    "TransportError",
    "Unauthorized",
    "Usage",
    "Volume",
    "VolumeMount",
    "WindowLimit",
]


def __getattr__(name: str) -> Any:
    """Import the embedded server only where it is used: it brings a web framework along."""
    if name == "LocalCloud":
        from tenx_async.local import LocalCloud  # noqa: PLC0415

        return LocalCloud
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
