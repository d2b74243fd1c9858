"""Services and the changes that they allow: plain state, no input or output."""

from __future__ import annotations

import datetime as dt
import random
import string
import uuid
from typing import Any

from attrs import define, field, frozen

from tenx_async.local.daylog import Logbook
from tenx_async.local.refusal import Refusal

RUNNING = "Running"
STOPPED = "Stopped"
DEPLOYING = "Deploying"

_LETTERS = string.ascii_lowercase + string.digits
_INITIALISING = {
    *("pending", "starting", "deploying", "stopping", "restarting"),
    *("redeploying", "rebuilding", "scaling", "terminating"),
}


@frozen
class Passage:
    """A change of state: the status on the way, the status at its end."""

    through: str
    to: str
    renews: bool = False
    """Whether the instances are replaced by new ones."""
    disrupts: bool = False
    """Whether nobody is at work meanwhile."""


CREATE = Passage("Starting", RUNNING, renews=True)
START = Passage("Starting", RUNNING, renews=True)
STOP = Passage("Stopping", STOPPED, disrupts=True)
RESTART = Passage("Restarting", RUNNING, renews=True, disrupts=True)
SCALE = Passage("Scaling", RUNNING)
REDEPLOY = Passage("Redeploying", RUNNING, renews=True, disrupts=True)

UNDERWAY = {passage.through: passage for passage in (START, STOP, RESTART, SCALE, REDEPLOY)}
"""What is to be taken up again when a cloud begins with services of an earlier one."""


@define
class Instance:
    """One running copy of a service."""

    name: str
    created_at: dt.datetime
    ports: dict[int, int] = field(factory=dict)
    """Loopback port by container port, where there are real ones."""
    restarts: int = 0
    message: str = ""
    """Why it is not running, if it is not."""


@frozen
class Execution:
    """A write that was carried out."""

    operation: str
    service: str
    region: str
    at: dt.datetime


@define(eq=False)
class Service:
    """A service as the cloud knows it."""

    region: str
    name: str
    created_at: dt.datetime
    size: int
    fields: dict[str, Any] = field(repr=False)
    """What was declared, in the notation of a create body."""
    uid: str = field(factory=lambda: str(uuid.uuid1()))
    status: str = STOPPED
    instances: list[Instance] = field(factory=list)
    logbook: Logbook = field(factory=Logbook, repr=False)

    @property
    def containers(self) -> list[dict[str, Any]]:
        """The declared containers."""
        containers: list[dict[str, Any]] = self.fields["containers"]
        return containers

    @property
    def container_names(self) -> list[str]:
        """What its containers are called; like the service, unless they were named."""
        return [container.get("name", self.name) for container in self.containers]

    @property
    def is_up(self) -> bool:
        """Whether instances are meant to run, now or in a moment."""
        return self.status.casefold() not in {"stopped", "stopping", "succeeded"}

    def new_instance(self, now: dt.datetime) -> Instance:
        """Name an instance that no current one is called like."""
        taken = {instance.name for instance in self.instances}
        while (name := f"{self.name}-{''.join(random.choices(_LETTERS, k=5))}") in taken:
            pass
        return Instance(name, now)

    def check(self, operation: str) -> None:
        """Refuse a start, stop or restart that the status does not allow.

        Raises:
            Refusal: 409, since the service is there already, or on its way.
        """
        status = self.status.casefold()
        if status in _INITIALISING:
            raise Refusal(409, f"service {self.name!r} is {self.status}, {operation} it later")
        if status == {"start": "running"}.get(operation, "stopped"):
            raise Refusal(409, f"cannot {operation} service {self.name!r}: it is {self.status}")
