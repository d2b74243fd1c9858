"""What a manifest takes, compared with what is there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tenx_async import InvalidManifest, Service, ServiceUpdate
from tenx_async.api import wire
from tenx_async.fleet.applying import plan_manifest
from tenx_async.fleet.declared import Manifest
from tenx_async.fleet.manifest import parse_manifest
from tenx_async.fleet.movement import moved
from tenx_async.fleet.plan import Change, Plan, Write
from tests.clock import NOON

SEEN: dict[str, Any] = {
    "name": "web",
    "uid": "u1",
    "status": "Running",
    "target_instance_size": 2,
    "containers": [
        {
            "image": "a/web:1",
            "command": ["run", "fast"],
            "env": [{"name": "A", "value": "secret-1"}, {"name": "B", "value": "secret-2"}],
            "ports": [{"container_port": 80, "protocol": "TCP"}],
            "resources": {"limits": {"memory": "1024Mi"}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            "imagePullPolicy": "IfNotPresent",
        }
    ],
    "port_mappings": [{"container_port": 80, "protocol": "http", "service_url": "web.example.cn"}],
    "volumes": [{"name": "data", "disk_name": "d1", "fsType": "ext4", "is_read_only": False}],
    "binding_domain_name": ["www.example.cn"],
}


OWN: dict[str, Any] = {key: SEEN["containers"][0][key] for key in ("command", "env")}
"""What has to be declared of a service that is replaced."""


def service(**changes: Any) -> Service:
    """The service as it is seen, changed."""
    return wire.load(Service, SEEN | changes)


def container(**changes: Any) -> list[dict[str, Any]]:
    """Its containers, the first one changed."""
    return [SEEN["containers"][0] | changes]


def planned(
    *declared: dict[str, Any], seen: list[Service] | None = None, prune: bool = False
) -> Plan:
    """A plan for declarations in JSON's terms."""
    return plan_manifest(
        manifest_of(*declared),
        [service()] if seen is None else seen,
        region="beijing1",
        now=NOON,
        prune=prune,
    )


def manifest_of(*declared: dict[str, Any]) -> Manifest:
    """A manifest of declarations."""
    return parse_manifest(json.dumps(declared), "fleet.json", {})


def web(**fields: Any) -> dict[str, Any]:
    """A declaration of the service by little, and what else is given."""
    return {"name": "web", "containers": [{"image": "a/web:1", **OWN}], **fields}


def web_container(**fields: Any) -> dict[str, Any]:
    """The same, with more fields of its container."""
    return web(containers=[{"image": "a/web:1", **OWN, **fields}])


A1, B2 = SEEN["containers"][0]["env"]


@pytest.mark.parametrize(
    "declared",
    [
        SEEN,
        web(),
        web(target_instance_size="2"),
        web(binding_domain_name="WWW.example.cn"),
        web(binding_domain_name=None),
        web(volumes=[], port_mappings=[{"container_port": 80, "protocol": "HTTP"}]),
        web(volumes=[{"name": "data", "disk_name": "d1"}]),
        web(sync_timezone=True, colour="red"),
        web_container(memory="1Gi"),
        web_container(memory=1024, env=[A1, B2]),
        web_container(ports=[{"port": 80, "protocol": "tcp"}]),
        web_container(volumeMounts=[]),
    ],
)
def test_what_is_contained_in_what_is_seen_is_unchanged(declared: dict[str, Any]) -> None:
    """Other words for the same, and what is not declared, are no differences."""
    plan = planned(declared)

    (outcome,) = plan.settled
    assert () == plan.steps
    assert ("web", "unchanged", 0) == (outcome.service, outcome.result, outcome.attempts)


@pytest.mark.parametrize(
    ("declared", "update", "change"),
    [
        (
            web(target_instance_size=3),
            ServiceUpdate(target_instance_size=3),
            Change("target_instance_size", "2", "3"),
        ),
        (
            web_container(memory="512Mi"),
            ServiceUpdate(memory="512Mi"),
            Change("memory", "1024Mi", "512Mi"),
        ),
        (
            web(binding_domain_name=[]),
            ServiceUpdate(binding_domain_name=[]),
            Change("binding_domain_name", "www.example.cn", "none"),
        ),
    ],
)
def test_count_memory_and_domains_are_updated(
    declared: dict[str, Any], update: ServiceUpdate, change: Change
) -> None:
    """By exactly what is different."""
    (step,) = planned(declared).steps

    assert ("update", (Write(verb="update", update=update),)) == (step.operation, step.writes)
    assert ((change,), service()) == (step.changes, step.seen)


