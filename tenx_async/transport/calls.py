"""The operations on services as values, not yet done."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from tenx_async.api import operations
from tenx_async.api.models import Instance, Service
from tenx_async.api.operations import Operation
from tenx_async.api.specs import MemoryKey, ServiceSpec, ServiceUpdate
from tenx_async.transport.account import Account, T
from tenx_async.transport.call import Call


@frozen
class ServiceCalls:
    """The operations on services as values, not yet done: for `SessionPool.run`."""

    _account: Account
    _region: str

    def list(self) -> Call[list[Service]]:
        """List all services."""
        return self._call(operations.list_services(self._region))

    def get(self, name: str) -> Call[Service]:
        """Get one service."""
        return self._call(operations.get_service(self._region, name))

    def create(self, name: str, spec: ServiceSpec) -> Call[Service | None]:
        """Create a service."""
        return self._call(operations.create_service(self._region, name, spec))

    def update(
        self, name: str, update: ServiceUpdate, *, memory_key: MemoryKey = "resource"
    ) -> Call[None]:
        """Change a service."""
        operation = operations.update_service(self._region, name, update, memory_key=memory_key)
        return self._call(operation)

    def delete(self, name: str) -> Call[None]:
        """Delete a service and its log."""
        return self._call(operations.delete_service(self._region, name))

    def start(self, name: str) -> Call[None]:
        """Start a stopped service."""
        return self._call(operations.start_service(self._region, name))

    def stop(self, name: str) -> Call[None]:
        """Stop a running service."""
        return self._call(operations.stop_service(self._region, name))

    def restart(self, name: str) -> Call[None]:
        """Restart a service."""
        return self._call(operations.restart_service(self._region, name))

    def instances(self, name: str) -> Call[Sequence[Instance]]:
        """List the running copies of a service."""
        return self._call(operations.list_instances(self._region, name))

    def _call(self, operation: Operation[T]) -> Call[T]:
        return Call(operation, self._account)
