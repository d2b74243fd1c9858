"""When something is sent again, and how soon."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tenx_async.api.operations import Repeat
from tenx_async.transport.retry import RetryPolicy, may_resend
from tenx_async.transport.verdict import Verdict
from tests.transport.test_answers import GET
from tests.transport.writes import ALL

RESENT = {
    Verdict.NOT_SENT: set(Repeat),
    Verdict.REJECTED: set(Repeat),
    Verdict.UNDONE: set(Repeat),
    Verdict.AMBIGUOUS: {Repeat.FREELY},
    Verdict.REFUSED: set(),
    Verdict.APPLIED: set(),
}


@pytest.mark.parametrize("verdict", Verdict, ids=lambda verdict: verdict.name)
def test_only_what_did_nothing_is_sent_again(verdict: Verdict) -> None:
    """What may have been executed is sent again only where that does no harm."""
    assert RESENT[verdict] == {repeat for repeat in Repeat if may_resend(verdict, repeat)}


@given(st.integers(1, 60), st.floats(0.0, 1.0, exclude_max=True))
def test_pauses_are_drawn_from_a_growing_interval(attempt: int, chance: float) -> None:
    """Full jitter: from 0 to 0.2, 0.4, 0.8 … seconds, at most 20."""
    bound = min(20.0, 0.2 * 2 ** (attempt - 1))

    assert chance * bound == pytest.approx(RetryPolicy().pause(attempt, chance))
    assert 0.0 <= RetryPolicy().pause(attempt, chance) <= 20.0


def test_reads_have_five_attempts_and_writes_three() -> None:
    """A write is tried less often, since each attempt may have to be looked into."""
    policy = RetryPolicy()

    assert 5 == policy.attempts(GET)
    assert {3} == {policy.attempts(write.operation) for write in ALL}
