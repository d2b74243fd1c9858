"""Plans to be written down, and a program that writes until it is killed."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from pathlib import Path
from typing import Any

from tenx_async.api.memory import Memory
from tenx_async.api.models import Container, EnvVar, Limits, Resources, Service
from tenx_async.api.outcome import Outcome
from tenx_async.api.specs import ContainerSpec, ServiceSpec, ServiceUpdate
from tenx_async.fleet.plan import Change, Plan, Step, Write
from tenx_async.fleet.runs import Runs
from tests.clock import NOON

ALICE = "alice at http://127.0.0.1:8080, beijing1"
SECRET = "hunter2-in-the-clear"

SEEN = Service(
    name="web",
    region="beijing1",
    uid="u1",
    created_at=NOON - dt.timedelta(days=1, microseconds=5),
    status="Running",
    target_instance_size=2,
    containers=(
        Container(
            image="web:1",
            command=("serve", f"--password={SECRET}"),
            env=(EnvVar("PASSWORD", SECRET),),
            resources=Resources(Limits(Memory.parse("512Mi"), extra={"odd": SECRET})),
            extra={"odd": SECRET},
        ),
    ),
    binding_domain_name=("www.example.cn",),
    extra={"odd": SECRET},
)
SPEC = ServiceSpec(
    containers=[ContainerSpec(image="web:2", env={"PASSWORD": SECRET}, memory="1Gi")],
    extra={"odd": SECRET},
)
UPDATE = ServiceUpdate(target_instance_size=3, memory="1Gi", binding_domain_name=())


def step(service: str, *writes: Write, operation: str = "restart", **more: Any) -> Step:
    return Step(
        service=service, operation=operation, writes=writes or (Write(verb="restart"),), **more
    )


def outcome(result: Any = "applied", service: str = "web", **more: Any) -> Outcome:
    return Outcome(operation="restart", service=service, region="beijing1", result=result, **more)


def plan(*steps: Step, operation: str = "restart", **more: Any) -> Plan:
    return Plan(
        operation=operation, region="beijing1", steps=steps, fleet=9, planned_at=NOON, **more
    )


def restarts(count: int) -> Plan:
    """A plan of so many restarts."""
    return plan(*(step(f"web-{number}") for number in range(count)))


EVERYTHING = plan(
    step("web", Write(verb="update", update=UPDATE), operation="update", seen=SEEN),
    step("one", Write(verb="update", update=ServiceUpdate(target_instance_size=0))),
    step("any", Write(verb="restart", at_least_once=True)),
    step("db", Write(verb="stop"), Write(verb="start"), after=("web",)),
    step(
        "api",
        Write(verb="delete"),
        Write(verb="create", spec=SPEC),
        operation="replace",
        seen=SEEN,
        changes=(Change("containers[0].command", f"--password={SECRET}", None),),
    ),
    operation="apply",
    settled=(outcome("unchanged", "idle", attempts=0), outcome("skipped", "odd")),
)


async def write_until_killed(directory: Path) -> None:
    """Intend one write after the other, from many tasks, and say of each when it returned."""
    journal = Runs(directory).new(account=ALICE)
    await journal.begin(restarts(9), {})
    places = iter(range(10**9))

    async def intend() -> None:
        for place in places:
            await journal.intend(place, 0)
            sys.stdout.write(f"{place}\n")
            sys.stdout.flush()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(16):
            tasks.create_task(intend())


if __name__ == "__main__":
    asyncio.run(write_until_killed(Path(sys.argv[1])))
