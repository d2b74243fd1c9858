"""What a run is going to do, as values: settled before the first write, and never changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from attrs import Attribute, evolve, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.api.specs import ServiceSpec, ServiceUpdate
from tenx_async.errors import ConfigurationError

Verb = Literal["create", "update", "delete", "start", "stop", "restart"]

DISRUPTIVE = frozenset({"update", "delete", "stop", "restart"})
"""Writes for which a service may be away from work."""


@frozen(kw_only=True)
class Write:
    """One write to a service."""

    verb: Verb
    update: ServiceUpdate | None = None
    """The absolute values of an update."""
    spec: ServiceSpec | None = field(default=None, repr=False)
    """What a create makes; it may hold passwords."""
    at_least_once: bool = False
    """Whether a restart may be sent again whose answer is lost."""


@frozen
class Change:
    """One field that is different from what is wanted, as text for people."""

    field: str
    """In the API's own names, such as `containers[0].image`."""
    before: str | None
    """`None`: it is not there."""
    after: str | None
    """`None`: it is not to be there. Values of the environment are `***`."""


@frozen(kw_only=True)
class Step:
    """What a run does to one service: a write, or several that follow each other.

    The next write goes out when the service shows what the one before was for: a verified restart
    is a stop and a start, a replacement is a delete and a create.
    """

    service: str
    operation: str
    """What its outcome is called: `restart`, `update`, `replace`, …"""
    writes: Sequence[Write]
    seen: Service | None = field(default=None, repr=False)
    """What the service looked like when the plan was made; `None`: there was none."""
    after: Sequence[str] = ()
    """Services of this plan whose steps have to succeed before."""
    changes: Sequence[Change] = ()
    """What it changes, field by field, where that is known."""

    @property
    def is_disruptive(self) -> bool:
        """Whether the service may be away from work meanwhile."""
        return any(write.verb in DISRUPTIVE for write in self.writes)

    def before(self, write: int) -> Service | None:
        """What the service looked like before a write: as the write before that was to leave it."""
        last = self.writes[write - 1].verb if write else None
        if last == "delete":
            return None
        if last == "stop" and self.seen is not None:
            return evolve(self.seen, status="Stopped")
        return self.seen


def _in_order(_: object, __: Attribute[Any], steps: Sequence[Step]) -> None:
    left = {step.service for step in steps}
    if len(left) < len(steps):
        raise ConfigurationError("a service is planned for more than once")
    for step in steps:
        if late := sorted(left.intersection(step.after)):
            raise ConfigurationError(
                f"{step.service} is planned before {late[0]}, which it is after"
            )
        left.remove(step.service)


@frozen(kw_only=True)
class Plan:
    """What a run is going to do: absolute values, in order.

    Raises:
        ConfigurationError: a service is planned for twice, or before what it is after.
    """

    operation: str
    """`restart`, `stop`, …, or `apply` where the steps differ."""
    region: str
    steps: Sequence[Step] = field(validator=_in_order)
    settled: Sequence[Outcome] = ()
    """What is not written to: it is as wanted already, or left out for a reason."""
    fleet: int
    """How many services there were in the region."""
    planned_at: dt.datetime
