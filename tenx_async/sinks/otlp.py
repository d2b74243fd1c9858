"""Lines as OpenTelemetry log records, each at least once; needs the extra `otlp`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import starmap

from attrs import define, field
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tenx_async import __version__
from tenx_async.errors import SinkUnavailable
from tenx_async.fleet.threads import to_the_end
from tenx_async.logs.cursors import MemoryCursors
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.line_ids import KnownCursors, LineIds
from tenx_async.sinks.otlp_requests import Request, Sending, Sent, requests_of
from tenx_async.sinks.sink import commits_of, settle
from tenx_async.sinks.sqlite_cursors import SqliteCursors

_SUCCESS = LogRecordExportResult.SUCCESS
_SCOPE = InstrumentationScope("tenx_async", __version__)


@define(eq=False)
class OtlpSink:
    """Sends lines to a receiver of OpenTelemetry logs, and then notes where they were read to.

    A record has the attribute `log.record.uid`, which is the same when a line is sent again, also
    after a crash, as long as the cursors are kept and lines are put together as before; no two
    lines have the same.
    Requests that are too large for the receiver are sent in parts. A line that is too large alone
    is cut short: that is logged, and `tenx.length` tells how many characters it has.
    """

    exporter: LogRecordExporter
    cursors: KnownCursors = field(factory=MemoryCursors)
    now: Callable[[], int] = field(default=time.time_ns, repr=False)
    _batches: Sequence[LogBatch] = field(default=(), init=False, repr=False)
    """What is being sent."""
    _sending: Sending = field(factory=lambda: Sending(iter(())), init=False, repr=False)

    async def open(self) -> None:
        """Open the file of the cursors, if they are in one that is not open.

        Raises:
            SinkUnavailable: it cannot be written to, or another process uses it.
        """
        if isinstance(self.cursors, SqliteCursors):
            await to_the_end(self.cursors.open)

    def prepare(self, batch: LogBatch) -> LogBatch:
        """Leave it as it is."""
        return batch

    async def write(self, batches: Sequence[LogBatch]) -> None:
        """Send lines, and commit; what was taken is not sent again if the rest is given again.

        Raises:
            SinkUnavailable: not all was taken, or it could not be committed.
        """
        if batches is not self._batches:
            ids = await to_the_end(partial(LineIds.of, self.cursors, batches))
            lines = starmap(Sent, ids.each(batches))
            self._batches, self._sending = batches, Sending(requests_of(lines))
        while await to_the_end(partial(self._sending.next, self._send)):
            pass
        if commits := commits_of(batches):
            await self.cursors.commit(commits)
        settle(batches)
        self._batches = ()

    async def rest(self) -> bool:
        """Nothing is put off."""
        return False

    async def close(self) -> None:
        """Nothing to let go of: who made the exporter shuts it down."""

    def _send(self, request: Request) -> None:
        if self.exporter.export(list(_records(request, self.now()))) is not _SUCCESS:
            raise SinkUnavailable("the receiver of OpenTelemetry logs did not take them")


def otlp_sink(
    exporter: LogRecordExporter,
    *,
    cursors: KnownCursors | None = None,
    now: Callable[[], int] = time.time_ns,
) -> OtlpSink:
    """Make a sink of an exporter, such as that of OTLP over HTTP.

    Args:
        exporter: where records go; who made it shuts it down.
        cursors: where it is noted what was sent; in memory only by default.
        now: tells the time in nanoseconds since 1970; log entries have none of their own.
    """
    return OtlpSink(exporter, cursors or MemoryCursors(), now)


def exporter_to(url: str) -> LogRecordExporter:
    """Make an exporter that sends to a receiver's address by HTTP."""
    from tenx_async.sinks.collector import CollectorExporter  # noqa: PLC0415  # an extra

    return CollectorExporter(url)


def _records(request: Request, observed: int) -> Iterator[ReadableLogRecord]:
    for line, attributes in ((sent.line, _attributes(sent)) for sent in request):
        body = line.log.encode(errors="backslashreplace").decode()  # halves of characters
        record = LogRecord(observed_timestamp=observed, body=body, attributes=attributes)
        yield ReadableLogRecord(record, _resource(line.region, line.service), _SCOPE)


@cache
def _resource(region: str, service: str) -> Resource:
    return Resource({"service.name": service, "cloud.region": region})


def _attributes(sent: Sent) -> dict[str, str | int | bool]:
    line = sent.line
    whole = {} if sent.length is None else {"tenx.length": sent.length}
    return {
        "service.instance.id": line.instance_name,
        "log.record.uid": sent.uid,
        "tenx.date": f"{line.date}",
        "tenx.position": line.position,
        "tenx.late": line.late,
        **whole,
    }
