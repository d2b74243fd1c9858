from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession

from tenx_async.local import Fault, LocalCloud, Quirks
from tenx_async.local.faults import Faults

from .conftest import Caller, headers, until

SERVICES = "/v1/regions/beijing1/services"


async def outcome(call: Caller, method: str = "PUT", path: str = "web/restart") -> Any:
    """The status of an answer, or the error that came instead."""
    try:
        answer = await call.service(method, path)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return type(error)
    return answer.status


def caller(cloud: LocalCloud, **options: Any) -> ClientSession:
    """A session that never sends a request twice by itself."""
    session = ClientSession(cloud.endpoint, headers=headers(cloud), **options)
    session._retry_connection = False
    return session


@pytest.fixture
async def call(cloud: LocalCloud) -> Any:
    async with caller(cloud, timeout=aiohttp.ClientTimeout(total=None, sock_read=0.2)) as session:
        yield Caller(session)


TABLE: list[tuple[Fault, Any, int]] = [
    (Fault("latency"), 200, 1),
    (Fault("throttle"), 429, 0),
    (Fault("error"), 500, 0),
    (Fault("error", status=503), 503, 0),
    (Fault("error", after=True), 500, 1),
    (Fault("html"), 502, 0),
    (Fault("html", status=504, after=True), 504, 1),
    (Fault("close"), aiohttp.ServerDisconnectedError, 0),
    (Fault("close", after=True), aiohttp.ServerDisconnectedError, 1),
    (Fault("reset"), aiohttp.ClientOSError, 0),
    (Fault("reset", after=True), aiohttp.ClientOSError, 1),
    (Fault("stall"), aiohttp.SocketTimeoutError, 0),
    (Fault("stall", after=True), aiohttp.SocketTimeoutError, 1),
    (Fault("truncate"), aiohttp.ClientPayloadError, 1),
    (Fault("garbage"), UnicodeDecodeError, 1),
]


@pytest.mark.parametrize(
    ("fault", "expected", "executed"),
    TABLE,
    ids=[f"{f.kind}{' after' * f.after}-{f.status}" for f, _, _ in TABLE],
)
async def test_a_fault_does_what_it_says(
    cloud: LocalCloud, call: Caller, fault: Fault, expected: Any, executed: int
) -> None:
    """Each kind shows on the wire, and either carries the operation out or does not."""
    cloud.add_service("web")
    cloud.faults = [fault]

    assert expected == await outcome(call)
    assert executed == cloud.executed("restart", "web")


async def test_a_request_after_a_fault_is_served(cloud: LocalCloud, call: Caller) -> None:
    """A fault that struck as often as it may is over, whatever it did to the connection."""
    cloud.add_service("web")
    for fault, _, _ in TABLE:
        cloud.faults = [Fault(fault.kind, after=fault.after, times=1)]
        seen = [await outcome(call, "GET", "web") for _ in range(2)]
        assert 200 == seen[1], fault


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_truncated_answer_has_begun(cloud: LocalCloud, call: Caller, method: str) -> None:
    """Its status is there and half of its body, of an empty one too."""
    cloud.add_service("web")
    cloud.faults = [Fault("truncate")]
    path = f"{SERVICES}/web" if method == "GET" else f"{SERVICES}/web/restart"

    async with call.session.request(method, path) as response:
        begun = await response.content.readany()
        assert 200 == response.status
        assert len(begun) == (response.content_length or 0) // 2
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_throttled_call_is_told_when_to_come_again(cloud: LocalCloud, call: Caller) -> None:
    """Retry-After is sent with what has one."""
    cloud.faults = [
        Fault("throttle", retry_after=7, operations=("list",)),
        Fault("error", status=503, retry_after=1.5, operations=("regions",)),
        Fault("throttle", retry_after=86_400_000, operations=("auth",)),
        Fault("throttle"),
    ]
    paths = (SERVICES, "/v1/regions", "/v1/auth", "/v1/status")

    answers = [await call("GET", path) for path in paths]

    assert [429, 503, 429, 429] == [answer.status for answer in answers]
    assert ["7", "1.5", "86400000", None] == [
        answer.headers.get("Retry-After") for answer in answers
    ]


