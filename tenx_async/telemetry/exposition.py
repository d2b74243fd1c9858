"""An endpoint for Prometheus on this machine; needs the extra `prometheus`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from attrs import define, field
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from tenx_async.telemetry.events import Event
from tenx_async.telemetry.prometheus import PrometheusListener

HERE = "127.0.0.1"
"""Metrics tell of what is run, and are for this machine alone."""

GAUGES: Mapping[str, str] = MappingProxyType(
    {
        "lag_seconds": "How long ago the log that is farthest behind was last read to its end.",
        "waiting_lines": "Lines that were read and are not durable yet.",
        "paused": "Whether the sink takes nothing for now.",
        "gaps": "Places where lines may be missing or repeated.",
    }
)


@define(eq=False)
class Exposition:
    """What Prometheus is shown: what is told, and how shipping goes."""

    registry: CollectorRegistry = field(factory=CollectorRegistry, repr=False)
    port: int = field(default=0, init=False)
    _told: PrometheusListener = field(init=False, repr=False)
    _lines: Counter = field(init=False, repr=False)
    _shown: int = field(default=0, init=False)
    _gauges: dict[str, Gauge] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._told = PrometheusListener(self.registry)
        self._lines = Counter(
            "tenx_ship_lines", "Lines that are durable in the sink.", registry=self.registry
        )
        self._gauges = {
            name: Gauge(f"tenx_ship_{name}", what, registry=self.registry)
            for name, what in GAUGES.items()
        }

    def __call__(self, event: Event) -> None:
        """Count what happened."""
        self._told(event)

    def show(self, *, lines: int, **gauges: float) -> None:
        """Show that so many lines were shipped, and how it is now."""
        self._lines.inc(lines - self._shown)
        self._shown = lines
        for name, value in gauges.items():
            self._gauges[name].set(value)

    @contextmanager
    def serve(self, port: int) -> Iterator[None]:
        """Answer on a port of this machine, in a thread; 0 takes a free one.

        Raises:
            OSError: the port is taken.
        """
        server, thread = start_http_server(port, addr=HERE, registry=self.registry)
        self.port = server.server_port
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
