"""What is asked of the server, and how its answers are read."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from tenx_async import BadResponse, ContainerSpec, InvalidName, LogEntry, ServiceSpec, ServiceUpdate
from tenx_async.api import operations
from tenx_async.api.operations import Operation, Repeat
from tenx_async.api.specs import MemoryKey

DAY = dt.date(2015, 12, 29)
SERVICES = "/v1/regions/beijing1/services"
SPEC = ServiceSpec(containers=[ContainerSpec(image="nginx", env={"PASS": "hunter22"})])
SPEC_SENT = {
    "target_instance_size": 1,
    "containers": [{"image": "nginx", "env": [{"name": "PASS", "value": "hunter22"}]}],
}
LIMITS = {"limits": {"memory": "1024Mi"}}

FREELY, IF_UNDONE, NEVER = Repeat.FREELY, Repeat.IF_UNDONE, Repeat.NEVER

Request = tuple[str, str, Any]
"""Method, target and decoded body."""


def updating(update: ServiceUpdate, memory_key: MemoryKey = "resource") -> Operation[None]:
    """An update of one service."""
    return operations.update_service("beijing1", "web", update, memory_key=memory_key)


MORE = ServiceUpdate(memory="1Gi")

WRITES: list[tuple[Operation[Any], Request, Repeat]] = [
    (
        operations.create_service("beijing1", "web", SPEC),
        ("POST", f"{SERVICES}/web", SPEC_SENT),
        IF_UNDONE,
    ),
    (
        updating(ServiceUpdate(target_instance_size=0)),
        ("PUT", f"{SERVICES}/web", {"target_instance_size": 0}),
        IF_UNDONE,
    ),
    (
        updating(ServiceUpdate(binding_domain_name=[])),
        ("PUT", f"{SERVICES}/web", {"binding_domain_name": []}),
        IF_UNDONE,
    ),
    (
        updating(MORE),
        ("PUT", f"{SERVICES}/web", {"containers": [{"resource": LIMITS}]}),
        IF_UNDONE,
    ),
    (
        updating(MORE, "resources"),
        ("PUT", f"{SERVICES}/web", {"containers": [{"resources": LIMITS}]}),
        IF_UNDONE,
    ),
    (
        updating(MORE, "both"),
        ("PUT", f"{SERVICES}/web", {"containers": [{"resource": LIMITS, "resources": LIMITS}]}),
        IF_UNDONE,
    ),
    (
        operations.delete_service("beijing1", "web"),
        ("DELETE", f"{SERVICES}/web", None),
        IF_UNDONE,
    ),
    (
        operations.start_service("beijing1", "web"),
        ("PUT", f"{SERVICES}/web/start", None),
        IF_UNDONE,
    ),
    (
        operations.stop_service("beijing1", "web"),
        ("PUT", f"{SERVICES}/web/stop", None),
        IF_UNDONE,
    ),
    (
        operations.restart_service("beijing1", "web"),
        ("PUT", f"{SERVICES}/web/restart", None),
        NEVER,
    ),
]

READS: list[tuple[Operation[Any], str, str]] = [
    (operations.list_services("beijing1"), SERVICES, "list"),
    (operations.get_service("beijing1", "web"), f"{SERVICES}/web", "get web"),
    (
        operations.read_logs("beijing1", "web", date=DAY, from_=0, size=100),
        f"{SERVICES}/web/logs?date=2015.12.29&from=0&size=100",
        "logs web",
    ),
    (
        operations.list_instances("beijing1", "web"),
        f"{SERVICES}/web/instances",
        "instances web",
    ),
    (
        operations.read_instance_logs("beijing1", "web", "web-1", date=DAY, from_=5, size=1),
        f"{SERVICES}/web/instances/web-1/logs?date=2015.12.29&from=5&size=1",
        "instance logs web",
    ),
    (operations.list_regions(), "/v1/regions", "regions"),
    (operations.get_identity(), "/v1/auth", "auth"),
    (operations.get_status(), "/v1/status", "status"),
]


@pytest.mark.parametrize(("operation", "request_", "repeat"), WRITES)
def test_a_write_is_its_request(
    operation: Operation[Any], request_: Request, repeat: Repeat
) -> None:
    """Each write has its method, path and body, and is as safe to repeat as it is."""
    body = None if operation.body is None else json.loads(operation.body)

    assert request_ == (operation.method, operation.target, body)
    assert repeat is operation.repeat
    assert operation.is_write
    assert f"{operation.verb} web" == str(operation)


@pytest.mark.parametrize(("operation", "target", "shown"), READS)
def test_a_read_is_its_path(operation: Operation[Any], target: str, shown: str) -> None:
    """Each read is a GET without a body, and can be repeated freely."""
    assert ("GET", target, None) == (operation.method, operation.target, operation.body)
    assert (FREELY, False) == (operation.repeat, operation.is_write)
    assert shown == str(operation)


@pytest.mark.parametrize(
    ("region", "shown"),
    [
        ("us", "us"),
        ("US_West.2", "US_West.2"),
        ("北京1", "%E5%8C%97%E4%BA%AC1"),
        ("a&b=c;d+e", "a%26b%3Dc%3Bd%2Be"),
        ("a:b@c", "a%3Ab%40c"),
    ],
)
def test_a_region_is_percent_encoded(region: str, shown: str) -> None:
    """A region that is not plain letters still is one part of the path."""
    assert f"/v1/regions/{shown}/services/web" == operations.get_service(region, "web").target


@pytest.mark.parametrize("bad", ["..", "", "a/b", "web?x", "Web"])
def test_no_operation_takes_a_name_that_is_none(bad: str) -> None:
    """Names are refused when the operation is made, before anything is sent."""
    for make in (
        operations.get_service,
        operations.delete_service,
        operations.start_service,
        operations.stop_service,
        operations.restart_service,
        operations.list_instances,
    ):
        with pytest.raises(InvalidName):
            make("beijing1", bad)
    with pytest.raises(InvalidName):
        operations.create_service("beijing1", bad, SPEC)
    with pytest.raises(InvalidName):
        operations.update_service("beijing1", bad, ServiceUpdate(memory=512))
    with pytest.raises(InvalidName):
        operations.read_logs("beijing1", bad, date=DAY, from_=0, size=1)


@pytest.mark.parametrize("bad", ["..", "", "a/b", "us?x"])
def test_no_operation_takes_a_region_or_instance_that_is_none(bad: str) -> None:
    """Regions and instances are refused as services are."""
    with pytest.raises(InvalidName):
        operations.list_services(bad)
    with pytest.raises(InvalidName):
        operations.get_service(bad, "web")
    with pytest.raises(InvalidName):
        operations.read_instance_logs("us", "web", bad, date=DAY, from_=0, size=1)


@pytest.mark.parametrize(("from_", "size"), [(-1, 1), (0, 0), (0, -1)])
def test_a_page_has_a_beginning_and_a_size(from_: int, size: int) -> None:
    """A page before the beginning, or of nothing, is not asked for."""
    with pytest.raises(ValueError, match="a page begins at 0 or later"):
        operations.read_logs("us", "web", date=DAY, from_=from_, size=size)


LISTINGS: list[tuple[object, list[str]]] = [
    ({"region": "us", "services": [{"name": "a"}, {"name": "b"}]}, ["a", "b"]),
    ({"services": [{"name": "a"}]}, ["a"]),
    ({"region": None, "services": [{"name": "a"}]}, ["a"]),
    ({"region": "US (West)", "services": [{"name": "a"}]}, ["a"]),
    ({"region": "us", "services": []}, []),
    ({"region": "us", "services": None}, []),
    ([{"region": "us", "services": [{"name": "a"}]}], ["a"]),
    (
        [
            {"region": "eu", "services": [{"name": "x"}]},
            {"region": "us", "services": [{"name": "a"}]},
        ],
        ["a"],
    ),
    ([{"services": [{"name": "a"}]}, {"region": None, "services": [{"name": "b"}]}], ["a", "b"]),
    ([{"region": "us", "services": None}], []),
    ([], []),
]


@pytest.mark.parametrize(("listing", "expected"), LISTINGS)
def test_both_envelopes_of_a_list_are_read(listing: object, expected: list[str]) -> None:
    """The documented object holds the region that was asked for; older arrays hold several."""
    services = operations.list_services("us").read(json.dumps(listing).encode())

    assert expected == [service.name for service in services]
    assert {"us"} >= {service.region for service in services}


@pytest.mark.parametrize(
    ("raw", "region"), [({}, "us"), ({"region": None}, "us"), ({"region": "eu"}, "eu")]
)
def test_a_service_knows_its_region(raw: dict[str, Any], region: str) -> None:
    """A service that does not say where it is is where it was asked for."""
    body = json.dumps({"name": "a", **raw}).encode()

    assert region == operations.get_service("us", "a").read(body).region


BROKEN: list[tuple[Operation[Any], bytes, str]] = [
    (operations.list_services("us"), b"", "Expecting value"),
    (operations.list_services("us"), b"<html>", "Expecting value"),
    (operations.list_services("us"), b"null", "expected an object with `services`"),
    (operations.list_services("us"), b"{}", "expected an object with `services`"),
    (operations.list_services("us"), b"[5]", "expected an object with `services`"),
    (operations.list_services("us"), b'{"services": 5}', "expected a list, got int"),
    (operations.list_services("us"), b'{"services": [{}]}', "`name` is missing @ Service.name"),
    (operations.list_services("us"), b"[" * 50_000, "nested too deep"),
    (operations.get_service("us", "a"), b"\xff", "Expecting value"),
    (operations.get_service("us", "a"), b'{"name": "a",}', "property name"),
    (operations.get_service("us", "a"), b'{"name": NaN}', "NaN is not JSON"),
    (
        operations.get_service("us", "a"),
        b'{"name": "a", "status": "Running", "uid": "5b", "containers": [{"env": [{"value": 1}]}]}',
        "`name` is missing @ Service.containers[0].env[0].name",
    ),
    (operations.list_instances("us", "a"), b"{}", "expected a list, got dict"),
    (operations.list_instances("us", "a"), b"[{}]", "`name` is missing @ Instance.name"),
    (operations.list_regions(), b"null", "expected an object with `regions`"),
    (operations.list_regions(), b"[]", "expected an object with `regions`"),
    (operations.list_regions(), b'{"regions": ["us"]}', "expected an object, got str @ Region"),
    (operations.get_identity(), b"{}", "`user_name` is missing @ Identity.user_name"),
    (
        operations.read_logs("us", "a", date=DAY, from_=0, size=1),
        b'{"log": "x"}',
        "expected a list of log entries, got dict",
    ),
]


@pytest.mark.parametrize(("operation", "body", "message"), BROKEN)
def test_an_answer_of_another_shape_is_a_bad_response(
    operation: Operation[Any], body: bytes, message: str
) -> None:
    """An answer that cannot be read is an error that tells what, where, and what was sent."""
    with pytest.raises(BadResponse) as caught:
        operation.read(body)

    assert message in str(caught.value)
    assert str(operation) == caught.value.operation
    assert body.decode(errors="replace")[:45] in caught.value.body


def test_a_bad_response_shows_no_value_of_a_variable() -> None:
    """The body that an error shows has the variables' values masked."""
    body = b'{"containers": [{"env": [{"name": "PASS", "value": "hunter\\"22"}]}]}'
    with pytest.raises(BadResponse) as caught:
        operations.get_service("us", "a").read(body)

    assert '{"containers": [{"env": [{"name": "PASS", "value": "***"}]}]}' == caught.value.body
    assert "hunter" not in f"{caught.value!s} {caught.value!r} {caught.value.args}"


