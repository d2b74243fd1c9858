"""Planned, done by hand, and planned again: nothing is left, whatever words a server uses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tenx_async import Client, LocalCloud, Service
from tenx_async.api import wire
from tenx_async.fleet.applying import plan_apply
from tenx_async.fleet.declared import Manifest
from tenx_async.fleet.manifest import parse_manifest, read_manifest
from tenx_async.fleet.plan import Plan, Step
from tenx_async.local import Quirks
from tests.clock import ManualClock
from tests.conftest import client_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "fleet.yaml"

QUIRKS = [
    {},
    {"old_names": True},
    {"old_list": True},
    {"memory_reworded": True},
    {"time_zone_volume": True},
    dict.fromkeys(("old_names", "old_list", "memory_reworded", "time_zone_volume"), True),
]


async def plan_of(client: Client, manifest: Manifest, *, prune: bool = True) -> Plan:
    """What a manifest takes now."""
    return await plan_apply(
        manifest, client.services.list, region="beijing1", clock=ManualClock(), prune=prune
    )


async def do(client: Client, step: Step) -> None:
    """Write what a step says."""
    calls = client.services.calls
    for write in step.writes:
        if write.verb == "delete":
            await calls.delete(step.service).run()
        elif write.spec:
            await calls.create(step.service, write.spec).run()
        elif write.update:
            await calls.update(step.service, write.update, seen=step.seen).run()


async def apply(client: Client, manifest: Manifest) -> Plan:
    """Do all that a manifest takes."""
    plan = await plan_of(client, manifest)
    for step in plan.steps:
        await do(client, step)
    return plan


def as_manifest(services: list[Service]) -> Manifest:
    """Declare what is there, as it is shown."""
    text = json.dumps([wire.dump(service) for service in services]).replace("${", "$${")
    return parse_manifest(text, "shown.json", {})


def mostly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or nothing that is declared."""
    return st.none() | strategy


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
WORDS = st.sampled_from(["a", "run", "--fast", "${X", "中"])
PORTS = st.sampled_from([80, 443])
DISKS = st.sampled_from(["d1", "d2"])

CONTAINERS = st.fixed_dictionaries(
    {"image": st.sampled_from(["a/web:1", "a/web:2"])},
    optional={
        "command": st.lists(WORDS, max_size=2),
        "env": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("AB"), "value": TEXTS}), max_size=3
        ),
        "ports": st.lists(
            st.fixed_dictionaries({"port": PORTS, "protocol": st.sampled_from(["TCP", "UDP"])}),
            max_size=2,
        ),
        "resources": st.sampled_from(["512Mi", "1Gi", "1024Mi", 2048]).map(
            lambda amount: {"limits": {"memory": amount}}
        ),
        "volumeMounts": mostly(st.just([{"name": "data", "mountPath": "/data"}])),
    },
)
DECLARED = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["web", "api", "db"]),
        "containers": st.lists(CONTAINERS, min_size=1, max_size=2),
    },
    optional={
        "target_instance_size": st.integers(0, 3),
        "port_mappings": st.lists(
            st.fixed_dictionaries(
                {"container_port": PORTS, "protocol": st.sampled_from(["tcp", "http"])}
            ),
            max_size=2,
        ),
        "volumes": st.lists(
            st.fixed_dictionaries(
                {"name": st.just("data"), "disk_name": DISKS},
                optional={"fsType": st.just("ext4"), "is_read_only": st.booleans()},
            ),
            max_size=1,
        ),
        "sync_timezone": st.booleans(),
        "binding_domain_name": st.lists(st.sampled_from(["a.cn", "b.cn"]), unique=True),
    },
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Services that somebody may declare."""
    services = draw(st.lists(DECLARED, max_size=3, unique_by=lambda one: one["name"]))
    return parse_manifest(json.dumps(services).replace("${", "$${"), "fleet.json", {})


@settings(max_examples=40)
@given(st.sampled_from(QUIRKS), st.lists(manifests(), min_size=1, max_size=2))
def test_what_was_applied_is_unchanged(quirks: dict[str, Any], wanted: list[Manifest]) -> None:
    """Each of several manifests in a row, and what the server then shows as one."""

    async def check() -> None:
        cloud = LocalCloud(quirks=Quirks(**quirks))
        async with cloud, client_of(cloud, clock=ManualClock()) as client:
            for manifest in wanted:
                await apply(client, manifest)
                again = await plan_of(client, manifest)
                assert () == again.steps
                assert len(manifest.services) == len(again.settled)
            shown = as_manifest(await client.services.list())
            assert () == (await plan_of(client, shown)).steps

    asyncio.run(check())


@pytest.mark.parametrize("quirks", QUIRKS)
async def test_what_the_server_shows_is_unchanged(quirks: dict[str, Any]) -> None:
    """Services of its own making as well, in every state."""
    cloud = LocalCloud(quirks=Quirks(**quirks))
    async with cloud, client_of(cloud) as client:
        for name, fields in _services():
            cloud.add_service(name, **fields)
        services = await client.services.list()

        plan = await plan_of(client, as_manifest(services))

    assert ((), 4, 4) == (plan.steps, len(plan.settled), plan.fleet)


def _services() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "plain", {}
    yield "stopped", {"status": "Stopped", "instances": 0}
    yield "large", {"instances": 5}
    yield "several", {"containers": [{"image": "a"}, {"image": "b", "name": "side"}]}


async def test_the_example_is_applied_once(cloud: LocalCloud, client: Client) -> None:
    """The second time there is nothing to do; another password is a replacement."""
    manifest = read_manifest(EXAMPLE, {"SHOP_DB_PASSWORD": "one"})

    first, second = await apply(client, manifest), await apply(client, manifest)
    third = await apply(client, read_manifest(EXAMPLE, {"SHOP_DB_PASSWORD": "two"}))

    assert ["shop-db", "shop-web"] == [step.service for step in first.steps]
    assert () == second.steps
    assert [("shop-db", "replace")] == [(step.service, step.operation) for step in third.steps]
    assert 2 == cloud.executed("create", "shop-db")
    assert 1 == cloud.executed("create", "shop-web")
