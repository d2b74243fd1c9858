"""What a look at a service is no evidence for: what it does not show, and what others did."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tenx_async.api import operations
from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.api.specs import ServiceUpdate
from tenx_async.transport.account import Account
from tenx_async.transport.call import Call
from tenx_async.transport.connector import Connector
from tenx_async.transport.reconcile import ReconcilePolicy
from tests.transport.conftest import opened
from tests.transport.model import ServiceModel
from tests.transport.rawserver import RawServer, Way, fails, hanging_up, status
from tests.transport.writes import CHANGE, RESTART, START, STOP, Write, look_at, prepared


class Hiding(ServiceModel):
    """Shows services without some fields, as the documentation lets servers do."""

    hidden: str = ""

    def show(self, name: str) -> tuple[int, bytes]:
        code, body = super().show(name)
        if code == 200:
            fields = json.loads(body).items()
            body = json.dumps({key: it for key, it in fields if key != self.hidden}).encode()
        return code, body


class Mistaking(ServiceModel):
    """Shows another service, as a confused proxy does."""

    def show(self, name: str) -> tuple[int, bytes]:
        return 200, json.dumps(self.services["web"] | {"name": "other"}).encode()


def shown_by(server: RawServer, model: type[ServiceModel], **fields: Any) -> None:
    services = server.model.services
    server.model = model(server.clock)
    server.model.services = services
    for name, value in fields.items():
        setattr(server.model, name, value)


async def outcome_of(account: Account, write: Write, seen: Service | None = None) -> Outcome:
    return await Call(write.operation, account, seen).outcome()


UPDATES = {
    "target_instance_size": ServiceUpdate(target_instance_size=3),
    "containers": ServiceUpdate(memory="512Mi"),
    "binding_domain_name": ServiceUpdate(binding_domain_name=["a.cn"]),
}


@pytest.mark.parametrize("known", [True, False], ids=["known", "not known"])
@pytest.mark.parametrize(("hidden", "update"), UPDATES.items(), ids=UPDATES)
async def test_a_field_that_is_not_shown_is_not_the_old_value(
    server: RawServer, hidden: str, update: ServiceUpdate, known: bool
) -> None:
    """An update whose fields no look shows is unknown, and is not sent again."""
    shown_by(server, Hiding, hidden=hidden)
    write = Write(operations.update_service("beijing1", "web", update))
    async with opened(server) as account:
        seen = await look_at(account) if known else None
        server.do(*[fails(hanging_up, executes=True)] * 3)
        outcome = await outcome_of(account, write, seen)

    assert ("unknown", 1) == (outcome.result, server.executed("update"))


async def test_a_status_that_is_not_shown_is_not_the_old_status(server: RawServer) -> None:
    """A stop of a service that never shows a status is unknown, though it showed none before."""
    shown_by(server, Hiding, hidden="status")
    async with opened(server) as account:
        seen = await look_at(account)
        server.do(*[fails(hanging_up, executes=True)] * 3)
        outcome = await outcome_of(account, STOP, seen)

    assert ("unknown", 1) == (outcome.result, server.arrived("stop"))


REVERSALS = [
    (CHANGE, {"target_instance_size": 7}),
    (START, {"status": "Stopped"}),
    (STOP, {"status": "Running"}),
]


@pytest.mark.parametrize(("write", "change"), REVERSALS, ids=lambda it: getattr(it, "verb", ""))
async def test_what_others_did_after_a_write_is_not_undone(
    server: RawServer, write: Write, change: dict[str, Any]
) -> None:
    """A write that was executed and then reverted by somebody else is not executed again."""

    async def reverted(wire, answer) -> None:
        server.model.services["web"] |= change
        await hanging_up(wire, answer)

    prepared(server, write)
    server.do(fails(reverted, executes=True))
    async with opened(server) as account:
        outcome = await outcome_of(account, write)

    assert ("unknown", 1) == (outcome.result, server.executed(write.verb))
    assert change.items() <= server.model.services["web"].items()


async def test_a_namesake_that_starts_is_no_restart(server: RawServer) -> None:
    """A service that was made anew was not restarted, whatever its status."""

    async def recreated(wire, answer) -> None:
        server.model.services["web"] |= {"uid": "another", "status": "Pending"}
        await hanging_up(wire, answer)

    async with opened(server) as account:
        seen = await look_at(account)
        server.do(fails(recreated))
        outcome = await outcome_of(account, RESTART, seen)

    assert ("unknown", 0) == (outcome.result, server.executed("restart"))


@pytest.mark.parametrize("lost", [hanging_up, status(500, b"busy restarting")])
async def test_a_restart_that_was_on_before_is_not_ours(server: RawServer, lost: Way) -> None:
    """A service that is known to have been restarting before tells nothing by restarting."""
    server.model.add("web", "Restarting")
    async with opened(server) as account:
        seen = await look_at(account)
        server.do(fails(lost))
        outcome = await outcome_of(account, RESTART, seen)

    assert ("unknown", 0) == (outcome.result, server.executed("restart"))


class Late(Connector):
    """Takes its time to connect for a write."""

    async def connect(self, req: Any, *rest: Any, **more: Any) -> Any:
        if req.method == "PUT":
            await asyncio.sleep(0.3)
        return await super().connect(req, *rest, **more)


async def test_what_was_seen_before_it_was_sent_is_no_evidence() -> None:
    """A restart by somebody else while ours waits for its connection is not ours."""
    quick = ReconcilePolicy(first=(0.05,), then=0.1, settled_after=0.2, settled_apart=0.1)
    connector = Late()
    async with (
        RawServer() as server,
        opened(server, connector=connector, reconciling=quick) as account,
    ):
        server.model.add("web")
        server.do(fails(hanging_up))
        ours = asyncio.create_task(outcome_of(account, RESTART))
        await asyncio.sleep(0.02)
        server.model.services["web"]["status"] = "Restarting"
        await asyncio.sleep(0.15)
        server.model.services["web"]["status"] = "Running"
        outcome = await ours
    await connector.close()

    assert ("unknown", 0) == (outcome.result, server.executed("restart"))


@pytest.mark.parametrize("write", [STOP, CHANGE, RESTART], ids=lambda write: write.verb)
async def test_an_answer_about_another_service_tells_nothing(
    server: RawServer, write: Write
) -> None:
    """A look that shows a service of another name decides nothing."""
    server.model.add(
        "web",
        {"stop": "Stopped", "update": "Running", "restart": "Restarting"}[write.verb],
        target_instance_size=3,
        containers=[{"image": "web:1", "resources": {"limits": {"memory": "512Mi"}}}],
    )
    shown_by(server, Mistaking)
    server.do(*[fails(hanging_up)] * 9)
    async with opened(server, deadline=30.0) as account:
        outcome = await outcome_of(account, write)

    assert ("unknown", 1) == (outcome.result, server.arrived(write.verb))


async def test_another_service_is_not_as_wanted(server: RawServer) -> None:
    """A refusal is no `unchanged` because a service of another name is as it was wanted."""
    server.model.add("web", "Stopped")
    shown_by(server, Mistaking)
    async with opened(server) as account:
        assert "conflict" == (await outcome_of(account, STOP)).result
