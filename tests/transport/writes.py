"""The six writes, each on a service that lets it do something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import field, frozen

from tenx_async.api import operations
from tenx_async.api.models import Service
from tenx_async.api.operations import Operation
from tenx_async.api.specs import ContainerSpec, ServiceSpec, ServiceUpdate
from tenx_async.transport.account import Account
from tests.transport.model import ServiceModel
from tests.transport.rawserver import (
    OK_HEAD,
    RawServer,
    Way,
    hanging_up,
    resetting,
    saying,
    silently,
    status,
)

SPEC = ServiceSpec(containers=[ContainerSpec(image="web:1", memory="256Mi")])
UPDATE = ServiceUpdate(target_instance_size=3, memory="512Mi")


@frozen
class Write:
    """A write, and a service for it."""

    operation: Operation[Any]
    prepare: Callable[[ServiceModel], None] = field(default=lambda model: model.add("web"))

    @property
    def verb(self) -> str:
        return self.operation.verb


def _stopped(model: ServiceModel) -> None:
    model.add("web", "Stopped")


def _absent(_: ServiceModel) -> None:
    pass


CREATE = Write(operations.create_service("beijing1", "web", SPEC), _absent)
CHANGE = Write(operations.update_service("beijing1", "web", UPDATE))
DELETE = Write(operations.delete_service("beijing1", "web"))
START = Write(operations.start_service("beijing1", "web"), _stopped)
STOP = Write(operations.stop_service("beijing1", "web"))
RESTART = Write(operations.restart_service("beijing1", "web"))
TWICE = Write(operations.restart_service("beijing1", "web", at_least_once=True))
CHECKABLE = (CREATE, CHANGE, DELETE, START, STOP)
ALL = (*CHECKABLE, RESTART)

checkable = pytest.mark.parametrize("write", CHECKABLE, ids=lambda write: write.verb)
each_write = pytest.mark.parametrize("write", ALL, ids=lambda write: write.verb)

LOSSES: dict[str, Way] = {
    "close": hanging_up,
    "reset": resetting,
    "stall": silently,
    "half a head": saying(b"HTTP/1.1 200 OK\r\nConte"),
    "garbage": saying(b"\x00\xff\r\n\r\n"),
    "two lengths": saying(OK_HEAD + b"3\r\nContent-Length: 4\r\n\r\nabcd"),
    "100 and no more": saying(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "408": status(408),
    "500": status(500),
    "502 HTML": status(502, b"<html>Bad gateway</html>"),
    "503": status(503),
    "504": status(504),
}
"""Ways in which the answer to a write is lost, whether it was executed or not."""

each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


async def look_at(account: Account, name: str = "web") -> Service:
    """What a service looks like."""
    return await account.perform(operations.get_service("beijing1", name))


def prepared(server: RawServer, write: Write) -> None:
    """Have the service that a write needs, and no other."""
    server.model.services.clear()
    write.prepare(server.model)
