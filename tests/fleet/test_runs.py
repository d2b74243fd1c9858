"""Runs on a local cloud: what the server saw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from tenx_async.errors import ConfigurationError, RunFailed
from tenx_async.fleet.report import Report
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks
from tenx_async.testing import InstantClock
from tenx_async.transport.account import Limits
from tests.conftest import client_of
from tests.fleet.clouds import Scene, results, scene
from tests.fleet.plans import names

ALL = "100%"
LOST = Fault("reset", rate=0.03, operations=("restart",), after=True)


async def test_two_thousand_restarts() -> None:
    """Answers are lost, services crash, calls are refused: each once, and no more than a tenth."""
    crashing = {name for name in names(2000) if name.endswith(("17", "67"))}
    quirks = Quirks(transition=3.0, crash_loops=("web-*[16]7",), calls_per_second=100.0, burst=50)
    async with scene(2000, faults=[LOST], quirks=quirks) as on:
        report = await on.client.fleet().restart(max_failures="10%", tick=5.0, timeout=60.0)

        executed = on.executed("restart")
        assert on.cloud.most_away <= 200
        lists = on.cloud.requests_by_operation["list"]

    assert "" == report.stopped
    assert 2000 == results(report).total()
    assert {1} == set(executed.values())
    found = {one.service for one in report.outcomes if one.result == "failed"}
    unknown = {one.service for one in report.outcomes if one.result == "unknown"}
    assert crashing >= found
    assert crashing - unknown == found
    assert len(unknown) < 20
    assert set(names(2000)) - unknown <= set(executed)
    assert "DeadlineExceeded" == report.groups[0].reason
    assert f"{len(found)} failed, DeadlineExceeded" == str(report.groups[0])
    assert lists <= on.clock.monotonic() / 5.0 * 1.2 + 2


@pytest.mark.parametrize("services", [1, 10, 300])
async def test_waiting_costs_one_list_a_tick(services: int) -> None:
    """However many are waited for."""
    quirks = Quirks(transition=60.0)
    async with scene(services, quirks=quirks) as on:
        report = await on.client.fleet().restart(max_unavailable=ALL, waves=(), tick=5.0)
        requests, ticks = on.cloud.requests_by_operation, on.clock.monotonic() / 5.0

    assert report.ok
    assert services == requests["restart"]
    assert ticks >= 70 / 5  # more, where the wire was slow for a time that is made up
    assert ticks - 2 <= requests["list"] <= ticks + 3


async def start(on: Scene) -> Report:
    return await on.client.fleet().start()


async def stop(on: Scene) -> Report:
    return await on.client.fleet().stop()


async def delete(on: Scene) -> Report:
    return await on.client.fleet().delete()


async def resize(on: Scene) -> Report:
    return await on.client.fleet().scale("+2")


async def set_memory(on: Scene) -> Report:
    return await on.client.fleet().update(memory="512Mi", binding_domain_name=["www.example.cn"])


async def bounce(on: Scene) -> Report:
    return await on.client.fleet().restart(mode="verified")


@pytest.mark.parametrize(
    ("run", "before", "executed", "after"),
    [
        (start, "Stopped", ["start"], {"Running"}),
        (stop, "Running", ["stop"], {"Stopped"}),
        (delete, "Running", ["delete"], set()),
        (resize, "Running", ["update"], {"Running"}),
        (set_memory, "Running", ["update"], {"Running"}),
        (bounce, "Running", ["stop", "start"], {"Running"}),
    ],
)
@pytest.mark.parametrize("faults", [(), (Fault("reset", rate=0.1, after=True),)], ids=["", "lost"])
async def test_each_operation_is_done_once(
    run: Callable[[Scene], Awaitable[Report]],
    before: str,
    executed: list[str],
    after: set[str],
    faults: tuple[Fault, ...],
) -> None:
    """What can be checked comes to its goal, though every tenth answer is lost."""
    async with scene(40, status=before, faults=faults) as on:
        report = await run(on)
        on.cloud.faults = ()
        services = await on.client.services.list()

        for operation in executed:
            assert dict.fromkeys(names(40), 1) == on.executed(operation)
        assert after == {service.status for service in services}
        assert on.cloud.most_away <= (40 if run in {stop, delete} else 4)
        again = await run(on) if run in {start, stop, delete, set_memory} else None

    assert {"applied": 40} == results(report)
    assert again is None or {"applied"} & set(results(again)) == set()
    report.raise_for_failures()


async def test_a_relative_scale_is_settled_once() -> None:
    """In the plan, and not by what a resend finds."""
    faults = [Fault("reset", operations=("update",), after=True, times=3)]
    async with scene(6, instances=2, faults=faults) as on:
        await on.client.fleet().scale("+1", waves=())
        sizes = {service.target_instance_size for service in await on.client.services.list()}

    assert {3} == sizes


async def test_a_dry_run_sends_nothing() -> None:
    """It ends with the plan."""
    async with scene(5) as on:
        run = on.client.fleet("web-*").restart(dry_run=True)
        report = await run
        requests = on.cloud.requests_by_operation

    assert {"list": 1} == requests
    assert names(5) == [step.service for step in report.plan.steps]
    assert run.plan is report.plan
    assert "a dry run: nothing was sent" == report.stopped


async def test_nothing_chosen_is_well_done() -> None:
    """No wave, no write, no wait."""
    async with scene(3) as on:
        report = await on.client.fleet("nobody-*").restart()
        requests = on.cloud.requests

    assert (True, [], 1) == (report.ok, report.outcomes, requests)


async def test_a_name_that_does_not_exist() -> None:
    """It has failed; the others are done."""
    async with scene(["web"]) as on:
        report = await on.client.fleet("web", "ape").restart()

    assert {"failed": 1, "applied": 1} == results(report)
    assert ["1 failed, HTTP 404 NotFound"] == list(map(str, report.groups))
    with pytest.raises(RunFailed, match="1 of 2 did not succeed: 1 failed, HTTP 404 NotFound"):
        report.raise_for_failures()


async def test_the_order_is_that_which_was_asked_for() -> None:
    """The first ones are in the first waves."""
    async with scene(0) as on:
        for name, instances in (("a", 3), ("b", 1), ("c", 2)):
            on.cloud.add_service(name, instances=instances)
        on.clock.advance(10)
        fleet = on.client.fleet(order_by=lambda service: service.target_instance_size)
        chosen = [service.name for service in await fleet.services()]
        await fleet.restart()
        done = [one.service for one in on.cloud.executions]

    assert ["b", "c", "a"] == chosen == done


async def test_a_failure_in_the_first_wave_stops() -> None:
    """One service is away, and the rest was not touched."""
    async with scene(50, quirks=Quirks(transition=3.0, crash_loops=("web-00000",))) as on:
        report = await on.client.fleet().restart()
        executed = on.executed("restart")

    assert {"web-00000": 1} == executed
    assert {"failed": 1, "cancelled": 49} == results(report)
    assert "1 of 50 failed: " in report.stopped or "first wave" in report.stopped
    assert 50 == len(report.outcomes)


async def test_too_many_failures_stop() -> None:
    """More than 5 % of all, once 20 have ended."""
    quirks = Quirks(transition=3.0, crash_loops=("web-*[1-9]",))
    async with scene(100, quirks=quirks) as on:
        report = await on.client.fleet().restart(waves=(1,), max_unavailable=50)

    assert "failed, more than 5%" in report.stopped
    assert results(report)["cancelled"] > 0
    assert on.cloud.most_away <= 50


@pytest.mark.parametrize("status", [401, 403])
async def test_what_befalls_all_stops_at_the_third(status: int) -> None:
    """However many failures are tolerated."""
    refused = Fault("error", status=status, operations=("restart",))
    async with scene(60, faults=[refused]) as on:
        report = await on.client.fleet().restart(max_failures=ALL, at_once=1)
        requests = on.cloud.requests_by_operation["restart"]

    assert 3 == requests
    assert "3 in a row failed alike" in report.stopped
    assert {"failed": 3, "cancelled": 57} == results(report)


async def test_the_calls_of_the_day_end_in_the_middle() -> None:
    """The run stops at once; what was done is told."""
    clock = InstantClock()
    async with scene(100, clock=clock) as on:
        limits = Limits(calls_per_day=30)
        async with client_of(on.cloud, clock=clock, limits=limits) as client:
            report = await client.fleet().restart(waves=(), max_unavailable=ALL)
        executed = on.executed("restart")

    assert "the calls of the day are spent" == report.stopped
    assert 30 >= sum(on.cloud.requests_by_operation.values())
    assert {1} == set(executed.values())
    assert 100 == len(report.outcomes)
    assert {"failed", "cancelled"} == set(results(report))


async def test_a_list_that_fails_now_and_then() -> None:
    """The next one tells."""
    faults = [Fault("error", rate=0.7, operations=("list",), times=60)]
    async with scene(30) as on:
        run = on.client.fleet().restart()
        async with aclosing(aiter(run)) as outcomes:
            await anext(outcomes)
            on.cloud.faults = faults
            async for _ in outcomes:
                pass
        report = await run

        assert dict.fromkeys(names(30), 1) == on.executed("restart")
    assert report.ok


async def test_lists_that_fail_for_good() -> None:
    """What cannot be looked at has failed in its time, and the run stops."""
    async with scene(30) as on:
        run = on.client.fleet().restart(timeout=100.0)
        async for _ in run:
            on.cloud.faults = [Fault("error", operations=("list",))]
        report = await run

    assert results(report)["failed"]
    assert report.stopped
    assert 30 == len(report.outcomes)
    assert any("could not be looked at" in str(one.error) for one in report.outcomes)


async def test_a_namesake_made_between_plan_and_write_is_left_alone() -> None:
    """It is another service now."""
    async with scene(10) as on:
        async for outcome in on.client.fleet().restart(max_unavailable=1):
            if outcome.service == "web-00000":
                on.cloud.remove_service("web-00009")
                on.cloud.add_service("web-00009")
            last = outcome

    assert ("web-00009", "skipped") == (last.service, last.result)
    assert 0 == on.cloud.executed("restart", "web-00009")


async def test_who_stops_iterating_stops_the_run() -> None:
    """What is under way comes to its end, and the report can still be had."""
    async with scene(20) as on:
        run = on.client.fleet().restart()
        async with aclosing(aiter(run)) as outcomes:
            async for _ in outcomes:
                break
        report = await run

        assert set(on.executed("restart")) == {
            one.service for one in report.outcomes if one.result == "applied"
        }
    assert "nobody takes its outcomes" in report.stopped
    assert 20 == len(report.outcomes)


async def test_outcomes_come_as_they_end_and_to_all_who_ask() -> None:
    """A second look gets them all, too."""
    async with scene(20) as on:
        run = on.client.fleet().restart()
        standing = []
        first = []
        async for outcome in run:
            first.append(outcome)
            standing.append(run.standing)
        second = [outcome async for outcome in run]
        report = await run

    assert first == second == report.outcomes
    assert [2, 3, 4] == sorted({one.wave for one in standing if one})
    assert all(one and one.away <= 2 and one.total == 20 for one in standing)
    assert "<" not in repr(run), repr(run)


async def test_terms_are_checked_before_anything_is_sent() -> None:
    """Where they are given."""
    async with scene(1) as on:
        with pytest.raises(ConfigurationError):
            on.client.fleet().restart(max_unavailable="lots")
        assert 0 == on.cloud.requests


async def test_calls_are_refused_for_longer_than_a_write_may_take() -> None:
    """Its turn did not come: it goes out when the pause is over, once, and nothing spins."""
    faults = [Fault("throttle", operations=("restart",), retry_after=100.0, times=1)]
    async with scene(3, faults=faults) as on:
        report = await on.client.fleet().restart(deadline=30.0)

        assert dict.fromkeys(names(3), 1) == on.executed("restart")
        assert on.cloud.requests_by_operation["restart"] <= 6
    assert report.ok
    assert len(on.clock.sleeps) < 2000
