"""What a test or a demonstration does to a cloud without a request."""

from __future__ import annotations

import copy
import datetime as dt
import math
from typing import Any

from tenx_async.api import names
from tenx_async.api.dates import parse_instant
from tenx_async.local import replies
from tenx_async.local.daylog import DayLog, LoggedLine
from tenx_async.local.operations import Operations
from tenx_async.local.quirks import Quirks
from tenx_async.local.services import CREATE, RUNNING, Service


class Script:
    """A cloud's services and logs, as its owner changes and sees them.

    Everywhere `region` is the first one by default, `date` today, and `instance`, who wrote a
    line, the first one of the service.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._registry = operations.registry
        self._runtime = operations.runtime
        self._calendar = operations.calendar

    def add_service(
        self,
        name: str,
        region: str | None = None,
        status: str = RUNNING,
        instances: int = 1,
        **fields: Any,
    ) -> None:
        """Add a service without a request.

        Any text may be its status; `Running` lets its instances run. `fields` are those of the
        API, such as `containers`, `uid` or `created_at`.
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
        self._registry.save(service)
        self._registry.commit()

    def remove_service(self, name: str, region: str | None = None) -> None:
        """Remove a service without a request."""
        service = self._registry.remove(self._region(region), name)
        self._runtime.drop(service)
        self._registry.commit()

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
        """Add lines that are written now to a service's log, oldest first."""
        service = self._service(name, region)
        now = self._calendar.now()
        day = date or self._calendar.day_of(now)
        quirks = self._calendar.conditions.quirks
        service.logbook.append(day, _writer(service, instance), lines, now, quirks)
        self._registry.commit()

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

        They go before the line at `position`, counted from the oldest, or to where lines are that
        were written `at` a time, whose day is then theirs.
        """
        service = self._service(name, region)
        writer, logbook = _writer(service, instance), service.logbook
        day = self._calendar.day_of(at) if at else date or self._calendar.today()
        if at or not logbook.day(day).readable:
            logbook.append(day, writer, lines, at or self._calendar.now(), Quirks())
        else:
            logbook.insert(day, position or 0, writer, lines)
        self._registry.commit()

    def wipe(
        self,
        name: str,
        date: dt.date | None = None,
        lines: slice = slice(None),
        region: str | None = None,
    ) -> None:
        """Take a day's log away, or some of its lines: `slice(10)` are the ten oldest."""
        logbook = self._service(name, region).logbook
        logbook.wipe(date or self._calendar.today(), lines)
        self._registry.commit()

    def flush(self, name: str, region: str | None = None) -> None:
        """Let every line of a service be read at once that a quirk holds back."""
        for day in self._service(name, region).logbook.days.values():
            day.settle(math.inf)

    def lose_shard(
        self, name: str, replies: int = 1, date: dt.date | None = None, region: str | None = None
    ) -> None:
        """Let the next replies to requests for a log lack the lines of one shard."""
        service = self._service(name, region)
        days = service.logbook.days
        days.setdefault(date or self._calendar.today(), DayLog()).lacking = replies

    def log(
        self, name: str, date: dt.date | None = None, region: str | None = None
    ) -> list[LoggedLine]:
        """The whole log of a day, oldest line first, also what cannot be read yet."""
        logbook = self._service(name, region).logbook
        return logbook.day(date or self._calendar.today()).lines()

    def _service(self, name: str, region: str | None) -> Service:
        service, _ = self._operations.found(self._region(region), name)
        return service

    def _region(self, region: str | None) -> str:
        return region or self._registry.regions[0]


def _writer(service: Service, instance: str | None) -> str:
    return instance or next((one.name for one in service.instances), service.name)
