"""Tests of an application, without an account; the fixtures come with the package."""

from __future__ import annotations

import pytest
from nightly import errors_of, restart_unwell

import tenx_async as tenx
from tenx_async.local import Fault, Quirks
from tenx_async.testing import InstantClock


async def test_only_what_is_unwell_is_restarted(
    tenx_cloud: tenx.LocalCloud, tenx_client: tenx.Client
) -> None:
    """What runs is left alone."""
    tenx_cloud.quirks = Quirks(crash_loops=("web",))
    for name in ("web", "db"):
        tenx_cloud.add_service(name)

    assert await restart_unwell(tenx_client) == ["web"]

    assert tenx_cloud.executed("start", "web") == 1
    assert tenx_cloud.executed("stop", "db") == 0


async def test_a_busy_api_is_asked_again(
    tenx_cloud: tenx.LocalCloud, tenx_client: tenx.Client, tenx_clock: InstantClock
) -> None:
    """A refusal is waited out, in no time here."""
    tenx_cloud.faults = [Fault("throttle", retry_after=30, times=2)]

    assert await restart_unwell(tenx_client) == []

    assert sum(tenx_clock.sleeps) >= 60


@pytest.mark.parametrize(
    "quirks",
    [Quirks(), Quirks(old_list=True), Quirks(calls_per_second=2, burst=1)],
    ids=["plain", "old", "slow"],
)
async def test_errors_are_found_whatever_the_server_is_like(
    tenx_cloud: tenx.LocalCloud, tenx_client: tenx.Client, quirks: Quirks
) -> None:
    """Servers differ; the application does not notice."""
    tenx_cloud.quirks = quirks
    tenx_cloud.add_service("web")
    tenx_cloud.append("web", "INFO up", "ERROR one", "INFO on", "ERROR two")

    assert await errors_of(tenx_client, "web") == ["ERROR one", "ERROR two"]
