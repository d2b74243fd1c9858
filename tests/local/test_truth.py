from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tenx_async.local import LocalCloud, Quirks

from .conftest import Caller, Noon, headers, until, vendor
from .processes import SLEEP, shell, status


@pytest.fixture
async def cloud(noon: Noon) -> AsyncIterator[LocalCloud]:
    async with LocalCloud(clock=noon, regions=("beijing1", "us")) as cloud:
        yield cloud


async def test_the_control_endpoint_tells_what_was_executed(
    cloud: LocalCloud, call: Caller
) -> None:
    """Requests are what came in, executions what was done, each with its time."""
    cloud.add_service("web")
    for path in ("web/restart", "web/restart", "web/start"):
        await call.service("PUT", path)

    truth = (await call("GET", "/_control/truth")).json

    assert {"restart": 2, "start": 1} == truth["requests"] == cloud.requests_by_operation
    assert {"restart web": 2} == truth["executed"]
    expected = {"operation": "restart", "service": "web", "region": "beijing1"}
    assert [expected | {"at": "2015-12-29T12:00:00Z"}] * 2 == truth["executions"]
    assert 1 == truth["most_away"]


async def test_the_control_endpoint_tells_what_was_logged(
    cloud: LocalCloud, call: Caller, noon: Noon
) -> None:
    """All lines of a day, whatever a reader may be shown of them now."""
    cloud.quirks = Quirks(log_order="newest-first", flush_every=30, size_cap=1)
    for region in ("beijing1", "us"):
        cloud.add_service("web", region=region)
        cloud.append("web", "a", f"in {region}", region=region, instance="web-1")
    noon.advance(days=1)

    queries = ("date=2015.12.29", "region=us&date=2015.12.29", "region=us")
    logs = [(await call("GET", f"/_control/log?service=web&{query}")).json for query in queries]

    expected = [
        [{"instance_name": "web-1", "log": log} for log in ("a", f"in {region}")]
        for region in ("beijing1", "us")
    ]
    assert [*expected, []] == logs


@pytest.mark.parametrize("query", ["", "?service=other", "?service=web&region=x"])
async def test_no_log_of_nothing(call: Caller, query: str) -> None:
    """A service that is not given or not there is an error of its own."""
    assert (await call("GET", f"/_control/log{query}")).status in {400, 404}


async def test_services_away_are_counted_as_time_passes(
    cloud: LocalCloud, call: Caller, noon: Noon
) -> None:
    """A restart is over when its time has passed, also if nobody looked."""
    for name in "abcdef":
        cloud.add_service(name)
    cloud.quirks = Quirks(transition=10)
    for name in "ab":
        await call.service("PUT", f"{name}/restart")
    noon.advance(seconds=10)
    for name in "cde":
        await call.service("PUT", f"{name}/restart")
        noon.advance(seconds=1)

    assert 3 == cloud.most_away


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (("PUT", "a/stop"), 2),
        (("PUT", "a/restart"), 1),
        (("DELETE", "a"), 1),
        (("GET", "a"), 1),
    ],
)
async def test_who_is_stopped_is_away(
    cloud: LocalCloud, call: Caller, first: tuple[str, str], expected: int
) -> None:
    """What is stopped stays away until it runs; what is deleted is no more."""
    for name in "ab":
        cloud.add_service(name)
    await call.service(*first)
    await call.service("PUT", "b/restart")

    assert expected == cloud.most_away


async def test_changes_that_let_others_work_are_no_absence(cloud: LocalCloud, call: Caller) -> None:
    """A creation and a change of the count take nobody away; a change of memory does."""
    await call.service("POST", "web", json=vendor("service"))
    await call.service("PUT", "web", json={"target_instance_size": 3})
    assert 0 == cloud.most_away

    await call.service("PUT", "web", json=vendor("update_service") | {"target_instance_size": 3})
    assert 0 == cloud.most_away, "the same memory"
    memory = [{"resource": {"limits": {"memory": "1Gi"}}}]
    await call.service("PUT", "web", json={"containers": memory})
    assert 1 == cloud.most_away


async def test_who_crashes_after_a_restart_is_away(cloud: LocalCloud, call: Caller) -> None:
    """A service that never gets ready does not come back, until it does."""
    for name in "abc":
        cloud.add_service(name)
    cloud.quirks = Quirks(crash_loops=("a",))
    await call.service("PUT", "a/restart")
    await call.service("PUT", "b/restart")
    assert 2 == cloud.most_away

    cloud.quirks = Quirks()
    assert "Running" == cloud.service("a")["status"]
    await call.service("PUT", "c/restart")
    assert 2 == cloud.most_away


async def test_processes_are_away_while_they_restart() -> None:
    """The same holds for services that really run."""
    async with LocalCloud(runtime="process") as cloud:
        for name in ("a", "b"):
            cloud.add_service(name, containers=[shell(SLEEP)])
        await until(lambda: {status(cloud, name) for name in "ab"} == {"Running"})
        assert 0 == cloud.most_away
        async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
            for name in "ab":
                await Caller(session).service("PUT", f"{name}/restart")
            assert 2 == cloud.most_away
