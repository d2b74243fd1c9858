"""What each answer, or the lack of one, means to a read and to a write that leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Any

import aiohttp
import pytest
from aiohttp.connector import Connection

from tenx_async.api.operations import create_service, get_service, restart_service, stop_service
from tenx_async.api.specs import ContainerSpec, ServiceSpec
from tenx_async.clock import SystemClock
from tenx_async.errors import (
    ApiError,
    BadResponse,
    Conflict,
    ConnectFailed,
    DeadlineExceeded,
    Disconnected,
    Forbidden,
    OutcomeUnknown,
    Redirected,
    ServerError,
    TenxError,
    TimedOut,
    WindowLimit,
    error_class,
)
from tenx_async.telemetry.events import Event, Retried
from tenx_async.transport.account import Account
from tenx_async.transport.connector import Connector
from tests.clock import ManualClock
from tests.transport.conftest import ALICE, TOKEN, opened
from tests.transport.rawserver import (
    HONEST,
    OK_HEAD,
    Act,
    Answer,
    RawServer,
    Way,
    Wire,
    dripping,
    fails,
    flooding,
    hanging_up,
    head,
    honestly,
    resetting,
    saying,
    silently,
    status,
)

GET = get_service("beijing1", "web")
RESTART = restart_service("beijing1", "web")
STOP = stop_service("beijing1", "web")
"""A write that nobody watches while it is under way."""
DONE = None

HALF_BODY = saying(OK_HEAD + b'100\r\n\r\n{"name": ')
HALF_CHUNK = saying(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"name": ')
BROKEN_GZIP = saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd")
HALF_HEAD = saying(b"HTTP/1.1 200 OK\r\nConte")
GARBAGE = saying(b"\x00\xff\r\n\r\n")
OTHER_PROTOCOL = saying(b"220 mail.example.com ESMTP\r\n")
CONTRADICTION = saying(OK_HEAD + b"3\r\nContent-Length: 4\r\n\r\nabcd")
ENDLESS_HEAD = saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000)
ONLY_CONTINUE = saying(b"HTTP/1.1 100 Continue\r\n\r\n")
SWITCHING = saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tea\r\n\r\n")
HTML = status(200, b"<html><body>Welcome to nginx!</body></html>")
NULL = status(200, b"null")


async def result_of(account: Account, operation: Any) -> type[TenxError] | None:
    """The error that an operation ends in, if it does."""
    try:
        await account.perform(operation)
    except TenxError as error:
        return type(error)
    return None


LOST = [
    # the way, what a read ends in, what a restart ends in
    pytest.param(hanging_up, Disconnected, OutcomeUnknown, id="close"),
    pytest.param(resetting, Disconnected, OutcomeUnknown, id="reset"),
    pytest.param(silently, TimedOut, OutcomeUnknown, id="stall"),
    pytest.param(HALF_HEAD, Disconnected, OutcomeUnknown, id="half a head"),
    pytest.param(HALF_BODY, Disconnected, DONE, id="half a body"),
    pytest.param(HALF_CHUNK, Disconnected, DONE, id="half a chunk"),
    pytest.param(BROKEN_GZIP, Disconnected, DONE, id="broken gzip"),
    pytest.param(GARBAGE, BadResponse, OutcomeUnknown, id="garbage"),
    pytest.param(OTHER_PROTOCOL, BadResponse, OutcomeUnknown, id="another protocol"),
    pytest.param(CONTRADICTION, BadResponse, OutcomeUnknown, id="two lengths"),
    pytest.param(ENDLESS_HEAD, BadResponse, OutcomeUnknown, id="a head without end"),
    pytest.param(ONLY_CONTINUE, Disconnected, OutcomeUnknown, id="100 and no more"),
    pytest.param(SWITCHING, ApiError, OutcomeUnknown, id="101"),
    pytest.param(HTML, BadResponse, DONE, id="HTML"),
    pytest.param(NULL, BadResponse, DONE, id="null"),
    pytest.param(status(204), BadResponse, DONE, id="204"),
    pytest.param(status(408), ApiError, OutcomeUnknown, id="408"),
    pytest.param(status(500), ServerError, OutcomeUnknown, id="500"),
    pytest.param(status(502, b"<html>Bad gateway"), ServerError, OutcomeUnknown, id="502 HTML"),
    pytest.param(status(503), ServerError, OutcomeUnknown, id="503"),
    pytest.param(status(503, Retry_After="soon"), ServerError, OutcomeUnknown, id="503 nonsense"),
    pytest.param(status(503, Retry_After="-1"), ServerError, OutcomeUnknown, id="503 negative"),
    pytest.param(status(503, Retry_After="nan"), ServerError, OutcomeUnknown, id="503 nan"),
    pytest.param(status(504), ServerError, OutcomeUnknown, id="504"),
    pytest.param(status(599), ServerError, OutcomeUnknown, id="599"),
]


@pytest.mark.parametrize("executes", [True, False], ids=["executed", "not executed"])
@pytest.mark.parametrize(("way", "read", "write"), LOST)
async def test_an_answer_that_is_lost(
    server: RawServer, way: Way, read: type[TenxError], write: type[TenxError] | None, executes
) -> None:
    """A read is tried five times; a restart is sent once, and never said to be undone."""
    async with opened(server) as account:
        server.reads = repeat(fails(way))
        assert read is await result_of(account, GET)
        assert 5 == server.arrived("get")

    async with opened(server) as account:
        server.do(*repeat(fails(way, executes=executes), 9))
        assert write is await result_of(account, RESTART)
        assert executes == server.executed("restart")
        assert 1 == server.arrived("restart")


REDIRECTS = [300, 301, 302, 303, 307, 308]
REFUSALS = [*range(400, 406), 409, 410, 412, 413, 418, 422, 451]


@pytest.mark.parametrize("pause", [{}, {"Retry_After": 1}], ids=["", "Retry-After"])
@pytest.mark.parametrize("code", REDIRECTS + REFUSALS)
async def test_a_refusal_is_final(server: RawServer, code: int, pause: dict[str, Any]) -> None:
    """A refusal ends a read and a write at once, and nothing was executed."""
    act = fails(status(code, b'{"message": "no"}', **pause))
    async with opened(server) as account:
        server.do(act, reads=[act])
        assert error_class(code) is await result_of(account, GET)
        assert error_class(code) is await result_of(account, RESTART)

    assert (1, 1, 0) == (
        server.arrived("get"),
        server.arrived("restart"),
        server.executed("restart"),
    )


@pytest.mark.parametrize("code", [400, 500])
async def test_the_log_window_ends_without_another_try(server: RawServer, code: int) -> None:
    """A window that is too large stays too large."""
    server.do(reads=repeat(fails(status(code, b"Result window is too large, from + size"))))
    async with opened(server) as account:
        assert WindowLimit is await result_of(account, GET)

    assert 1 == server.arrived("get")


NOON_PLUS_7 = "Tue, 29 Dec 2015 12:00:07 GMT"
BLIND = (0.0, 1.0)

REJECTED = [
    # the way, the pause that follows: from, to
    pytest.param(status(429), BLIND, id="429"),
    pytest.param(status(429, Retry_After=7), (7, 7.7), id="429, seconds"),
    pytest.param(status(429, Retry_After=NOON_PLUS_7), (7, 7.7), id="429, date"),
    pytest.param(status(429, Retry_After="0.25"), (0.25, 0.275), id="429, fraction"),
    pytest.param(status(429, Retry_After="soon"), BLIND, id="429, nonsense"),
    pytest.param(status(429, Retry_After="-3"), BLIND, id="429, negative"),
    pytest.param(status(429, Retry_After="inf"), BLIND, id="429, infinity"),
    pytest.param(status(429, Retry_After=10**9), (120, 132), id="429, 10^9"),
    pytest.param(status(503, Retry_After=7), (7, 7.7), id="503, seconds"),
    pytest.param(status(503, Retry_After=NOON_PLUS_7), (7, 7.7), id="503, date"),
    pytest.param(status(503, Retry_After=10**9), (120, 132), id="503, 10^9"),
]


@pytest.mark.parametrize("operation", [GET, STOP], ids=["read", "write"])
@pytest.mark.parametrize(("way", "pause"), REJECTED)
async def test_a_rejection_is_waited_out(
    clock: ManualClock, server: RawServer, way: Way, pause: tuple[float, float], operation
) -> None:
    """The server did nothing: after the pause it asked for, it is asked again."""
    act = fails(way)
    server.do(act, reads=[act])
    async with opened(server, deadline=1000.0) as account:
        await account.perform(operation)

    assert 2 == server.arrived(operation.verb)
    assert operation.is_write == server.executed("stop")
    assert pause[0] <= clock.monotonic() <= pause[1] + 2.0  # at least one call in two seconds


@pytest.mark.parametrize("operation", [GET, STOP], ids=["read", "write"])
@pytest.mark.parametrize(
    "pause", [{}, {"Retry_After": 0}, {"Retry_After": 5}, {"Retry_After": 10**9}], ids=str
)
async def test_rejections_without_end_are_bounded_by_the_deadline(
    clock: ManualClock, server: RawServer, pause: dict[str, Any], operation
) -> None:
    """Rejections are no attempts; only time ends them, and it is not overrun."""
    act = fails(status(429, **pause))
    server.do(*repeat(act, 1000), reads=repeat(act))
    async with opened(server, deadline=60.0) as account:
        assert DeadlineExceeded is await result_of(account, operation)

    assert clock.monotonic() <= 60.0
    assert 0 == server.executed("stop")
    assert server.arrived(operation.verb) <= 60


@pytest.mark.parametrize(("operation", "times"), [(GET, 5), (STOP, 3)], ids=["read", "write"])
async def test_a_refused_connection_is_tried_again(
    clock: ManualClock, operation, times: int
) -> None:
    """Nobody listens: nothing was sent, so any operation has all its attempts."""
    heard: list[Event] = []
    async with (
        RawServer(clock, listens=False) as server,
        opened(server, emit=heard.append) as account,
    ):
        assert ConnectFailed is await result_of(account, operation)
        assert 0 == account.usage.calls_today

    assert times - 1 == sum(isinstance(event, Retried) for event in heard)


@pytest.mark.parametrize("operation", [GET, RESTART], ids=["read", "write"])
async def test_a_server_that_comes_up_is_reached(operation) -> None:
    """What was refused a connection is sent as soon as there is one, and executed once."""
    async with RawServer(listens=False) as server, opened(server) as account:
        server.model.add("web")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(account.perform(operation))
            await asyncio.sleep(0)
            await server.listen()

    assert 1 == server.arrived(operation.verb)
    assert operation.is_write == server.executed("restart")


@pytest.mark.parametrize("endpoint", ["https://127.0.0.1:{port}", "http://nowhere.invalid:{port}"])
async def test_no_tls_and_no_name_is_not_sent(server: RawServer, endpoint: str) -> None:
    """TLS that fails and a name that nobody knows leave a write unsent."""
    server.doors = repeat(saying(b"no TLS here\r\n"))
    port = server.endpoint.rpartition(":")[2]
    account = Account(
        endpoint=endpoint.format(port=port), credentials=ALICE, clock=server.clock
    ).open()
    assert ConnectFailed is await result_of(account, STOP)
    await account.close()

    assert [] == server.requests


class _FailingFirst(Connector):
    """Fails to connect, once."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self._failures = [failure]

    async def connect(self, *args: Any, **more: Any) -> Connection:
        if self._failures:
            raise self._failures.pop()
        return await super().connect(*args, **more)


