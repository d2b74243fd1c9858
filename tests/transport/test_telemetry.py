"""What is told of each way that an operation can go, and that no secret is in it."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress

import pytest
from attrs import asdict

from tenx_async.errors import TenxError
from tenx_async.telemetry.events import AttemptEnded, Paused, Reconciled, Retried
from tenx_async.telemetry.logging import log_event
from tenx_async.transport.reconcile import ReconcilePolicy
from tests.clock import ManualClock
from tests.transport.conftest import TOKEN, opened
from tests.transport.heard import Heard
from tests.transport.rawserver import (
    HONEST,
    Act,
    RawServer,
    fails,
    hanging_up,
    saying,
    silently,
    status,
)
from tests.transport.test_answers import GET
from tests.transport.test_bounds import CREATE as CREATE_WITH_PASSWORD, PASSWORD
from tests.transport.writes import CREATE, DELETE, RESTART, STOP, TWICE, Write, prepared

PUNCTUAL = ReconcilePolicy(spread=0.0)
LOST = fails(hanging_up)
DONE = fails(hanging_up, executes=True)
BUSY = fails(status(429, Retry_After=5))

STORIES = {
    "applied": (STOP, [HONEST], ["stop web: applied"]),
    "refused": (STOP, [fails(status(403))], ["stop web: refused 403"]),
    "rejected": (
        STOP,
        [BUSY],
        ["paused: the server asks to wait", "stop web: rejected 429", "stop web: applied"],
    ),
    "executed, found": (
        STOP,
        [DONE],
        ["stop web: ambiguous", "get web: applied", "stop web: found applied in 1"],
    ),
    "created, found": (
        CREATE,
        [DONE],
        ["create web: ambiguous", "get web: applied", "create web: found applied in 1"],
    ),
    "not executed": (
        DELETE,
        [fails(status(502))],
        [
            "delete web: ambiguous 502",
            *["get web: applied"] * 4,
            "delete web: found undone in 4",
            "delete web: again after 1",
            "delete web: applied",
        ],
    ),
    "at least once": (
        TWICE,
        [LOST],
        ["restart web: ambiguous", "restart web: again after 1", "restart web: applied"],
    ),
}


@pytest.mark.parametrize(("write", "acts", "story"), STORIES.values(), ids=STORIES)
async def test_a_write_tells_its_story(
    server: RawServer, write: Write, acts: Iterable[Act], story: list[str]
) -> None:
    """Each attempt, look, pause and finding is told, in order."""
    heard = Heard()
    prepared(server, write)
    server.do(*acts)
    async with opened(server, emit=heard, reconciling=PUNCTUAL) as account:
        with suppress(TenxError):
            await account.perform(write.operation)

    assert story == heard.story


async def test_a_read_tells_its_story(server: RawServer) -> None:
    """What is tried again is told with the number of attempts."""
    heard = Heard()
    server.do(reads=[fails(status(500)), fails(hanging_up)])
    async with opened(server, emit=heard) as account:
        await account.perform(GET)

    assert [
        "get web: ambiguous 500",
        "get web: again after 1",
        "get web: ambiguous",
        "get web: again after 2",
        "get web: applied",
    ] == heard.story


async def test_a_restart_that_is_unknown_tells_so(server: RawServer) -> None:
    """The looks that told nothing are counted."""
    heard = Heard()
    server.do(DONE)
    async with opened(server, emit=heard, reconciling=PUNCTUAL) as account:
        with pytest.raises(TenxError):
            await account.perform(RESTART.operation)

    assert heard.story
    findings = [event for event in heard.events if isinstance(event, Reconciled)]
    assert ["unknown"] == [event.finding for event in findings]


async def test_a_cancelled_attempt_is_told(server: RawServer) -> None:
    """Whoever counts the attempts that began counts as many that ended."""
    heard = Heard(expected=(AttemptEnded,))
    server.do(fails(silently))
    async with opened(server, emit=heard) as account:
        task = asyncio.create_task(account.perform(STOP.operation))
        await server.has_seen("stop")
        task.cancel()
        await asyncio.wait([task])

    assert ["stop web: cancelled"] == heard.story


async def test_an_unsent_attempt_is_told(clock: ManualClock) -> None:
    """Each refused connection is an attempt."""
    heard = Heard(expected=(AttemptEnded, Retried))
    async with (
        RawServer(clock, listens=False) as server,
        opened(server, emit=heard) as account,
    ):
        with pytest.raises(TenxError):
            await account.perform(STOP.operation)

    assert ["not_sent"] * 3 == [e.verdict for e in heard.events if isinstance(e, AttemptEnded)]


async def test_events_say_how_long_it_took(clock: ManualClock, server: RawServer) -> None:
    """Seconds from the gate to the end of the answer, the region, and the time to the next try."""
    heard = Heard()

    async def slowly(wire, answer) -> None:
        clock.advance(3.0)
        await status(500)(wire, answer)

    server.do(reads=[fails(slowly), fails(status(429, Retry_After=5))])
    async with opened(server, emit=heard) as account:
        await account.perform(GET)

    first, again, paused, *_ = heard.events
    assert isinstance(first, AttemptEnded)
    assert ("beijing1", 3.0, 500) == (first.region, first.seconds, first.status)
    assert isinstance(again, Retried)
    assert 0.0 <= again.retry_in <= 0.2
    assert isinstance(paused, Paused)
    assert 5.0 <= paused.seconds <= 5.5


def echoes(*secrets: str) -> list[Act]:
    """Answers of a server that repeats what it was sent."""
    echo = " and ".join(secrets).encode()
    ways = [
        status(500, echo),
        status(429, echo),
        status(503, b'{"error": "%s"}' % echo, Retry_After=1),
        saying(b"HTTP/9.9 " + echo + b"\r\n\r\n"),
        status(400, echo),
    ]
    return [fails(way) for way in ways]


async def test_nothing_that_is_told_holds_a_secret(
    server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the events nor in what becomes of them in a log."""
    caplog.set_level(logging.DEBUG, "tenx_async")
    heard = Heard()

    def tell(event) -> None:
        heard(event)
        log_event(event)

    server.do(*echoes(TOKEN, PASSWORD), reads=echoes(TOKEN))
    async with opened(server, emit=tell, deadline=30.0) as account:
        for operation in (GET, CREATE_WITH_PASSWORD):
            with pytest.raises(TenxError):
                await account.perform(operation)

    told = [repr(event) for event in heard.events]
    told += [str(asdict(event)) for event in heard.events]
    told += [caplog.text, *(str(record.__dict__) for record in caplog.records)]
    assert heard.story
    assert not [text for text in told if TOKEN in text or PASSWORD in text]


async def test_by_default_events_are_logged(
    server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What went wrong is a warning of the logger `tenx_async`; what went well is for debugging."""
    server.do(reads=[fails(status(500))])
    caplog.set_level(logging.DEBUG, "tenx_async")
    async with opened(server, emit=log_event) as account:
        await account.perform(GET)

    assert [("tenx_async", "DEBUG"), ("tenx_async", "WARNING"), ("tenx_async", "DEBUG")] == [
        (record.name, record.levelname) for record in caplog.records
    ]


def test_the_logger_has_no_handlers() -> None:
    """The application decides where its logs go; importing the package configures nothing."""
    program = "import tenx_async, logging; print(logging.getLogger('tenx_async').handlers)"
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "[]\n" == shown.stdout
