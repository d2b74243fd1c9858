"""Calls are scarce: a rate is kept, a day's budget lasts the day, every call counts."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import pytest

from tenx_async import ConfigurationError, LocalCloud
from tenx_async.logs.allowance import BURST, Allowance, Left
from tenx_async.transport.account import Limits
from tests.clock import ManualClock
from tests.conftest import client_of


def spent(allowance: Allowance, seconds: float) -> int:
    """How many calls are made in so many seconds by one who makes each as soon as may be."""
    now, calls = 0.0, 0
    while now <= seconds and calls < 10_000:
        allowance.spend(now)
        calls += 1
        now += allowance.wait(now)
    return calls


def test_a_rate_is_kept_after_a_burst() -> None:
    """Ten calls may begin at once; in the long run it is the rate."""
    assert spent(Allowance(per_second=2.0), 100.0) == pytest.approx(200 + BURST, abs=1)


def test_without_a_bound_nothing_waits() -> None:
    """It costs nothing, either."""
    allowance = Allowance()
    allowance.spend(0.0)

    assert (0.0, 0.0) == (allowance.interval, allowance.wait(0.0))


def test_what_is_left_of_a_day_is_spread_over_it() -> None:
    """The slower of both bounds holds."""
    assert 864.0 == Allowance(left=lambda: Left(100, 86_400.0)).interval
    assert 0.5 == Allowance(per_second=2.0, left=lambda: Left(10**6, 86_400.0)).interval
    assert 3_600.0 == Allowance(left=lambda: Left(0, 3_600.0)).interval


async def test_a_hundred_calls_last_the_day() -> None:
    """Services are followed from noon to midnight; looks for services are in the budget."""
    clock = ManualClock()
    limits = Limits(calls_per_day=100)
    async with (
        LocalCloud(clock=clock.now) as cloud,
        client_of(cloud, clock=clock, limits=limits) as client,
    ):
        for name in ("api", "web"):
            cloud.add_service(name)
            cloud.append(name, *(f"{name} {number}" for number in range(3)), instance=f"{name}-1")
        taken: Counter[str] = Counter()
        hours: Counter[int] = Counter()
        async with client.follow(tail=None, order="oldest-first", interval=(1.0, 10.0)) as lines:
            while clock.monotonic() < 11.5 * 3600:
                hours[int(clock.monotonic() // 3600)] = cloud.requests
                await asyncio.sleep(0.001)
            async with asyncio.timeout(5):
                for _ in range(6):
                    taken[(await anext(lines)).log] += 1

    assert Counter(f"{name} {number}" for name in ("api", "web") for number in range(3)) == taken
    assert 80 <= cloud.requests <= 100
    assert hours[0] <= 25
    assert all(hours[hour + 1] > hours[hour] for hour in range(1, 10))


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
async def test_a_rate_that_is_none_is_refused(cloud: LocalCloud, rate: float) -> None:
    """Rather than to mean that there is no bound."""
    async with client_of(cloud) as client:
        with pytest.raises(ConfigurationError, match="calls_per_second"):
            client.follow(calls_per_second=rate)