BEFORE_SENDING = [
    aiohttp.ClientOSError(104, "Connection reset by peer"),
    aiohttp.ServerDisconnectedError(),
    aiohttp.ServerTimeoutError(),
    aiohttp.ClientConnectionError("Connector is closed"),
    aiohttp.ClientPayloadError(),
    TimeoutError(),
]


@pytest.mark.parametrize("failure", BEFORE_SENDING, ids=lambda failure: type(failure).__name__)
async def test_what_fails_before_the_head_left_is_not_sent(
    server: RawServer, failure: Exception
) -> None:
    """Whatever it is called: as long as no byte has left, even a restart is sent again."""
    async with (
        _FailingFirst(failure) as connector,
        opened(server, connector=connector) as account,
    ):
        await account.perform(RESTART)

    assert (1, 1) == (server.arrived("restart"), server.executed("restart"))


@pytest.mark.parametrize("door", [hanging_up, resetting, silently], ids=["close", "reset", "stall"])
async def test_a_connection_that_is_closed_before_anything_is_read(
    server: RawServer, door: Way
) -> None:
    """A read goes on; a write may have been read, so it is not sent again."""
    server.doors = iter([door])
    async with opened(server) as account:
        assert "web" == (await account.perform(GET)).name

    server.doors = iter([door])
    async with opened(server) as account:
        assert OutcomeUnknown is await result_of(account, RESTART)

    assert 0 == server.arrived("restart")


