"""When something is sent again, and how soon."""

from __future__ import annotations

from itertools import repeat

import pytest
from hypothesis import given, strategies as st

from tenx_async.api.operations import Repeat
from tenx_async.errors import DeadlineExceeded, ServerError
from tenx_async.transport.retry import RetryPolicy, may_resend
from tenx_async.transport.verdict import Verdict
from tests.clock import ManualClock
from tests.transport.conftest import opened
from tests.transport.rawserver import RawServer, fails, status
from tests.transport.test_answers import GET, result_of
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


async def test_the_deadline_is_looked_at_before_a_pause(
    clock: ManualClock, server: RawServer
) -> None:
    """A pause that would overrun the deadline is not begun, and the last failure is told."""
    server.do(reads=repeat(fails(status(500, b"broken"))))
    slow = RetryPolicy(shortest=1e9, longest=1e9)
    async with opened(server, retries=slow, deadline=60.0) as account:
        with pytest.raises(DeadlineExceeded, match="the last one failed: get web: broken"):
            await account.perform(GET)

    assert [] == clock.sleeps
    assert 1 == server.arrived("get")


@pytest.mark.parametrize(
    ("failures", "attempts", "left"),
    [(0, 5, 500.0), (1, 5, 500.0), (4, 5, 500.0), (5, 5, 444.0), (30, 30, 400.0)],
)
async def test_only_retries_in_vain_cost_something(
    server: RawServer, failures: int, attempts: int, left: float
) -> None:
    """14 for each, at most a fifth of the budget for one operation; a success gets it all back."""
    server.do(reads=repeat(fails(status(500)), failures))
    async with opened(server, retries=RetryPolicy(reads=attempts), deadline=1e6) as account:
        result = await result_of(account, GET)

        assert (ServerError if failures >= attempts else None) is result
        assert left == account.gate.retries.left


async def test_an_error_says_how_often_it_was_tried(server: RawServer) -> None:
    """The number of attempts is part of the error."""
    server.do(reads=repeat(fails(status(500, b"broken"))))
    async with opened(server) as account:
        with pytest.raises(ServerError) as caught:
            await account.perform(GET)

    assert 5 == caught.value.attempts
    assert "get web: broken (after 5 attempts) [HTTP 500]" == str(caught.value)


async def test_rejections_use_up_no_attempts(server: RawServer) -> None:
    """After any number of rejections an operation still has all its attempts."""
    rejections = [fails(status(429, Retry_After=1))] * 10
    server.do(reads=[*rejections, *[fails(status(500))] * 4])
    async with opened(server, deadline=1e6) as account:
        assert None is await result_of(account, GET)

    assert 15 == server.arrived("get")
