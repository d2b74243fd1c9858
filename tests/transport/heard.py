"""A listener for tests: hears what it is told to expect, and nothing else."""

from __future__ import annotations

from attrs import define, field

from tenx_async.telemetry.events import AttemptEnded, Event, Paused, Reconciled, Retried


@define
class Heard:
    """Events in the order in which they came; its story fails if one is of another kind."""

    expected: tuple[type[Event], ...] = (AttemptEnded, Retried, Paused, Reconciled)
    events: list[Event] = field(factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def story(self) -> list[str]:
        """The events in short."""
        unexpected = [event for event in self.events if type(event) not in self.expected]
        assert [] == unexpected
        return [_short(event) for event in self.events]


def _short(event: Event) -> str:
    match event:
        case AttemptEnded(operation=operation, verdict=verdict, status=None):
            return f"{operation}: {verdict}"
        case AttemptEnded(operation=operation, verdict=verdict, status=status):
            return f"{operation}: {verdict} {status}"
        case Retried(operation=operation, attempt=attempt):
            return f"{operation}: again after {attempt}"
        case Reconciled(operation=operation, finding=finding, reads=reads):
            return f"{operation}: found {finding} in {reads}"
        case Paused(reason=reason):
            return f"paused: {reason}"
        case _:
            return type(event).__name__
