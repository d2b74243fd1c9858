"""What each operation of the API does; sans-I/O: a call in, a reply out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import define, field, frozen

from tenx_async.api.dates import format_instant
from tenx_async.local import checks, replies
from tenx_async.local.calendar import Calendar
from tenx_async.local.daylog import DayLog
from tenx_async.local.runtime import Runtime
from tenx_async.local.services import (
    CREATE,
    REDEPLOY,
    RESTART,
    SCALE,
    START,
    STOP,
    Passage,
    Registry,
    Service,
)


@frozen
class Call:
    """One request, as far as an operation cares."""

    names: Mapping[str, str]
    query: str = ""
    body: bytes = b""


@frozen
class Reply:
    """One answer."""

    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Reply:
        """A value as JSON."""
        return cls(msgspec.json.encode(value), "application/json", status)

    @classmethod
    def text(cls, text: str) -> Reply:
        """A plain text."""
        return cls(text.encode())


@frozen
class Execution:
    """A write that was carried out."""

    operation: str
    service: str
    region: str
    at: dt.datetime


@define
class Operations:
    """The API of one account."""

    username: str
    registry: Registry
    runtime: Runtime
    calendar: Calendar
    executions: list[Execution] = field(factory=list)

    def answer(self, operation: str, call: Call) -> Reply:
        """Carry an operation out.

        Raises:
            Refusal: it cannot be.
        """
        names = {kind: checks.path_name(kind, name) for kind, name in call.names.items()}
        reply: Reply = getattr(self, f"_{operation}")(Call(names, call.query, call.body))
        return reply

    def found(self, region: str, name: str) -> tuple[Service, str]:
        """A service and its status at this moment."""
        service = self.registry.get(region, name)
        return service, self.runtime.status(service)

    def declare(self, region: str, name: str, asked: Mapping[str, Any], **own: Any) -> Service:
        """Take a service in as a create body describes it; `own` sets what the server decides."""
        size, fields = checks.declaration(dict(asked))
        now = self.calendar.now().replace(microsecond=0)
        service = Service(region, name, **{"created_at": now, **own}, size=size, fields=fields)
        self.registry.add(service)
        for mapping in fields["port_mappings"]:
            mapping.setdefault("service_url", self.runtime.address(name, mapping["protocol"]))
        return service

    def _status(self, _: Call) -> Reply:
        return Reply.text("ok")

    def _auth(self, _: Call) -> Reply:
        now = format_instant(self.calendar.now())
        return Reply.json(
            {
                "user_name": self.username,
                "email": f"{self.username}@example.cn",
                "phone": "",
                "creation_time": now,
                "last_login_time": now,
            }
        )

    def _regions(self, _: Call) -> Reply:
        regions = [
            {"display_name": region, "name": region, "status": 1}
            for region in self.registry.regions
        ]
        return Reply.json({"regions": regions})

    def _list(self, call: Call) -> Reply:
        region = call.names["region"]
        services = self.registry.region(region).values()
        listed = [replies.listed(service, self.runtime.status(service)) for service in services]
        return Reply.json({"region": region, "services": listed})

    def _get(self, call: Call) -> Reply:
        return Reply.json(replies.single(*self._found(call)))

    def _create(self, call: Call) -> Reply:
        service = self.declare(*_address(call), checks.document(call.body))
        self.runtime.begin(service, CREATE)
        self._executed("create", service)
        return Reply.json(replies.created(service))

    def _delete(self, call: Call) -> Reply:
        service = self.registry.remove(*_address(call))
        self.runtime.drop(service)
        self._executed("delete", service)
        return Reply.text("Service was deleted successfully")

    def _update(self, call: Call) -> Reply:
        service, _ = self._found(call)
        wanted = checks.changes(checks.document(call.body), service.container_names)
        passage = _apply(wanted, service)
        if passage and service.is_up:
            self.runtime.begin(service, passage)
        self._executed("update", service)
        return Reply()

    def _start(self, call: Call) -> Reply:
        return self._pass(call, "start", START)

    def _stop(self, call: Call) -> Reply:
        return self._pass(call, "stop", STOP)

    def _restart(self, call: Call) -> Reply:
        return self._pass(call, "restart", RESTART)

    def _instances(self, call: Call) -> Reply:
        service, _ = self._found(call)
        return Reply.json([replies.instance(service, one) for one in service.instances])

    def _logs(self, call: Call) -> Reply:
        day, window = self._day(call)
        return Reply(day.page(window.start, window.size), "application/json")

    def _instance_logs(self, call: Call) -> Reply:
        day, window = self._day(call)
        page = day.instance_page(call.names["instance"], window.start, window.size)
        return Reply(page, "application/json")

    def _day(self, call: Call) -> tuple[DayLog, checks.Window]:
        service, _ = self._found(call)
        window = checks.window(call.query, self.calendar.today())
        return service.logbook.day(window.day), window

    def _found(self, call: Call) -> tuple[Service, str]:
        return self.found(*_address(call))

    def _pass(self, call: Call, operation: str, passage: Passage) -> Reply:
        service, _ = self._found(call)
        service.check(operation)
        self.runtime.begin(service, passage)
        self._executed(operation, service)
        return Reply()

    def _executed(self, operation: str, service: Service) -> None:
        self.executions.append(
            Execution(operation, service.name, service.region, self.calendar.now())
        )


def _address(call: Call) -> tuple[str, str]:
    return call.names["region"], call.names["service"]


def _apply(wanted: checks.Changes, service: Service) -> Passage | None:
    """Set what an update asks for; tell what the instances then go through."""
    if wanted.domains is not None:
        service.fields["binding_domain_name"] = wanted.domains
    before = [container.get("resources") for container in service.containers]
    for place, amount in wanted.memory.items():
        container = service.containers[place]
        container["resources"] = checks.with_memory(container.get("resources"), amount)
    scaled = wanted.size is not None and wanted.size != service.size
    service.size = service.size if wanted.size is None else wanted.size
    if before != [container.get("resources") for container in service.containers]:
        return REDEPLOY
    return SCALE if scaled else None
