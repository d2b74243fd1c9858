"""A sink that sends to a collector of OpenTelemetry logs, over a socket."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from tenx_async.errors import SinkUnavailable
from tenx_async.sinks.collector import CollectorExporter
from tenx_async.sinks.otlp import exporter_to, otlp_sink
from tenx_async.sinks.sink import Sink
from tests.clock import ManualClock
from tests.sinks.collecting import TAKEN, Answer, Collector, collecting, partial_success
from tests.sinks.test_files import batch_of


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def sink(collector: Collector) -> Sink:
    return otlp_sink(exporter_to(collector.url))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(302, b"", {"Location": "/login"}), "302"),
        (Answer(304), "304"),
        (Answer(400, b"no such tenant", {"Content-Type": "text/plain"}), "400.*no such tenant"),
        (Answer(503), "503"),
        (Answer(200, b"<html>login</html>", {"Content-Type": "text/html"}), "200.*login"),
        (Answer(200, b"login", {}), "200.*login"),
        (Answer(200, b"[", {"Content-Type": "application/json"}), "200"),
        (Answer(200, b'{"error": "full"}', {"Content-Type": "application/json"}), "200.*full"),
    ],
)
async def test_only_the_answer_of_otlp_says_that_lines_were_taken(
    collector: Collector, sink: Sink, answer: Answer, reason: str
) -> None:
    """They may be given again, to where it answers by then."""
    collector.answer = lambda _: answer
    with pytest.raises(SinkUnavailable, match=reason):
        await sink.write([batch_of("a")])
    assert len(collector.requests) == 1

    collector.answer = lambda _: TAKEN
    await sink.write([batch_of("a")])
    assert collector.texts[-1:] == ["a"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"", {}),
        Answer(200, b'{"partialSuccess": {}}', {"Content-Type": "application/json"}),
        partial_success(0, ""),
    ],
)
async def test_what_says_nothing_against_it_is_a_success(
    collector: Collector, sink: Sink, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty body is one as well."""
    collector.answer = lambda _: answer
    await sink.write([batch_of("a")])
    assert not caplog.records


@pytest.mark.parametrize(
    ("rejected", "told"),
    [(2, "rejected 2 log records.*: too old"), (0, "warns: too old")],
)
async def test_what_a_collector_rejects_is_told_and_not_sent_again(
    collector: Collector, sink: Sink, rejected: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As the specification has it."""
    collector.answer = lambda _: partial_success(rejected, "too old")
    await sink.write([batch_of("a", "b", "c")])

    assert len(collector.requests) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert re.search(told, record.getMessage())


async def test_no_answer_is_told_with_its_cause(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens there."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    with pytest.raises(SinkUnavailable, match=r"collector: .*Connection refused$"):
        await otlp_sink(exporter_to("http://127.0.0.1:9/v1/logs")).write([batch_of("a")])


TOO_LARGE = Answer(413, b"request body too large", {"Content-Type": "text/plain"})


async def test_a_backlog_goes_in_requests_of_a_size_that_is_taken(
    collector: Collector, sink: Sink
) -> None:
    """Neither are there too many lines in one, nor is there too much text."""
    lines = [*map(str, range(2_500)), *(f"{number} {'x' * 300_000}" for number in range(5))]
    await sink.write([batch_of(*lines)])

    assert lines == collector.texts
    assert [1000, 1000, 503, 2] == [len(request) for request in collector.requests]


async def test_what_is_too_large_all_the_same_is_halved(
    collector: Collector, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that is too large alone is cut short: that is told, and the others are not held up."""
    collector.answer = lambda size: TOO_LARGE if size > 100_000 else TAKEN
    lines = ["a" * 40_000, "b" * 300_000, *("c" * 30_000 for _ in range(20))]
    await sink.write([batch_of(*lines)])

    assert [40_000, 75_000, *[30_000] * 20] == list(map(len, collector.texts))
    (told,) = (one.getMessage() for one in caplog.records if one.name == "tenx_async")
    assert "web: line 8 of " in told
    assert "300000 characters" in told
    (cut,) = (record for record in collector.taken if len(record.body.string_value) == 75_000)
    assert {300_000} == {one.value.int_value for one in cut.attributes if one.key == "tenx.length"}


async def test_a_receiver_that_takes_not_even_little_is_waited_for(
    collector: Collector, sink: Sink
) -> None:
    """Whatever it refuses, it is not the size."""
    collector.answer = lambda _: TOO_LARGE
    batches = [batch_of("a", "b")]
    with pytest.raises(SinkUnavailable, match=r"413.*body too large"):
        await sink.write(batches)

    collector.answer = lambda _: TAKEN
    await sink.write(batches)
    assert ["a", "b"] == collector.texts


async def test_what_was_taken_of_a_backlog_is_not_sent_again(
    collector: Collector, sink: Sink
) -> None:
    """Or one that fails now and then would never take all of it."""
    collector.answer = lambda _: TAKEN if len(collector.requests) % 2 else Answer(503)
    batches = [batch_of(*map(str, range(3_000)))]
    for _ in range(2):
        with pytest.raises(SinkUnavailable):
            await sink.write(batches)
    await sink.write(batches)

    assert [str(number) for number in range(3_000)] == collector.texts


@pytest.mark.parametrize("status", [429, 503])
async def test_a_collector_that_asks_to_wait_is_left_alone_so_long(
    collector: Collector, status: int
) -> None:
    """It says why all the same."""
    clock = ManualClock()
    sink = otlp_sink(CollectorExporter(collector.url, monotonic=clock.monotonic))
    collector.answer = lambda _: Answer(status, b"", {"Retry-After": "60"})
    batches = [batch_of("a")]
    for seconds in (59, 1):
        with pytest.raises(SinkUnavailable, match=f"{status}"):
            await sink.write(batches)
        await clock.sleep(seconds)
    assert len(collector.requests) == 1

    collector.answer = lambda _: TAKEN
    await sink.write(batches)
    assert ["a"] == collector.texts
