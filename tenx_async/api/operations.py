"""Every operation of the API as a value: its request, how its answer is read, whether it repeats.

Source: the vendor's services page, and its pages on regions, auth, status and instances.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

import msgspec
from attrs import evolve, field, frozen

from tenx_async.api import wire
from tenx_async.api.dates import format_day
from tenx_async.api.entries import LogEntry, Reply, read_entries
from tenx_async.api.models import Identity, Instance, Region, Service
from tenx_async.api.names import instance_name, region_name, service_name
from tenx_async.api.redact import redact
from tenx_async.api.replies import (
    read_created,
    read_identity,
    read_instances,
    read_nothing,
    read_regions,
    read_service,
    read_services,
    read_text,
)
from tenx_async.api.specs import MemoryKey, ServiceSpec, ServiceUpdate
from tenx_async.errors import BadResponse

T_co = TypeVar("T_co", covariant=True)

_LARGEST = 1 << 53


class Repeat(enum.Enum):
    """What may be done about a request whose answer was lost."""

    FREELY = "a read, or a write whose caller accepts a second execution: send it again"
    IF_UNDONE = (
        "a write whose effect shows: send it again only when it is seen not to have happened"
    )
    NEVER = "a write that leaves no trace: never send it again once a byte was sent"


@frozen(kw_only=True)
class Operation(Generic[T_co]):
    """One operation of the API."""

    verb: str
    """`list`, `get`, `create`, `update`, `delete`, `start`, `stop`, `restart`, `logs`, …"""
    service: str = ""
    """The service it is about, if it is about one."""
    region: str = ""
    method: str = "GET"
    target: str
    """Path and query, percent-encoded."""
    body: bytes | None = field(default=None, repr=False)
    """JSON, or nothing."""
    wanted: ServiceSpec | ServiceUpdate | None = field(default=None, repr=False)
    """What a create or an update is to bring about."""
    repeat: Repeat = Repeat.FREELY
    reader: Callable[[bytes], T_co] = field(repr=False, eq=False)

    @property
    def is_write(self) -> bool:
        """Whether it changes anything at the server."""
        return self.method != "GET"

    def read(self, body: bytes) -> T_co:
        """Make the result of a successful answer's body.

        Raises:
            BadResponse: the body is not what the API promises.
        """
        try:
            return self.reader(body)
        except ValueError as error:
            raise BadResponse(
                f"the answer does not have the documented shape: {error}",
                operation=str(self),
                body=redact(body.decode(errors="replace"), self.secrets()),
            ) from error

    def secrets(self) -> tuple[str, ...]:
        """The texts of the request that may appear in no message."""
        return self.wanted.secrets() if isinstance(self.wanted, ServiceSpec) else ()

    def __str__(self) -> str:
        return f"{self.verb} {self.service}" if self.service else self.verb


def list_services(region: str) -> Operation[list[Service]]:
    """List all services of a region; the API has no paging here."""
    return Operation(
        verb="list",
        region=region,
        target=_services(region),
        reader=partial(read_services, region=region),
    )


@lru_cache(maxsize=16_384)
def get_service(region: str, name: str) -> Operation[Service]:
    """Get one service."""
    return Operation(
        verb="get",
        region=region,
        service=name,
        target=_service(region, name),
        reader=partial(read_service, region=region),
    )


def create_service(region: str, name: str, spec: ServiceSpec) -> Operation[Service | None]:
    """Create a service; the answer has no uid, time or status, and may be missing."""
    return Operation(
        verb="create",
        region=region,
        service=name,
        method="POST",
        target=_service(region, name),
        body=msgspec.json.encode(wire.dump(spec)),
        wanted=spec,
        repeat=Repeat.IF_UNDONE,
        reader=partial(read_created, region=region),
    )


def update_service(
    region: str, name: str, update: ServiceUpdate, *, memory_key: MemoryKey = "resource"
) -> Operation[None]:
    """Change the number of instances, the memory or the bound domains of a service."""
    return Operation(
        verb="update",
        region=region,
        service=name,
        method="PUT",
        target=_service(region, name),
        body=msgspec.json.encode(update.body(memory_key)),
        wanted=update,
        repeat=Repeat.IF_UNDONE,
        reader=read_nothing,
    )


def delete_service(region: str, name: str) -> Operation[None]:
    """Delete a service and its log."""
    return Operation(
        verb="delete",
        region=region,
        service=name,
        method="DELETE",
        target=_service(region, name),
        repeat=Repeat.IF_UNDONE,
        reader=read_nothing,
    )


def start_service(region: str, name: str) -> Operation[None]:
    """Start a stopped service."""
    return _action("start", region, name, Repeat.IF_UNDONE)


def stop_service(region: str, name: str) -> Operation[None]:
    """Stop a running service."""
    return _action("stop", region, name, Repeat.IF_UNDONE)


def restart_service(region: str, name: str, *, at_least_once: bool = False) -> Operation[None]:
    """Restart a service; nothing the API shows later tells whether it happened.

    Args:
        region: where it runs.
        name: the service.
        at_least_once: send it again where its answer is lost, at the risk of a second restart.
    """
    return _action("restart", region, name, Repeat.FREELY if at_least_once else Repeat.NEVER)


def read_logs(
    region: str, name: str, *, date: dt.date, from_: int, size: int
) -> Operation[list[LogEntry]]:
    """Read a page of a day's log: `size` entries from the `from_`-th on."""
    return Operation(
        verb="logs",
        region=region,
        service=name,
        target=f"{_service(region, name)}/logs?{_page(date, from_, size)}",
        reader=read_entries,
    )


