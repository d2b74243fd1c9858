"""One step on its way."""

from __future__ import annotations

import datetime as dt

import pytest

from tenx_async.api.models import Service
from tenx_async.api.outcome import Result
from tenx_async.api.specs import ServiceUpdate
from tenx_async.errors import DeadlineExceeded, OutcomeUnknown, TenxError
from tenx_async.fleet.plan import Write
from tenx_async.fleet.progress import Progress, State, reached
from tests.clock import NOON
from tests.fleet.plans import DELETE, RESTART, START, STOP, outcome, service, step

UP = service()
SIZED = service(target_instance_size=3)
RESIZE = Write(verb="update", update=ServiceUpdate(target_instance_size=3))
EMPTY = Write(verb="update", update=ServiceUpdate(target_instance_size=0))
CREATE = Write(verb="create")


@pytest.mark.parametrize(
    ("write", "before", "now", "is_reached"),
    [
        (RESTART, UP, service(status="RUNNING"), True),
        (RESTART, UP, service(status="Restarting"), False),
        (RESTART, UP, service(status="Quantum"), False),
        (RESTART, UP, service(status=None), False),
        (RESTART, UP, None, False),
        (RESTART, UP, service(status="Idle", target_instance_size=0), True),
        (START, UP, service(status="Starting"), False),
        (START, UP, service(status="Running"), True),
        (STOP, UP, service(status="Stopping"), False),
        (STOP, UP, service(status="stopped"), True),
        (STOP, UP, None, False),
        (DELETE, UP, None, True),
        (DELETE, UP, UP, False),
        (DELETE, UP, service(status="Terminating"), False),
        (DELETE, UP, service(uid="another"), True),
        (DELETE, service(uid=None), service(uid="any"), False),
        (DELETE, service(uid=None, created_at=NOON), service(uid=None, created_at=NOON), False),
        (
            DELETE,
            service(uid=None, created_at=NOON),
            service(uid=None, created_at=NOON + dt.timedelta(seconds=1)),
            True,
        ),
        (DELETE, None, UP, False),
        (RESIZE, service(target_instance_size=1), SIZED, True),
        (RESIZE, service(target_instance_size=1), service(target_instance_size=1), False),
        (RESIZE, UP, service(status="Scaling", target_instance_size=3), False),
        (RESIZE, service(status="Stopped"), service(status="Stopped"), False),
        (
            RESIZE,
            service(status="Stopped"),
            service(status="Stopped", target_instance_size=3),
            True,
        ),
        (EMPTY, UP, service(status="Scaled", target_instance_size=0), True),
        (CREATE, None, service(status="Deploying"), False),
        (CREATE, None, UP, True),
    ],
)
def test_what_shows_that_a_write_has_come_to_its_goal(
    write: Write, before: Service | None, now: Service | None, is_reached: bool
) -> None:
    """What runs is back, but what was stopped, or is to have no instance, need not run."""
    assert is_reached == reached(write, before, now)


Looks = list[tuple[float, str | None]]


def sent(*writes: Write, result: Result = "applied", name: str = "web") -> Progress:
    """A step whose first write was answered at second 0."""
    progress = Progress(0, step(name, *writes), region="us")
    progress.send()
    error = OutcomeUnknown("lost", operation="restart") if result == "unknown" else None
    progress.answered(outcome(result, error), 0.0)
    return progress


def looked(progress: Progress, *looks: tuple[float, str | None]) -> Progress:
    """The step after looks at the service: when, and its status; `None`: it is not there."""
    for now, status in looks:
        seen = service(status=status) if status is not None else None
        progress.look(seen, now, stable=10.0, timeout=60.0)
    return progress


RUN, RESTARTS = "Running", "Restarting"


@pytest.mark.parametrize(
    ("looks", "result"),
    [
        ([(2, RUN), (8, RUN)], None),
        ([(2, RUN), (12, RUN)], "applied"),
        ([(2, RESTARTS), (4, RUN), (14, RUN)], "applied"),
        ([(2, RUN), (8, "Deploying"), (12, RUN)], None),
        ([(2, RUN), (8, "Deploying"), (12, RUN), (22, RUN)], "applied"),
        ([(2, RUN), (8, None), (12, RUN)], "applied"),
        ([(2, RUN), (8, None), (10, None), (12, RUN)], None),
        ([(30, "Deploying"), (60, "Deploying")], "failed"),
        ([(30, "Deploying"), (59, RUN), (61, RUN), (69, RUN)], "applied"),
        ([(30, "Deploying"), (59, RUN), (61, "Deploying")], "failed"),
        ([(30, None), (60, None)], "failed"),
        ([(59, RUN), (60, None), (62, None)], "failed"),
        ([(60, "Quantum")], "failed"),
    ],
)
def test_a_service_is_back_when_it_has_run_for_a_while(looks: Looks, result: str | None) -> None:
    """Flapping begins anew, what one list lacks says nothing, and time is given only once."""
    progress = looked(sent(), *looks)

    assert (result is not None) == (progress.state is State.OVER)
    assert (result or "applied") == (progress.outcome and progress.outcome.result)


