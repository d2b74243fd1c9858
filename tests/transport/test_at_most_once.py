"""Whatever fails, in whatever order: no write is executed more often than it was asked for."""

from __future__ import annotations

import asyncio

from attrs import frozen
from hypothesis import given, settings, strategies as st

from tenx_async.transport.call import Call
from tenx_async.transport.exchange import Timeouts
from tests.clock import ManualClock
from tests.transport.conftest import opened
from tests.transport.rawserver import (
    HONEST,
    Act,
    RawServer,
    Way,
    closing,
    fails,
    hanging_up,
    resetting,
    saying,
    silently,
    status,
)
from tests.transport.writes import ALL, LOSSES, RESTART, Write, look_at, prepared

IMPATIENT = Timeouts(connect=1.0, read=0.01, body=0.01)
LATEST = 4.9
"""Seconds; what lands later than 5 s after its failure is beyond what can be told."""

ways = st.sampled_from(
    [*LOSSES.values(), closing, saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")]
)
losses = st.sampled_from(list(LOSSES.values()))
rejections = st.sampled_from([status(429), status(429, Retry_After=3), status(503, Retry_After=0)])
acts = st.one_of(
    st.just(HONEST),
    st.builds(fails, ways, executes=st.just(True)),
    st.builds(
        fails, losses, executes=st.just(True), lands_after=st.floats(0.0, LATEST, exclude_min=True)
    ),
    st.builds(fails, losses),
    st.builds(fails, rejections),
)
bad_looks = st.builds(
    fails, st.sampled_from([hanging_up, resetting, status(500), status(429), status(200)])
)
looks = st.one_of(st.just(HONEST), bad_looks)


@frozen
class Story:
    """A write, and all that goes wrong with it."""

    write: Write
    known: bool
    doors: list[Way]
    writes: list[Act]
    reads: list[Act]
    lasts: float
    deadline: float


stories = st.builds(
    Story,
    write=st.sampled_from(ALL),
    known=st.booleans(),
    doors=st.lists(st.sampled_from([hanging_up, resetting, silently]), max_size=2),
    writes=st.lists(acts, max_size=5),
    reads=st.lists(looks, max_size=8),
    lasts=st.sampled_from([0.0, 0.3, 3.0]),
    deadline=st.sampled_from([1.0, 6.0, 30.0, 120.0]),
)


async def ending_of(story: Story) -> tuple[str, int, int]:
    """What is reported, how often it was executed by then, and how often at the end of all."""
    clock = ManualClock()
    async with (
        RawServer(clock) as server,
        opened(server, timeouts=IMPATIENT, deadline=story.deadline) as account,
    ):
        prepared(server, story.write)
        seen = await look_at(account) if story.known and server.model.services else None
        server.model.restart_lasts = story.lasts
        server.doors = iter(story.doors)
        server.do(*story.writes, reads=story.reads)
        outcome = await Call(story.write.operation, account, seen).outcome()
        executed = server.executed(story.write.verb)
        assert 0 == account.usage.in_flight
        clock.advance(1000.0)
        return outcome.result, executed, server.executed(story.write.verb)


@given(stories)
@settings(max_examples=150)
def test_no_story_ends_in_two_executions(story: Story) -> None:
    """Applied was executed, failed was not, and nothing was executed twice."""
    result, executed, at_last = asyncio.run(ending_of(story))

    assert result in {"applied", "unchanged", "failed", "unknown"}
    assert at_last <= 1
    assert executed == 1 or result != "applied"
    assert at_last == 0 or result != "failed"


@given(st.lists(acts, min_size=1, max_size=6), st.lists(looks, max_size=4), st.booleans())
def test_a_restart_is_never_executed_twice(
    writes: list[Act], reads: list[Act], known: bool
) -> None:
    """Once a byte was sent, a restart is not sent again."""
    story = Story(RESTART, known, [], writes, reads, 3.0, 120.0)
    result, _, at_last = asyncio.run(ending_of(story))

    assert at_last <= 1
    assert at_last == 1 or result != "applied"
