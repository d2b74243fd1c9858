"""Lines as OpenTelemetry log records, each at least once; needs the extra `otlp`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tenx_async import __version__
from tenx_async.errors import SinkUnavailable
from tenx_async.logs.cursors import CursorStore, MemoryCursors
from tenx_async.logs.lines import LogBatch, LogLine
from tenx_async.sinks.function import FunctionSink

_SCOPE = InstrumentationScope("tenx_async", __version__)


def otlp_sink(
    exporter: LogRecordExporter,
    *,
    cursors: CursorStore | None = None,
    now: Callable[[], int] = time.time_ns,
) -> FunctionSink:
    """Make a sink of an exporter, such as that of OTLP over HTTP.

    A record has the attribute `log.record.uid`, which is the same whenever a line is sent again.

    Args:
        exporter: where records go; who made it shuts it down.
        cursors: where it is noted what was sent; in memory only by default.
        now: tells the time in nanoseconds since 1970; log entries have none of their own.
    """

    async def deliver(batches: Sequence[LogBatch]) -> None:
        records = list(_records(batches, now()))
        if records:
            result = await asyncio.to_thread(exporter.export, records)
            if result is not LogRecordExportResult.SUCCESS:
                raise SinkUnavailable("the receiver of OpenTelemetry logs did not take them")

    return FunctionSink(deliver, cursors or MemoryCursors())


def exporter_to(url: str) -> LogRecordExporter:
    """Make an exporter that sends to a receiver's address by HTTP."""
    from tenx_async.sinks.collector import CollectorExporter  # noqa: PLC0415  # an extra

    return CollectorExporter(url)


def _records(batches: Iterable[LogBatch], observed: int) -> Iterator[ReadableLogRecord]:
    for batch in batches:
        resource = Resource({"service.name": batch.source, "cloud.region": batch.region})
        for line in batch.lines:
            record = LogRecord(
                observed_timestamp=observed, body=line.log, attributes=_attributes(line)
            )
            yield ReadableLogRecord(record, resource, _SCOPE)


def _attributes(line: LogLine) -> dict[str, str | int | bool]:
    return {
        "service.instance.id": line.instance_name,
        "log.record.uid": _uid(line),
        "tenx.date": f"{line.date}",
        "tenx.position": line.position,
        "tenx.late": line.late,
    }


def _uid(line: LogLine) -> str:
    place = (line.region, line.service, f"{line.date}", line.instance_name, str(line.position))
    text = "\0".join((*place, line.log)).encode(errors="surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()
