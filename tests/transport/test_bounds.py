"""What a server can make a client take in, and what it can make it tell."""

from __future__ import annotations

import asyncio
import gzip
import pickle
import threading
import traceback
import tracemalloc
import zlib
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from attrs import evolve

from tenx_async.api.operations import create_service, get_service, restart_service
from tenx_async.api.specs import ContainerSpec, ServiceSpec
from tenx_async.errors import (
    BadResponse,
    ConfigurationError,
    ConnectFailed,
    Disconnected,
    OutcomeUnknown,
    ResponseTooLarge,
    TenxError,
    TimedOut,
)
from tenx_async.transport.exchange import LARGEST_ERROR_BODY, LONG_BODY, Timeouts, explain
from tests.transport.conftest import TOKEN, opened
from tests.transport.rawserver import RawServer, Way, fails, head, saying, silently, status

MIB = 1 << 20
GET = get_service("beijing1", "web")
RESTART = restart_service("beijing1", "web")


def gibibyte_of_zeros() -> bytes:
    """About a mebibyte that becomes a gibibyte; nobody gets as far as the sum that it lacks."""
    packer = zlib.compressobj(9, wbits=-15)
    mebibyte = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + mebibyte * 1024 + packer.flush()


BOMB = gibibyte_of_zeros()


def large(**headers: Any) -> Way:
    """A body of 3 MiB."""
    return saying(head(200, headers) + b"x" * (3 * MIB))


def chunked() -> Way:
    chunk = b"%x\r\n%s\r\n" % (MIB, b"x" * MIB)
    return saying(head(200, {"Transfer-Encoding": "chunked"}) + chunk * 3 + b"0\r\n\r\n")


LARGE = {
    "with its length": large(**{"Content-Length": 3 * MIB}),
    "without": large(),
    "in chunks": chunked(),
}


@pytest.mark.parametrize("way", LARGE.values(), ids=LARGE)
async def test_a_reply_has_a_largest_size(server: RawServer, way: Way) -> None:
    """One that is larger is refused, once; a write was executed all the same."""
    server.do(fails(way), reads=[fails(way)])
    async with opened(server, largest_reply=MIB) as account:
        with pytest.raises(ResponseTooLarge, match=r"get web: .* larger than 1048576 bytes"):
            await account.perform(GET)
        assert 1 == server.arrived("get")
        await account.perform(RESTART)


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "without"])
async def test_a_bomb_goes_off_in_a_small_room(server: RawServer, announced: bool) -> None:
    """A gibibyte of zeros after decompression takes no more than the largest reply does."""
    length = {"Content-Length": len(BOMB)} if announced else {}
    way = saying(head(200, {"Content-Encoding": "gzip", **length}) + BOMB)
    server.do(fails(way), reads=[fails(way)])
    async with opened(server, largest_reply=MIB) as account:
        tracemalloc.start()
        with pytest.raises(ResponseTooLarge):
            await account.perform(GET)
        await account.perform(RESTART)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < 16 * MIB


async def test_the_body_of_an_error_is_cut(server: RawServer) -> None:
    """An error's body is kept to 64 KiB, whatever it becomes."""
    way = saying(head(400, {"Content-Encoding": "gzip"}) + BOMB)
    server.do(reads=[fails(way)])
    async with opened(server) as account:
        with pytest.raises(TenxError) as caught:
            await account.perform(GET)

    assert len(getattr(caught.value, "body", "")) <= LARGEST_ERROR_BODY
    assert len(str(caught.value)) < 1000


PASSWORD = "correct horse battery staple"
CREATE = create_service(
    "beijing1",
    "other",
    ServiceSpec(containers=[ContainerSpec(image="web:1", env={"PASSWORD": PASSWORD})]),
)
ECHO = f"you sent token {TOKEN} and {PASSWORD}".encode()

ECHOES = {
    "a refusal": status(400, ECHO),
    "a JSON refusal": status(400, b'{"message": "%s"}' % ECHO),
    "a failure": status(500, ECHO),
    "a redirect": status(307, Location=f"http://x/?{TOKEN}&{PASSWORD}"),
    "a result": status(200, ECHO),
    "a JSON result": status(200, b'{"services": {"%s": 1}}' % ECHO),
    "a reason": saying(b"HTTP/1.1 400 " + ECHO + b"\r\nContent-Length: 0\r\n\r\n"),
    "garbage": saying(b"HTTP/9.9 " + ECHO + b"\r\n\r\n"),
    "a bad header": saying(b"HTTP/1.1 200 OK\r\nX: \x00" + ECHO + b"\r\n\r\n"),
}


