"""Listeners that fail, and several at once."""

from __future__ import annotations

import logging

import pytest

from tenx_async import LocalCloud, SessionPool
from tenx_async.local.faults import Fault
from tenx_async.telemetry.events import AttemptEnded, Event, FollowingEnded
from tenx_async.telemetry.listeners import fan_out, guarded
from tenx_async.telemetry.logging import hears_attempts, log_event
from tests.clock import ManualClock
from tests.conftest import client_of
from tests.telemetry import happenings as its


def broken(event: Event) -> None:
    raise RuntimeError(f"cannot take {type(event).__name__}")


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


def test_each_of_several_is_told() -> None:
    """In the order in which they were given."""
    heard: list[tuple[str, Event]] = []
    both = fan_out(lambda event: heard.append(("a", event)), lambda e: heard.append(("b", e)))
    both(its.APPLIED)
    both(its.PAUSED)

    assert heard == [(who, event) for event in (its.APPLIED, its.PAUSED) for who in "ab"]


def test_one_that_fails_keeps_nothing_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, with its traceback, and goes on being told."""
    heard: list[Event] = []
    told: list[Event] = []

    def fails_at_first(event: Event) -> None:
        told.append(event)
        if len(told) < 3:
            raise RuntimeError("not yet")

    everybody = fan_out(fails_at_first, heard.append)
    for event in its.EVERYTHING:
        everybody(event)

    assert list(its.EVERYTHING) == heard == told
    (error,) = errors(caplog)
    assert "fails_at_first failed at AttemptEnded" in error
    assert "RuntimeError: not yet" in caplog.text


def test_a_failing_listener_shows_nothing_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """What a listener holds, such as a password of a backend, is not in the message."""

    class Backend:
        def __repr__(self) -> str:
            return its.SECRET

        def __call__(self, event: Event) -> None:
            raise RuntimeError("no connection")

    guarded(Backend())(its.APPLIED)

    assert errors(caplog)
    assert its.SECRET not in caplog.text


def test_the_default_stays_what_it_is() -> None:
    """Logging costs nothing for attempts that nobody logs, however it is passed on."""
    assert log_event is guarded(log_event) is fan_out(log_event)
    assert not hears_attempts(guarded(log_event))
    assert hears_attempts(fan_out(log_event, broken))


def test_guarding_twice_is_guarding_once() -> None:
    """A pool hands its listener on to its clients."""
    once = guarded(broken)

    assert once is guarded(once) is fan_out(once)


async def test_a_failing_listener_breaks_no_operation(
    cloud: LocalCloud, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is told of: attempts, retries, pauses, findings."""
    cloud.add_service("web")
    cloud.faults = [
        Fault("error", operations=("get",), times=1),
        Fault("throttle", operations=("list",), times=1),
    ]
    async with client_of(cloud, listener=broken, clock=clock) as client:
        assert "web" == (await client.services.get("web")).name
        assert 1 == len(await client.services.list())
        await client.services.restart("web")

    assert 1 == cloud.executed("restart", "web")
    assert 1 == len(errors(caplog))


async def test_a_failing_listener_breaks_no_following(
    cloud: LocalCloud, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines come as if nobody listened."""
    cloud.add_service("web")
    cloud.append("web", "a", "b")
    async with (
        client_of(cloud, listener=broken) as client,
        client.follow(follow=False) as lines,
    ):
        assert ["a", "b"] == [line.log async for line in lines]

    assert errors(caplog)


async def test_a_failing_listener_breaks_no_run(
    cloud: LocalCloud, caplog: pytest.LogCaptureFixture
) -> None:
    """The pool's listener is guarded once for all its clients."""
    names = [f"web-{number}" for number in range(5)]
    for name in names:
        cloud.add_service(name)
    async with SessionPool(
        endpoint=cloud.endpoint,
        username=cloud.username,
        token=cloud.token,
        region="beijing1",
        listener=broken,
    ) as pool:
        restart = pool.client().services.calls.restart
        outcomes = [outcome async for outcome in pool.run(map(restart, names))]

    assert ["applied"] * 5 == [outcome.result for outcome in outcomes]
    assert 1 == len(errors(caplog))


async def test_operations_are_told_in_parts(cloud: LocalCloud) -> None:
    """Verb, service and region stand apart, and together in short."""
    cloud.add_service("web")
    heard: list[Event] = []
    async with client_of(cloud, listener=heard.append) as client:
        await client.services.restart("web")
        await client.services.list()

    restart, listing = heard
    assert isinstance(restart, AttemptEnded)
    assert isinstance(listing, AttemptEnded)
    assert ("restart", "web", "beijing1") == (restart.verb, restart.service, restart.region)
    assert ("restart web", "list") == (restart.operation, listing.operation)


@pytest.mark.parametrize(("follow", "left"), [(True, 2), (False, 0)])
async def test_the_end_of_a_following_is_told(cloud: LocalCloud, follow: bool, left: int) -> None:
    """With what was followed to the end; services that are only awaited are not."""
    heard: list[Event] = []
    for name in ("web", "api"):
        cloud.add_service(name)
        cloud.append(name, "up")
    patterns = ("web", "api", "not-there-yet") if follow else ("web", "api")
    async with (
        client_of(cloud, listener=heard.append) as client,
        client.follow(*patterns, follow=follow) as lines,
    ):
        assert {"web", "api"} == {(await anext(lines)).service for _ in range(2)}
        if not follow:
            assert [] == [line async for line in lines]

    assert FollowingEnded(sources=left, failing=0) == heard[-1]
