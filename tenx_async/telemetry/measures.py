"""What is counted and measured of the events, whichever library keeps the numbers.

Labels have few values: verbs, verdicts, findings, reasons, kinds of error; never a service's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import frozen

from tenx_async.telemetry.events import (
    AttemptEnded,
    CursorLost,
    DayOpened,
    DaySealed,
    DiscoveryFailed,
    Event,
    FollowingEnded,
    LogChanged,
    Paused,
    Reconciled,
    Retried,
    SinkPaused,
    SinkResumed,
    SourceAwaited,
    SourceEvent,
    SourceFailed,
    SourceFinished,
    SourceFound,
    SourceRecovered,
    SourceRemoved,
    SourceReset,
    SourceThrottled,
)

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds: the bounds that OpenTelemetry advises for requests, and Prometheus has by default."""


@frozen(kw_only=True)
class Measure:
    """Something that is counted (only grows), gauged (goes up and down) or distributed."""

    name: str
    """Words separated by dots."""
    kind: Literal["counter", "gauge", "histogram"] = "counter"
    unit: str
    """In UCUM: `s`, or `{things}`."""
    description: str
    labels: tuple[str, ...] = ()


@frozen
class Measurement:
    """A number to add to a measure, or to its distribution."""

    measure: Measure
    amount: float = 1
    labels: tuple[str, ...] = ()
    """Values of the measure's labels."""


ATTEMPTS = Measure(
    name="attempts",
    unit="{attempt}",
    description="Requests sent, or tried to be; those with the verb `logs` are polls.",
    labels=("verb", "verdict"),
)
DURATION = Measure(
    name="attempt.duration",
    kind="histogram",
    unit="s",
    description="From the gate to the end of the answer.",
    labels=("verb",),
)
RETRIES = Measure(
    name="retries",
    unit="{retry}",
    description="Requests that were to be sent again after a failure.",
    labels=("verb", "error"),
)
PAUSES = Measure(
    name="pauses",
    unit="{pause}",
    description="Times that all calls of an account were held back.",
    labels=("reason",),
)
PAUSED = Measure(
    name="paused.time",
    unit="s",
    description="How long all calls of an account were to be held back.",
    labels=("reason",),
)
RECONCILIATIONS = Measure(
    name="reconciliations",
    unit="{write}",
    description="Writes whose answers were lost, by what was found out about them.",
    labels=("verb", "finding"),
)
RECONCILING_READS = Measure(
    name="reconciliation.reads",
    unit="{read}",
    description="Looks at services that it took to find out what became of writes.",
    labels=("verb",),
)
FOLLOWED = Measure(
    name="sources",
    kind="gauge",
    unit="{service}",
    description="Services whose logs are followed.",
)
FAILING = Measure(
    name="sources.failing",
    kind="gauge",
    unit="{service}",
    description="Followed services whose logs could not be read last.",
)
SOURCE_CHANGES = Measure(
    name="source.changes",
    unit="{change}",
    description="Services that were found, awaited, removed, read to their end or made anew.",
    labels=("change",),
)
SOURCE_FAILURES = Measure(
    name="source.failures",
    unit="{failure}",
    description="Times that the log of a followed service could not be read.",
    labels=("error",),
)
SOURCE_THROTTLES = Measure(
    name="source.throttles",
    unit="{refusal}",
    description="Times that no page of a log came for there being too many calls.",
)
SINK_PAUSES = Measure(
    name="sink.pauses",
    unit="{pause}",
    description="Times that polling paused since lines could not be written where they go.",
)
SINK_PAUSED = Measure(
    name="sink.paused.time",
    unit="s",
    description="How long lines could not be written where they go.",
)
DISCOVERY_FAILURES = Measure(
    name="discovery.failures",
    unit="{failure}",
    description="Times that the services to follow could not be listed.",
    labels=("error",),
)
DAYS_OPENED = Measure(
    name="days.opened",
    unit="{day}",
    description="New days of logs that were begun.",
)
DAYS_SEALED = Measure(
    name="days.sealed",
    unit="{day}",
    description="Days of logs that are over, and were read to their end.",
)
LOG_CHANGES = Measure(
    name="log.changes",
    unit="{change}",
    description="Times that a log turned out to be not only appended to.",
    labels=("finding",),
)

MEASURES = (
    ATTEMPTS,
    DURATION,
    RETRIES,
    PAUSES,
    PAUSED,
    RECONCILIATIONS,
    RECONCILING_READS,
    FOLLOWED,
    FAILING,
    SOURCE_CHANGES,
    SOURCE_FAILURES,
    SOURCE_THROTTLES,
    SINK_PAUSES,
    SINK_PAUSED,
    DISCOVERY_FAILURES,
    DAYS_OPENED,
    DAYS_SEALED,
    LOG_CHANGES,
)


def measurements(event: Event) -> Iterator[Measurement]:
    """Tell what an event adds to the measures."""
    match event:
        case AttemptEnded():
            yield Measurement(ATTEMPTS, 1, (event.verb, event.verdict))
            yield Measurement(DURATION, event.seconds, (event.verb,))
        case Retried():
            yield Measurement(RETRIES, 1, (event.verb, _kind(event.error)))
        case Paused():
            yield Measurement(PAUSES, 1, (event.reason,))
            yield Measurement(PAUSED, event.seconds, (event.reason,))
        case Reconciled():
            yield Measurement(RECONCILIATIONS, 1, (event.verb, event.finding))
            yield Measurement(RECONCILING_READS, event.reads, (event.verb,))
        case DiscoveryFailed():
            yield Measurement(DISCOVERY_FAILURES, 1, (_kind(event.error),))
        case SinkPaused() | SinkResumed():
            yield _of_sink(event)
        case DayOpened():
            yield Measurement(DAYS_OPENED)
        case LogChanged():
            yield Measurement(LOG_CHANGES, 1, (_kind(event.finding),))
        case DaySealed():
            yield Measurement(DAYS_SEALED)
        case _:
            yield from _of_source(event)


def _of_sink(event: SinkPaused | SinkResumed) -> Measurement:
    if isinstance(event, SinkPaused):
        return Measurement(SINK_PAUSES)
    return Measurement(SINK_PAUSED, event.seconds)


_CHANGES: dict[type, str] = {
    SourceAwaited: "awaited",
    SourceRemoved: "removed",
    SourceFinished: "finished",
    SourceReset: "reset",
    CursorLost: "cursor lost",
}


def _of_source(event: SourceEvent | FollowingEnded) -> Iterator[Measurement]:
    match event:
        case SourceFound():
            yield Measurement(SOURCE_CHANGES, 1, ("found",))
            yield Measurement(FOLLOWED)
        case SourceAwaited() | SourceReset() | CursorLost():
            yield Measurement(SOURCE_CHANGES, 1, (_CHANGES[type(event)],))
        case SourceRemoved() | SourceFinished():
            yield Measurement(SOURCE_CHANGES, 1, (_CHANGES[type(event)],))
            yield Measurement(FOLLOWED, -1)
        case SourceFailed():
            yield Measurement(SOURCE_FAILURES, 1, (_kind(event.error),))
            if event.failures == 1:
                yield Measurement(FAILING)
        case SourceThrottled():
            yield Measurement(SOURCE_THROTTLES)
        case SourceRecovered():
            yield Measurement(FAILING, -1)
        case FollowingEnded():
            yield Measurement(FOLLOWED, -event.sources)
            yield Measurement(FAILING, -event.failing)


def _kind(of: object) -> str:
    return type(of).__name__
