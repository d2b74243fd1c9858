"""Writes of a process that is gone: what the server executed, and what is found out later."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest

from tenx_async.api.models import Service
from tenx_async.api.operations import get_service
from tenx_async.api.outcome import Outcome
from tenx_async.errors import Forbidden, OutcomeUnknown
from tenx_async.transport.call import Call
from tenx_async.transport.reconcile import ReconcilePolicy
from tests.clock import NOON, ManualClock
from tests.transport.conftest import opened
from tests.transport.rawserver import Act, RawServer, fails, hanging_up, silently, status
from tests.transport.writes import (
    CHANGE,
    CREATE,
    DELETE,
    RESTART,
    START,
    STOP,
    TWICE,
    Write,
    checkable,
    each_write,
    look_at,
    prepared,
)

PUNCTUAL = ReconcilePolicy(spread=0.0)
"""Looks at once and after 0.5, 1.5, 3.5 and 7.5 s, which settles."""
NEEDS_TO_KNOW = {"update", "start", "stop"}
"""Writes that are not sent again where nobody knows what was before."""

knowing = pytest.mark.parametrize("known", [True, False], ids=["known", "not known"])


async def leave_behind(server: RawServer, write: Write, known: bool, act: Act) -> Service | None:
    """Send a write from a process that dies before it has an answer, and tell what it had seen."""
    prepared(server, write)
    async with opened(server) as account:
        seen = await look_at(account) if known and write is not CREATE else None
        server.do(act)
        dying = asyncio.create_task(Call(write.operation, account, seen).outcome())
        await server.has_seen(write.verb)
        dying.cancel()
        await asyncio.wait([dying])
    server.requests.clear()
    return seen


async def settled(
    server: RawServer,
    write: Write,
    seen: Service | None = None,
    *,
    since: dt.datetime = NOON,
    **limits: Any,
) -> Outcome:
    async with opened(server, **limits) as account:
        return await Call(write.operation, account, seen).settle(since)


@knowing
@pytest.mark.parametrize("late", [0.0, 4.0], ids=["at once", "late"])
@checkable
async def test_what_landed_is_found_out(
    server: RawServer, write: Write, late: float, known: bool
) -> None:
    """A write that left its mark is reported as applied, and is not sent again."""
    act = fails(silently, executes=True, lands_after=late)
    seen = await leave_behind(server, write, known, act)
    outcome = await settled(server, write, seen)

    assert ("applied", 1) == (outcome.result, server.executed(write.verb))
    assert 0 == server.arrived(write.verb)
    assert (write is CREATE) == isinstance(outcome.value, Service)


@knowing
@checkable
async def test_what_did_not_land_is_sent(server: RawServer, write: Write, known: bool) -> None:
    """A write that certainly did nothing is sent, once; where nobody can be sure it is unknown."""
    seen = await leave_behind(server, write, known, fails(silently))
    outcome = await settled(server, write, seen)

    is_sure = known or write.verb not in NEEDS_TO_KNOW
    assert ("applied" if is_sure else "unknown") == outcome.result
    assert is_sure == server.executed(write.verb) == server.arrived(write.verb)


@checkable
async def test_what_was_never_sent_is_sent(server: RawServer, write: Write) -> None:
    """A process that died before the first byte left leaves everything to be done."""
    prepared(server, write)
    async with opened(server) as account:
        seen = None if write is CREATE else await look_at(account)
    outcome = await settled(server, write, seen)

    assert ("applied", 1) == (outcome.result, server.executed(write.verb))
    assert 1 == server.arrived(write.verb)


@knowing
@pytest.mark.parametrize("landed", [True, False], ids=["landed", "did not land"])
@pytest.mark.parametrize("write", [RESTART, TWICE], ids=["restart", "at least once"])
async def test_a_restart_that_does_not_show_is_unknown(
    server: RawServer, write: Write, landed: bool, known: bool
) -> None:
    """A restart leaves no trace, and is never sent again."""
    seen = await leave_behind(server, write, known, fails(silently, executes=landed))
    outcome = await settled(server, write, seen)

    assert ("unknown", landed) == (outcome.result, server.executed("restart"))
    assert 0 == server.arrived("restart")
    assert isinstance(outcome.error, OutcomeUnknown)
    assert "it may have been sent" in str(outcome.error)


@knowing
async def test_a_restart_that_shows_is_applied(server: RawServer, known: bool) -> None:
    """A service that is seen restarting was restarted."""
    server.model.restart_lasts = 3.0
    seen = await leave_behind(server, RESTART, known, fails(silently, executes=True))
    outcome = await settled(server, RESTART, seen)

    assert ("applied", 1) == (outcome.result, server.executed("restart"))
    assert 0 == server.arrived("restart")


@pytest.mark.parametrize("now", ["Stopped", "CrashLoop", "Pending"])
async def test_a_service_that_is_down_by_now_need_not_have_been_restarted(
    server: RawServer, now: str
) -> None:
    """Nobody looked meanwhile: it may have gone down for any reason."""
    seen = await leave_behind(server, RESTART, True, fails(silently))
    server.model.services["web"]["status"] = now

    assert "unknown" == (await settled(server, RESTART, seen)).result


async def test_what_was_made_since_is_ours(clock: ManualClock, server: RawServer) -> None:
    """A service that was created after the intent is adopted, however much later it is found."""
    await leave_behind(server, CREATE, False, fails(silently, executes=True))
    clock.advance(3_600)

    assert "applied" == (await settled(server, CREATE)).result
    assert 0 == server.arrived("create")


async def test_what_was_there_before_is_unchanged(clock: ManualClock, server: RawServer) -> None:
    """An older service that is as wanted is no conflict; another one is."""
    server.model.add("web")
    assert "unchanged" == (await settled(server, CREATE)).result
    server.model.add("web", target_instance_size=9)
    assert "conflict" == (await settled(server, CREATE)).result
    assert {} == +server.executions


def _namesake(server: RawServer) -> None:
    server.model.services["web"] |= {"uid": "another"}


def _size(size: int) -> Callable[[RawServer], None]:
    return lambda server: server.model.services["web"].update(target_instance_size=size)


OTHERS = {
    "update: changed": (CHANGE, _size(7), "conflict"),
    "update: namesake": (CHANGE, _namesake, "conflict"),
    "delete: namesake": (DELETE, _namesake, "applied"),
    "start: namesake": (START, _namesake, "unknown"),
    "stop: namesake": (STOP, _namesake, "unknown"),
}


@pytest.mark.parametrize(("write", "other", "result"), OTHERS.values(), ids=OTHERS)
async def test_what_others_did_is_not_written_over(
    server: RawServer, write: Write, other: Callable[[RawServer], None], result: str
) -> None:
    """A service that is neither as it was nor as wanted is left alone."""
    seen = await leave_behind(server, write, True, fails(silently))
    other(server)

    assert result == (await settled(server, write, seen)).result
    assert 0 == server.arrived(write.verb)


@checkable
async def test_a_lost_answer_to_the_second_try_is_looked_into(
    server: RawServer, write: Write
) -> None:
    """What is sent at last is treated like any other write."""
    seen = await leave_behind(server, write, True, fails(silently))
    server.do(fails(hanging_up), fails(hanging_up, executes=True))
    outcome = await settled(server, write, seen)

    assert ("applied", 1) == (outcome.result, server.executed(write.verb))
    assert 2 == server.arrived(write.verb)


@pytest.mark.parametrize("write", [CREATE, DELETE, START, STOP], ids=lambda write: write.verb)
async def test_a_refusal_is_read_in_the_light_of_the_first_try(
    server: RawServer, write: Write
) -> None:
    """What lands just as the second try is sent makes the server refuse that one: applied."""
    seen = await leave_behind(server, write, True, fails(silently))

    async def landed(wire, answer) -> None:
        server.model.change(write.verb, "web", {})
        await status(404 if write is DELETE else 409)(wire, answer)

    server.do(fails(landed))
    outcome = await settled(server, write, seen)

    assert ("applied", 0) == (outcome.result, server.executed(write.verb))
    assert 1 == server.arrived(write.verb)


async def test_another_refusal_is_final(server: RawServer) -> None:
    """The first try is known to have done nothing."""
    seen = await leave_behind(server, STOP, True, fails(silently))
    server.do(*repeat(fails(status(403)), 9))
    outcome = await settled(server, STOP, seen)

    assert "failed" == outcome.result
    assert isinstance(outcome.error, Forbidden)


@each_write
async def test_looks_that_fail_decide_nothing(server: RawServer, write: Write) -> None:
    """What nobody could look into is unknown, and is not sent again."""
    seen = await leave_behind(server, write, True, fails(silently))
    server.do(reads=repeat(fails(status(500))))
    outcome = await settled(server, write, seen, deadline=30.0)

    assert ("unknown", 0) == (outcome.result, server.arrived(write.verb))


@each_write
@pytest.mark.parametrize("deadline", [0.3, 3.0, 7.0])
async def test_the_deadline_ends_the_looking(
    clock: ManualClock, server: RawServer, write: Write, deadline: float
) -> None:
    """There was no time to be sure, so it is unknown, in time."""
    seen = await leave_behind(server, write, True, fails(silently))
    began = clock.monotonic()
    outcome = await settled(server, write, seen, deadline=deadline, reconciling=PUNCTUAL)

    assert ("unknown", 0) == (outcome.result, server.arrived(write.verb))
    assert clock.monotonic() - began <= deadline


async def test_a_spent_budget_is_told(server: RawServer) -> None:
    """Without calls to look with it stays unknown, and says when there will be some."""
    seen = await leave_behind(server, STOP, True, fails(silently))
    outcome = await settled(server, STOP, seen, calls_per_day=1)

    assert "unknown" == outcome.result
    assert "2015-12-30 00:00 UTC" in str(outcome.error)


@checkable
async def test_what_shows_at_once_costs_one_look(
    clock: ManualClock, server: RawServer, write: Write
) -> None:
    """And no time."""
    seen = await leave_behind(server, write, True, fails(silently, executes=True))
    began = clock.monotonic()
    assert "applied" == (await settled(server, write, seen)).result

    assert 1 == len(server.requests)
    assert began == clock.monotonic()


async def test_only_writes_are_settled(server: RawServer) -> None:
    """Nothing is left to be found out of a read, and a time without a zone is none."""
    async with opened(server) as account:
        with pytest.raises(ValueError, match="is a write"):
            await Call(get_service("beijing1", "web"), account).settle(NOON)
        with pytest.raises(ValueError, match="with its zone"):
            await Call(STOP.operation, account).settle(NOON.replace(tzinfo=None))

    assert [] == server.requests
