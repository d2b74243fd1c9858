"""Calls are scarce: a rate is kept, a day's budget lasts the day, every call counts."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from itertools import pairwise

import pytest
from attrs import define

from tenx_async import ConfigurationError, LocalCloud
from tenx_async.logs.allowance import BURST, Allowance, Left
from tests.clock import NOON
from tests.conftest import client_of
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower, quiet, take


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


@define
class StillClock:
    """Time that stands still until the test moves it."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> dt.datetime:
        return NOON + dt.timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        due = self.seconds + seconds
        while self.seconds < due:  # noqa: ASYNC110  # nobody tells when it is moved
            await asyncio.sleep(0)


async def test_a_hundred_calls_last_the_day() -> None:
    """Services are followed from noon to midnight; looks for services are in the budget."""
    clock = StillClock()
    fake = FakeCloud(clock)

    def calls() -> int:
        return fake.calls.total() + fake.listings

    fake.add("api", "web")
    for name in fake.uids:
        fake.write(name, *(f"{name} {number}" for number in range(3)))
    left = lambda: Left(100 - calls(), 43_200.0 - clock.monotonic())  # noqa: E731  # read once
    lines, _ = follower(fake, tail=None, allowance=Allowance(left=left))
    made: list[int] = []
    async with lines:
        assert fake.written == await take(lines, 6)
        for hour in range(1, 12):
            while clock.monotonic() < hour * 3600.0:
                clock.seconds += 30.0
                await quiet(30)
            made.append(calls())

    by_hour = [after - before for before, after in pairwise(made)]
    assert BURST <= made[0] <= 2 * BURST + 2
    assert all(7 <= count <= 9 for count in by_hour), made
    assert made[-1] <= 100


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
async def test_a_rate_that_is_none_is_refused(cloud: LocalCloud, rate: float) -> None:
    """Rather than to mean that there is no bound."""
    async with client_of(cloud) as client:
        with pytest.raises(ConfigurationError, match="calls_per_second"):
            client.follow(calls_per_second=rate)
