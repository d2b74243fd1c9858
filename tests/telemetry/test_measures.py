"""What each event counts for."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from tenx_async.telemetry.events import Event
from tenx_async.telemetry.measures import MEASURES, Measurement, measurements
from tests.telemetry import happenings as its

ADDS: list[tuple[Event, dict[str, float]]] = [
    (its.APPLIED, {"attempts restart applied": 1, "attempt.duration restart": 0.25}),
    (its.REFUSED, {"attempts get refused": 1, "attempt.duration get": 0.5}),
    (its.CANCELLED, {"attempts logs cancelled": 1, "attempt.duration logs": 0.1}),
    (its.RETRIED, {"retries get ServerError": 1}),
    (
        its.PAUSED,
        {"pauses the server asks to wait": 1, "paused.time the server asks to wait": 7.5},
    ),
    (its.RECONCILED, {"reconciliations stop undone": 1, "reconciliation.reads stop": 4}),
    (its.FOUND, {"source.changes found": 1, "sources": 1}),
    (its.AWAITED, {"source.changes awaited": 1}),
    (its.REMOVED, {"source.changes removed": 1, "sources": -1}),
    (its.FINISHED, {"source.changes finished": 1, "sources": -1}),
    (its.RESET, {"source.changes reset": 1}),
    (its.FAILED, {"source.failures ServerError": 1, "sources.failing": 1}),
    (its.FAILED_AGAIN, {"source.failures ServerError": 1}),
    (its.THROTTLED, {"source.throttles": 1}),
    (its.RECOVERED, {"sources.failing": -1}),
    (its.UNTRUSTED, {"source.changes cursor lost": 1}),
    (its.FULL, {"sink.pauses": 1}),
    (its.ROOM_AGAIN, {"sink.paused.time": 7.5}),
    (its.UNLISTED, {"discovery.failures ServerError": 1}),
    (its.CHANGED, {"log.changes Shift": 1}),
    (its.LOST, {"log.changes Gap": 1}),
    (its.SEALED, {"days.sealed": 1}),
    (its.NEW_DAY, {"days.opened": 1}),
    (its.ENDED, {"sources": -3, "sources.failing": -2}),
]


def short(one: Measurement) -> str:
    return " ".join([one.measure.name, *one.labels])


@pytest.mark.parametrize(("event", "adds"), ADDS, ids=lambda value: type(value).__name__)
def test_an_event_counts(event: Event, adds: dict[str, float]) -> None:
    """Each adds to a few measures."""
    assert adds == {short(one): one.amount for one in measurements(event)}


def test_every_kind_of_event_counts() -> None:
    """A new kind needs a line in the table above."""
    assert set(get_args(Event)) == {type(event) for event, _ in ADDS}


def test_every_measure_is_used() -> None:
    """None is registered for nothing, and none of their names is there twice."""
    used = {one.measure for event, _ in ADDS for one in measurements(event)}

    assert set(MEASURES) == used
    assert len(MEASURES) == len({measure.name for measure in MEASURES})


@pytest.mark.parametrize("event", its.EVERYTHING, ids=lambda event: type(event).__name__)
def test_labels_fit_their_measures(event: Event) -> None:
    """As many values as names, none of them a service, and only gauges go down."""
    for one in measurements(event):
        assert len(one.measure.labels) == len(one.labels)
        assert "web" not in one.labels
        assert one.amount >= 0 or one.measure.kind == "gauge"


def test_gauges_return_to_where_they_began() -> None:
    """Whatever a follower went through, nothing is followed when it has ended."""
    story: list[Event] = [
        *[its.FOUND] * 5,
        its.FAILED,
        its.FAILED_AGAIN,
        its.RECOVERED,
        its.REMOVED,
        its.RESET,
    ]
    story += [its.FAILED, its.FAILED, its.REMOVED, its.ENDED]  # which leaves 3, 2 of them failing
    sums: Counter[str] = Counter()
    for one in (one for event in story for one in measurements(event)):
        sums[one.measure.name] += int(one.amount)

    assert (0, 0) == (sums["sources"], sums["sources.failing"])
