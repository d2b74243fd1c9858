"""A sink that sends to a collector of OpenTelemetry logs, over a socket."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from tenx_async.errors import SinkUnavailable
from tenx_async.sinks.otlp import exporter_to, otlp_sink
from tenx_async.sinks.sink import Sink
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
    with pytest.raises(SinkUnavailable, match="refused"):
        await otlp_sink(exporter_to("http://127.0.0.1:9/v1/logs")).write([batch_of("a")])
