"""What each operation of the API does; sans-I/O: a call in, a reply out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partialmethod
from pathlib import Path
from typing import Any

from attrs import define, frozen

from tenx_async.api.dates import format_instant
from tenx_async.local import checks, replies
from tenx_async.local.calendar import Calendar
from tenx_async.local.quirks import Quirks
from tenx_async.local.reading import read
from tenx_async.local.registry import Registry
from tenx_async.local.reply import JSON, Done, Reply, Shown, as_json, as_text, worded
from tenx_async.local.runtime import Runtime
from tenx_async.local.services import (
    CREATE,
    REDEPLOY,
    RESTART,
    SCALE,
    START,
    STOP,
    Passage,
    Service,
)
from tenx_async.local.spelling import with_time_zone


@frozen
class Call:
    """One request, as far as an operation cares."""

    names: Mapping[str, str]
    query: str = ""
    body: bytes = b""


@define
class Operations:
    """The API of one account."""

    username: str
    registry: Registry
    runtime: Runtime
    calendar: Calendar

    def answer(self, operation: str, call: Call) -> Reply:
        """Carry an operation out.

        Raises:
            Refusal: it cannot be.
        """
        for kind, name in call.names.items():
            checks.path_name(kind, name)
        result: Reply | Done | Shown = getattr(self, f"_{operation}")(call)
        return worded(result, self._quirks)

    def found(self, region: str, name: str) -> tuple[Service, str]:
        """A service and its status at this moment."""
        service = self.registry.get(region, name)
        return service, self.runtime.status(service)

    def declare(self, region: str, name: str, asked: Mapping[str, Any], **own: Any) -> Service:
        """Take a service in as a create body describes it; `own` sets what the server decides."""
        size, fields = checks.declaration(dict(asked))
        if self._quirks.time_zone_volume and fields.get("sync_timezone"):
            fields = with_time_zone(fields)
        now = self.calendar.now().replace(microsecond=0)
        service = Service(region, name, **{"created_at": now, **own}, size=size, fields=fields)
        self.registry.add(service)
        for mapping in fields["port_mappings"]:
            mapping["service_url"] = self.runtime.address(name, mapping)
        self.registry.save(service)
        return service

    @property
    def _quirks(self) -> Quirks:
        return self.calendar.conditions.quirks

    def _openapi(self, _: Call) -> Reply:
        return Reply(Path(__file__).with_name("openapi.json").read_bytes(), JSON)

    def _status(self, _: Call) -> Reply:
        return as_text("ok")

    def _auth(self, _: Call) -> Reply:
        now = format_instant(self.calendar.now())
        return as_json(
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
        return as_json({"regions": regions})

    def _list(self, call: Call) -> Shown:
        region = call.names["region"]
        services = self.registry.region(region).values()
        listed = [replies.listed(service, self.runtime.status(service)) for service in services]
        return Shown({"region": region, "services": listed})

    def _get(self, call: Call) -> Shown:
        return Shown(replies.single(*self._found(call)))

    def _create(self, call: Call) -> Shown:
        service = self.declare(*_address(call), checks.document(call.body))
        self.runtime.begin(service, CREATE)
        self._executed("create", service)
        return Shown(replies.created(service))

    def _delete(self, call: Call) -> Done:
        service = self.registry.remove(*_address(call))
        self.runtime.drop(service)
        self.registry.executed("delete", service, self.calendar.now())
        return Done("Service was deleted successfully")

    def _update(self, call: Call) -> Done:
        service, _ = self._found(call)
        wanted = checks.changes(checks.document(call.body), service.container_names)
        passage = _apply(wanted, service)
        if passage and service.is_up:
            self.runtime.begin(service, passage)
        self._executed("update", service)
        return Done()

    def _instances(self, call: Call) -> Shown:
        service, _ = self._found(call)
        return Shown([replies.instance(service, one) for one in service.instances])

    def _logs(self, call: Call) -> Reply:
        service, _ = self._found(call)
        window = checks.window(call.query, self.calendar.today())
        day = service.logbook.day(window.day)
        if day.is_waiting:
            day.settle(self.calendar.now().timestamp())
        return read(day, window, self._quirks, call.names.get("instance"))

    _instance_logs = _logs

    def _found(self, call: Call) -> tuple[Service, str]:
        return self.found(*_address(call))

    def _pass(self, operation: str, passage: Passage, call: Call) -> Done:
        service, _ = self._found(call)
        service.check(operation)
        self.runtime.begin(service, passage)
        self._executed(operation, service)
        return Done()

    _start = partialmethod(_pass, "start", START)
    _stop = partialmethod(_pass, "stop", STOP)
    _restart = partialmethod(_pass, "restart", RESTART)

    def _executed(self, operation: str, service: Service) -> None:
        self.registry.save(service)
        self.registry.executed(operation, service, self.calendar.now())


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