@pytest.mark.parametrize("body", [b"", b"created", b"null", b"{}", b"[1]", b"[" * 50_000, b"\xff"])
def test_a_create_needs_no_answer(body: bytes) -> None:
    """A create that the server has done is done, whatever it says about it."""
    assert operations.create_service("us", "web", SPEC).read(body) is None


@pytest.mark.parametrize("body", [b"", b"ok", b"\xff", b"[" * 50_000])
def test_the_answer_to_a_change_is_not_looked_at(body: bytes) -> None:
    """The bodies of these answers are not specified."""
    operations.delete_service("us", "web").read(body)
    operations.restart_service("us", "web").read(body)
    operations.update_service("us", "web", ServiceUpdate(memory=512)).read(body)


def test_regions_are_read() -> None:
    """Regions have names to show and names to use."""
    body = b'{"regions": [{"name": "us", "display_name": "US", "status": "1"}, {"name": "eu"}]}'
    regions = operations.list_regions().read(body)

    assert [("us", "US"), ("eu", None)] == [(each.name, each.display_name) for each in regions]
    assert [] == operations.list_regions().read(b'{"regions": null}')


def test_the_log_of_an_instance_knows_whose_it_is() -> None:
    """The bare texts of an instance's log belong to the instance that was asked for."""
    operation = operations.read_instance_logs("us", "web", "web-1", date=DAY, from_=0, size=2)

    expected = [LogEntry("web-1", "x"), LogEntry("web-1", "y")]
    assert expected == operation.read(b'["x", "y"]')


def test_the_status_is_the_servers_words() -> None:
    """The status is text, even where its bytes are not."""
    assert "fine �" == operations.get_status().read(b"fine \xff")


def test_half_a_character_does_no_harm() -> None:
    """A text that a server cut in the middle of a character is read all the same."""
    body = b'{"name": "a", "status": "\\ud83d", "uid": "\xf0\x9f"}'
    service = operations.get_service("us", "a").read(body)

    assert ("�", "�") == (service.status, service.uid)


@pytest.mark.parametrize(
    "wrong",
    [
        {"date": dt.datetime(2015, 12, 29, tzinfo=dt.UTC)},
        {"date": "2015.12.29"},
        {"from_": 1.5},
        {"from_": -1},
        {"from_": 10**30},
        {"size": True},
        {"size": 0},
    ],
    ids=str,
)
def test_a_page_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """Neither a time for a day nor half an entry is sent."""
    page: dict[str, Any] = {"date": dt.date(2015, 12, 29), "from_": 0, "size": 100, **wrong}
    with pytest.raises(ValueError, match=r"day|page"):
        operations.read_logs("us", "web", **page)
