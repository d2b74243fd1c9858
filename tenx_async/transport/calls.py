"""The operations on services as values, not yet done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from tenx_async.api import operations
from tenx_async.api.models import Instance, Service
from tenx_async.api.specs import MemoryKey, ServiceSpec, ServiceUpdate
from tenx_async.transport.account import Account
from tenx_async.transport.call import Call


@frozen
class ServiceCalls:
    """The operations on services as values, not yet done: for `SessionPool.run`.

    A write takes what the service was `seen` to look like, if that is known: one that would change
    nothing is then not sent, and one whose answer is lost can be told about with more certainty:
    without it an update, a start or a stop that does not show is unknown, and is not sent again.
    """

    _account: Account
    _region: str

    def list(self) -> Call[list[Service]]:
        """List all services."""
        return Call(operations.list_services(self._region), self._account)

    def get(self, name: str) -> Call[Service]:
        """Get one service."""
        return Call(operations.get_service(self._region, name), self._account)

    def create(
        self, name: str, spec: ServiceSpec, *, seen: Service | None = None
    ) -> Call[Service | None]:
        """Create a service."""
        return Call(operations.create_service(self._region, name, spec), self._account, seen)

    def update(
        self,
        name: str,
        update: ServiceUpdate,
        *,
        memory_key: MemoryKey = "resource",
        seen: Service | None = None,
    ) -> Call[None]:
        """Change a service."""
        operation = operations.update_service(self._region, name, update, memory_key=memory_key)
        return Call(operation, self._account, seen)

    def delete(self, name: str, *, seen: Service | None = None) -> Call[None]:
        """Delete a service and its log."""
        return Call(operations.delete_service(self._region, name), self._account, seen)

    def start(self, name: str, *, seen: Service | None = None) -> Call[None]:
        """Start a stopped service."""
        return Call(operations.start_service(self._region, name), self._account, seen)

    def stop(self, name: str, *, seen: Service | None = None) -> Call[None]:
        """Stop a running service."""
        return Call(operations.stop_service(self._region, name), self._account, seen)

    def restart(
        self, name: str, *, at_least_once: bool = False, seen: Service | None = None
    ) -> Call[None]:
        """Restart a service; `at_least_once` accepts a second restart where an answer is lost."""
        operation = operations.restart_service(self._region, name, at_least_once=at_least_once)
        return Call(operation, self._account, seen)

    def write(
        self,
        verb: str,
        name: str,
        wanted: ServiceSpec | ServiceUpdate | None = None,
        *,
        at_least_once: bool = False,
        seen: Service | None = None,
    ) -> Call[Any]:
        """Make the write of a verb, with what a create or an update is to bring about."""
        if isinstance(wanted, ServiceSpec):
            return self.create(name, wanted, seen=seen)
        if isinstance(wanted, ServiceUpdate):
            return self.update(name, wanted, seen=seen)
        if verb == "restart":
            return self.restart(name, at_least_once=at_least_once, seen=seen)
        return {"start": self.start, "stop": self.stop, "delete": self.delete}[verb](
            name, seen=seen
        )

    def instances(self, name: str) -> Call[Sequence[Instance]]:
        """List the running copies of a service."""
        return Call(operations.list_instances(self._region, name), self._account)
