"""What servers may send instead of what is documented."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from tenx_async import Identity, Instance, Memory, Region, Service, ServiceSpec
from tenx_async.api import wire
from tenx_async.api.models import Container, EnvVar, Port, PortMapping, Volume, VolumeMount
from tenx_async.api.specs import PortSpec

from .examples import example

SPELLINGS: list[tuple[type, dict[str, Any], str, object]] = [
    (Port, {"container_port": 80}, "container_port", 80),
    (Port, {"port": 80}, "container_port", 80),
    (Port, {"containerPort": 80}, "container_port", 80),
    (Port, {"container_port": "80"}, "container_port", 80),
    (Port, {"port": "80"}, "container_port", 80),
    (Port, {"protocol": "udp"}, "protocol", "udp"),
    (PortMapping, {"container_port": "3306"}, "container_port", 3306),
    (PortMapping, {"containerPort": 3306}, "container_port", 3306),
    (PortMapping, {"port": 3306}, "container_port", 3306),
    (PortMapping, {"protocol": "HTTP"}, "protocol", "HTTP"),
    (PortMapping, {"service_url": "a.tenxapp.com"}, "service_url", "a.tenxapp.com"),
    (PortMapping, {"service_port": "58767"}, "service_port", 58767),
    (Volume, {"is_read_only": True}, "is_read_only", True),
    (Volume, {"is_ready_only": True}, "is_read_only", True),
    (Volume, {"readOnly": True}, "is_read_only", True),
    (Volume, {"is_read_only": "false"}, "is_read_only", False),
    (Volume, {"is_read_only": "True"}, "is_read_only", True),
    (Volume, {"is_read_only": 1}, "is_read_only", True),
    (Volume, {"fsType": "xfs"}, "fs_type", "xfs"),
    (VolumeMount, {"mountPath": "/data"}, "mount_path", "/data"),
    (Container, {"imagePullPolicy": "Always"}, "image_pull_policy", "Always"),
    (Container, {"volumeMounts": [{"name": "v"}]}, "volume_mounts", (VolumeMount("v"),)),
    (Container, {"command": "/run.sh"}, "command", ("/run.sh",)),
    (Container, {"command": ["nice", 5]}, "command", ("nice", "5")),
    (Container, {"command": ["a", None]}, "command", ("a",)),
    (EnvVar, {"name": "DEBUG", "value": 1}, "value", "1"),
    (EnvVar, {"name": "DEBUG", "value": True}, "value", "true"),
    (EnvVar, {"name": "DEBUG", "value": None}, "value", ""),
    (EnvVar, {"name": "DEBUG"}, "value", ""),
    (Service, {"name": "a", "port_mappings": [{}]}, "port_mappings", (PortMapping(),)),
    (Service, {"name": "a", "port_mapping": [{}]}, "port_mappings", (PortMapping(),)),
    (Service, {"name": "a", "ports_mapping": [{}]}, "port_mappings", (PortMapping(),)),
    (Service, {"name": "a", "target_instance_size": "3"}, "target_instance_size", 3),
    (Service, {"name": "a", "target_instance_size": 0}, "target_instance_size", 0),
    (Service, {"name": "a", "status": "Weird"}, "status", "Weird"),
    (Service, {"name": "a", "binding_domain_name": ["a.cn"]}, "binding_domain_name", ("a.cn",)),
    (Service, {"name": "a", "binding_domain_name": "a.cn"}, "binding_domain_name", ("a.cn",)),
    (Service, {"name": "a", "binding_domain_name": ""}, "binding_domain_name", ()),
    (Service, {"name": "a", "binding_domain_name": []}, "binding_domain_name", ()),
    (Service, {"name": "a", "binding_domain_name": None}, "binding_domain_name", None),
    (Service, {"name": "a"}, "binding_domain_name", None),
    (Instance, {"name": "a-1", "ports_mapping": [{}]}, "port_mappings", (PortMapping(),)),
    (PortSpec, {"container_port": 80}, "port", 80),
    (PortSpec, {"containerPort": "80"}, "port", 80),
    (PortSpec, {"port": 80}, "protocol", "TCP"),
]


@pytest.mark.parametrize(("cls", "raw", "name", "expected"), SPELLINGS)
def test_every_spelling_is_understood(
    cls: type, raw: dict[str, Any], name: str, expected: object
) -> None:
    """A field is found under each key, and in each type, that servers use."""
    value: Any = wire.load(cls, raw)

    assert expected == getattr(value, name)
    assert {} == value.extra


def test_the_documented_key_wins() -> None:
    """Where a server sends an old and the documented key, the documented one counts."""
    assert 1 == wire.load(Port, {"port": 2, "container_port": 1}).container_port
    assert 1 == wire.load(Port, {"container_port": 1, "port": 2}).container_port
    assert 2 == wire.load(Port, {"port": 2, "container_port": None}).container_port


@pytest.mark.parametrize(
    "memory", [512, "512", "512Mi", "0.5Gi", "524288Ki", 536870912, "536870912"]
)
def test_memory_is_read_in_every_notation(memory: object) -> None:
    """All of these are 512 MiB, and are written as `512Mi`."""
    raw = {"resources": {"limits": {"memory": memory}}}
    container = wire.load(Container, raw)

    assert Memory.parse("512Mi") == container.memory
    assert {"resources": {"limits": {"memory": "512Mi"}}} == wire.dump(container)


@pytest.mark.parametrize(
    "raw", [{}, {"resources": None}, {"resources": {}}, {"resources": {"limits": None}}]
)
def test_memory_may_be_missing(raw: dict[str, Any]) -> None:
    """A container without a limit has none, at whatever depth it is missing."""
    assert wire.load(Container, raw).memory is None


UNKNOWN: list[tuple[type, dict[str, Any]]] = [
    (Service, {"name": "a", "labels": {"tier": "db"}, "replicas": [1, {"x": None}]}),
    (Service, {"name": "a", "containers": [{"image": "i", "resource": {"cpu": 1}}]}),
    (Service, {"name": "a", "containers": [{"env": [{"name": "A", "value": "", "from": "b"}]}]}),
    (Service, {"name": "a", "containers": [{"ports": [{"container_port": 1, "name": "http"}]}]}),
    (Service, {"name": "a", "containers": [{"resources": {"limits": {"cpu": "100m"}}}]}),
    (Service, {"name": "a", "containers": [{"resources": {"requests": {"memory": "1Gi"}}}]}),
    (Service, {"name": "a", "containers": [{"volumeMounts": [{"name": "v", "readOnly": True}]}]}),
    (Service, {"name": "a", "port_mappings": [{"container_port": 80, "domain": "a.cn"}]}),
    (Service, {"name": "a", "volumes": [{"name": "v", "size": "10G"}]}),
    (Instance, {"name": "a-1", "phase": "Running", "containers": [{"name": "a", "ready": True}]}),
    (Region, {"name": "us", "display_name": "US", "status": "up", "zone": 3}),
    (Identity, {"user_name": "alice", "balance": "12.5"}),
    (ServiceSpec, {"target_instance_size": 1, "containers": [{"image": "i", "tty": True}], "x": 1}),
]


@pytest.mark.parametrize(("cls", "raw"), UNKNOWN)
def test_unknown_keys_are_kept(cls: type, raw: dict[str, Any]) -> None:
    """What a class does not know is written back where it stood."""
    assert raw == wire.dump(wire.load(cls, raw))


def test_unknown_keys_can_be_asked_for() -> None:
    """A user finds what a class does not know in `extra`."""
    service = wire.load(Service, {"name": "a", "labels": {"tier": "db"}})

    assert {"labels": {"tier": "db"}} == service.extra


def test_unknown_keys_of_a_spec_are_told() -> None:
    """A specification with a slip of the pen can be told from one without."""
    raw = {"containers": [{"image": "i", "comand": "x"}], "replica": 2}

    assert ["comand", "replica"] == wire.unknown_keys(wire.load(ServiceSpec, raw))
    assert [] == wire.unknown_keys(wire.load(ServiceSpec, example("create")))


def test_a_spec_takes_its_memory_short_or_nested() -> None:
    """A container's memory may stand where the API has it, or directly in the container."""
    nested = {"image": "i", "resources": {"limits": {"memory": 512, "cpu": 2}, "x": 1}}
    short = {"image": "i", "memory": "0.5Gi", "resources": {"limits": {"cpu": 2}, "x": 1}}
    specs = [wire.load(ServiceSpec, {"containers": [raw]}) for raw in (nested, short)]

    limits = {"limits": {"memory": "512Mi", "cpu": 2}, "x": 1}
    expected = [{"image": "i", "resources": limits}]
    assert [expected] * 2 == [wire.dump(spec)["containers"] for spec in specs]