@pytest.mark.parametrize(
    ("declared", "change"),
    [
        (
            web_container(image="a/web:2"),
            Change("containers[0].image", "a/web:1", "a/web:2"),
        ),
        (web_container(command=["run"]), Change("containers[0].command", "run fast", "run")),
        (web_container(command=[]), Change("containers[0].command", "run fast", "none")),
        (
            web_container(env=[A1, {"name": "B", "value": "other"}]),
            Change("containers[0].env.B", "***", "***"),
        ),
        (web_container(env=[A1]), Change("containers[0].env.B", "***", None)),
        (
            web_container(env=[A1, B2, {"name": "C", "value": ""}]),
            Change("containers[0].env.C", None, "***"),
        ),
        (web_container(env=[B2, A1]), Change("containers[0].env", "A, B", "B, A")),
        (
            web_container(ports=[{"port": 80, "protocol": "UDP"}]),
            Change("containers[0].ports", "80/tcp", "80/udp"),
        ),
        (web_container(ports=[]), Change("containers[0].ports", "80/tcp", "none")),
        (
            web_container(volumeMounts=[{"name": "data", "mountPath": "/d"}]),
            Change("containers[0].volumeMounts", "data at /data", "data at /d"),
        ),
        (
            web_container(imagePullPolicy="Always"),
            Change("containers[0].imagePullPolicy", "IfNotPresent", "Always"),
        ),
        (
            web(port_mappings=[{"container_port": 80, "protocol": "tcp"}]),
            Change("port_mappings", "80/http", "80/tcp"),
        ),
        (web(port_mappings=[]), Change("port_mappings", "80/http", "none")),
        (
            web(volumes=[{"name": "data", "disk_name": "d2"}]),
            Change("volumes.data", "d1 ext4", "d2"),
        ),
        (web(volumes=[{"name": "more"}]), Change("volumes.more", None, "a volume")),
        (
            web(containers=[{"image": "a/web:1", **OWN}, {"image": "b"}]),
            Change("containers", "a/web:1", "a/web:1, b"),
        ),
    ],
)
def test_whatever_else_differs_is_a_replacement(declared: dict[str, Any], change: Change) -> None:
    """It is deleted, then created; no value of the environment is shown."""
    (step,) = planned(declared).steps

    assert ("replace", ["delete", "create"]) == (step.operation, [w.verb for w in step.writes])
    assert (change,) == step.changes
    assert "secret" not in repr(step)


def test_memory_of_another_container_is_a_replacement() -> None:
    """An update reaches the first one alone."""
    seen = service(containers=[{"image": "a"}, {"image": "b", "resources": {}}])
    declared = web(containers=[{"image": "a"}, {"image": "b", "memory": 64}])

    (step,) = planned(declared, seen=[seen]).steps

    assert "replace" == step.operation
    assert (Change("containers[1].memory", None, "64Mi"),) == step.changes


def test_a_command_with_a_variable_is_not_shown() -> None:
    """A password may be in it, and in the one before."""
    text = json.dumps([web_container(command=["run", "${P}"])])
    manifest = parse_manifest(text, "fleet.json", {"P": "hunter2"})

    (step,) = plan_manifest(manifest, [service()], region="beijing1", now=NOON).steps

    assert (Change("containers[0].command", "***", "***"),) == step.changes


def test_a_replaced_service_keeps_what_is_not_declared() -> None:
    """Nothing that was set by hand is lost with it."""
    (step,) = planned(web_container(image="a/web:2")).steps

    spec = step.writes[1].spec
    assert spec is not None
    again = wire.load(Service, wire.dump(spec) | {"name": "web"})
    assert "a/web:2" == again.containers[0].image
    assert () == planned(SEEN | {"containers": container(image="a/web:2")}, seen=[again]).steps
    assert None is spec.port_mappings[0].service_url


@pytest.mark.parametrize("name", ["env", "command"])
def test_a_service_is_not_replaced_whose_secrets_are_not_declared(name: str) -> None:
    """Were the run broken off between the two writes, nobody would know them any more."""
    declared = web_container(image="a/web:2")
    del declared["containers"][0][name]

    plan = planned(declared)

    assert () == plan.steps
    (outcome,) = plan.settled
    assert "skipped" == outcome.result
    assert f"its {name} must be declared" in str(outcome.error)


