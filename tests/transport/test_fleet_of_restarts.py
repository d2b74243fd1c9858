"""Hundreds of writes through a session pool while answers are lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from attrs import define, field

from tenx_async.errors import OutcomeUnknown
from tenx_async.transport.account import Limits
from tenx_async.transport.exchange import Timeouts
from tenx_async.transport.reconcile import ReconcilePolicy
from tests.transport.conftest import pool_of
from tests.transport.rawserver import (
    HONEST,
    Act,
    RawServer,
    fails,
    hanging_up,
    resetting,
    saying,
    status,
)

NAMES = [f"web-{number}" for number in range(200)]
QUICK = ReconcilePolicy(first=(0.02, 0.05), then=0.1, settled_after=0.1, settled_apart=0.05)
LIMITS = Limits(reconciling=QUICK, timeouts=Timeouts())
WAYS = [hanging_up, resetting, status(502), saying(b"HTTP/1.1 200 OK\r\nCont")]


@define
class Unreliable:
    """Loses one answer in twenty after it did what it was asked for."""

    chance: random.Random
    share: float = 0.05
    lost: int = field(default=0, init=False)

    def acts(self) -> Iterator[Act]:
        while True:
            if self.chance.random() < self.share:
                self.lost += 1
                yield fails(self.chance.choice(WAYS), executes=True)
            else:
                yield HONEST


@pytest.mark.parametrize("shows", [False, True], ids=["restarts do not show", "restarts show"])
async def test_two_hundred_restarts_while_answers_are_lost(shows: bool) -> None:
    """None is executed twice, none is said to be applied that was not, few are unknown."""
    unreliable = Unreliable(random.Random(1))
    async with RawServer() as server, pool_of(server, limits=LIMITS) as (pool, client):
        server.model.restart_lasts = 2.0 if shows else 0.0
        for name in NAMES:
            server.model.add(name)
        server.writes = unreliable.acts()
        calls = (client.services.calls.restart(name) for name in NAMES)
        outcomes = [outcome async for outcome in pool.run(calls)]

    results = Counter(outcome.result for outcome in outcomes)
    assert 200 == len({outcome.service for outcome in outcomes})
    assert {("restart", name): 1 for name in NAMES} == server.executions
    assert unreliable.lost > 5
    assert (0 if shows else unreliable.lost) == results["unknown"]
    assert 200 - results["unknown"] == results["applied"]
    assert {OutcomeUnknown} >= {type(outcome.error) for outcome in outcomes if outcome.error}


@pytest.mark.parametrize("verb", ["start", "stop", "delete"])
async def test_two_hundred_checkable_writes_while_answers_are_lost(verb: str) -> None:
    """What can be looked at is applied, once, every time."""
    unreliable = Unreliable(random.Random(2))
    async with RawServer() as server, pool_of(server, limits=LIMITS) as (pool, client):
        for name in NAMES:
            server.model.add(name, "Stopped" if verb == "start" else "Running")
        server.writes = unreliable.acts()
        calls = (getattr(client.services.calls, verb)(name) for name in NAMES)
        outcomes = [outcome async for outcome in pool.run(calls)]

    assert {"applied"} == {outcome.result for outcome in outcomes}
    assert {(verb, name): 1 for name in NAMES} == server.executions
    assert unreliable.lost > 5
