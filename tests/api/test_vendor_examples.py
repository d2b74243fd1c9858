"""The examples of the vendor's page: read, written back, and sent."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from tenx_async import (
    ContainerSpec,
    EnvVar,
    LogEntry,
    Memory,
    Port,
    PortMapping,
    PortSpec,
    Service,
    ServiceSpec,
    ServiceUpdate,
    Volume,
    VolumeMount,
)
from tenx_async.api import operations, wire

from .examples import example, text

SPEC = ServiceSpec(
    target_instance_size=1,
    containers=[
        ContainerSpec(
            image="index.tenxcloud.com/tenxcloud/mysql:latest",
            command=["/run.sh"],
            env={"MYSQL_USER": "admin", "MYSQL_PASS": "password"},
            ports=[3306],
            memory="512Mi",
            volume_mounts=[VolumeMount("volume-name1", "/data")],
        )
    ],
    port_mappings=[PortMapping(3306, "tcp")],
    volumes=[Volume("volume-name1", "disk1", is_read_only=False)],
    sync_timezone=True,
    binding_domain_name=["www.xxxx.cn"],
)
"""What lines 172-226 say, as a user writes it."""


def test_a_service_is_written_back_as_it_was_read() -> None:
    """Reading the documented service and writing it back gives the same JSON."""
    assert example("get") == wire.dump(wire.load(Service, example("get")))


def test_a_created_service_is_written_back_in_the_notation_of_reads() -> None:
    """The reply to a create keeps its JSON, save that ports are `container_port` as in reads."""
    expected = example("created")
    expected["containers"][0]["ports"] = [{"container_port": 3306, "protocol": "TCP"}]

    assert expected == wire.dump(wire.load(Service, example("created")))


def test_a_list_is_written_back_as_it_was_read() -> None:
    """Reading the documented list and writing it back gives the same JSON, with the region."""
    services = operations.list_services("beijing1").read(text("list").encode())

    shown = example("list")
    expected = [{**service, "region": shown["region"]} for service in shown["services"]]
    assert expected == [wire.dump(service) for service in services]


def test_a_spec_is_written_back_as_it_was_read() -> None:
    """Reading the documented create body and writing it back gives the same JSON."""
    assert example("create") == wire.dump(wire.load(ServiceSpec, example("create")))


def test_every_documented_field_has_a_place() -> None:
    """Nothing in the documented replies ends among the unknown keys."""
    service = operations.get_service("beijing1", "myblog-mysql").read(text("get").encode())

    (container,) = service.containers
    parts: list[Any] = [
        service,
        container,
        *container.env,
        *container.ports,
        container.resources,
        container.resources.limits,
        *container.volume_mounts,
        *service.port_mappings,
        *service.volumes,
    ]
    assert 10 == len(parts)
    assert [{}] * len(parts) == [part.extra for part in parts]


def test_a_service_is_read_field_by_field() -> None:
    """The documented service has these values."""
    service = operations.get_service("beijing1", "myblog-mysql").read(text("get").encode())

    assert "beijing1" == service.region
    assert "00144651-304e-11e5-97b5-525459f27fef" == service.uid
    assert "myblog-mysql" == service.name
    assert dt.datetime(2015, 11, 27, 8, 51, 8, tzinfo=dt.UTC) == service.created_at
    assert service.has_status("Running")
    assert 1 == service.target_instance_size
    assert ("www.xxxx.cn",) == service.binding_domain_name
    assert "myubuntu-demox.tenxapp.com:58767" == service.default_domain_name
    address = "myubuntu-demox.tenxapp.com:58767"
    assert (PortMapping(3306, "tcp", address),) == service.port_mappings
    assert (Volume("volume-name1", "disk1", "ext4", False),) == service.volumes
    (container,) = service.containers
    assert "index.tenxcloud.com/tenxcloud/mysql:latest" == container.image
    assert container.name is None
    assert ("/run.sh",) == container.command
    env = (EnvVar("MYSQL_USER", "admin"), EnvVar("MYSQL_PASS", "password"))
    assert env == container.env
    assert (Port(3306, "TCP"),) == container.ports
    assert Memory.parse("512Mi") == container.memory
    assert (VolumeMount("volume-name1", "/data"),) == container.volume_mounts
    assert "IfNotPresent" == container.image_pull_policy


def test_a_created_service_has_no_uid_time_or_status() -> None:
    """The documented reply to a create is read, with the port in the notation of a create."""
    read = operations.create_service("beijing1", "myblog-mysql", SPEC).read
    service = read(text("created").encode())

    assert service is not None
    assert (None, None, None) == (service.uid, service.created_at, service.status)
    assert 3306 == service.containers[0].ports[0].container_port
    assert "beijing1" == service.region


def test_a_create_sends_the_documented_body() -> None:
    """A create's body is lines 172-226, field for field and in their order."""
    body = operations.create_service("beijing1", "myblog-mysql", SPEC).body

    assert body is not None
    assert example("create") == json.loads(body)
    assert wire.load(ServiceSpec, example("create")) == SPEC


def test_an_update_sends_the_documented_body() -> None:
    """An update's body is lines 324-335, with its singular `resource`, and nothing else."""
    update = ServiceUpdate(target_instance_size=1, memory="512Mi")
    body = operations.update_service("beijing1", "web", update).body

    assert body is not None
    assert example("update") == json.loads(body)


def test_a_page_of_a_log_is_read() -> None:
    """The documented log has two entries."""
    read = operations.read_logs(
        "beijing1", "web", date=dt.date(2015, 12, 29), from_=0, size=100
    ).read

    expected = [LogEntry("instance1", "message1"), LogEntry("instance1", "message2")]
    assert expected == read(text("logs").encode())


def test_a_plain_spec_sends_little() -> None:
    """What is not given is not sent, but for the number of instances."""
    spec = ServiceSpec(containers=[ContainerSpec(image="nginx", ports=[PortSpec(53, "UDP")])])

    expected = {
        "target_instance_size": 1,
        "containers": [{"image": "nginx", "ports": [{"port": 53, "protocol": "UDP"}]}],
    }
    assert expected == wire.dump(spec)
