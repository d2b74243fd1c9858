from __future__ import annotations

from typing import Any

import pytest

from tenx_async.local import LocalCloud

from .conftest import Caller, vendor

CONTAINER = {"image": "nginx"}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"x":' + b"[" * 60 + b"]" * 60 + b"}", "deep"),
        (b'{"x":' * 60 + b"1" + b"}" * 60, "deep"),
        (b'{"containers": [{"image": "x"}], "x": NaN}', "JSON"),
        (b'{"containers": [{"image": "x"}], "x": 1e400}', "JSON"),
        (b"[]", "object"),
        (b"{}", "containers"),
        (b'{"containers": []}', "containers"),
        (b'{"containers": {}}', "containers"),
        (b'{"containers": ["nginx"]}', "containers"),
    ],
)
async def test_a_body_must_be_a_declaration(call: Caller, body: bytes, place: str) -> None:
    """What is no JSON object with containers creates nothing."""
    answer = await call.service("POST", "web", data=body)

    assert 400 == answer.status
    assert place in answer.json["message"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("image", None),
        ("image", ""),
        ("command", 1),
        ("command", ["a", 1]),
        ("command", "sh -c ls"),
        ("name", []),
        ("env", 0),
        ("ports", [{"port": "080"}]),
        ("ports", [{"port": 80, "protocol": 6}]),
        ("resources", {"limits": {"memory": 1.5}}),
        ("resources", {"limits": {"memory": " 512Mi"}}),
        ("command", ["a\0b"]),
        ("env", {"A": "b"}),
        ("env", [{"name": "A"}]),
        ("env", [{"name": "A", "value": 1}]),
        ("env", [{"name": "A=B", "value": "c"}]),
        ("ports", [{}]),
        ("ports", [{"port": 0}]),
        ("ports", [{"port": 65536}]),
        ("ports", [{"port": True}]),
        ("resources", []),
        ("resources", {"limits": {"memory": "lots"}}),
        ("resources", {"limits": {"memory": -1}}),
        ("resources", {"limits": {"memory": 0}}),
        ("volumeMounts", [{"name": "v"}]),
    ],
)
async def test_a_container_is_checked(call: Caller, place: str, value: Any) -> None:
    """A refusal names the place that is wrong."""
    answer = await call.service("POST", "web", json={"containers": [CONTAINER | {place: value}]})

    assert 400 == answer.status
    assert f"containers[0].{place}" in answer.json["message"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("target_instance_size", -1),
        ("target_instance_size", "-1"),
        ("target_instance_size", 1.5),
        ("target_instance_size", True),
        ("target_instance_size", None),
        ("target_instance_size", 10**30),
        ("port_mappings", "80"),
        ("port_mappings", [{"protocol": "tcp"}]),
        ("port_mappings", [{"container_port": 80, "protocol": 6}]),
        ("port_mappings", [{"container_port": 80, "service_url": 5}]),
        ("port_mappings", False),
        ("volumes", [{"disk_name": "d"}]),
        ("volumes", [{"name": "v", "is_read_only": "no"}]),
        ("volumes", [{"name": "v", "disk_name": 1}]),
        ("sync_timezone", "yes"),
        ("binding_domain_name", ""),
        ("binding_domain_name", [1]),
        ("binding_domain_name", {"a": "b"}),
    ],
)
async def test_a_declaration_is_checked(call: Caller, place: str, value: Any) -> None:
    """So it is around the containers."""
    answer = await call.service("POST", "web", json={"containers": [CONTAINER], place: value})

    assert 400 == answer.status
    assert place in answer.json["message"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "nothing to update"),
        ({"image": "nginx"}, "image"),
        ({"target_instance_size": -1}, "target_instance_size"),
        ({"target_instance_size": "two"}, "target_instance_size"),
        ({"containers": [{"image": "nginx"}]}, "image"),
        ({"containers": [{"resource": {"limits": {"memory": "-1Mi"}}}]}, "memory"),
        ({"binding_domain_name": None}, "binding_domain_name"),
    ],
)
async def test_an_update_is_checked(
    cloud: LocalCloud, call: Caller, body: dict[str, Any], place: str
) -> None:
    """An update that is wrong, or asks for what cannot be changed, changes nothing."""
    cloud.add_service("web")
    before = cloud.service("web")

    answer = await call.service("PUT", "web", json=body)

    assert 400 == answer.status
    assert place in answer.json["message"]
    assert before == cloud.service("web")
    assert [] == cloud.executions


