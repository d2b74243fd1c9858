"""What OpenTelemetry is given, kept in memory by its own SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import define, field
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tenx_async import LocalCloud, __version__
from tenx_async.local.faults import Fault
from tenx_async.telemetry.events import Event
from tenx_async.telemetry.measures import DURATIONS
from tenx_async.telemetry.opentelemetry import OpenTelemetryListener
from tests.clock import ManualClock
from tests.conftest import client_of
from tests.telemetry import happenings as its

NOW = 1_451_390_400_000_000_000
SECOND = 1_000_000_000


@define
class Sdk:
    """An SDK that sends nothing anywhere."""

    exporter: InMemorySpanExporter = field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(factory=InMemoryMetricReader)
    tracers: TracerProvider = field(init=False)
    meters: MeterProvider = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])

    def listener(self, **more: Any) -> OpenTelemetryListener:
        return OpenTelemetryListener(
            tracer_provider=self.tracers, meter_provider=self.meters, **more
        )

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    @property
    def metrics(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        scopes = [scope for found in data.resource_metrics for scope in found.scope_metrics]
        assert {("tenx_async", __version__)} == {
            (scope.scope.name, scope.scope.version) for scope in scopes
        }
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def value(self, name: str, attributes: Mapping[str, str] | None = None) -> float:
        (value,) = (
            float(point.value)
            for point in self.metrics[name].data.data_points
            if dict(point.attributes) == (attributes or {})
        )
        return value


@pytest.fixture
def sdk() -> Sdk:
    """Spans and metrics of one test."""
    return Sdk()


@pytest.mark.parametrize(
    ("event", "name", "attributes", "status"),
    [
        (
            its.APPLIED,
            "tenx restart",
            {"tenx.verb": "restart", "tenx.verdict": "applied", "tenx.service": "web"}
            | {"cloud.region": "beijing1"},
            StatusCode.UNSET,
        ),
        (
            its.REFUSED,
            "tenx get",
            {"tenx.verb": "get", "tenx.verdict": "refused", "tenx.service": "web"}
            | {"cloud.region": "beijing1", "http.response.status_code": 404, "error.type": "404"},
            StatusCode.ERROR,
        ),
        (
            its.UNSENT,
            "tenx list",
            {"tenx.verb": "list", "tenx.verdict": "not_sent", "cloud.region": "beijing1"}
            | {"error.type": "not_sent"},
            StatusCode.ERROR,
        ),
        (
            its.CANCELLED,
            "tenx logs",
            {"tenx.verb": "logs", "tenx.verdict": "cancelled", "tenx.service": "web"},
            StatusCode.UNSET,
        ),
    ],
    ids=["applied", "refused", "not sent", "cancelled"],
)
def test_an_attempt_is_a_span(
    sdk: Sdk, event: Event, name: str, attributes: dict[str, object], status: StatusCode
) -> None:
    """Named by the verb, with attributes by the semantic conventions where there are any."""
    sdk.listener()(event)

    (span,) = sdk.spans
    assert (name, SpanKind.CLIENT, status) == (span.name, span.kind, span.status.status_code)
    assert attributes == dict(span.attributes or {})


def test_a_span_begins_when_the_attempt_began(sdk: Sdk) -> None:
    """It is told of when it is over, so that its start is computed back."""
    sdk.listener(now=lambda: NOW)(its.APPLIED)

    (span,) = sdk.spans
    assert (NOW - SECOND // 4, NOW) == (span.start_time, span.end_time)


def test_only_attempts_are_spans(sdk: Sdk) -> None:
    """Everything else is a number."""
    listener = sdk.listener()
    for event in its.EVERYTHING:
        listener(event)

    assert ["tenx restart", "tenx get", "tenx list", "tenx logs"] == [s.name for s in sdk.spans]


def test_events_are_counted(sdk: Sdk) -> None:
    """The kind of an error has the name that the semantic conventions give it."""
    listener = sdk.listener()
    for event in its.EVERYTHING:
        listener(event)

    assert 1 == sdk.value("tenx.attempts", {"tenx.verb": "restart", "tenx.verdict": "applied"})
    assert 1 == sdk.value("tenx.retries", {"tenx.verb": "get", "error.type": "ServerError"})
    assert 7.5 == sdk.value("tenx.paused.time", {"tenx.reason": "the server asks to wait"})
    assert 1 == sdk.value("tenx.reconciliations", {"tenx.verb": "stop", "tenx.finding": "undone"})
    assert 2 == sdk.value("tenx.source.failures", {"error.type": "ServerError"})
    assert -4 == sdk.value("tenx.sources")
    assert -2 == sdk.value("tenx.sources.failing")


def test_durations_are_distributed(sdk: Sdk) -> None:
    """In seconds, with the bounds that the conventions advise for requests."""
    sdk.listener()(its.APPLIED)

    duration = sdk.metrics["tenx.attempt.duration"]
    (point,) = duration.data.data_points
    assert "s" == duration.unit
    assert DURATIONS == tuple(point.explicit_bounds)
    assert (1, 0.25) == (point.count, point.sum)


def test_nothing_tells_a_secret_and_no_metric_names_a_service(sdk: Sdk) -> None:
    """No text of the server goes anywhere; names of services are in spans alone."""
    listener = sdk.listener()
    for event in its.EVERYTHING:
        listener(event)

    metrics = str(sdk.reader.get_metrics_data())
    assert its.SECRET not in metrics + "".join(span.to_json() for span in sdk.spans)
    assert "'web'" not in metrics
    assert '"web"' not in metrics


async def test_a_client_is_traced(cloud: LocalCloud, clock: ManualClock, sdk: Sdk) -> None:
    """Each attempt is a child of the span in which the application asked."""
    cloud.add_service("web")
    cloud.faults = [Fault("error", operations=("get",), times=1)]
    async with client_of(cloud, listener=sdk.listener(), clock=clock) as client:
        with sdk.tracers.get_tracer("an application").start_as_current_span("deploy"):
            await client.services.get("web")
            await client.services.stop("web")

    *attempts, deploy = sdk.spans
    assert ["ambiguous", "applied", "applied"] == [
        (span.attributes or {})["tenx.verdict"] for span in attempts
    ]
    assert deploy.context is not None
    assert {deploy.context.span_id} == {span.parent and span.parent.span_id for span in attempts}
    assert 1 == sdk.value("tenx.attempts", {"tenx.verb": "stop", "tenx.verdict": "applied"})


def test_without_an_sdk_nothing_happens() -> None:
    """The API alone takes everything and keeps nothing."""
    listener = OpenTelemetryListener()
    for event in its.EVERYTHING:
        listener(event)
