"""Answers that begin well and go wrong: what their status says is not lost."""

from __future__ import annotations

import asyncio
import time

import pytest

from tenx_async.api import operations
from tenx_async.transport.call import Call
from tenx_async.transport.exchange import Timeouts
from tests.transport.conftest import opened
from tests.transport.rawserver import RawServer, Way, fails, saying
from tests.transport.writes import RESTART

GET = operations.get_service("beijing1", "web")
HEAD = b"HTTP/1.1 200 OK\r\n"
STALLING = Timeouts(connect=1.0, read=5.0, body=2.0)


def _piece_by_piece(*pieces: bytes) -> Way:
    """Send one after the other, and then nothing more."""

    async def way(wire, answer) -> None:
        for piece in pieces:
            await wire.send(piece)
            await asyncio.sleep(0.02)
        await asyncio.sleep(5.0)

    return way


async def test_a_body_that_goes_wrong_midway_is_tried_again(server: RawServer) -> None:
    """A chunk that is none ends the attempt at once; it does not hang until the deadline."""
    chunks = (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"no number\r\n")
    server.do(reads=[fails(_piece_by_piece(*chunks))])
    async with opened(server, timeouts=STALLING) as account, asyncio.timeout(2.0):
        assert "web" == (await account.perform(GET)).name

    assert 2 == server.arrived("get")


AFTER_A_200 = {
    "a bad chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello",
    "garbage after the body": HEAD + b"Content-Length: 2\r\n\r\nokGARBAGE\r\n\r\n",
    "a body that begins as a head ends": HEAD
    + b"Content-Length: 6\r\n\r\n\r\n\r\nokGARBAGE\r\n\r\n",
    "a 204 with a body": b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("data", AFTER_A_200.values(), ids=AFTER_A_200)
async def test_a_2xx_whose_rest_is_wrong_is_applied(server: RawServer, data: bytes) -> None:
    """Any 2xx says that a write was executed, also if what follows comes with it in one piece."""
    server.do(fails(saying(data), executes=True))
    async with opened(server) as account:
        outcome = await Call(RESTART.operation, account).outcome()

    assert ("applied", 1) == (outcome.result, server.executed("restart"))


async def test_a_page_with_garbage_behind_it_is_read_again(server: RawServer) -> None:
    """What is not HTTP makes a read fail, and its connection is not used again."""
    body = b'{"name": "web"}'
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    server.do(reads=[fails(_piece_by_piece(answer + b"GARBAGE\r\n\r\n"))])
    async with opened(server) as account:
        assert ["web"] * 2 == [(await account.perform(GET)).name for _ in range(2)]

    assert (3, 2) == (server.arrived("get"), server.connections)


@pytest.mark.parametrize(
    ("code", "result"), [(b"200 OK", "applied"), (b"404 None", "failed"), (b"409 No", "conflict")]
)
async def test_a_decided_answer_stays_decided_at_the_deadline(code: bytes, result: str) -> None:
    """What the status has said is not forgotten because the body outlasts the deadline."""
    stalling = _piece_by_piece(b"HTTP/1.1 " + code + b"\r\nContent-Length: 9\r\n\r\nabc")
    async with RawServer() as server, opened(server, deadline=0.3, timeouts=STALLING) as account:
        server.model.add("web")
        server.do(fails(stalling, executes=code.startswith(b"2")))
        began = time.perf_counter()
        outcome = await Call(RESTART.operation, account).outcome()

        assert (result, 0) == (outcome.result, account.usage.in_flight)
        assert time.perf_counter() - began < 1.0


async def test_a_caller_who_leaves_a_decided_answer_is_let_go(server: RawServer) -> None:
    """Only the deadline leaves what the status has decided: a cancellation is one."""
    server.do(fails(_piece_by_piece(HEAD + b"Content-Length: 9\r\n\r\nabc"), executes=True))
    async with opened(server, timeouts=STALLING) as account:
        call = asyncio.create_task(account.perform(RESTART.operation))
        await server.has_seen("restart")
        await asyncio.sleep(0.05)
        call.cancel()
        await asyncio.wait([call])

    assert call.cancelled()
