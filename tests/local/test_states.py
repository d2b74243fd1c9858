from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tenx_async.local import Execution, LocalCloud, Quirks

from .conftest import Caller, headers, vendor

START = dt.datetime(2015, 12, 29, 12, tzinfo=dt.UTC)


class ManualClock:
    """Stands still until it is moved."""

    now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def cloud(clock: ManualClock) -> AsyncIterator[LocalCloud]:
    async with LocalCloud(clock=clock, quirks=Quirks(transition=10)) as cloud:
        yield cloud


@pytest.fixture
async def call(cloud: LocalCloud) -> AsyncIterator[Caller]:
    async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
        yield Caller(session)


def instance_names(instances: list[dict[str, str]]) -> set[str]:
    return {instance["name"] for instance in instances}


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("start", ("Stopped", "Starting", "Running")),
        ("stop", ("Running", "Stopping", "Stopped")),
        ("restart", ("Running", "Restarting", "Running")),
    ],
)
async def test_a_transition_takes_its_time(
    cloud: LocalCloud,
    clock: ManualClock,
    call: Caller,
    operation: str,
    statuses: tuple[str, str, str],
) -> None:
    """An action is answered at once; its end comes with the clock."""
    before, through, after = statuses
    cloud.add_service("web", status=before)
    clock.advance(10)

    assert 200 == (await call.service("PUT", f"web/{operation}")).status
    clock.advance(9.9)
    assert through == cloud.service("web")["status"]
    clock.advance(0.1)
    assert after == cloud.service("web")["status"]


async def test_a_new_service_starts(cloud: LocalCloud, clock: ManualClock, call: Caller) -> None:
    """A created service is on its way to Running."""
    await call.service("POST", "web", json=vendor("service"))

    assert "Starting" == cloud.service("web")["status"]
    assert "2015-12-29T12:00:00Z" == cloud.service("web")["created_at"]
    clock.advance(10)
    assert "Running" == cloud.service("web")["status"]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("start", "Running"),
        ("start", "running"),
        ("stop", "Stopped"),
        ("restart", "Stopped"),
        *((operation, "Deploying") for operation in ("start", "stop", "restart")),
        *((operation, "Starting") for operation in ("start", "stop", "restart")),
    ],
)
async def test_what_the_state_does_not_allow_is_refused(
    cloud: LocalCloud, clock: ManualClock, call: Caller, operation: str, status: str
) -> None:
    """Starting what runs, stopping what is stopped, either on what is initialising: 409."""
    cloud.add_service("web", status=status)
    clock.advance(10)

    answer = await call.service("PUT", f"web/{operation}")

    assert 409 == answer.status
    assert status in answer.json["message"]
    assert status == cloud.service("web")["status"]
    assert 0 == cloud.executed(operation, "web")


async def test_a_name_is_taken_once(cloud: LocalCloud, call: Caller) -> None:
    """Creating what exists is refused and leaves it as it is."""
    cloud.add_service("web")
    before = cloud.service("web")

    answer = await call.service("POST", "web", json=vendor("service"))

    assert 409 == answer.status
    assert before == cloud.service("web")
    assert 0 == cloud.executed("create", "web")


async def test_a_restart_names_its_instances_anew(
    cloud: LocalCloud, clock: ManualClock, call: Caller
) -> None:
    """After a restart no instance is called as before."""
    cloud.add_service("web", instances=2)
    clock.advance(10)
    before = instance_names((await call.service("GET", "web/instances")).json)

    await call.service("PUT", "web/restart")
    clock.advance(10)

    after = instance_names((await call.service("GET", "web/instances")).json)
    assert (2, 2) == (len(before), len(after))
    assert not before & after


async def test_scaling_keeps_the_instances_that_stay(
    cloud: LocalCloud, clock: ManualClock, call: Caller
) -> None:
    """More instances join the old ones; fewer are some of them."""
    cloud.add_service("web", instances=2)
    clock.advance(10)
    names = []
    for size in (2, 3, 1):
        await call.service("PUT", "web", json={"target_instance_size": size})
        clock.advance(10)
        names.append(instance_names((await call.service("GET", "web/instances")).json))

    assert names[2] < names[0] < names[1]
    assert [2, 3, 1] == [len(each) for each in names]


async def test_a_stopped_service_has_no_instances(
    cloud: LocalCloud, clock: ManualClock, call: Caller
) -> None:
    """Stopping ends the instances; a change of a stopped service starts none."""
    cloud.add_service("web")
    clock.advance(10)
    await call.service("PUT", "web/stop")
    clock.advance(10)

    await call.service("PUT", "web", json={"target_instance_size": 3})

    assert [] == (await call.service("GET", "web/instances")).json
    assert "Stopped" == cloud.service("web")["status"]


async def test_the_log_outlives_a_stop_but_not_a_deletion(
    cloud: LocalCloud, clock: ManualClock, call: Caller
) -> None:
    """A day's log survives stop and start; a recreated service begins with none."""
    cloud.add_service("web")
    clock.advance(10)
    cloud.append("web", "before")
    for operation in ("stop", "start", "restart"):
        await call.service("PUT", f"web/{operation}")
        clock.advance(10)
    cloud.append("web", "after")
    assert ["before", "after"] == [line.log for line in cloud.log("web")]

    await call.service("DELETE", "web")
    await call.service("POST", "web", json=vendor("service"))

    assert [] == (await call.service("GET", "web/logs?date=2015.12.29")).json


async def test_a_recreated_service_is_another_one(cloud: LocalCloud, call: Caller) -> None:
    """Its `uid` tells it from its namesake."""
    cloud.add_service("web")
    before = cloud.service("web")["uid"]
    cloud.remove_service("web")
    await call.service("POST", "web", json=vendor("service"))

    assert before != cloud.service("web")["uid"]


async def test_executed_writes_are_told_in_order(
    cloud: LocalCloud, clock: ManualClock, call: Caller
) -> None:
    """What was carried out is listed; reads and refusals are not."""
    await call.service("POST", "web", json=vendor("service"))
    clock.advance(10)
    await call.service("PUT", "web/start")
    await call.service("GET", "web")
    for method, path in (("PUT", "web/stop"), ("DELETE", "web"), ("DELETE", "web")):
        await call.service(method, path)
    then = clock.now

    assert [
        Execution("create", "web", "beijing1", START),
        Execution("stop", "web", "beijing1", then),
        Execution("delete", "web", "beijing1", then),
    ] == cloud.executions
    assert 1 == cloud.executed("delete", "web")