def told(error: BaseException) -> Iterator[str]:
    """All that an error shows of itself."""
    frozen = pickle.dumps(error)
    yield from (str(error), repr(error), str(error.args), frozen.decode("latin-1"))
    yield str(pickle.loads(frozen))
    yield "".join(traceback.format_exception(error))


@pytest.mark.parametrize("operation", [GET, CREATE], ids=["get", "create"])
@pytest.mark.parametrize("way", ECHOES.values(), ids=ECHOES)
async def test_no_error_tells_what_a_server_echoes(
    server: RawServer, way: Way, operation: Any
) -> None:
    """Neither the token nor a value of the environment is in any form of an error."""
    server.do(*repeat(fails(way), 5), reads=repeat(fails(way)))
    async with opened(server, deadline=10.0) as account:
        try:
            await account.perform(operation)
        except TenxError as error:
            shown = list(told(error))
        else:
            shown = []

    assert shown or operation is CREATE
    assert not [text for text in shown if TOKEN in text]
    assert operation is GET or not [text for text in shown if PASSWORD in text]


KEY = ConnectionKey(
    "h", 80, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)
NO_ROUTE = OSError(113, "No route to host")

FAILURES = [
    (aiohttp.ClientConnectorError(KEY, NO_ROUTE), ConnectFailed),
    (aiohttp.ClientConnectorDNSError(KEY, NO_ROUTE), ConnectFailed),
    (aiohttp.ClientConnectorSSLError(KEY, NO_ROUTE), ConnectFailed),
    (aiohttp.ClientConnectorCertificateError(KEY, ValueError("expired")), ConnectFailed),
    (aiohttp.ConnectionTimeoutError(), ConnectFailed),
    (aiohttp.SocketTimeoutError(), TimedOut),
    (aiohttp.ServerTimeoutError(), TimedOut),
    (TimeoutError(), TimedOut),
    (aiohttp.ServerDisconnectedError(), Disconnected),
    (aiohttp.ClientOSError(104, "Connection reset by peer"), Disconnected),
    (aiohttp.ClientConnectionResetError("Cannot write to closing transport"), Disconnected),
    (aiohttp.ClientConnectionError("Connection closed"), Disconnected),
    (aiohttp.ClientPayloadError(), Disconnected),
    (aiohttp.ClientError("?"), BadResponse),
]


@pytest.mark.parametrize(
    ("error", "kind"), FAILURES, ids=lambda value: getattr(value, "__name__", type(value).__name__)
)
def test_each_failure_of_aiohttp_has_its_meaning(error: Any, kind: type[TenxError]) -> None:
    """A failure is told in this package's terms."""
    assert kind is explain(error)[0]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [(GET, ConfigurationError), (RESTART, OutcomeUnknown)],
    ids=["read", "write"],
)
async def test_what_outlives_its_client_says_so(
    server: RawServer, operation: Any, kind: type[TenxError]
) -> None:
    """An operation whose client is closed before its end tells why it ends."""
    server.do(fails(silently), reads=repeat(fails(silently)))
    async with opened(server, timeouts=Timeouts()) as account:
        task = asyncio.create_task(account.perform(operation))
        await server.has_seen(operation.verb)
    with pytest.raises(kind, match="closed while"):
        await task
    with pytest.raises(ConfigurationError, match="not open"):
        await account.perform(operation)


@pytest.mark.parametrize(("size", "aside"), [(LONG_BODY, False), (LONG_BODY + 1, True)])
async def test_a_long_body_is_decoded_beside_the_loop(
    server: RawServer, size: int, aside: bool
) -> None:
    """What takes long to decode holds nobody up; what does not is done where it came."""
    server.do(reads=[fails(status(200, b"x" * size))])

    def read(body: bytes) -> Any:
        return len(body), threading.current_thread() is not threading.main_thread()

    async with opened(server) as account:
        operation: Any = evolve(GET, reader=read)
        assert (size, aside) == await account.perform(operation)