async def test_a_faults_answer_is_worded_as_any_error(cloud: LocalCloud, call: Caller) -> None:
    """A quirk of error bodies holds here too, but a proxy's page is a proxy's page."""
    cloud.quirks = Quirks(error_body="error")
    cloud.faults = [Fault("html", operations=("list",)), Fault("error")]

    page, error = await call("GET", SERVICES), await call("GET", "/v1/regions")

    assert ("text/html", True) == (page.content_type, "<h1>502 Bad Gateway</h1>" in page.text)
    assert {"error": "Internal Server Error", "details": "something broke"} == error.json


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "flood"}, {"kind": "error", "operations": ("lst",)}, {"kind": "reset", "times": -1}],
)
def test_a_fault_that_could_never_strike_is_refused(wrong: Any) -> None:
    """A slip in its name is not a test that passes."""
    with pytest.raises(ValueError):
        Fault(**wrong)


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Fault("error"), {"list", "get", "restart", "logs"}),
        (Fault("error", operations=("restart", "logs")), {"restart", "logs"}),
        (Fault("error", path="*/services/*"), {"get", "restart", "logs"}),
        (Fault("error", path="*/web", operations=("get", "list")), {"get"}),
        (Fault("error", rate=0), set()),
        (Fault("error", times=0), set()),
    ],
)
async def test_a_fault_strikes_where_it_is_told_to(
    cloud: LocalCloud, call: Caller, fault: Fault, struck: set[str]
) -> None:
    """By operation and by a glob on the path; others are let alone."""
    cloud.add_service("web")
    cloud.faults = [fault]
    requests = {
        "list": ("GET", SERVICES),
        "get": ("GET", f"{SERVICES}/web"),
        "restart": ("PUT", f"{SERVICES}/web/restart"),
        "logs": ("GET", f"{SERVICES}/web/logs"),
    }

    seen = {name: (await call(*request)).status for name, request in requests.items()}

    assert struck == {name for name, status in seen.items() if status == 500}


def strikes(faults: Faults, count: int = 1000) -> list[bool]:
    return [faults.strike("get", "/").fault is not None for _ in range(count)]


def test_a_rate_is_kept_and_a_seed_repeats() -> None:
    """The same seed strikes the same requests of a sequence, another one others."""
    faults = [Fault("error", rate=0.1)]

    first = strikes(Faults(faults, seed=1))

    assert 70 < sum(first) < 130
    assert first == strikes(Faults(faults, seed=1))
    assert first != strikes(Faults(faults, seed=2))


def test_a_fault_does_not_disturb_the_chances_of_another() -> None:
    """Each draws its own lots; the first that strikes is the one that shows."""
    rare, other = Fault("reset", rate=0.1), Fault("error", rate=0.5)
    alone = strikes(Faults([rare]))

    both = Faults([rare, other])

    assert alone == [
        (fault := both.strike("get", "/").fault) is not None and fault.kind == "reset"
        for _ in range(1000)
    ]


def test_latency_has_a_floor_a_jitter_and_spikes() -> None:
    """One answer in a hundred is very late."""
    faults = Faults([Fault("latency", seconds=0.1, jitter=0.05, spike=2)])

    delays = sorted(faults.strike("get", "/").delay for _ in range(10_000))

    assert 0.1 <= delays[0] < 0.101
    assert 0.149 < delays[9_800] <= 0.15
    assert 60 < sum(delay > 2 for delay in delays) < 140


async def test_latency_and_a_failure_strike_together(cloud: LocalCloud, call: Caller) -> None:
    """A late answer may be an error as well; latency is real time."""
    cloud.faults = [Fault("latency", seconds=0.1), Fault("error")]
    before = time.monotonic()

    assert 500 == await outcome(call, "GET", "web")
    assert time.monotonic() - before >= 0.1


async def test_a_stop_does_not_wait_for_the_stalled() -> None:
    """A stalled connection ends with the cloud, at once."""
    async with LocalCloud(faults=[Fault("stall")]) as cloud, caller(cloud) as session:
        waiting = asyncio.create_task(outcome(Caller(session), "GET", "web"))
        await until(lambda: cloud.requests)
        before = time.monotonic()
        await cloud.stop()

        assert time.monotonic() - before < 0.5
        assert aiohttp.ServerDisconnectedError == await waiting


async def test_faults_are_switched_over_the_control_endpoint(
    cloud: LocalCloud, call: Caller
) -> None:
    """They are set, counted and taken away; the control endpoint itself is never struck."""
    asked = {"faults": [{"kind": "error", "rate": 0.5, "operations": ["list"]}], "seed": 7}
    assert 200 == (await call("PUT", "/_control/faults", json=asked)).status
    assert (Fault("error", rate=0.5, operations=("list",)),) == cloud.faults
    statuses = Counter([(await call("GET", SERVICES)).status for _ in range(40)])

    shown = (await call("GET", "/_control/faults")).json

    assert {200, 500} == statuses.keys()
    assert (7, statuses[500]) == (shown["seed"], *shown["struck"])
    assert 200 == (await call("PUT", "/_control/faults", json=shown)).status
    assert {"faults": []} | {"seed": 0, "struck": []} == (
        await call("PUT", "/_control/faults", json={"faults": []})
    ).json


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"faults": {}},
        {"faults": [{}]},
        {"faults": [{"kind": "flood"}]},
        {"faults": [{"kind": "error", "rate": 2}]},
        {"faults": [{"kind": "error", "chance": 1}]},
        {"faults": [{"kind": "error", "operations": ["restrat"]}]},
        {"faults": [{"kind": "error", "status": 7}]},
        {"faults": [{"kind": "throttle", "retry_after": -1}]},
        {"faults": [], "seed": "x"},
    ],
)
async def test_wrong_faults_are_refused(
    cloud: LocalCloud, call: Caller, wrong: dict[str, Any]
) -> None:
    """What is no fault changes nothing."""
    answer = await call("PUT", "/_control/faults", json=wrong)

    assert 400 == answer.status
    assert "faults" in answer.json["message"]
    assert () == cloud.faults
