"""LocalCloud: the whole services API as a server inside this process."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

from aiohttp import web

from tenx_async.api import names
from tenx_async.errors import ConfigurationError
from tenx_async.local.calendar import Calendar, Clock, Conditions, utc_now
from tenx_async.local.faults import Fault, Faults
from tenx_async.local.http import Door
from tenx_async.local.operations import Operations
from tenx_async.local.processes import Processes
from tenx_async.local.quirks import Quirks, as_json
from tenx_async.local.registry import Registry
from tenx_async.local.runtime import Runtime, Scripted
from tenx_async.local.script import Script
from tenx_async.local.services import Execution
from tenx_async.local.state import State
from tenx_async.local.worker import Terms

_SHUTDOWN_SECONDS = 1.0


class LocalCloud(Script):
    """The TenxCloud v1 services API of one account, on a loopback port.

    Use it as `async with`, or call `start()` and `stop()`.

    Args:
        username: The account's name.
        token: The account's token; a random one if not given.
        regions: Names of the account's regions; the first is the default of every method here.
        host: A loopback address.
        port: 0 takes a free one.
        runtime: `scripted`: nothing runs, lines come from `append()`; `process`: every instance
            is a child process, its output is its log; 128 MiB are kept of each service's.
        quirks: How this server differs where the API's description is silent.
        faults: Failures on purpose.
        seed: Decides which requests the faults strike.
        stop_grace: Seconds between SIGTERM and SIGKILL in the process runtime.
        crash_pause: Seconds before an instance that exited is started again, in the process
            runtime; they double with each failure in a row, up to thirty times as many.
        clock: Tells the time, aware; it decides the log's day and `created_at`.
        state: A file that keeps services and logs beyond the life of the cloud, even if it is
            killed; what was running then runs again.

    Raises:
        ConfigurationError: `host` is not a loopback address, or a quirk has no such value.
        InvalidName: a region's name cannot stand in a path.
    """

    def __init__(
        self,
        *,
        username: str = "demo",
        token: str | None = None,
        regions: Sequence[str] = ("beijing1",),
        host: str = "127.0.0.1",
        port: int = 0,
        runtime: Literal["scripted", "process"] = "scripted",
        quirks: Quirks | None = None,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        stop_grace: float = 5.0,
        crash_pause: float = 1.0,
        clock: Clock | None = None,
        state: Path | str | None = None,
    ) -> None:
        self.username = username
        self.token = token or secrets.token_urlsafe(24)
        self.regions = tuple(names.region_name(region) for region in regions)
        self.port = port
        self._host = _loopback(host)
        self._seed = seed
        self._conditions = Conditions(_checked(quirks or Quirks()), Faults(faults, seed))
        calendar = Calendar(clock or utc_now, self._conditions)
        registry = Registry(self.regions, State(Path(state)) if state else None)
        services: Runtime = (
            Processes(calendar, Terms(grace=stop_grace, pause=crash_pause), registry.save)
            if runtime == "process"
            else Scripted(calendar, username, registry.save)
        )
        super().__init__(Operations(username, registry, services, calendar))
        self._door = Door(self._operations, username, self.token)
        self._runner: web.ServerRunner | None = None

    def __repr__(self) -> str:
        return f"LocalCloud({self.endpoint!r}, username={self.username!r})"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
            ConfigurationError: the file of the state cannot be used, or the cloud runs already.
        """
        if self._runner:
            raise ConfigurationError(f"{self!r} runs already")
        try:
            await self._runtime.open()
            for service in self._registry.open():
                if passage := self._runtime.resumes(service):
                    self._runtime.begin(service, passage)
            self._registry.commit()
            await self._listen()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening, close every connection and end what runs."""
        runner, self._runner = self._runner, None
        self._door.closing.set()
        try:
            if runner:
                await runner.cleanup()
        finally:
            await self._runtime.close()
            self._registry.close()

    @property
    def endpoint(self) -> str:
        """The base URL for a client."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def quirks(self) -> Quirks:
        """How this server differs; set others at any time."""
        return self._conditions.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        self._conditions.quirks = _checked(quirks)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The failures in force; set others at any time, they begin with the cloud's seed."""
        return tuple(self._conditions.faults)

    @faults.setter
    def faults(self, faults: Iterable[Fault]) -> None:
        self._conditions.faults = Faults(faults, self._seed)

    @property
    def requests(self) -> int:
        """How many requests came in."""
        return self._door.seen.total()

    @property
    def requests_by_operation(self) -> Counter[str]:
        """How many requests came in for each operation; `unknown` for other paths and methods."""
        return Counter(self._door.seen)

    @property
    def executions(self) -> list[Execution]:
        """Every write that was carried out, in order."""
        return list(self._registry.executions)

    def executed(self, operation: str, service: str) -> int:
        """How often an operation was carried out on a service."""
        return sum(
            (execution.operation, execution.service) == (operation, service)
            for execution in self._registry.executions
        )

    @property
    def most_away(self) -> int:
        """The most services at one time that were stopped, restarting or being redeployed."""
        return self._runtime.most_away

    async def _listen(self) -> None:
        self._door.closing = asyncio.Event()  # of this loop
        server = web.Server(self._door.serve, access_log=None, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]


def _loopback(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    with suppress(ValueError):
        if ipaddress.ip_address(address).is_loopback:
            return address
    raise ConfigurationError(f"a LocalCloud listens on loopback addresses only, not on {host!r}")


def _checked(quirks: Quirks) -> Quirks:
    return Quirks().changed(as_json(quirks))