@asynccontextmanager
async def closing_on_the_second_request(clock: ManualClock) -> AsyncIterator[RawServer]:
    """A server that executes a write that comes over a kept connection, and hangs up."""
    async with RawServer(clock) as server:
        server.model.add("web")
        server.do(Act(way=hanging_up), Act(way=honestly))
        yield server


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
async def test_plain_aiohttp_sends_a_write_again_behind_the_callers_back(
    clock: ManualClock, verb: str
) -> None:
    """The reason for `_retry_connection = False`; if this fails, aiohttp has changed."""
    async with (
        closing_on_the_second_request(clock) as server,
        aiohttp.ClientSession(server.endpoint) as session,
    ):
        path = "/v1/regions/beijing1/services/web"
        async with session.get(path) as answer:
            await answer.read()
        async with session.request(verb, path, data=b"{}" if verb == "PUT" else None) as answer:
            await answer.read()

        assert 2 == sum(request.method == verb for request in server.requests)


async def test_a_restart_over_a_kept_connection_is_sent_once(clock: ManualClock) -> None:
    """A connection that is closed instead of an answer is no reason to send it twice."""
    async with closing_on_the_second_request(clock) as server, opened(server) as account:
        await account.perform(GET)
        assert OutcomeUnknown is await result_of(account, RESTART)

        assert (1, 1) == (server.arrived("restart"), server.executed("restart"))


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_leads_nowhere(
    clock: ManualClock, server: RawServer, code: int
) -> None:
    """Another server sees neither the request nor the credentials."""
    async with RawServer(clock) as elsewhere, opened(server) as account:
        act = fails(status(code, Location=f"{elsewhere.endpoint}/?echo={TOKEN}"))
        server.do(act, reads=[act])
        for operation in (GET, RESTART):
            with pytest.raises(Redirected, match="redirects are refused") as caught:
                await account.perform(operation)
            assert TOKEN not in str(caught.value)

        assert 0 == elsewhere.connections


