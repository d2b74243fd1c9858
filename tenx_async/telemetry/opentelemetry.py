"""Spans and metrics for OpenTelemetry; needs the extra `otel`, and an SDK to send them anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from attrs import define, field
from opentelemetry.metrics import Meter, MeterProvider, get_meter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, TracerProvider, get_tracer

from tenx_async import __version__
from tenx_async.telemetry.events import AttemptEnded, Event
from tenx_async.telemetry.measures import DURATIONS, MEASURES, Measure, measurements

_SCOPE = "tenx_async"
_NO_ERROR = {"applied", "cancelled"}
_CONVENTIONAL = {"error": "error.type"}

Add = Callable[[float, dict[str, str]], None]
"""Adds a number, with attributes, to an instrument."""


@define(eq=False, init=False)
class OpenTelemetryListener:
    """Makes a span of each attempt at a request, and metrics of all that it is told.

    The span is a child of the one that is current where the operation was asked for. Only spans
    name services; the attributes of metrics have few values.
    """

    _tracer: Tracer = field(repr=False)
    _instruments: dict[str, Add] = field(repr=False)
    _now: Callable[[], int] = field(repr=False)

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take the providers that are set for the program, unless others are given.

        Args:
            tracer_provider: where the spans go.
            meter_provider: where the metrics go, named `tenx.…`.
            now: tells the time in nanoseconds since 1970.
        """
        self._tracer = get_tracer(_SCOPE, __version__, tracer_provider)
        meter = get_meter(_SCOPE, __version__, meter_provider)
        self._instruments = {measure.name: _instrument(measure, meter) for measure in MEASURES}
        self._now = now

    def __call__(self, event: Event) -> None:
        """Trace and count what happened."""
        if isinstance(event, AttemptEnded):
            self._trace(event)
        for one in measurements(event):
            names = (_CONVENTIONAL.get(label, f"tenx.{label}") for label in one.measure.labels)
            attributes = dict(zip(names, one.labels, strict=True))
            self._instruments[one.measure.name](one.amount, attributes)

    def _trace(self, event: AttemptEnded) -> None:
        ended = self._now()
        span = self._tracer.start_span(
            f"tenx {event.verb}",
            kind=SpanKind.CLIENT,
            attributes=dict(_attributes(event)),
            start_time=ended - round(event.seconds * 1e9),
        )
        if event.verdict not in _NO_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=ended)


def _attributes(event: AttemptEnded) -> Iterator[tuple[str, str | int]]:
    yield "tenx.verb", event.verb
    yield "tenx.verdict", event.verdict
    if event.service:
        yield "tenx.service", event.service
    if event.region:
        yield "cloud.region", event.region
    if event.status is not None:
        yield "http.response.status_code", event.status
    if event.verdict not in _NO_ERROR:
        yield "error.type", str(event.status or event.verdict)


def _instrument(measure: Measure, meter: Meter) -> Add:
    name, unit, description = f"tenx.{measure.name}", measure.unit, measure.description
    match measure.kind:
        case "counter":
            return meter.create_counter(name, unit, description).add
        case "gauge":
            return meter.create_up_down_counter(name, unit, description).add
        case "histogram":
            return meter.create_histogram(
                name, unit, description, explicit_bucket_boundaries_advisory=DURATIONS
            ).record