def test_a_service_that_does_not_come_back_is_told_with_its_status() -> None:
    """And its place stays taken until it runs."""
    progress = looked(sent(), (61, "Deploying"))

    assert progress.outcome
    assert "still Deploying 61 s after its restart" in str(progress.outcome.error)
    assert ("web", "us", "restart") == (
        progress.outcome.service,
        progress.outcome.region,
        progress.outcome.operation,
    )
    assert progress.is_away
    assert looked(progress, (63, "Deploying")).is_away
    assert not looked(progress, (65, RUN)).is_away


def test_a_service_that_vanishes_for_good_takes_no_place() -> None:
    """Nobody can wait for it."""
    progress = looked(sent(), (2, RESTARTS), (58, None), (60, None))

    assert (State.OVER, False) == (progress.state, progress.is_away)
    assert "not there" in str(progress.outcome and progress.outcome.error)


def test_a_stop_that_comes_late_frees_its_place() -> None:
    """It failed for having come too late, and is where it was to go."""
    progress = looked(sent(STOP), (61, "Stopping"))

    assert progress.has_failed
    assert progress.is_away
    assert not looked(progress, (70, "Stopped")).is_away


@pytest.mark.parametrize(
    ("looks", "result"),
    [
        ([(2, RUN), (12, RUN)], "unknown"),
        ([(2, RESTARTS), (4, RUN), (14, RUN)], "applied"),
        ([(2, "Redeploying"), (14, RUN), (24, RUN)], "applied"),
        ([(2, "Deploying"), (61, "Deploying")], "unknown"),
        ([(2, RESTARTS), (61, "Deploying")], "failed"),
        ([(60, None), (62, None)], "unknown"),
    ],
)
def test_a_restart_whose_answer_was_lost_is_unknown_until_seen(looks: Looks, result: str) -> None:
    """It is looked after all the same; nothing but a restart shows that there was one."""
    progress = looked(sent(result="unknown"), *looks)

    assert progress.outcome
    assert (State.OVER, result) == (progress.state, progress.outcome.result)
    assert (result == "applied") == (progress.outcome.error is None)


@pytest.mark.parametrize(
    ("before", "result"), [("Running", "failed"), ("Deploying", "unknown"), (None, "unknown")]
)
def test_a_crash_after_a_lost_answer_shows_the_restart(before: str | None, result: str) -> None:
    """A service that ran just before and does not any more was restarted, and did not come back."""
    progress = sent(result="unknown")
    progress.seen = service(status=before)
    looked(progress, (2, RUN), (4, "Deploying"), (61, "Deploying"))

    assert result == (progress.outcome and progress.outcome.result)


def test_the_next_write_goes_out_when_the_one_before_shows() -> None:
    """A start follows a stop; the service is away all the time, and the attempts add up."""
    progress = looked(sent(STOP, START), (2, "Stopping"))
    assert (State.WATCHED, 0) == (progress.state, progress.write)

    looked(progress, (4, "Stopped"))
    assert (State.WAITING, START, True) == (progress.state, progress.current, progress.is_away)

    progress.send()
    progress.answered(outcome(), 5.0)
    looked(progress, (6, RUN), (16, RUN))
    assert progress.outcome
    assert ("applied", 2, False) == (
        progress.outcome.result,
        progress.outcome.attempts,
        progress.is_away,
    )


def test_a_stop_whose_answer_was_lost_goes_on_when_it_shows() -> None:
    """What can be seen needs no answer."""
    progress = looked(sent(STOP, START, result="unknown"), (4, "Stopped"))

    assert (State.WAITING, 1) == (progress.state, progress.write)


def test_nothing_is_made_anew_before_two_looks_lack_it() -> None:
    """One list may lack what is there; a create would then be refused."""
    progress = looked(sent(DELETE, CREATE), (2, None))
    assert 0 == progress.write

    assert 1 == looked(progress, (4, None)).write


@pytest.mark.parametrize("result", ["failed", "conflict"])
def test_a_refused_write_ends_a_step(result: Result) -> None:
    """The service is where it was: at work before the first write, away after it."""
    assert (State.OVER, False) == ((one := sent(result=result)).state, one.is_away)

    half = looked(sent(STOP, START), (4, "Stopped"))
    half.send()
    half.answered(outcome(result), 5.0)
    assert (State.OVER, True) == (half.state, half.is_away)
    assert not looked(half, (9, RUN)).is_away


def test_what_was_deleted_and_not_made_anew_is_away() -> None:
    """Though no look shows it."""
    progress = looked(sent(DELETE, CREATE), (2, None), (4, None))
    progress.send()
    progress.answered(outcome("failed"), 5.0)

    assert looked(progress, (6, None), (8, None)).is_away


def test_a_write_whose_turn_did_not_come_is_to_be_sent() -> None:
    """It was not sent: nothing is away."""
    progress = Progress(0, step("web"))
    progress.send()
    progress.answered(outcome("failed", DeadlineExceeded("no turn", operation="restart")), 60.0)

    assert (State.WAITING, False) == (progress.state, progress.is_away)


def test_what_nobody_can_look_at_fails_in_its_time() -> None:
    """Whether it is away is not known, so it is."""
    progress = sent()
    progress.look_failed(TenxError("HTTP 500"), 59.0, 60.0)
    assert State.WATCHED is progress.state

    progress.look_failed(TenxError("HTTP 500"), 60.0, 60.0)
    assert (True, True) == (progress.has_failed, progress.is_away)
    assert "could not be looked at (HTTP 500)" in str(progress.outcome and progress.outcome.error)