@pytest.mark.parametrize("resources", [None, [], "none", {"limits": None}, {"limits": "none"}])
def test_strange_resources_of_a_spec_do_no_harm(resources: object) -> None:
    """A memory limit is sent, whatever stands beside it."""
    raw = {"containers": [{"image": "i", "memory": "512Mi", "resources": resources}]}
    (container,) = wire.dump(wire.load(ServiceSpec, raw))["containers"]

    assert {"limits": {"memory": "512Mi"}} == container["resources"]


NONSENSE: list[tuple[type, dict[str, Any], str]] = [
    (Service, {"name": "a", "target_instance_size": "many"}, "target_instance_size"),
    (Service, {"name": "a", "target_instance_size": 1.5}, "target_instance_size"),
    (Service, {"name": "a", "target_instance_size": True}, "target_instance_size"),
    (Service, {"name": "a", "target_instance_size": {}}, "target_instance_size"),
    (Service, {"name": "a", "created_at": "yesterday"}, "created_at"),
    (Service, {"name": "a", "created_at": 1448614268}, "created_at"),
    (Port, {"container_port": "http"}, "container_port"),
    (PortMapping, {"service_port": []}, "service_port"),
    (Volume, {"is_read_only": "maybe"}, "is_read_only"),
    (Volume, {"is_read_only": 2}, "is_read_only"),
]


