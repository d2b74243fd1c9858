"""Metrics for Prometheus; needs the extra `prometheus`."""

from __future__ import annotations

from attrs import define, field
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from tenx_async.telemetry.events import Event
from tenx_async.telemetry.measures import DURATIONS, MEASURES, Measure, measurements


@define(eq=False)
class PrometheusListener:
    """Keeps counters, gauges and a histogram of what it is told.

    A registry takes one such listener; let all clients and pools of a program share it.

    Args:
        registry: where the metrics are registered, named `tenx_…`.
    """

    registry: CollectorRegistry = field(default=REGISTRY, repr=False)
    _metrics: dict[str, Counter | Gauge | Histogram] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._metrics = {measure.name: _metric(measure, self.registry) for measure in MEASURES}

    def __call__(self, event: Event) -> None:
        """Count what happened."""
        for one in measurements(event):
            metric = self._metrics[one.measure.name]
            kept = metric.labels(*one.labels) if one.labels else metric
            if isinstance(kept, Histogram):
                kept.observe(one.amount)
            else:
                kept.inc(one.amount)


def _metric(measure: Measure, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    unit = "_seconds" if measure.unit == "s" else ""
    name = f"tenx_{measure.name.replace('.', '_')}{unit}"
    if measure.kind == "histogram":
        return Histogram(
            name, measure.description, measure.labels, registry=registry, buckets=DURATIONS
        )
    kind = Counter if measure.kind == "counter" else Gauge
    return kind(name, measure.description, measure.labels, registry=registry)
