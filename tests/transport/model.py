"""What a service is to the raw server: just enough to show what was executed."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from typing import Any

from attrs import define, field

from tenx_async.clock import Clock

OLD = dt.timedelta(days=1)
DOWN = {"Stopped", "Stopping"}


@define
class ServiceModel:
    """The services of one region."""

    clock: Clock
    restart_lasts: float = 0.0
    """Seconds for which a restart shows."""
    services: dict[str, dict[str, Any]] = field(factory=dict)
    _running_at: dict[str, float] = field(factory=dict)
    _uids: Iterator[int] = field(factory=itertools.count)

    def add(self, name: str = "web", status: str = "Running", **fields: Any) -> None:
        """Have a service that has been there for a day."""
        created = self.clock.now() - OLD
        self.services[name] = self._made(name, created) | {"status": status} | fields

    def _made(self, name: str, created: dt.datetime) -> dict[str, Any]:
        return {
            "name": name,
            "uid": f"uid-{next(self._uids)}",
            "created_at": created.isoformat(),
            "status": "Running",
            "target_instance_size": 1,
            "containers": [{"image": "web:1", "resources": {"limits": {"memory": "256Mi"}}}],
            "binding_domain_name": [],
        }

    def show(self, name: str) -> tuple[int, bytes]:
        """Answer a GET."""
        if name not in self.services:
            return 404, b'{"message": "there is no such service"}'
        shown = dict(self.services[name])
        if self.clock.monotonic() < self._running_at.get(name, 0.0):
            shown["status"] = "Restarting"
        return 200, json.dumps(shown).encode()

    def change(self, verb: str, name: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """Carry a write out, or refuse it."""
        if (name in self.services) is (verb == "create"):
            return (409, b"exists already") if verb == "create" else (404, b"there is none")
        change = getattr(self, f"_{verb}")
        return change(name, body) or (200, b"done")

    def _create(self, name: str, body: dict[str, Any]) -> None:
        self.services[name] = self._made(name, self.clock.now()) | body

    def _delete(self, name: str, _: object) -> None:
        del self.services[name]

    def _update(self, name: str, body: dict[str, Any]) -> None:
        service = self.services[name]
        for change in body.pop("containers", []):
            service["containers"][0]["resources"] = change["resource"]
        service |= body

    def _start(self, name: str, _: object) -> tuple[int, bytes] | None:
        return self._pass(name, "Running", {"Running"})

    def _stop(self, name: str, _: object) -> tuple[int, bytes] | None:
        return self._pass(name, "Stopped", DOWN)

    def _restart(self, name: str, _: object) -> None:
        self._running_at[name] = self.clock.monotonic() + self.restart_lasts

    def _pass(self, name: str, status: str, already: set[str]) -> tuple[int, bytes] | None:
        if self.services[name]["status"] in already:
            return 409, f"it is {status} already".encode()
        self.services[name]["status"] = status
        return None
