"""What may be spent on retries, and what on calls."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, strategies as st

from tenx_async.errors import QuotaExceeded
from tenx_async.transport.budgets import CallBudget, MemoryCounter, RetryBudget, next_day
from tests.clock import NOON

TOMORROW = dt.datetime(2015, 12, 30, tzinfo=dt.UTC)
CHINA = dt.timezone(dt.timedelta(hours=8))


def test_a_retry_is_paid_for() -> None:
    """What a retry costs is gone, until it succeeds."""
    budget = RetryBudget()

    assert budget.draw(14.0)
    assert 486.0 == budget.left
    budget.refund(14.0)
    assert 500.0 == budget.left


def test_a_budget_holds_no_more_than_its_size() -> None:
    """Successes beyond a full budget earn nothing."""
    budget = RetryBudget(size=500.0)
    budget.refund(1000.0)

    assert 500.0 == budget.left


def test_one_operation_may_use_a_fifth() -> None:
    """No single item eats everybody's budget."""
    assert 100.0 == RetryBudget().share


def test_an_empty_budget_probes_more_and_more_rarely() -> None:
    """Pauses of 5, 10, 20, then always 30 seconds, until there is an answer."""
    budget = RetryBudget()
    while budget.draw(14.0):
        pass

    assert [5.0, 10.0, 20.0, 30.0, 30.0] == [budget.probe() for _ in range(5)]
    budget.refund(1.0)
    assert 5 == budget.probes
    budget.answered()
    assert 0 == budget.probes
    assert 5.0 == budget.probe()


@given(st.lists(st.one_of(st.floats(0.0, 100.0), st.floats(-100.0, 0.0)), max_size=60))
def test_a_budget_stays_within_its_bounds(movements: list[float]) -> None:
    """It is never overdrawn and never overfull."""
    budget = RetryBudget()
    for amount in movements:
        if amount >= 0:
            budget.refund(amount)
        else:
            paid, before = budget.draw(-amount), budget.left
            assert paid or budget.left == before
        assert 0.0 <= budget.left <= budget.size


def test_calls_are_counted_without_a_bound() -> None:
    """Without a budget calls are counted all the same."""
    budget = CallBudget()
    for _ in range(1000):
        budget.spend(NOON, "get web")

    assert 1000 == budget.calls(NOON)


def test_a_spent_budget_says_when_it_goes_on() -> None:
    """The call that is too many is not counted, and tells when there will be more."""
    budget = CallBudget(per_day=2)
    budget.spend(NOON, "get web")
    budget.spend(NOON, "get web")
    with pytest.raises(QuotaExceeded) as caught:
        budget.spend(NOON, "get web")

    assert TOMORROW == caught.value.resumes_at
    assert (
        "get web: the budget of 2 calls a day is spent; it goes on at 2015-12-30 00:00 UTC"
        == str(caught.value)
    )
    assert 2 == budget.calls(NOON)


def test_a_new_day_has_new_calls() -> None:
    """At midnight UTC the count begins again."""
    budget = CallBudget(per_day=1)
    budget.spend(TOMORROW - dt.timedelta(microseconds=1), "")
    budget.spend(TOMORROW, "")

    assert 1 == budget.calls(TOMORROW)


def test_a_call_that_was_not_sent_is_taken_back_from_its_own_day() -> None:
    """A call of yesterday that fails today does not enlarge today's budget."""
    budget = CallBudget(per_day=1)
    budget.spend(NOON, "")
    budget.spend(TOMORROW, "")
    budget.take_back(NOON)

    assert (0, 1) == (budget.calls(NOON), budget.calls(TOMORROW))


def test_the_day_is_that_of_utc() -> None:
    """Whatever zone the clock shows, the budget begins anew at midnight UTC."""
    budget = CallBudget(per_day=1)
    budget.spend(NOON, "")
    with pytest.raises(QuotaExceeded) as caught:
        budget.spend(dt.datetime(2015, 12, 30, 7, tzinfo=CHINA), "")

    assert TOMORROW == caught.value.resumes_at


def test_the_next_day_begins_at_midnight_utc() -> None:
    """The last moment of a day and its first have the same tomorrow."""
    assert TOMORROW == next_day(NOON) == next_day(TOMORROW - dt.timedelta(microseconds=1))
    assert TOMORROW + dt.timedelta(days=1) == next_day(TOMORROW)


def test_a_budget_parts_from_a_shared_count_with_what_it_has() -> None:
    """After its end a count goes on from where it was, alone."""
    shared = MemoryCounter()
    budget = CallBudget(counter=shared)
    budget.spend(NOON, "")
    budget.part(NOON)
    shared.add(NOON.date(), 10)

    assert 1 == budget.calls(NOON)