def test_a_replaced_service_keeps_its_time_zone() -> None:
    """The server shows a volume for it, which is not to be sent."""
    zone = {"name": "tenxcloud-time-zone", "hostPath": {"path": "/etc/localtime"}}
    seen = service(
        volumes=[*SEEN["volumes"], zone],
        containers=container(volumeMounts=[{"name": zone["name"], "mountPath": "/etc/localtime"}]),
    )

    (step,) = planned(web_container(image="a/web:2"), seen=[seen]).steps

    spec = step.writes[1].spec
    assert spec is not None
    assert (True, ()) == (spec.sync_timezone, spec.containers[0].volume_mounts)
    assert ["data"] == [volume.name for volume in spec.volumes]


def test_a_replaced_service_has_what_is_declared() -> None:
    """An empty list is a declaration."""
    declared = web_container(env=[], command=[], ports=[]) | {
        "target_instance_size": 5,
        "binding_domain_name": [],
        "port_mappings": [],
    }

    (step,) = planned(declared).steps

    spec = step.writes[1].spec
    assert spec is not None
    assert (5, (), ()) == (spec.target_instance_size, spec.binding_domain_name, spec.port_mappings)
    assert ((), (), ()) == (
        spec.containers[0].env,
        spec.containers[0].command,
        spec.containers[0].ports,
    )


def test_what_is_not_there_is_created() -> None:
    """With everything that it will be."""
    (step,) = planned(web(target_instance_size=2), seen=[]).steps

    assert ("create", None, ["create"]) == (
        step.operation,
        step.seen,
        [write.verb for write in step.writes],
    )
    assert Change("containers[0].image", None, "a/web:1") in step.changes


@pytest.mark.parametrize(("prune", "deleted"), [(False, []), (True, ["old", "older"])])
def test_what_is_not_declared_is_deleted_only_on_demand(*, prune: bool, deleted: list[str]) -> None:
    """After everything else."""
    seen = [service(name=name) for name in ("old", "web", "older")]

    steps = planned({**web(), "name": "new"}, web(), seen=seen, prune=prune).steps

    assert ["new", *deleted] == [step.service for step in steps]
    assert {"create", "delete"} >= {step.operation for step in steps}


def test_dependencies_come_first() -> None:
    """Else the order is that of the manifest; what is unchanged keeps nobody waiting."""
    needs = {"a": ["web"], "b": [], "web": ["c"], "c": ["d"], "d": []}
    declared = [{**web(), "name": name, "depends_on": needs[name]} for name in needs]

    steps = planned(*declared).steps

    assert ["b", "d", "c", "a"] == [step.service for step in steps]
    assert {"a": ("c",), "b": (), "c": ("d",), "d": ()} == {s.service: s.after for s in steps}


@given(st.data())
def test_every_step_comes_after_those_that_it_waits_for(data: st.DataObject) -> None:
    """Whatever depends on what."""
    names = [f"s{number}" for number in range(8)]
    declared = [
        {**web(), "name": name, "depends_on": data.draw(st.lists(st.sampled_from(names[:number])))}
        if number
        else {**web(), "name": name}
        for number, name in enumerate(names)
    ]

    steps = planned(*data.draw(st.permutations(declared)), seen=[]).steps

    done: set[str] = set()
    for step in steps:
        assert done.issuperset(step.after)
        done.add(step.service)
    assert {*names} == done


def test_a_service_of_another_region_is_refused() -> None:
    """Nothing is made where it was not declared."""
    with pytest.raises(InvalidManifest, match="1: region: 'web' is declared for 'us'"):
        planned(web(region="us"))

    assert planned(web(region="beijing1")).settled


@pytest.mark.parametrize("containers", [[], [{"name": "x"}]])
def test_what_the_server_does_not_show_is_not_replaced(containers: list[dict[str, str]]) -> None:
    """Nobody knows whether it is different."""
    plan = planned(web(target_instance_size=9), seen=[service(containers=containers)])

    assert ((), "skipped") == (plan.steps, plan.settled[0].result)
    assert "does not show" in str(plan.settled[0].error)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ([service()], []),
        ([service(status="Stopped", binding_domain_name=["WWW.example.cn"])], []),
        ([], ["web: is gone"]),
        ([service(uid="u2")], ["web: was made anew"]),
        ([service(target_instance_size=7)], ["web: has 7 instances, not 2"]),
        (
            [service(containers=container(resources={"limits": {"memory": 64}}))],
            ["web: has 64Mi of memory, not 1024Mi"],
        ),
        ([service(binding_domain_name=None)], ["web: has other domains"]),
        ([service(), service(name="new")], ["new: is there"]),
        ([service(), service(name="old")], []),
    ],
)
def test_a_world_that_has_moved_is_noticed(now: list[Service], told: list[str]) -> None:
    """As far as the plan's steps are concerned."""
    plan = planned(web(target_instance_size=3), {**web(), "name": "new"})

    assert told == moved(plan, now)