@lru_cache(maxsize=16_384)
def read_page(
    region: str, name: str, instance: str, *, date: dt.date, from_: int, size: int
) -> Operation[Reply]:
    """Read a page of a log, of one instance's own if one is named, and keep its bytes.

    Who polls silent services asks for the same pages over and over.
    """
    if not instance:
        page = read_logs(region, name, date=date, from_=from_, size=size)
        return evolve(cast("Operation[Any]", page), reader=Reply)
    page = read_instance_logs(region, name, instance, date=date, from_=from_, size=size)
    return evolve(cast("Operation[Any]", page), reader=partial(Reply, instance=instance))


def list_instances(region: str, name: str) -> Operation[list[Instance]]:
    """List the running copies of a service."""
    return Operation(
        verb="instances",
        region=region,
        service=name,
        target=f"{_service(region, name)}/instances",
        reader=read_instances,
    )


def read_instance_logs(
    region: str, name: str, instance: str, *, date: dt.date, from_: int, size: int
) -> Operation[list[LogEntry]]:
    """Read a page of a day's log of one instance."""
    path = f"{_service(region, name)}/instances/{quote(instance_name(instance), safe='')}"
    return Operation(
        verb="instance logs",
        region=region,
        service=name,
        target=f"{path}/logs?{_page(date, from_, size)}",
        reader=partial(read_entries, instance=instance),
    )


def list_regions() -> Operation[list[Region]]:
    """List the regions of the cloud."""
    return Operation(verb="regions", target="/v1/regions", reader=read_regions)


def get_identity() -> Operation[Identity]:
    """Tell whose credentials these are; the cheapest way to check them."""
    return Operation(verb="auth", target="/v1/auth", reader=read_identity)


def get_status() -> Operation[str]:
    """Ask the API how it is, in its own words."""
    return Operation(verb="status", target="/v1/status", reader=read_text)


@lru_cache(maxsize=64)
def _services(region: str) -> str:
    return f"/v1/regions/{quote(region_name(region), safe='')}/services"


@lru_cache(maxsize=16_384)
def _service(region: str, name: str) -> str:
    return f"{_services(region)}/{service_name(name)}"


_day = lru_cache(maxsize=64)(format_day)


def _page(date: dt.date, from_: int, size: int) -> str:
    if type(date) is not dt.date:
        raise ValueError(f"a log's day is a datetime.date, not {date!r}")
    whole = type(from_) is type(size) is int
    if not whole or not 0 <= from_ < _LARGEST or not 1 <= size < _LARGEST:
        raise ValueError(f"a page begins at 0 or later and has a size: from_={from_}, size={size}")
    return f"date={_day(date)}&from={from_}&size={size}"


def _action(verb: str, region: str, name: str, repeat: Repeat) -> Operation[None]:
    return Operation(
        verb=verb,
        region=region,
        service=name,
        method="PUT",
        target=f"{_service(region, name)}/{verb}",
        repeat=repeat,
        reader=read_nothing,
    )