async def test_an_answer_that_nobody_asked_for_is_nobodys(server: RawServer) -> None:
    """A second answer to one request is not taken for the answer to the next one."""

    async def twice(wire, answer) -> None:
        await honestly(wire, answer)
        await asyncio.sleep(0.01)
        await wire.send(head(200, {"Content-Length": 17}) + b'{"name": "stale"}')

    server.model.add("db")
    server.do(fails(status(409)), reads=[fails(twice), fails(twice)])
    async with opened(server) as account:
        await account.perform(GET)
        await asyncio.sleep(0.03)
        assert "db" == (await account.perform(get_service("beijing1", "db"))).name
        await asyncio.sleep(0.03)
        assert Conflict is await result_of(account, RESTART)


@pytest.mark.parametrize("executes", [True, False], ids=["executed", "refused"])
async def test_a_decided_write_does_not_wait_for_a_dripping_body(
    clock: ManualClock, server: RawServer, executes: bool
) -> None:
    """The status decides; a body that comes a byte at a time is not waited for to its end."""
    code = b"200 OK" if executes else b"403 Forbidden"

    async def way(wire, answer) -> None:
        await wire.send(b"HTTP/1.1 " + code + b"\r\nContent-Length: 100000\r\n\r\n")
        await dripping(b"x")(wire, answer)

    server.do(fails(way, executes=executes))
    async with opened(server, deadline=1.0) as account:
        assert (DONE if executes else Forbidden) is await result_of(account, RESTART)


ENDLESS = {
    "drip": dripping(b"HTTP/1.1 200 OK\r\nX: a"),
    "flood of 100": flooding(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "flood of empty lines": flooding(b"\r\n"),
}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [(GET, DeadlineExceeded), (RESTART, OutcomeUnknown)],
    ids=["read", "write"],
)
@pytest.mark.parametrize("way", ENDLESS.values(), ids=ENDLESS)
async def test_an_answer_without_end_ends_with_the_deadline(
    server: RawServer, way: Way, operation: Any, kind: type[TenxError]
) -> None:
    """Each byte comes in time, the answer does not; until its status is read, nobody knows."""
    server.do(fails(way), reads=repeat(fails(way)))
    async with opened(server, SystemClock(), deadline=0.2) as account:
        assert kind is await result_of(account, operation)


async def test_a_server_that_does_not_read_is_given_up(server: RawServer) -> None:
    """A large request that stays on its way ends with its deadline, and was not executed."""
    server.doors = iter([stopping_to_read])
    environment = {f"KEY_{number}": "x" * 1000 for number in range(900)}
    spec = ServiceSpec(containers=[ContainerSpec(image="web:1", env=environment)])
    async with opened(server, SystemClock(), deadline=0.3) as account:
        assert OutcomeUnknown is await result_of(account, create_service("beijing1", "db", spec))

    assert [] == server.requests


async def stopping_to_read(wire: Wire, _: Answer) -> None:
    """Keep the connection, and leave what comes where it is."""
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's can
    await asyncio.Event().wait()


async def test_each_request_says_who_calls_and_nothing_else(server: RawServer) -> None:
    """The credentials go with every request; a cookie that a server sets is not kept."""
    server.do(HONEST, reads=[fails(status(404, Set_Cookie="session=1; Path=/"))])
    async with opened(server) as account:
        for operation in (GET, RESTART, GET):
            await result_of(account, operation)

    for request in server.requests:
        assert ("alice", f"token {TOKEN}") == (
            request.headers["username"],
            request.headers["authorization"],
        )
        assert "cookie" not in request.headers
