"""What runs that are broken off are asked to do, and the cloud that they do it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from attrs import frozen

import tenx_async as tenx
from benchmarks.processes import beside
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks

TOKEN = "broken-off-token"
SECRET = "broken-off-password"
REGION = "beijing1"
WRITES = ("create", "update", "delete", "start", "stop", "restart")
TERMS = (
    *("--max-unavailable", "2", "--max-failures", "100%"),
    *("--stable", "0.2", "--tick", "0.2", "--timeout", "8"),
)
USED, WANTED = "shop/web:1", "shop/web:2"


@frozen
class Scene:
    """What is run, and what there shall be in the end."""

    operation: str
    services: int
    seed: int
    rate: float = 40.0

    @property
    def names(self) -> list[str]:
        """The services that are meant."""
        return [f"web-{number:04}" for number in range(self.services)]

    @property
    def replaced(self) -> list[str]:
        """Those whose image is another."""
        return self.names[::3] if self.operation == "apply" else []

    @property
    def added(self) -> list[str]:
        """Those that are declared only."""
        return [f"new-{number}" for number in range(5)] if self.operation == "apply" else []

    @property
    def others(self) -> list[str]:
        """Those that are not meant; what is applied prunes them."""
        return [f"old-{number}" for number in range(5)]

    def command(self, folder: Path) -> list[str]:
        """The line that begins the run."""
        if self.operation == "apply":
            return ["apply", "-f", str(self._manifest(folder)), "--prune", *self._terms]
        if self.operation == "verified":
            return ["restart", "web-*", "--mode", "verified", *self._terms]
        change = ["--memory", "1Gi", "--size", "2"] if self.operation == "update" else []
        return [self.operation, "web-*", *change, *self._terms]

    @property
    def _terms(self) -> Sequence[str]:
        return (*TERMS, "--yes", "--max-targets", "100000")

    def _manifest(self, folder: Path) -> Path:
        file = folder / "fleet.yaml"
        sizes = dict.fromkeys([*self.replaced, *self.added], 1)
        services = [
            {"name": name, "target_instance_size": sizes.get(name, 2), "containers": [container]}
            for name in (*self.names, *self.added)
            for container in [_container("${SHOP_PASSWORD}", WANTED if name in sizes else USED)]
        ]
        file.write_text(json.dumps(services), encoding="utf-8")
        return file

    def executions(self) -> Mapping[str, int]:
        """How often each write is to be executed."""
        if self.operation != "apply":
            verbs = ["stop", "start"] if self.operation == "verified" else [self.operation]
            return {f"{verb} {name}": 1 for name in self.names for verb in verbs}
        updated = set(self.names) - set(self.replaced)
        return {
            **{f"delete {name}": 1 for name in (*self.replaced, *self.others)},
            **{f"create {name}": 1 for name in (*self.replaced, *self.added)},
            **{f"update {name}": 1 for name in updated},
        }

    def goal(self) -> Mapping[str, tuple[object, ...]]:
        """What each service is to look like: status, instances, memory, image."""
        before = dict.fromkeys(self.others, ("Running", 1, "512Mi", USED))
        after = {
            "delete": {},
            "stop": dict.fromkeys(self.names, ("Stopped", 1, "512Mi", USED)),
            "update": dict.fromkeys(self.names, ("Running", 2, "1024Mi", USED)),
        }
        if self.operation == "apply":
            replaced = dict.fromkeys([*self.replaced, *self.added], ("Running", 1, "512Mi", WANTED))
            return {**dict.fromkeys(self.names, ("Running", 2, "512Mi", USED)), **replaced}
        untouched = dict.fromkeys(self.names, ("Running", 1, "512Mi", USED))
        return {**before, **after.get(self.operation, untouched)}


def _container(password: str, image: str = USED) -> dict[str, Any]:
    return {
        "image": image,
        "env": [{"name": "PASSWORD", "value": password}],
        "resources": {"limits": {"memory": "512Mi"}},
    }


def serve(scene: Scene, tell: Connection) -> None:
    """Be a cloud until killed."""

    async def main() -> None:
        async with tenx.LocalCloud(token=TOKEN, seed=scene.seed) as cloud:
            status = "Stopped" if scene.operation == "start" else "Running"
            for name in scene.names:
                cloud.add_service(name, status=status, containers=[_container(SECRET)])
            for name in scene.others:
                cloud.add_service(name, containers=[_container(SECRET)])
            await asyncio.sleep(0.5)
            cloud.quirks = Quirks(transition=0.3, calls_per_second=scene.rate, burst=20)
            cloud.faults = [Fault("reset", rate=0.03, operations=WRITES, after=True)]
            tell.send(cloud.endpoint)
            await asyncio.Event().wait()

    asyncio.run(main())


def serving(scene: Scene) -> AbstractAsyncContextManager[str]:
    """A cloud in a process of its own; gives its endpoint."""
    return beside(serve, scene)