@pytest.mark.parametrize(
    ("key", "amount", "shown"),
    [
        ("resource", "512Mi", "512Mi"),
        ("resources", "1Gi", "1024Mi"),
        ("resource", 256, "256Mi"),
        ("resources", "256", "256Mi"),
    ],
)
async def test_memory_is_updated_in_any_spelling(
    cloud: LocalCloud, call: Caller, key: str, amount: Any, shown: str
) -> None:
    """`resource` and `resources`, numbers and quantities are all understood."""
    cloud.add_service("web")

    answer = await call.service(
        "PUT", "web", json={"containers": [{key: {"limits": {"memory": amount}}}]}
    )

    assert 200 == answer.status
    assert shown == cloud.service("web")["containers"][0]["resources"]["limits"]["memory"]


@pytest.mark.parametrize("containers", [[{"name": "other"}], [{"name": []}], [{}, {}]])
async def test_an_update_is_for_the_containers_that_are_there(
    cloud: LocalCloud, call: Caller, containers: list[Any]
) -> None:
    """Which containers there are is a matter of the service's state."""
    cloud.add_service("web")

    answer = await call.service("PUT", "web", json={"containers": containers})

    assert 409 == answer.status
    assert "no such container" in answer.json["message"]


async def test_the_documented_key_of_memory_goes_first(cloud: LocalCloud, call: Caller) -> None:
    """Where both spellings are sent and differ, `resource` counts."""
    cloud.add_service("web")
    both = {"resources": {"limits": {"memory": 1}}, "resource": {"limits": {"memory": 2}}}

    assert 200 == (await call.service("PUT", "web", json={"containers": [both]})).status
    assert "2Mi" == cloud.service("web")["containers"][0]["resources"]["limits"]["memory"]


@pytest.mark.parametrize("size", [3, "3"])
async def test_count_is_an_integer_or_digits(cloud: LocalCloud, call: Caller, size: object) -> None:
    """The instance count may be sent as digits, and is shown as a number."""
    cloud.add_service("web")

    await call.service("PUT", "web", json={"target_instance_size": size})

    assert 3 == cloud.service("web")["target_instance_size"]
    assert 3 == len((await call.service("GET", "web/instances")).json)


async def test_unset_domains_stay_and_an_empty_list_unbinds(
    cloud: LocalCloud, call: Caller
) -> None:
    """Not to mention the domains is not to unbind them."""
    cloud.add_service("web", binding_domain_name=["www.a.cn"])

    await call.service("PUT", "web", json={"target_instance_size": 2})
    assert ["www.a.cn"] == cloud.service("web")["binding_domain_name"]
    await call.service("PUT", "web", json={"binding_domain_name": []})
    assert [] == cloud.service("web")["binding_domain_name"]


async def test_what_the_server_decides_cannot_be_sent(cloud: LocalCloud, call: Caller) -> None:
    """A body's `uid`, `status` and times are ignored."""
    body = vendor("service") | {"uid": "mine", "status": "Stopped", "name": "other"}

    await call.service("POST", "web", json=body)

    shown = cloud.service("web")
    assert ("web", "Running") == (shown["name"], shown["status"])
    assert "mine" != shown["uid"]


@pytest.mark.parametrize(
    "query",
    [
        "date=2015-12-29",
        "date=2015.13.01",
        "date=2015.2.1",
        "date=today",
        "date=",
        "from=-1",
        "from=x",
        "from=1.5",
        "from=",
        "size=-1",
        "size=all",
        f"size={'9' * 5000}",
        f"size={10**12}",
        "from=\u0663",
    ],
)
async def test_a_log_request_is_checked(cloud: LocalCloud, call: Caller, query: str) -> None:
    """A day, start or size that is none is refused by its name."""
    cloud.add_service("web")

    answer = await call.service("GET", f"web/logs?{query}")

    assert 400 == answer.status
    assert query.partition("=")[0] in answer.json["message"]
