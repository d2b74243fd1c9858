"""LocalCloud: the whole services API as a server inside this process."""

from __future__ import annotations

import copy
import datetime as dt
import ipaddress
import math
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

from tenx_async.api import names
from tenx_async.api.dates import parse_instant
from tenx_async.errors import ConfigurationError
from tenx_async.local import replies
from tenx_async.local.calendar import Calendar, Clock, utc_now
from tenx_async.local.conditions import Conditions
from tenx_async.local.daylog import LoggedLine
from tenx_async.local.faults import Fault, Faults
from tenx_async.local.http import Door
from tenx_async.local.operations import Execution, Operations
from tenx_async.local.processes import Processes
from tenx_async.local.quirks import Quirks, as_json
from tenx_async.local.runtime import Runtime, Scripted
from tenx_async.local.services import CREATE, RUNNING, Registry, Service
from tenx_async.local.worker import Terms

_SHUTDOWN_SECONDS = 1.0


class LocalCloud:
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
    ) -> None:
        self.username = username
        self.token = token or secrets.token_urlsafe(24)
        self.regions = tuple(names.region_name(region) for region in regions)
        self.port = port
        self._host = _loopback(host)
        self._seed = seed
        self._conditions = Conditions(_checked(quirks or Quirks()), Faults(faults, seed))
        self._calendar = Calendar(clock or utc_now, self._conditions)
        self._runtime: Runtime = (
            Processes(self._calendar, Terms(grace=stop_grace, pause=crash_pause))
            if runtime == "process"
            else Scripted(self._calendar, username)
        )
        self._operations = Operations(
            username, Registry(self.regions), self._runtime, self._calendar
        )
        self._door = Door(self._operations, username, self.token)
        self._runner: web.ServerRunner | None = None

    def __repr__(self) -> str:
        return f"LocalCloud({self.endpoint!r}, username={self.username!r})"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        try:
            await self._runtime.open()
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
        return list(self._operations.executions)

    def executed(self, operation: str, service: str) -> int:
        """How often an operation was carried out on a service."""
        return sum(
            (execution.operation, execution.service) == (operation, service)
            for execution in self._operations.executions
        )

    @property
    def most_away(self) -> int:
        """The most services at one time that were stopped, restarting or being redeployed."""
        return self._runtime.most_away

    def add_service(
        self,
        name: str,
        region: str | None = None,
        status: str = RUNNING,
        instances: int = 1,
        **fields: Any,
    ) -> None:
        """Add a service without a request.

        Args:
            name: Its name.
            region: Where; the first region by default.
            status: Any text. `Running` lets its instances run.
            instances: How many.
            **fields: Fields of the API, such as `containers`, `uid` or `created_at`.
        """
        asked = {"containers": [{"image": f"index.tenxcloud.com/local/{name}:latest"}], **fields}
        own = {key: asked[key] for key in ("uid",) if key in asked}
        if "created_at" in asked:
            own["created_at"] = parse_instant(asked["created_at"])
        asked.setdefault("target_instance_size", instances)
        service = self._operations.declare(
            self._region(region), names.service_name(name), asked, **own
        )
        if status == RUNNING:
            self._runtime.begin(service, CREATE)
        else:
            service.status = status

    def remove_service(self, name: str, region: str | None = None) -> None:
        """Remove a service without a request."""
        service = self._operations.registry.remove(self._region(region), name)
        self._runtime.drop(service)

    def service(self, name: str, region: str | None = None) -> dict[str, Any]:
        """What a GET of a service would show, in today's words."""
        return copy.deepcopy(replies.single(*self._operations.found(self._region(region), name)))

    def append(
        self,
        name: str,
        *lines: str,
        instance: str | None = None,
        date: dt.date | None = None,
        region: str | None = None,
    ) -> None:
        """Add lines to a service's log.

        Args:
            name: The service.
            *lines: Their texts, oldest first.
            instance: Who wrote them; the first instance by default.
            date: The day of the log; today by default.
            region: The service's region; the first by default.
        """
        service = self._service(name, region)
        now = self._calendar.now()
        day = date or self._calendar.day_of(now)
        service.logbook.append(day, _writer(service, instance), lines, now, self.quirks)

    def insert(
        self,
        name: str,
        *lines: str,
        position: int | None = None,
        at: dt.datetime | None = None,
        instance: str | None = None,
        date: dt.date | None = None,
        region: str | None = None,
    ) -> None:
        """Add lines late: at once to be read, and among those that are there already.

        Args:
            name: The service.
            *lines: Their texts.
            position: Before which line of the day, counted from the oldest; or `at`.
            at: When they were written; its day is theirs.
            instance: Who wrote them; the first instance by default.
            date: The day of the log, for a position; today by default.
            region: The service's region; the first by default.
        """
        service = self._service(name, region)
        writer = _writer(service, instance)
        if at is not None:
            service.logbook.append(self._calendar.day_of(at), writer, lines, at, Quirks())
        else:
            day = service.logbook.days[date or self._calendar.today()]
            day.insert(position or 0, writer, lines)

    def wipe(
        self,
        name: str,
        date: dt.date | None = None,
        lines: slice = slice(None),
        region: str | None = None,
    ) -> None:
        """Take a day's log away, or some of its lines, as counted from the oldest.

        Args:
            name: The service.
            date: The day of the log; today by default.
            lines: Which; `slice(10)` for the ten oldest, all by default.
            region: The service's region; the first by default.
        """
        logbook = self._service(name, region).logbook
        logbook.wipe(date or self._calendar.today(), lines)

    def flush(self, name: str, region: str | None = None) -> None:
        """Let every line of a service be read at once that a quirk holds back."""
        for day in self._service(name, region).logbook.days.values():
            day.settle(math.inf)

    def lose_shard(
        self, name: str, replies: int = 1, date: dt.date | None = None, region: str | None = None
    ) -> None:
        """Let the next replies to requests for a log lack the lines of one shard."""
        service = self._service(name, region)
        service.logbook.days[date or self._calendar.today()].lacking = replies

    def log(
        self, name: str, date: dt.date | None = None, region: str | None = None
    ) -> list[LoggedLine]:
        """The whole log of a day, oldest line first, also what cannot be read yet."""
        logbook = self._service(name, region).logbook
        return logbook.day(date or self._calendar.today()).lines()

    async def _listen(self) -> None:
        self._door.closing.clear()
        server = web.Server(self._door.serve, access_log=None, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]

    def _service(self, name: str, region: str | None) -> Service:
        service, _ = self._operations.found(self._region(region), name)
        return service

    def _region(self, region: str | None) -> str:
        return region or self.regions[0]


def _loopback(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise ConfigurationError(f"a LocalCloud listens on loopback addresses only, not on {host!r}")


def _writer(service: Service, instance: str | None) -> str:
    return instance or next((one.name for one in service.instances), service.name)


def _checked(quirks: Quirks) -> Quirks:
    return Quirks().changed(as_json(quirks))
