"""The whole services API as an embedded server, for demonstrations and tests."""

from tenx_async.local.cloud import LocalCloud
from tenx_async.local.daylog import LoggedLine
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks
from tenx_async.local.services import Execution

__all__ = ["Execution", "Fault", "LocalCloud", "LoggedLine", "Quirks"]