@pytest.mark.parametrize(("cls", "raw", "name"), NONSENSE)
def test_nonsense_is_no_error(cls: type, raw: dict[str, Any], name: str) -> None:
    """A number, a flag or a time that cannot be read is `None`, kept, and written back."""
    value: Any = wire.load(cls, raw)

    assert getattr(value, name) is None
    assert {name: raw[name]} == value.extra
    assert raw == wire.dump(value)


def test_nonsense_of_memory_is_no_error() -> None:
    """A limit that is no amount of memory is kept as it came."""
    raw = {"resources": {"limits": {"memory": "plenty"}}}
    container = wire.load(Container, raw)

    assert container.memory is None
    assert raw == wire.dump(container)


@pytest.mark.parametrize("cls", [Service, Container, Port, Volume, PortMapping, Instance, EnvVar])
def test_everything_but_a_name_may_be_null_or_absent(cls: Any) -> None:
    """A null means what an absent key means."""
    keys = {wire._KEYS.get(field.name, field.name) for field in attrs.fields(cls)}
    known = keys - {"extra", "name"}

    assert wire.load(cls, {"name": "a"}) == wire.load(cls, {"name": "a"} | dict.fromkeys(known))


def test_a_domain_that_is_unset_is_not_written() -> None:
    """Unset and `[]` are different things, in what is shown and in what is sent."""
    container = {"image": "i"}
    for cls, raw in ((Service, {"name": "a"}), (ServiceSpec, {"containers": [container]})):
        assert "binding_domain_name" not in wire.dump(wire.load(cls, raw))
        emptied = wire.dump(wire.load(cls, raw | {"binding_domain_name": []}))
        assert [] == emptied["binding_domain_name"]


@pytest.mark.parametrize("status", ["Running", "running", "RUNNING"])
def test_a_status_has_no_case(status: str) -> None:
    """Statuses are compared without case."""
    service = wire.load(Service, {"name": "a", "status": status})

    assert service.has_status("ruNNing")
    assert not service.has_status("Stopped")
    assert not wire.load(Service, {"name": "a"}).has_status("Running")


