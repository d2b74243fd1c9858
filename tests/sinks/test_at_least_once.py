"""Sinks that cannot keep cursors with their lines: a function, a stream, OpenTelemetry."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, LogRecordExportResult

from tenx_async.api.entries import LogEntry
from tenx_async.errors import ConfigurationError, SinkUnavailable
from tenx_async.logs.cursor import Commit
from tenx_async.logs.cursors import MemoryCursors
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.address import sink_at
from tenx_async.sinks.files import FileSink
from tenx_async.sinks.function import FunctionSink
from tenx_async.sinks.otlp import OtlpSink, otlp_sink
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.sink import Sink
from tenx_async.sinks.sqlite import SqliteSink
from tenx_async.sinks.sqlite_cursors import SqliteCursors
from tenx_async.sinks.stdout import stdout_sink
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.sinks.shipping import FakeClient
from tests.sinks.test_files import batch_of


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web", "api")
    cloud.write("web", *(f"line {number}" for number in range(200)))
    cloud.write("api", "one")
    return cloud


async def ship(fake: FakeCloud, sink: Sink) -> None:
    await Ship(FakeClient(fake), sink, follow=False).run()


async def test_a_function_gets_every_line_once_more_if_it_failed(fake: FakeCloud) -> None:
    """It says that it cannot take them now, and is asked again."""
    got: Counter[tuple[str, str]] = Counter()
    calls = 0

    async def take(batches: Sequence[LogBatch]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise SinkUnavailable("not now")
        got.update((line.service, line.log) for batch in batches for line in batch)

    sink = FunctionSink(take)
    await ship(fake, sink)
    await ship(fake, sink)

    assert fake.written == got


async def test_a_stream_goes_on_where_it_was(fake: FakeCloud, tmp_path: Path) -> None:
    """Where it is noted in a file what was written."""
    out = io.BytesIO()
    for text in ("a", "b"):
        with SqliteCursors(tmp_path / "cursors.sqlite") as cursors:
            await ship(fake, stdout_sink(stream=out, cursors=cursors))
        fake.write("web", text)
    with SqliteCursors(tmp_path / "cursors.sqlite") as cursors:
        await ship(fake, stdout_sink(stream=out, cursors=cursors))

    lines = map(json.loads, out.getvalue().splitlines())
    assert fake.written == Counter((line["service"], line["log"]) for line in lines)


class Receiver(InMemoryLogRecordExporter):
    """Takes nothing the first time."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # of the SDK
        self.has_refused = False

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if not self.has_refused:
            self.has_refused = True
            return LogRecordExportResult.FAILURE
        return super().export(batch)

    @property
    def by_id(self) -> dict[object, tuple[str, str]]:
        """Of each id, the line: a receiver can tell by it what came twice."""
        return {
            (one.log_record.attributes or {})["log.record.uid"]: (
                str(one.resource.attributes["service.name"]),
                str(one.log_record.body),
            )
            for one in self.get_finished_logs()
        }


async def test_a_record_says_where_its_line_comes_from(fake: FakeCloud) -> None:
    """And when it was seen, since lines have no time of their own."""
    receiver = Receiver()
    await ship(fake, otlp_sink(receiver, now=lambda: 7))

    assert fake.written == Counter(receiver.by_id.values())
    assert {7} == {one.log_record.observed_timestamp for one in receiver.get_finished_logs()}


async def test_half_a_character_holds_nothing_up(fake: FakeCloud) -> None:
    """It has no place in a record: it is escaped."""
    fake.write("web", "half \ud800", "whole")
    receiver = Receiver()
    await ship(fake, otlp_sink(receiver))

    texts = Counter(text for _, text in receiver.by_id.values())
    assert 1 == texts["half \\ud800"] == texts["whole"]


class KilledError(Exception):
    """Lines were sent, and it is not noted."""


class Killed(SqliteCursors):
    """Notes where sources begin, and nothing that was sent."""

    async def commit(self, commits: Sequence[Commit]) -> None:
        if commits:
            raise KilledError
        await super().commit(commits)


def insert(fake: FakeCloud, position: int, text: str) -> None:
    """Have a line come late."""
    fake.logs["web"][fake.today].insert(position, LogEntry("web-1", text))
    fake.written["web", text] += 1


@pytest.mark.parametrize("was_there", [True, False])
async def test_an_id_is_the_same_after_a_crash(
    fake: FakeCloud, tmp_path: Path, was_there: bool
) -> None:
    """Whatever was inserted meanwhile, and however often a line is there."""
    receiver, file = Receiver(), tmp_path / "cursors.sqlite"
    if was_there:
        with SqliteCursors(file) as cursors:
            await ship(fake, otlp_sink(receiver, cursors=cursors))
    fake.write("web", "tick", "tick", "new")
    with Killed(file) as cursors, pytest.raises(KilledError):
        await ship(fake, otlp_sink(receiver, cursors=cursors))
    sent = len(receiver.get_finished_logs())
    insert(fake, 0, "tick")
    with SqliteCursors(file) as cursors:
        await ship(fake, otlp_sink(receiver, cursors=cursors))

    assert len(receiver.get_finished_logs()) > max(sent, fake.written.total())
    assert fake.written == Counter(receiver.by_id.values())


async def test_what_was_sent_is_not_sent_again_to_be_committed(fake: FakeCloud) -> None:
    """A commit that failed is tried again by itself."""

    class Full(MemoryCursors):
        failures = 1

        async def commit(self, commits: Sequence[Commit]) -> None:
            if commits and self.failures:
                self.failures -= 1
                raise SinkUnavailable("no space left")
            await super().commit(commits)

    receiver, cursors = Receiver(), Full()
    for _ in range(2):
        await ship(fake, otlp_sink(receiver, cursors=cursors))

    assert fake.written.total() == len(receiver.get_finished_logs())


async def test_equal_lines_at_the_same_place_have_ids_of_their_own(
    fake: FakeCloud, tmp_path: Path
) -> None:
    """A late line takes the place of the one that stood there."""
    receiver = Receiver()
    with SqliteCursors(tmp_path / "cursors.sqlite") as cursors:
        await ship(fake, otlp_sink(receiver, cursors=cursors))
        insert(fake, 20, "line 20")
        await ship(fake, otlp_sink(receiver, cursors=cursors))

    assert fake.written == Counter(receiver.by_id.values())


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("files:logs", FileSink),
        ("sqlite:lines.sqlite", SqliteSink),
        ("stdout:", FunctionSink),
        ("otlp:http://127.0.0.1:4318/v1/logs", OtlpSink),
    ],
)
def test_a_sink_has_an_address(address: str, kind: type[Sink]) -> None:
    """As it is written on a command line."""
    assert isinstance(sink_at(address), kind)


@pytest.mark.parametrize(
    ("address", "options"),
    [("files:", {}), ("ftp:host", {}), ("stdout:there", {}), ("files:logs", {"colour": True})],
)
def test_what_is_no_address_is_refused(address: str, options: dict[str, Any]) -> None:
    """With those that there are."""
    with pytest.raises(ConfigurationError):
        sink_at(address, **options)


async def test_who_reads_no_more_is_told_apart() -> None:
    """A full disk is waited for, a closed pipe is not."""

    class Stream(io.BytesIO):
        error: OSError = OSError(28, "No space left on device")

        def write(self, _: Any) -> int:
            raise self.error

    stream = Stream()
    with pytest.raises(SinkUnavailable):
        await stdout_sink(stream=stream).write([batch_of("a")])
    stream.error = BrokenPipeError()
    with pytest.raises(BrokenPipeError):
        await stdout_sink(stream=stream).write([batch_of("a")])
