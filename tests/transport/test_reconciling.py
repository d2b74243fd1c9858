"""Writes whose answer is lost: what the server executed, and what is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from attrs import frozen

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.client import Client
from tenx_async.errors import Conflict, Forbidden, NotFound, OutcomeUnknown, ServerError
from tenx_async.transport.account import Account
from tenx_async.transport.call import Call
from tenx_async.transport.reconcile import ReconcilePolicy
from tests.clock import ManualClock
from tests.transport.conftest import opened
from tests.transport.rawserver import (
    HONEST,
    Act,
    RawServer,
    Way,
    fails,
    hanging_up,
    saying,
    silently,
    status,
)
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
    each_loss,
    each_write,
    look_at,
    prepared,
)

PUNCTUAL = ReconcilePolicy(spread=0.0)
"""Looks after 0.5, 1.5, 3.5 and 7.5 s, which settles, then every 5 s."""
LOST = hanging_up


async def outcome_of(account: Account, write: Write, *, seen: Service | None = None) -> Outcome:
    return await Call(write.operation, account, seen).outcome()


async def seen_before(account: Account, write: Write, known: bool = True) -> Service | None:
    return await look_at(account) if known and write is not CREATE else None


knowing = pytest.mark.parametrize("known", [True, False], ids=["known", "not known"])


@knowing
@pytest.mark.parametrize("late", [0.0, 4.0], ids=["at once", "late"])
@each_loss
@checkable
async def test_what_was_executed_is_found_out(
    server: RawServer, write: Write, loss: Way, late: float, known: bool
) -> None:
    """A write that left its mark is reported as applied, and was executed once."""
    prepared(server, write)
    async with opened(server) as account:
        seen = await seen_before(account, write, known)
        server.do(fails(loss, executes=True, lands_after=late))
        outcome = await outcome_of(account, write, seen=seen)

    assert ("applied", 1) == (outcome.result, server.executed(write.verb))
    assert 1 == server.arrived(write.verb)
    assert (write is CREATE) == isinstance(outcome.value, Service)


@each_loss
@checkable
async def test_what_was_not_executed_is_sent_again(
    server: RawServer, write: Write, loss: Way
) -> None:
    """A write that is seen not to have happened is sent a second time, and executed once."""
    prepared(server, write)
    async with opened(server) as account:
        seen = await seen_before(account, write)
        server.do(fails(loss))
        outcome = await outcome_of(account, write, seen=seen)

    assert ("applied", 1) == (outcome.result, server.executed(write.verb))
    assert 2 == server.arrived(write.verb)


@each_loss
@pytest.mark.parametrize("write", [CHANGE, START, STOP], ids=lambda write: write.verb)
async def test_what_may_have_been_undone_by_others_is_not_sent_again(
    server: RawServer, write: Write, loss: Way
) -> None:
    """Where nobody knows what was before, nothing tells what is from what others made of it."""
    prepared(server, write)
    server.do(*repeat(fails(loss), 9))
    async with opened(server) as account:
        outcome = await outcome_of(account, write)

    assert ("unknown", 1) == (outcome.result, server.arrived(write.verb))


@each_loss
@checkable
async def test_what_is_never_executed_fails(server: RawServer, write: Write, loss: Way) -> None:
    """After three attempts that certainly did nothing, the write has failed: nothing is unknown."""
    prepared(server, write)
    async with opened(server) as account:
        seen = await seen_before(account, write)
        server.do(*repeat(fails(loss), 9))
        outcome = await outcome_of(account, write, seen=seen)

    assert ("failed", 0) == (outcome.result, server.executed(write.verb))
    assert 3 == server.arrived(write.verb)


@knowing
@pytest.mark.parametrize("executes", [True, False], ids=["executed", "not executed"])
@each_loss
async def test_a_restart_that_was_not_seen_is_unknown(
    server: RawServer, loss: Way, executes: bool, known: bool
) -> None:
    """A restart leaves no trace: without its answer nobody knows, and nobody sends it again."""
    async with opened(server) as account:
        seen = await seen_before(account, RESTART, known)
        server.do(*repeat(fails(loss, executes=executes), 9))
        outcome = await outcome_of(account, RESTART, seen=seen)

    assert ("unknown", executes) == (outcome.result, server.executed("restart"))
    assert 1 == server.arrived("restart")


@each_loss
async def test_a_restart_that_shows_is_applied(server: RawServer, loss: Way) -> None:
    """A service that is seen restarting was restarted."""
    server.model.restart_lasts = 3.0
    server.do(fails(loss, executes=True))
    async with opened(server) as account:
        outcome = await outcome_of(account, RESTART)

    assert ("applied", 1) == (outcome.result, server.executed("restart"))


@pytest.mark.parametrize("places", [1.0, 8.0])
async def test_a_restart_is_watched_while_its_answer_is_awaited(places: float) -> None:
    """A restart that begins and ends before its answer is given up is seen all the same."""

    async def after_it_is_over(wire, answer) -> None:
        await asyncio.sleep(0.1)
        await hanging_up(wire, answer)

    quick = ReconcilePolicy(first=(0.01,), then=0.1, settled_after=0.1, settled_apart=0.1)
    async with RawServer() as server, opened(server, reconciling=quick) as account:
        account.gate.concurrency._limit = places
        server.model.add("web")
        server.model.restart_lasts = 0.05
        server.do(fails(after_it_is_over, executes=True))
        outcome = await outcome_of(account, RESTART)

    assert ("applied", 1) == (outcome.result, server.arrived("get"))


@pytest.mark.parametrize(
    ("known", "status", "result"),
    [
        (True, "Stopped", "applied"),
        (True, "Pending", "applied"),
        (True, "Running", "unknown"),
        (True, None, "unknown"),
        (False, "Stopped", "unknown"),
        (False, "Redeploying", "applied"),
        (False, "RESTARTING", "applied"),
    ],
)
async def test_a_running_service_that_is_seen_not_running_was_restarted(
    server: RawServer, known: bool, status: str | None, result: str
) -> None:
    """Any status but Running counts, for a service that is known to have run before."""

    def show(server: RawServer) -> None:
        server.model.services["web"]["status"] = status

    async with opened(server) as account:
        seen = await seen_before(account, RESTART, known)
        server.do(Act(way=LOST, meanwhile=show))
        assert result == (await outcome_of(account, RESTART, seen=seen)).result


async def test_at_least_once_sends_a_restart_again(server: RawServer) -> None:
    """Whoever accepts a second restart gets one, without any look."""
    server.do(fails(LOST, executes=True), fails(LOST))
    async with opened(server) as account:
        outcome = await outcome_of(account, TWICE)

    assert ("applied", 2) == (outcome.result, server.executed("restart"))
    assert 3 == server.arrived("restart")
    assert 0 == server.arrived("get")


@pytest.mark.parametrize("last", [status(404), status(409), status(403), LOST])
async def test_at_least_once_knows_no_more_than_others(server: RawServer, last: Way) -> None:
    """Where an earlier try may have been executed, a refusal of a later one does not undo it."""
    server.do(fails(LOST, executes=True), fails(LOST), fails(last))
    async with opened(server) as account:
        assert "unknown" == (await outcome_of(account, TWICE)).result


async def test_a_verified_restart_survives_lost_answers(
    clock: ManualClock, server: RawServer
) -> None:
    """Stop and start can be checked: each is executed once, whatever answer is lost."""
    server.do(fails(LOST, executes=True), fails(LOST), HONEST)
    async with opened(server) as account, Client(account=account, region="beijing1") as client:
        await client.services.restart("web", mode="verified")

    assert {("stop", "web"): 1, ("start", "web"): 1} == server.executions
    assert "Running" == server.model.services["web"]["status"]


def _size(size: int) -> Callable[[RawServer], None]:
    return lambda server: server.model.services["web"].update(target_instance_size=size)


def _namesake(server: RawServer) -> None:
    server.model.services["web"] = server.model.services["web"] | {"uid": "another"}


def _status(status: str) -> Callable[[RawServer], None]:
    return lambda server: server.model.services["web"].update(status=status)


def _gone(server: RawServer) -> None:
    server.model.services.pop("web", None)


def _made(**fields: Any) -> Callable[[RawServer], None]:
    def make(server: RawServer) -> None:
        server.model.change("create", "web", {})
        server.model.services["web"] |= fields

    return make


@frozen
class Case:
    """What was executed of a write, and what somebody else did before anybody looked."""

    write: Write
    executed: bool
    other: Callable[[RawServer], None]
    known: bool
    result: str


OTHERS = {
    "update: changed": Case(CHANGE, False, _size(7), True, "conflict"),
    "update: changed after": Case(CHANGE, True, _size(7), True, "conflict"),
    "update: gone": Case(CHANGE, True, _gone, False, "conflict"),
    "update: namesake": Case(CHANGE, False, _namesake, True, "conflict"),
    "create: the same": Case(CREATE, False, _made(), False, "applied"),
    "create: no date": Case(CREATE, False, _made(created_at=None), False, "applied"),
    "create: another": Case(CREATE, False, _made(target_instance_size=9), False, "conflict"),
    "create: an old one": Case(CREATE, False, lambda s: s.model.add(), False, "unchanged"),
    "delete: made anew": Case(DELETE, True, _made(), True, "applied"),
    "delete: namesake": Case(DELETE, False, _namesake, True, "applied"),
    "delete: made anew, not known": Case(DELETE, True, _made(), False, "unknown"),
    "delete: on its way": Case(DELETE, False, _status("Terminating"), True, "unknown"),
    "start: on its way": Case(START, False, _status("Starting"), True, "applied"),
    "start: gone": Case(START, True, _gone, True, "unknown"),
    "start: fell over": Case(START, True, _status("CrashLoop"), True, "unknown"),
    "start: fell over, not known": Case(START, True, _status("CrashLoop"), False, "unknown"),
    "start: namesake": Case(START, False, _namesake, True, "unknown"),
    "stop: other word": Case(STOP, True, _status("Succeeded"), True, "unknown"),
    "stop: other word, not known": Case(STOP, True, _status("Succeeded"), False, "unknown"),
    "stop: on its way": Case(STOP, False, _status("Stopping"), True, "applied"),
    "stop: gone": Case(STOP, True, _gone, True, "unknown"),
    "restart: gone": Case(RESTART, True, _gone, True, "unknown"),
}


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
async def test_somebody_else_was_at_it(server: RawServer, case: Case) -> None:
    """What others did meanwhile is told apart, and never written over."""

    async def interfered_with(wire, answer) -> None:
        case.other(server)
        await LOST(wire, answer)

    write = case.write
    prepared(server, write)
    async with opened(server) as account:
        seen = await seen_before(account, write, case.known)
        server.do(fails(interfered_with, executes=case.executed))
        outcome = await outcome_of(account, write, seen=seen)

    assert (case.result, case.executed) == (outcome.result, server.executed(write.verb))
    assert 1 == server.arrived(write.verb)


async def test_a_status_that_moves_by_itself_is_nobodys_doing(server: RawServer) -> None:
    """An update is sent again where its values are the old ones, whatever the status is now."""
    server.model.add("web", "Starting")
    async with opened(server) as account:
        seen = await look_at(account)
        server.model.services["web"]["status"] = "Running"
        server.do(fails(LOST))
        outcome = await outcome_of(account, CHANGE, seen=seen)

    assert ("applied", 1) == (outcome.result, server.executed("update"))


FAILING_LOOKS = {
    "close": hanging_up,
    "stall": silently,
    "500": status(500),
    "403": status(403),
    "garbage": saying(b"\x00\r\n\r\n"),
    "HTML": status(200, b"<html>"),
    "empty": status(200),
    "another shape": status(200, b"[]"),
}


@pytest.mark.parametrize("look", FAILING_LOOKS.values(), ids=FAILING_LOOKS)
@each_write
async def test_looks_that_fail_decide_nothing(server: RawServer, write: Write, look: Way) -> None:
    """A write that nobody could look into is unknown, and is not sent again."""
    prepared(server, write)
    async with opened(server, deadline=30.0) as account:
        seen = await seen_before(account, write)
        server.do(*repeat(fails(LOST), 9), reads=repeat(fails(look)))
        outcome = await outcome_of(account, write, seen=seen)

    assert ("unknown", 1) == (outcome.result, server.arrived(write.verb))


@checkable
async def test_looks_go_on_until_one_succeeds(server: RawServer, write: Write) -> None:
    """Some failing looks are only a delay."""
    prepared(server, write)
    server.do(fails(LOST, executes=True), reads=repeat(fails(status(500)), 6))
    async with opened(server) as account:
        outcome = await outcome_of(account, write)

    assert ("applied", 1) == (outcome.result, server.executed(write.verb))


@each_write
@pytest.mark.parametrize("deadline", [0.3, 3.0, 7.0])
async def test_the_deadline_ends_the_looking(
    clock: ManualClock, server: RawServer, write: Write, deadline: float
) -> None:
    """There was no time to be sure, so it is unknown, in time."""
    prepared(server, write)
    async with opened(server, deadline=deadline, reconciling=PUNCTUAL) as account:
        seen = await seen_before(account, write)
        server.do(*repeat(fails(LOST), 9))
        outcome = await outcome_of(account, write, seen=seen)

    assert ("unknown", 1) == (outcome.result, server.arrived(write.verb))
    if write is not RESTART:  # whose watch passes time while the answer is on its way
        assert clock.monotonic() <= deadline


@each_write
async def test_a_spent_budget_ends_the_looking(
    clock: ManualClock, server: RawServer, write: Write
) -> None:
    """Without calls to look with it stays unknown, and says when there will be some."""
    prepared(server, write)
    calls = 1 if write is CREATE else 2
    async with opened(server, calls_per_day=calls) as account:
        seen = await seen_before(account, write)
        server.do(fails(LOST, executes=True))
        outcome = await outcome_of(account, write, seen=seen)

    assert "unknown" == outcome.result
    assert "2015-12-30 00:00 UTC" in str(outcome.error)
    assert clock.monotonic() < 2.0


JUST_AFTER_SETTLING = 7.5 + 1e-9


@pytest.mark.parametrize(
    ("write", "executions"), [(CREATE, 1), (DELETE, 1), (START, 1), (STOP, 1), (CHANGE, 2)]
)
async def test_a_refusal_of_a_resend_is_read_in_the_light_of_the_first_try(
    server: RawServer, write: Write, executions: int
) -> None:
    """A first try that lands after everything had settled makes the second one fail: applied."""
    prepared(server, write)
    async with opened(server, reconciling=PUNCTUAL) as account:
        seen = await seen_before(account, write)
        server.do(fails(LOST, executes=True, lands_after=JUST_AFTER_SETTLING))
        outcome = await outcome_of(account, write, seen=seen)

    assert ("applied", executions) == (outcome.result, server.executed(write.verb))
    assert 2 == server.arrived(write.verb)


async def test_a_resend_that_finds_another_service_is_a_conflict(server: RawServer) -> None:
    """The name was taken between two tries."""

    async def taken(wire, answer) -> None:
        server.model.add("web", target_instance_size=9)
        await status(409)(wire, answer)

    prepared(server, CREATE)
    server.do(fails(LOST), fails(taken))
    async with opened(server) as account:
        outcome = await outcome_of(account, CREATE)

    assert ("conflict", 0) == (outcome.result, server.executed("create"))
    assert isinstance(outcome.error, Conflict)


@pytest.mark.parametrize("write", [CREATE, START, STOP], ids=lambda write: write.verb)
async def test_a_refused_resend_that_nobody_can_look_into_is_unknown(
    server: RawServer, write: Write
) -> None:
    """The conflict may be with the first try, which landed late."""

    async def refused(wire, answer) -> None:
        server.reads = repeat(fails(status(500)))
        await status(409)(wire, answer)

    prepared(server, write)
    async with opened(server) as account:
        seen = await seen_before(account, write)
        server.do(fails(LOST), fails(refused))
        outcome = await outcome_of(account, write, seen=seen)

    assert "unknown" == outcome.result
    assert isinstance(outcome.error, OutcomeUnknown)


@pytest.mark.parametrize(("code", "error"), [(403, Forbidden), (404, NotFound), (500, ServerError)])
async def test_another_refusal_of_a_resend_is_final(server: RawServer, code: int, error) -> None:
    """The first try is known to have done nothing, so the second one's answer counts."""
    async with opened(server) as account:
        seen = await seen_before(account, STOP)
        server.do(fails(LOST), *repeat(fails(status(code)), 9))
        outcome = await outcome_of(account, STOP, seen=seen)

    assert "failed" == outcome.result
    assert isinstance(outcome.error, error)


async def test_what_is_as_wanted_is_not_sent(server: RawServer) -> None:
    """A write that would change nothing costs no call."""
    async with opened(server) as account:
        seen = await look_at(account)
        assert "unchanged" == (await outcome_of(account, START, seen=seen)).result
        assert "unchanged" == (await outcome_of(account, CREATE, seen=seen)).result

    assert 1 == len(server.requests)


async def test_what_is_as_wanted_is_no_failure(server: RawServer) -> None:
    """A refusal for being there, or for being gone, is told apart by a look."""
    async with opened(server) as account:
        assert "unchanged" == (await outcome_of(account, CREATE)).result
        assert "unchanged" == (await outcome_of(account, START)).result
        server.model.services["web"]["target_instance_size"] = 9
        assert "conflict" == (await outcome_of(account, CREATE)).result
        server.model.services.clear()
        assert "unchanged" == (await outcome_of(account, DELETE)).result
        assert "failed" == (await outcome_of(account, STOP)).result

    assert {} == +server.executions