def test_an_instance_of_an_older_server_is_read() -> None:
    """Older servers say `creationTimestamp` and `port_mapping`."""
    old = {
        "name": "a-1",
        "creationTimestamp": "2015-11-27T08:51:08Z",
        "port_mapping": [{"containerPort": "80", "service_port": 58767}],
    }
    new = {
        "name": "a-1",
        "create_time": "2015-11-27T08:51:08Z",
        "port_mappings": [{"container_port": 80, "service_port": 58767}],
    }

    assert wire.load(Instance, new) == wire.load(Instance, old)
    assert new == wire.dump(wire.load(Instance, old))


WRONG: list[tuple[type, object, str]] = [
    (Service, [], "expected an object, got list @ Service"),
    (Service, None, "expected an object, got NoneType @ Service"),
    (Service, {}, "`name` is missing @ Service.name"),
    (Service, {"name": None}, "`name` is missing @ Service.name"),
    (Service, {"name": {}}, "expected a text, got dict @ Service.name"),
    (Service, {"name": "a", "containers": ["x"]}, "expected an object, got str @ "),
    (Service, {"name": "a", "containers": 5}, "@ Service.containers"),
    (Service, {"name": "a", "binding_domain_name": {}}, "expected a list of texts, got dict @ "),
    (
        Service,
        {"name": "a", "containers": [{}, {"env": [{"value": "x"}]}]},
        "`name` is missing @ Service.containers[1].env[0].name",
    ),
    (ServiceSpec, {"containers": []}, "containers: a service needs at least one"),
    (ServiceSpec, {"containers": [{}]}, "`image` is missing @ ServiceSpec.containers[0].image"),
    (ServiceSpec, {"containers": [{"image": "i", "memory": "x"}]}, "memory: 'x' is not an amount"),
    (ServiceSpec, {"containers": [{"image": "i", "ports": [{"port": "x"}]}]}, "not a whole number"),
    (ServiceSpec, {"containers": [{"image": "i", "ports": [{"port": 0}]}]}, "port: 0 is not"),
    (ServiceSpec, {"containers": [{"image": "i"}], "target_instance_size": -1}, "-1 is not"),
]


@pytest.mark.parametrize(("cls", "raw", "message"), WRONG)
def test_a_wrong_shape_is_told_with_its_place(cls: type, raw: object, message: str) -> None:
    """What cannot be read raises a ValueError that says what and where."""
    with pytest.raises(ValueError) as caught:
        wire.load(cls, raw)

    assert message in str(caught.value)


def test_all_wrong_places_are_told_at_once() -> None:
    """A message names every place that is wrong."""
    with pytest.raises(ValueError, match=r"containers\[0\].*binding_domain_name"):
        wire.load(Service, {"name": "a", "containers": [5], "binding_domain_name": {}})


def test_the_value_of_a_variable_is_in_no_message() -> None:
    """A message about a strange variable does not show its value."""
    with pytest.raises(ValueError) as caught:
        wire.load(EnvVar, {"name": "PASS", "value": ["hunter22"]})

    assert "hunter22" not in str(caught.value)


KEYS = st.sampled_from(
    [
        "name",
        "containers",
        "env",
        "ports",
        "port_mappings",
        "volumes",
        "volumeMounts",
        "value",
        "image",
        "command",
        "resources",
        "limits",
        "memory",
        "container_port",
        "port",
        "created_at",
        "status",
        "target_instance_size",
        "binding_domain_name",
        "readOnly",
        "extra",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["512Mi", "1e99", "2015-11-27T08:51:08Z", "2015-11-27T08:51:08+08:00", "٣"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
OBJECTS = st.dictionaries(KEYS | st.text(max_size=5), JSON, max_size=8)


@pytest.mark.parametrize("cls", [Service, Instance, ServiceSpec])
@settings(max_examples=200)
@given(raw=JSON | OBJECTS.map(lambda raw: raw | {"name": "a"}))
def test_anything_is_read_or_refused(cls: type, raw: object) -> None:
    """Whatever JSON comes is read, and can be written, or raises a ValueError and nothing else.

    It is not changed by it, so that it can be shown afterwards.
    """
    before = repr(raw)
    with suppress(ValueError):
        value: Any = wire.load(cls, raw)
        assert value == wire.load(cls, wire.dump(value))
    assert before == repr(raw)
