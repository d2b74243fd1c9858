"""What Prometheus is shown."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tenx_async import LocalCloud
from tenx_async.local.faults import Fault
from tenx_async.telemetry.measures import MEASURES
from tenx_async.telemetry.prometheus import PrometheusListener
from tests.conftest import client_of
from tests.telemetry import happenings as its


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of its own for each test."""
    return CollectorRegistry()


@pytest.fixture
def listener(registry: CollectorRegistry) -> PrometheusListener:
    """A listener that keeps its numbers there."""
    return PrometheusListener(registry)


def test_events_are_counted(registry: CollectorRegistry, listener: PrometheusListener) -> None:
    """Counters end in `_total`, seconds are named."""
    for event in (*its.EVERYTHING, its.FOUND, its.FOUND, its.FAILED):
        listener(event)

    shown = generate_latest(registry).decode()
    for line in (
        'tenx_attempts_total{verb="restart",verdict="applied"} 1.0',
        'tenx_attempts_total{verb="list",verdict="not_sent"} 1.0',
        'tenx_attempt_duration_seconds_bucket{le="0.5",verb="get"} 1.0',
        'tenx_attempt_duration_seconds_bucket{le="0.25",verb="get"} 0.0',
        'tenx_attempt_duration_seconds_sum{verb="restart"} 0.25',
        'tenx_retries_total{error="ServerError",verb="get"} 1.0',
        'tenx_pauses_total{reason="the server asks to wait"} 1.0',
        'tenx_paused_time_seconds_total{reason="the server asks to wait"} 7.5',
        'tenx_reconciliations_total{finding="undone",verb="stop"} 1.0',
        'tenx_source_failures_total{error="ServerError"} 3.0',
        'tenx_source_changes_total{change="found"} 3.0',
        'tenx_discovery_failures_total{error="ServerError"} 1.0',
        "tenx_days_opened_total 1.0",
        "tenx_sources -2.0",
        "tenx_sources_failing -1.0",
    ):
        assert line in shown.splitlines()


def test_every_measure_is_described(
    registry: CollectorRegistry, listener: PrometheusListener
) -> None:
    """All are there, with a help text, before anything has happened."""
    shown = generate_latest(registry).decode()

    helps = [line for line in shown.splitlines() if line.startswith("# HELP tenx_")]
    assert len(MEASURES) == sum("_created " not in line for line in helps)


def test_nothing_names_a_service_or_tells_a_secret(
    registry: CollectorRegistry, listener: PrometheusListener
) -> None:
    """Label values are few, and none is text of the server."""
    for event in its.EVERYTHING:
        listener(event)

    shown = generate_latest(registry).decode()
    assert its.SECRET not in shown
    assert '"web"' not in shown


async def test_a_client_is_measured(
    cloud: LocalCloud,
    registry: CollectorRegistry,
    listener: PrometheusListener,
) -> None:
    """From a client's operations to what is scraped."""
    cloud.add_service("web")
    cloud.append("web", "a")
    cloud.faults = [Fault("error", operations=("get",), times=1)]
    async with client_of(cloud, listener=listener) as client:
        await client.services.get("web")
        await client.services.restart("web")
        async with client.follow("web") as lines:
            await anext(lines)
            assert 1.0 == registry.get_sample_value("tenx_sources")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"tenx_{name}", labels)

    assert 1.0 == value("attempts_total", verb="get", verdict="ambiguous")
    assert 1.0 == value("retries_total", verb="get", error="ServerError")
    assert 1.0 == value("attempts_total", verb="get", verdict="applied")
    assert 2.0 == value("attempt_duration_seconds_count", verb="get")
    assert 1.0 == value("attempts_total", verb="restart", verdict="applied")
    assert 1.0 <= (value("attempts_total", verb="logs", verdict="applied") or 0.0)
    assert 0.0 == value("sources")
