from __future__ import annotations

import asyncio
import io

import pytest
from aiohttp import ClientSession

from tenx_async.local import LocalCloud

from .conftest import Caller, headers

SERVICES = "/v1/regions/beijing1/services"


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "eve"},
        {"username": ""},
        {"Authorization": "token other"},
        {"Authorization": "token"},
        {"Authorization": "Bearer {token}"},
        {"Authorization": "{token}"},
    ],
)
async def test_both_headers_must_fit(cloud: LocalCloud, wrong: dict[str, str]) -> None:
    """A request without the right user and token is refused, and nothing is done."""
    cloud.add_service("web")
    sent = headers(cloud) | {key: value.format(token=cloud.token) for key, value in wrong.items()}
    async with ClientSession(cloud.endpoint, headers=sent) as session:
        answer = await Caller(session)("DELETE", f"{SERVICES}/web")

    assert 401 == answer.status
    assert {"message"} == answer.json.keys()
    assert cloud.token not in answer.text
    assert [] == cloud.executions


@pytest.mark.parametrize("missing", ["username", "Authorization"])
async def test_no_header_may_be_missing(cloud: LocalCloud, missing: str) -> None:
    """A request without one of the headers is refused."""
    sent = {key: value for key, value in headers(cloud).items() if key != missing}
    async with ClientSession(cloud.endpoint, headers=sent) as session:
        assert 401 == (await Caller(session)("GET", SERVICES)).status


async def test_status_needs_no_token(cloud: LocalCloud) -> None:
    """Anybody may ask whether the cloud is well."""
    async with ClientSession(cloud.endpoint) as session:
        assert 200 == (await Caller(session)("GET", "/v1/status")).status


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/regions", "/v1/region", f"{SERVICES}/web/start/now", "/v1/auth/"]
)
async def test_an_unknown_path_is_not_found(call: Caller, path: str) -> None:
    """Other paths are answered with 404, as JSON."""
    answer = await call("GET", path)

    assert 404 == answer.status
    assert path in answer.json["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", SERVICES),
        ("PATCH", f"{SERVICES}/web"),
        ("POST", f"{SERVICES}/web/start"),
        ("GET", f"{SERVICES}/web/restart"),
        ("PUT", f"{SERVICES}/web/logs"),
        ("DELETE", "/v1/regions"),
    ],
)
async def test_another_method_is_not_allowed(call: Caller, method: str, path: str) -> None:
    """Known paths with other methods are answered with 405, as JSON."""
    answer = await call(method, path)

    assert 405 == answer.status
    assert method in answer.json["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/regions/us/services",
        "/v1/regions/us/services/web",
        f"{SERVICES}/other",
        f"{SERVICES}/other/logs",
        f"{SERVICES}/other/instances",
    ],
)
async def test_what_is_not_there_is_not_found(call: Caller, path: str) -> None:
    """An unknown region or service is answered with 404 and a reason."""
    answer = await call("GET", path)

    assert 404 == answer.status
    assert "there is no" in answer.json["message"]


@pytest.mark.parametrize(
    "path",
    [
        f"{SERVICES}/..",
        f"{SERVICES}/%2e%2e",
        f"{SERVICES}/.",
        f"{SERVICES}/",
        f"{SERVICES}//logs",
        f"{SERVICES}/Web",
        f"{SERVICES}/web-",
        f"{SERVICES}/web%2Fstop",
        f"{SERVICES}/web%00",
        f"{SERVICES}/{'a' * 64}",
        "/v1/regions/../services",
        "/v1/regions//services",
        "/v1/regions/a%20b/services",
        f"{SERVICES}/web/instances/../logs",
    ],
)
async def test_a_bad_name_addresses_nothing_else(cloud: LocalCloud, path: str) -> None:
    """A path is taken as it was sent; `..` never leads to another resource."""
    reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
    sent = "".join(f"{key}: {value}\r\n" for key, value in headers(cloud).items())
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{sent}\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert b"HTTP/1.1 400 " == answer[:13]
    assert b'{"message":"' in answer


async def test_requests_are_counted_by_operation(cloud: LocalCloud, call: Caller) -> None:
    """Every request counts, also those that are refused."""
    cloud.add_service("web")
    for method, path in (("GET", "web"), ("GET", "other"), ("PUT", "web/start"), ("PATCH", "web")):
        await call.service(method, path)

    assert {"get": 2, "start": 1, "unknown": 1} == cloud.requests_by_operation
    assert 4 == cloud.requests


async def test_who_asks_first_is_told_to_go_on(cloud: LocalCloud) -> None:
    """A body that is only sent when it is wanted, as curl sends a large one, is wanted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
    sent = {**headers(cloud), "Expect": "100-continue", "Content-Length": "2", "Host": "x"}
    lines = "".join(f"{key}: {value}\r\n" for key, value in sent.items())
    writer.write(f"POST {SERVICES}/web HTTP/1.1\r\n{lines}\r\n".encode())
    async with asyncio.timeout(5):
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == await reader.readuntil(b"\r\n\r\n")
        writer.write(b"{}")
        assert b"HTTP/1.1 400 Bad Request\r\n" == await reader.readline()
    writer.close()
    await writer.wait_closed()


@pytest.mark.filterwarnings("default")  # aiohttp logs what it could not unpack
async def test_a_body_that_cannot_be_unpacked_is_refused(call: Caller) -> None:
    """What is no gzip is the sender's fault, not the cloud's."""
    answer = await call.service(
        "POST", "web", data=b"{}", headers={"Content-Encoding": "gzip"}, compress=False
    )

    assert 400 == answer.status
    assert "cannot be read" in answer.json["message"]


async def test_a_body_over_a_mebibyte_is_refused(cloud: LocalCloud, call: Caller) -> None:
    """A body has a limit, and its refusal is JSON too."""
    answer = await call.service("POST", "web", data=io.BytesIO(b"x" * (2 << 20)))

    assert 413 == answer.status
    assert "message" in answer.json
