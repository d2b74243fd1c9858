"""Fleets on a local cloud, in time that passes only when somebody waits for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen

from tenx_async import Client, LocalCloud
from tenx_async.fleet.report import Report
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks
from tenx_async.testing import InstantClock
from tests.conftest import client_of
from tests.fleet.plans import names


@frozen
class Scene:
    """A cloud full of services, and a client of it."""

    cloud: LocalCloud
    client: Client
    clock: InstantClock

    def executed(self, operation: str) -> Counter[str]:
        """How often that was carried out, by service."""
        done = (one for one in self.cloud.executions if one.operation == operation)
        return Counter(one.service for one in done)


@asynccontextmanager
async def scene(
    services: int | Sequence[str],
    *,
    faults: Iterable[Fault] = (),
    quirks: Quirks | None = None,
    clock: InstantClock | None = None,
    **fields: Any,
) -> AsyncIterator[Scene]:
    """Services that run, on a cloud whose faults begin after that."""
    clock = clock or InstantClock()
    async with LocalCloud(clock=clock.now) as cloud, client_of(cloud, clock=clock) as client:
        for name in names(services) if isinstance(services, int) else services:
            cloud.add_service(name, **fields)
        cloud.quirks = quirks or Quirks(transition=3.0)
        cloud.faults = faults
        yield Scene(cloud, client, clock)


def results(report: Report) -> Counter[str]:
    """How many came to each result."""
    return Counter(outcome.result for outcome in report.outcomes)
