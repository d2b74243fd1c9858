"""How many calls may be under way at once."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tenx_async.transport.concurrency import ConcurrencyLimit


def window(limit: ConcurrencyLimit, latency: float = 0.1, in_flight: int | None = None) -> int:
    """A window of answers, and the limit after it."""
    for _ in range(max(10, limit.limit)):
        limit.answered(latency, limit.limit if in_flight is None else in_flight)
    return limit.limit


def test_it_begins_with_eight() -> None:
    """A new account may have eight calls under way."""
    assert 8 == ConcurrencyLimit().limit


def test_a_good_window_allows_one_more() -> None:
    """As many successes as the limit, at least ten, raise it by one."""
    limit = ConcurrencyLimit()
    for _ in range(9):
        limit.answered(0.1, 8)
    assert 8 == limit.limit
    limit.answered(0.1, 8)

    assert 9 == limit.limit


def test_what_is_not_used_is_not_raised() -> None:
    """With less than half in use nothing is learnt."""
    limit = ConcurrencyLimit()

    assert (8, 9) == (window(limit, in_flight=3), window(limit, in_flight=4))


def test_it_ends_at_sixty_four() -> None:
    """More calls at once would serve nobody."""
    limit = ConcurrencyLimit()

    assert 64 == [window(limit) for _ in range(100)][-1]


def test_overload_halves_it_down_to_one() -> None:
    """There is always one call, to find out whether things are better."""
    limit = ConcurrencyLimit()
    seen = []
    for second in range(6):
        limit.overloaded(float(second))
        seen.append(limit.limit)

    assert [4, 2, 1, 1, 1, 1] == seen


@pytest.mark.parametrize(
    ("latency", "apart", "limit"),
    [(0.01, 0.05, 4), (0.01, 0.11, 2), (0.8, 0.3, 4), (0.8, 0.9, 2)],
)
def test_signs_of_overload_that_come_together_count_once(
    latency: float, apart: float, limit: int
) -> None:
    """Once in 100 ms or in a round trip, whichever is longer."""
    concurrency = ConcurrencyLimit()
    for _ in range(60):
        concurrency.answered(latency, 0)
    concurrency.overloaded(100.0)
    concurrency.overloaded(100.0 + apart)

    assert limit == concurrency.limit


@pytest.mark.parametrize(("slower", "limit"), [(1.0, 10), (1.9, 10), (2.5, 9), (3.5, 8)])
def test_latency_that_grows_holds_it_and_then_lowers_it(slower: float, limit: int) -> None:
    """Over twice the baseline it holds, over three times it goes down by a tenth."""
    concurrency = ConcurrencyLimit()
    window(concurrency)

    assert limit == window(concurrency, latency=0.1 * slower)


steps = st.one_of(
    st.tuples(st.just("answered"), st.floats(0.0, 60.0), st.integers(0, 64)),
    st.tuples(st.just("overloaded"), st.floats(0.0, 5.0), st.just(0)),
)


@given(st.lists(steps, max_size=200))
def test_it_stays_within_its_bounds(steps: list[tuple[str, float, int]]) -> None:
    """Whatever happens, there are from 1 to 64 places."""
    limit, now = ConcurrencyLimit(), 0.0
    for what, seconds, in_flight in steps:
        now += seconds
        if what == "answered":
            limit.answered(seconds, in_flight)
        else:
            limit.overloaded(now)
        assert 1 <= limit.limit <= 64
