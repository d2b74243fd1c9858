"""How fast calls may follow each other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from tenx_async.transport.pace import Pace


def refused_after(pace: Pace, accepted: int, now: float = 100.0) -> None:
    """So many calls accepted in the last second, then a refusal."""
    for call in range(accepted):
        pace.accepted(now - 1.0 + (call + 1) / (accepted + 1))
    pace.refused(now)


def test_nothing_learnt_is_no_limit() -> None:
    """Before the first refusal calls may go at once."""
    pace = Pace()
    for _ in range(100):
        assert 0.0 == pace.delay(5.0)
        pace.take(5.0)
        pace.accepted(5.0)

    assert math.inf == pace.rate


def test_a_refusal_teaches_nine_tenths_of_what_was_accepted() -> None:
    """The calls accepted in the last second tell what the server bears."""
    pace = Pace()
    refused_after(pace, 40)

    assert 36.0 == pace.rate
    assert pytest.approx(1 / 36) == pace.delay(100.0)


def test_only_the_last_second_counts() -> None:
    """What was accepted earlier says nothing about now."""
    pace = Pace()
    for call in range(100):
        pace.accepted(98.0 + call / 100)
    refused_after(pace, 20)

    assert 18.0 == pace.rate


def test_there_is_always_some_pace() -> None:
    """A server that accepts nothing is asked every two seconds."""
    pace = Pace()
    pace.refused(100.0)

    assert 0.5 == pace.rate
    assert 2.0 == pace.delay(100.0)


def test_refusals_that_come_together_count_once() -> None:
    """The calls of one burst are refused for one reason."""
    pace = Pace()
    refused_after(pace, 40)
    for moment in (100.0, 100.5, 100.9):
        pace.refused(moment)
    assert 36.0 == pace.rate
    pace.refused(101.0)

    assert pace.rate < 36.0


def test_calls_keep_their_distance() -> None:
    """Each call waits until its turn after the one before."""
    pace = Pace(ceiling=10.0)
    now, gaps = 50.0, []
    for _ in range(20):
        gaps.append(pace.delay(now))
        now += pace.delay(now)
        pace.take(now)

    assert gaps == pytest.approx([0.0, *[0.1] * 19])


def test_success_recovers_the_pace() -> None:
    """After a refusal of paced calls it grows by 0.05 % with each success."""
    pace = Pace()
    refused_after(pace, 40)
    pace.accepted(100.5)
    assert pytest.approx(36.0 * 1.05) == pace.rate  # searching

    refused_after(pace, 30, now=200.0)
    slow = pace.rate
    pace.accepted(200.5)
    assert pytest.approx(slow * 1.0005) == pace.rate


moves = st.tuples(st.sampled_from(["go", "go", "go", "accepted", "refused"]), st.floats(0.0, 3.0))


@given(st.floats(0.5, 100.0), st.lists(moves, max_size=200))
def test_a_ceiling_is_never_exceeded(ceiling: float, moves: list[tuple[str, float]]) -> None:
    """However long calls were held back, no two come closer than the ceiling allows."""
    pace, now, last = Pace(ceiling=ceiling), 10.0, -math.inf
    for what, seconds in moves:
        now += seconds
        if what == "accepted":
            pace.accepted(now)
        elif what == "refused":
            pace.refused(now)
        else:
            now += pace.delay(now)
            assert now - last >= 1 / ceiling * (1 - 1e-9)
            pace.take(now)
            last = now
        assert min(0.5, ceiling) <= pace.rate <= ceiling
