"""One step of a run on its way: waiting, sent, watched, over. Told what happens, it decides."""

from __future__ import annotations

import enum

from attrs import define, evolve, field

from tenx_async.api.containment import contains, is_another
from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome, Result
from tenx_async.errors import DeadlineExceeded, TenxError
from tenx_async.fleet.plan import DISRUPTIVE, Step, Write

_RESTARTING = frozenset({"restarting", "redeploying"})


class State(enum.Enum):
    """Where a step is."""

    WAITING = "waiting"
    SENT = "sent"
    """A write is under way."""
    WATCHED = "watched"
    """What was written is to show."""
    OVER = "over"


@define(eq=False)
class Progress:
    """One step on its way."""

    index: int
    """Its place in the plan."""
    step: Step
    region: str = field(default="", kw_only=True)
    state: State = State.WAITING
    write: int = 0
    """Which of its writes is next, or under way."""
    outcome: Outcome | None = None
    """What the step came to; while it is watched, what its last write did."""
    seen: Service | None = field(default=None, init=False, repr=False)
    """What the service looked like just before its last write, if that is known."""
    since: float = field(default=0.0, init=False)
    """When its last write was answered, in seconds."""
    good_since: float | None = field(default=None, init=False)
    """Since when it is as it was to be."""
    is_away: bool = field(default=False, init=False)
    """Whether, for all that is known, the service is not at work because of this run."""
    attempts: int = field(default=0, init=False)
    _is_missed: bool = field(default=False, init=False)
    """Whether the last look did not show the service."""

    @property
    def current(self) -> Write:
        """The write that is next, or under way."""
        return self.step.writes[self.write]

    @property
    def has_failed(self) -> bool:
        """Whether it is over and things are not as they were to be, for all that is known."""
        return self.state is State.OVER and self.outcome is not None and not self.outcome.ok

    def send(self) -> None:
        """Note that the next write is under way."""
        self.state = State.SENT
        self.is_away = self.is_away or self.current.verb in DISRUPTIVE

    def answered(self, outcome: Outcome, now: float) -> None:
        """Note what a write did."""
        self.attempts += outcome.attempts
        self.outcome = self._named(outcome)
        self.since, self.good_since = now, None
        if outcome.ok or outcome.result == "unknown":
            self.state = State.WATCHED
        elif outcome.result == "failed" and isinstance(outcome.error, DeadlineExceeded):
            self.state, self.is_away = State.WAITING, self.write > 0  # its turn did not come
        else:
            self._end(is_away=self.write > 0)

    def look(self, service: Service | None, now: float, *, stable: float, timeout: float) -> None:
        """Note what the service looks like at a time; gone is what two looks do not show."""
        is_doubtful = service is None and not self._is_missed
        self._is_missed = service is None
        if is_doubtful:
            return
        if self.state is State.WATCHED:
            self._judge(service, now, stable, timeout)
        elif self.state is State.OVER:
            self.is_away = self._is_still_away(service)

    def look_failed(self, error: TenxError, now: float, timeout: float) -> None:
        """Note that nobody could look at the service."""
        if self.state is State.WATCHED and now >= self.since + timeout:
            self._time_out(f"it could not be looked at ({error})", now)
            self._end(is_away=self.is_away)

    def restore(self, outcome: Outcome, *, is_away: bool) -> None:
        """Be over, as an earlier process left it."""
        self.outcome = outcome
        self._end(is_away=is_away)

    def settle(self, result: Result, error: TenxError | None = None) -> None:
        """End a step that is not to be written to, or not any further."""
        attempts = self.attempts
        self.outcome = self._named(Outcome(operation="", result=result, error=error))
        self.outcome = evolve(self.outcome, attempts=attempts)
        self._end(is_away=self.write > 0)

    def _judge(self, service: Service | None, now: float, stable: float, timeout: float) -> None:
        self._learn(service)
        if not reached(self.current, self.step.seen, service):
            self.good_since = None
        elif self.good_since is None:
            self.good_since = now
        wait = stable if self.current.verb not in {"stop", "delete"} else 0.0
        if self.good_since is not None and now >= self.good_since + wait:
            self._advance()
        elif self.good_since is None and now >= self.since + timeout:
            status = (service.status or "without a status") if service else "not there"
            self._time_out(f"still {status}", now)
            self._end(is_away=self._is_still_away(service))

    def _is_still_away(self, service: Service | None) -> bool:
        """Tell whether a service that went away has not come back, nor to where it was to go."""
        if service is None:
            return self.is_away and self._is_replacement
        is_back = service.has_status("Running") or reached(self.current, self.step.seen, service)
        return self.is_away and not is_back

    @property
    def _is_replacement(self) -> bool:
        return {"delete", "create"} <= {write.verb for write in self.step.writes}

    def _learn(self, service: Service | None) -> None:
        """Take a look for evidence of a write whose answer was lost."""
        if self.outcome is None or self.outcome.result != "unknown":
            return
        if self.current.verb == "restart":
            shows = self._shows_a_restart(service)
        else:
            shows = reached(self.current, self.step.seen, service)
        if shows:
            self.outcome = evolve(self.outcome, result="applied", error=None)

    def _shows_a_restart(self, service: Service | None) -> bool:
        """Tell whether a service restarts, or does not run where it ran before."""
        status = ((service and service.status) or "").casefold()
        ran = self.seen is not None and self.seen.has_status("Running")
        return status in _RESTARTING or (ran and status not in {"", "running"})

    def _advance(self) -> None:
        """Go on to the next write, or be over."""
        is_known = self.outcome is not None and self.outcome.result != "unknown"
        if is_known and self.write + 1 < len(self.step.writes):
            self.write += 1
            self.state = State.WAITING
        else:
            self._end(is_away=False)

    def _time_out(self, how: str, now: float) -> None:
        if self.outcome is not None and self.outcome.result != "unknown":
            error = DeadlineExceeded(
                f"{how} {now - self.since:.0f} s after its {self.current.verb}",
                operation=f"{self.step.operation} {self.step.service}",
            )
            self.outcome = evolve(self.outcome, result="failed", error=error)

    def _end(self, *, is_away: bool) -> None:
        self.state, self.is_away = State.OVER, is_away

    def _named(self, outcome: Outcome) -> Outcome:
        """What the step came to, as its own outcome and not that of one of its writes."""
        return evolve(
            outcome,
            operation=self.step.operation,
            service=self.step.service,
            region=self.region or outcome.region,
            attempts=max(self.attempts, outcome.attempts),
        )


def reached(write: Write, before: Service | None, service: Service | None) -> bool:
    """Tell whether a service shows what a write was for."""
    if write.verb == "delete":
        return service is None or (before is not None and is_another(before, service))
    if service is None:
        return False
    if write.verb == "stop":
        return service.has_status("Stopped")
    wanted = write.update or write.spec
    if wanted is not None and not contains(service, wanted):
        return False
    return service.has_status("Running") or not _is_to_run(write, before, service)


def _is_to_run(write: Write, before: Service | None, service: Service) -> bool:
    """Tell whether a service runs when all is well."""
    rested = write.verb == "update" and before is not None and before.has_status("Stopped")
    return service.target_instance_size != 0 and not rested
