from __future__ import annotations

import datetime as dt

import pytest

from tenx_async.local import LocalCloud

from .conftest import Caller, vendor

SERVICES = "/v1/regions/beijing1/services"


def add_vendors_service(cloud: LocalCloud) -> None:
    (shown,) = vendor("list")["services"]
    del shown["status"]
    cloud.add_service(shown.pop("name"), **shown)


async def test_list_is_the_documented_reply(cloud: LocalCloud, call: Caller) -> None:
    """A list reply has the documented fields and no others."""
    add_vendors_service(cloud)

    answer = await call("GET", SERVICES)

    assert vendor("list") == answer.json


async def test_get_has_region_on_top_and_nameless_containers(
    cloud: LocalCloud, call: Caller
) -> None:
    """A single service carries its region; its containers have no names."""
    add_vendors_service(cloud)
    (expected,) = vendor("list")["services"]
    del expected["containers"][0]["name"]

    answer = await call.service("GET", "myblog-mysql")

    assert {"region": "beijing1", **expected} == answer.json


async def test_create_takes_the_documented_body(cloud: LocalCloud, call: Caller) -> None:
    """A create reply shows what was sent, with addresses, without what the server decides."""
    sent = vendor("service")

    answer = await call.service("POST", "myblog-mysql", json=sent)

    assert 200 == answer.status
    del sent["sync_timezone"]
    sent["volumes"][0]["fsType"] = "ext4"
    address = answer.json["default_domain_name"]
    sent["port_mappings"][0]["service_url"] = address
    assert {"name": "myblog-mysql", "default_domain_name": address, **sent} == answer.json
    assert address.startswith("myblog-mysql-demo.tenxapp.com:")


async def test_created_service_is_read_in_the_notation_of_reads(
    cloud: LocalCloud, call: Caller
) -> None:
    """What was created with `port` is read with `container_port`."""
    await call.service("POST", "web", json=vendor("service"))

    shown = (await call.service("GET", "web")).json

    assert [{"container_port": 3306, "protocol": "TCP"}] == shown["containers"][0]["ports"]
    assert "IfNotPresent" == shown["containers"][0]["imagePullPolicy"]
    assert "Running" == shown["status"]
    assert shown == cloud.service("web")


async def test_update_takes_the_documented_body(cloud: LocalCloud, call: Caller) -> None:
    """The documented update, with its singular `resource`, sets memory and count."""
    await call.service("POST", "web", json=vendor("service") | {"target_instance_size": 2})

    answer = await call.service("PUT", "web", json=vendor("update_service"))

    assert (200, "") == (answer.status, answer.text)
    assert 1 == cloud.service("web")["target_instance_size"]
    limits = cloud.service("web")["containers"][0]["resources"]["limits"]
    assert {"memory": "512Mi"} == limits


async def test_delete_answers_with_the_documented_text(cloud: LocalCloud, call: Caller) -> None:
    """A delete answers with a text, and the service is gone."""
    cloud.add_service("web")

    answer = await call.service("DELETE", "web")

    assert (200, "Service was deleted successfully") == (answer.status, answer.text)
    assert 404 == (await call.service("GET", "web")).status


@pytest.mark.parametrize(
    ("operation", "before"), [("start", "Stopped"), ("stop", "Running"), ("restart", "Running")]
)
async def test_actions_answer_200(
    cloud: LocalCloud, call: Caller, operation: str, before: str
) -> None:
    """Start, stop and restart are PUTs without a body."""
    cloud.add_service("web", status=before)

    answer = await call.service("PUT", f"web/{operation}")

    assert (200, "") == (answer.status, answer.text)


async def test_logs_of_a_day_are_the_documented_reply(cloud: LocalCloud, call: Caller) -> None:
    """The documented log request answers with pairs of instance and text."""
    cloud.add_service("web")
    day = "2015.12.29"
    cloud.append("web", "message1", "message2", instance="instance1", date=dt.date(2015, 12, 29))

    answer = await call.service("GET", f"web/logs?date={day}&from=0&size=100")

    expected = [{"instance_name": "instance1", "log": f"message{n}"} for n in (1, 2)]
    assert expected == answer.json


async def test_regions_are_listed(call: Caller) -> None:
    """The account's regions have names."""
    answer = await call("GET", "/v1/regions")

    assert ["beijing1"] == [region["name"] for region in answer.json["regions"]]


async def test_auth_shows_the_account(call: Caller) -> None:
    """`/v1/auth` tells who the token belongs to."""
    answer = await call("GET", "/v1/auth")

    assert "demo" == answer.json["user_name"]
    assert {"email", "phone", "creation_time", "last_login_time"} < answer.json.keys()


async def test_instances_are_listed(cloud: LocalCloud, call: Caller) -> None:
    """Each instance has a name of its own, made from the service's."""
    cloud.add_service("web", instances=3)

    instances = (await call.service("GET", "web/instances")).json

    names = {instance["name"] for instance in instances}
    assert 3 == len(names)
    assert all(name.startswith("web-") for name in names)
    documented = {"name", "create_time", "containers", "volumes", "port_mappings"}
    assert all(documented <= instance.keys() for instance in instances)


async def test_unknown_keys_are_kept(cloud: LocalCloud, call: Caller) -> None:
    """What the cloud does not know it shows again, wherever it stood."""
    body = vendor("service") | {"labels": {"tier": "db"}}
    body["containers"][0]["workingDir"] = "/srv"

    created = (await call.service("POST", "web", json=body)).json
    shown = (await call.service("GET", "web")).json

    assert [{"tier": "db"}] * 2 == [created["labels"], shown["labels"]]
    assert "/srv" == shown["containers"][0]["workingDir"]


async def test_a_web_address_has_no_port(cloud: LocalCloud, call: Caller) -> None:
    """An HTTP mapping is reached by its name alone; a TCP mapping by name and port."""
    for name, protocol in (("web", "http"), ("db", "tcp")):
        cloud.add_service(name, port_mappings=[{"container_port": 80, "protocol": protocol}])

    assert "web-demo.tenxapp.com" == cloud.service("web")["default_domain_name"]
    assert ":" in cloud.service("db")["default_domain_name"]


async def test_a_stopped_service_has_no_address(cloud: LocalCloud, call: Caller) -> None:
    """What does not run cannot be reached, and can again at its old address later."""
    cloud.add_service("db", port_mappings=[{"container_port": 80, "protocol": "tcp"}])
    running = cloud.service("db")

    await call.service("PUT", "db/stop")

    assert "default_domain_name" not in cloud.service("db")
    assert "service_url" not in cloud.service("db")["port_mappings"][0]
    await call.service("PUT", "db/start")
    assert running == cloud.service("db")


async def test_regions_hold_services_of_their_own() -> None:
    """A name may be used once in every region."""
    async with LocalCloud(regions=("beijing1", "us")) as cloud:
        cloud.add_service("web")
        cloud.add_service("web", region="us", instances=2)

        assert 1 == cloud.service("web")["target_instance_size"]
        assert 2 == cloud.service("web", region="us")["target_instance_size"]
