from __future__ import annotations

import datetime as dt

import pytest

from tenx_async import LogBatch, LogEntry, errors
from tenx_async.cli.render import TerminalLines, plain_lines
from tenx_async.cli.status import Following
from tenx_async.cli.terminal import visible, visible_json
from tenx_async.telemetry.events import (
    DiscoveryFailed,
    SourceFailed,
    SourceFound,
    SourceRecovered,
    SourceRemoved,
)

DAY = dt.date(2015, 12, 29)


def _batch(*entries: tuple[str, str], service: str = "web") -> LogBatch:
    return LogBatch("beijing1", service, DAY, 0, [LogEntry(*entry) for entry in entries])


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x2028])
def test_nothing_that_a_terminal_obeys_is_left(code: int) -> None:
    """Only tabs and newlines stay as they are."""
    assert (chr(code) in visible(f"a{chr(code)}b")) == (chr(code) in "\t\n")


@pytest.mark.parametrize("text", ["plain", "中文 é 🙂", "tab\there", "␛[31m", "[bold]"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Letters of any script are no danger."""
    assert text == visible(text) == visible_json(text)


@pytest.mark.parametrize(
    ("service", "instance", "name"),
    [("web", "web-x1", "web-x1"), ("web", "", "web"), ("web", "x1", "web/x1")],
)
def test_a_line_names_service_and_instance(service: str, instance: str, name: str) -> None:
    """Once, where the one contains the other."""
    assert f"{name} hello\n" == plain_lines(_batch((instance, "hello"), service=service))


def test_columns_grow_and_never_shrink() -> None:
    """Lines that come later stand below each other."""
    show = TerminalLines(colour=False)

    assert "web-1 a\n" == show(_batch(("web-1", "a")))
    assert "web-100 b\nweb-1   c\n" == show(_batch(("web-100", "b"), ("web-1", "c")))
    assert "web-1   d\n" == show(_batch(("web-1", "d")))


def test_a_name_cannot_command_the_terminal_either() -> None:
    """Instances are named by the server."""
    assert "web-␛c␊x hello\n" == TerminalLines(colour=False)(_batch(("web-\x1bc\nx", "hello")))


def test_an_empty_entry_is_an_empty_line() -> None:
    """What was written is shown, be it nothing."""
    assert "web-1 \n" == plain_lines(_batch(("web-1", "")))


def _said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.removeprefix("tenx: ") for line in capsys.readouterr().err.splitlines()]


def test_many_services_are_counted_not_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A first look at a thousand services is one line."""
    following = Following(live=True)
    for number in range(1234):
        following(SourceFound(source=f"web-{number}"))
    following.begin()
    following(SourceFound(source="later"))

    assert ["following 1,234 services", "later: found"] == _said(capsys)


def test_an_outage_of_many_services_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Each failure is told once, then how many there are."""
    following = Following(live=True)
    error = errors.ServerError("down", status=503)
    for number in range(1000):
        for failures in (1, 2, 3):
            following(SourceFailed(source=f"w{number}", error=error, failures=failures, retry_in=1))
    told = _said(capsys)
    assert 5 < len(told) < 25
    assert "w0: down [HTTP 503]; the API is not well; try again later; next try in 1 s" == told[0]
    assert told[-1].startswith("512 services cannot be read")

    for number in range(1000):
        following(SourceRecovered(source=f"w{number}", failures=3))
    assert ["all services can be read again"] == _said(capsys)


def test_other_news_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever changes which lines come is said."""
    following = Following(live=True)
    following.begin()
    following(SourceRemoved(source="web"))
    following(DiscoveryFailed(error=errors.Unauthorized("no", status=401), retry_in=2))
    following(SourceFailed(source="a", error=errors.TimedOut("slow"), failures=1, retry_in=1))
    following(SourceRecovered(source="a", failures=1))

    start, removed, listing, failed, recovered = _said(capsys)
    assert ["following 0 services", "web: removed"] == [start, removed]
    assert listing.startswith("cannot look for services: no [HTTP 401]; check TENX_USERNAME")
    assert failed.startswith("a: slow")
    assert "a: recovered" == recovered


def test_the_end_of_a_log_is_no_news_to_who_reads_to_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without `-f` every service is left in the end."""
    Following(live=False)(SourceRemoved(source="web"))

    assert [] == _said(capsys)
