"""The operations on services, done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from attrs import frozen

from tenx_async.api import wire
from tenx_async.api.models import Instance, Service
from tenx_async.api.specs import MemoryKey, ServiceSpec, ServiceUpdate
from tenx_async.clock import Clock
from tenx_async.errors import DeadlineExceeded, TenxError
from tenx_async.transport.calls import ServiceCalls


@frozen
class Services:
    """Operations on the services of one account in one region.

    Every method may raise `InvalidName` before anything is sent, `ApiError` if the server
    refuses, `TransportError` if no usable answer comes, and `DeadlineExceeded`; a write also
    `OutcomeUnknown` if it was sent and its answer is lost. An update, a start or a stop is then
    sent again only where it is known what was before: `calls` take what was `seen`.
    """

    calls: ServiceCalls
    """The same operations as values."""
    _clock: Clock

    async def list(self) -> list[Service]:
        """List all services; one call, the API has no paging here."""
        return await self.calls.list().run()

    async def get(self, name: str) -> Service:
        """Get one service.

        Raises:
            NotFound: there is none of this name.
        """
        return await self.calls.get(name).run()

    async def create(self, name: str, spec: ServiceSpec) -> Service:
        """Create a service, and return it as the server shows it: without uid, time and status.

        If the server shows nothing of what it created, and it cannot be read either, what is
        returned is as it was asked for.

        Raises:
            Conflict: there is one of this name already.
        """
        call = self.calls.create(name, spec)
        if created := await call.run():
            return created
        try:
            return await self.get(name)
        except TenxError:
            where = {"name": name, "region": call.operation.region}
            return wire.load(Service, wire.dump(spec) | where)

    async def update(
        self,
        name: str,
        *,
        target_instance_size: int | None = None,
        memory: int | str | None = None,
        binding_domain_name: Iterable[str] | None = None,
        memory_key: MemoryKey = "resource",
    ) -> None:
        """Change what the API lets change of a service; what is not given stays.

        Args:
            name: the service.
            target_instance_size: how many instances shall run.
            memory: limit of each instance, `"512Mi"` or a number of MiB.
            binding_domain_name: all domains that shall be bound; an empty list unbinds them.
            memory_key: the key that carries the memory; documented is `resource`.

        Raises:
            InvalidSpec: nothing to change, or a value that no server would accept.
        """
        update = ServiceUpdate(
            target_instance_size=target_instance_size,
            memory=memory,
            binding_domain_name=binding_domain_name,
        )
        await self.calls.update(name, update, memory_key=memory_key).run()

    async def delete(self, name: str) -> None:
        """Delete a service and its log.

        Raises:
            NotFound: there is none of this name.
        """
        await self.calls.delete(name).run()

    async def start(self, name: str) -> None:
        """Start a stopped service.

        Raises:
            Conflict: it runs already, or is on its way.
        """
        await self.calls.start(name).run()

    async def stop(self, name: str) -> None:
        """Stop a running service; data in containers without volumes may be lost.

        Raises:
            Conflict: it is stopped already, or on its way.
        """
        await self.calls.stop(name).run()

    async def restart(
        self,
        name: str,
        *,
        mode: Literal["native", "verified"] = "native",
        at_least_once: bool = False,
        timeout: float = 120.0,  # noqa: ASYNC109  # spans several calls and pauses
    ) -> None:
        """Restart a service; data in containers without volumes may be lost.

        Args:
            name: the service.
            mode: `native` is one call, which leaves no trace; `verified` stops the service,
                waits, starts it and waits: all of that can be checked, and nothing serves
                meanwhile.
            at_least_once: send it again where its answer is lost, at the risk of a second
                restart.
            timeout: seconds for each wait of `verified`.

        Raises:
            OutcomeUnknown: the answer was lost, and the service was not seen restarting.
        """
        if mode == "native":
            await self.calls.restart(name, at_least_once=at_least_once).run()
        else:
            await self.calls.stop(name, seen=await self.get(name)).run()
            stopped = await self.wait(name, "Stopped", timeout=timeout)
            await self.calls.start(name, seen=stopped).run()
            await self.wait(name, "Running", timeout=timeout)

    async def instances(self, name: str) -> Sequence[Instance]:
        """List the running copies of a service."""
        return await self.calls.instances(name).run()

    async def wait(
        self,
        name: str,
        until: str | Callable[[Service], bool] = "Running",
        *,
        timeout: float = 120.0,  # noqa: ASYNC109  # spans several calls and pauses
    ) -> Service:
        """Wait until a service has a status, looking after 1, 2 and then every 5 seconds.

        Args:
            name: the service.
            until: a status in any case, or what is to be true of the service.
            timeout: seconds; the API knows no failure state, so every wait needs an end.

        Raises:
            DeadlineExceeded: it did not come to that in time.
        """
        ends = self._clock.monotonic() + timeout
        pauses = iter((1.0, 2.0))
        while True:
            service = await self.get(name)
            if until(service) if callable(until) else service.has_status(until):
                return service
            left = ends - self._clock.monotonic()
            if left <= 0:
                goal = "what was waited for" if callable(until) else until
                raise DeadlineExceeded(
                    f"still {service.status}, not {goal}, after {timeout:g} s",
                    operation=f"wait {name}",
                )
            await self._clock.sleep(min(next(pauses, 5.0), left))
