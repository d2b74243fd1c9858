"""What looks at a service tell of a write whose answer was lost, row by row."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from tenx_async.api.memory import Memory
from tenx_async.api.models import Container, Limits, Resources, Service
from tenx_async.transport.reconcile import Doubt, Finding, Look, ReconcilePolicy, is_unchanged
from tests.clock import NOON
from tests.transport.writes import CHANGE, CREATE, DELETE, RESTART, START, STOP, Write

APPLIED, UNDONE, CONFLICT, UNKNOWN = Finding
OPEN = None
"""No finding yet: look again."""

WEB = Service(
    name="web",
    uid="1",
    created_at=NOON - dt.timedelta(days=1),
    status="Running",
    target_instance_size=1,
    containers=(Container(image="web:1", resources=Resources(Limits(Memory.parse("256Mi")))),),
)
DOWN = evolve(WEB, status="Stopped")
SCALED = evolve(
    WEB,
    target_instance_size=3,
    containers=(Container(image="web:1", resources=Resources(Limits(Memory.parse("0.5Gi")))),),
)
NEW = evolve(WEB, uid="2", created_at=NOON + dt.timedelta(seconds=1))
GONE = None


def like(service: Service = WEB, **fields: Any) -> Service:
    return evolve(service, **fields)


def made(seconds: float) -> Service:
    """A service made so long after the write was sent."""
    return like(uid="2", created_at=NOON + dt.timedelta(seconds=seconds))


ROWS = [
    # the write, before, seen; found at once, found when settled
    (CREATE, None, NEW, APPLIED, APPLIED),
    (CREATE, None, made(-4.9), APPLIED, APPLIED),
    (CREATE, None, made(-5.1), CONFLICT, CONFLICT),
    (CREATE, None, like(NEW, created_at=None), APPLIED, APPLIED),
    (CREATE, None, like(NEW, target_instance_size=2), CONFLICT, CONFLICT),
    (CREATE, None, like(NEW, containers=()), CONFLICT, CONFLICT),
    (CREATE, None, WEB, CONFLICT, CONFLICT),
    (CREATE, None, GONE, OPEN, UNDONE),
    (CHANGE, WEB, SCALED, APPLIED, APPLIED),
    (CHANGE, None, SCALED, APPLIED, APPLIED),
    (CHANGE, WEB, WEB, OPEN, UNDONE),
    (CHANGE, WEB, like(status="Scaling"), OPEN, UNDONE),
    (CHANGE, None, WEB, OPEN, UNKNOWN),
    (CHANGE, None, like(target_instance_size=7), OPEN, UNKNOWN),
    (CHANGE, WEB, like(target_instance_size=None), OPEN, UNKNOWN),
    (CHANGE, WEB, like(containers=()), OPEN, UNKNOWN),
    (CHANGE, like(target_instance_size=None), WEB, OPEN, UNKNOWN),
    (CHANGE, WEB, like(target_instance_size=3), OPEN, CONFLICT),
    (CHANGE, WEB, like(target_instance_size=7), OPEN, CONFLICT),
    (CHANGE, WEB, like(binding_domain_name=("a.cn",)), OPEN, CONFLICT),
    (CHANGE, WEB, like(uid="2"), OPEN, CONFLICT),
    (CHANGE, WEB, GONE, OPEN, CONFLICT),
    (DELETE, WEB, GONE, APPLIED, APPLIED),
    (DELETE, None, GONE, APPLIED, APPLIED),
    (DELETE, WEB, NEW, APPLIED, APPLIED),
    (DELETE, WEB, WEB, OPEN, UNDONE),
    (DELETE, WEB, like(status="Terminating"), OPEN, OPEN),
    (DELETE, None, WEB, OPEN, UNDONE),
    (DELETE, None, NEW, OPEN, UNKNOWN),
    (DELETE, None, like(created_at=None), OPEN, UNKNOWN),
    (DELETE, like(uid=None), WEB, OPEN, UNDONE),
    (START, DOWN, WEB, APPLIED, APPLIED),
    (START, DOWN, like(status="STARTING"), APPLIED, APPLIED),
    (START, DOWN, like(status="Pending"), APPLIED, APPLIED),
    (START, DOWN, DOWN, OPEN, UNDONE),
    (START, None, DOWN, OPEN, UNKNOWN),
    (START, like(status="stopping"), DOWN, OPEN, UNDONE),
    (START, WEB, DOWN, OPEN, UNKNOWN),
    (START, DOWN, like(DOWN, uid="2"), OPEN, UNKNOWN),
    (START, DOWN, like(status="Failed"), OPEN, UNKNOWN),
    (START, like(status="Failed"), like(status="FAILED"), OPEN, UNDONE),
    (START, None, like(status="Failed"), OPEN, UNKNOWN),
    (START, None, like(status=None), OPEN, UNKNOWN),
    (START, DOWN, GONE, OPEN, UNKNOWN),
    (STOP, WEB, DOWN, APPLIED, APPLIED),
    (STOP, WEB, like(status="Stopping"), APPLIED, APPLIED),
    (STOP, WEB, WEB, OPEN, UNDONE),
    (STOP, like(status="Starting"), WEB, OPEN, UNDONE),
    (STOP, None, WEB, OPEN, UNKNOWN),
    (STOP, WEB, like(status=None), OPEN, UNKNOWN),
    (STOP, like(status=None), WEB, OPEN, UNKNOWN),
    (STOP, like(status=None), like(status=None), OPEN, UNKNOWN),
    (STOP, like(uid=None), like(uid=None), OPEN, UNDONE),
    (STOP, like(uid=None), like(uid=None, created_at=None), OPEN, UNKNOWN),
    (STOP, WEB, like(status="Succeeded"), OPEN, UNKNOWN),
    (STOP, None, like(status="Unknown"), OPEN, UNKNOWN),
    (STOP, WEB, GONE, OPEN, UNKNOWN),
    (RESTART, WEB, WEB, OPEN, UNKNOWN),
    (RESTART, WEB, like(status="Restarting"), APPLIED, APPLIED),
    (RESTART, WEB, like(status="Pending"), APPLIED, APPLIED),
    (RESTART, WEB, DOWN, APPLIED, APPLIED),
    (RESTART, None, like(status="redeploying"), APPLIED, APPLIED),
    (RESTART, None, DOWN, OPEN, UNKNOWN),
    (RESTART, None, like(NEW, status="Restarting"), OPEN, UNKNOWN),
    (RESTART, WEB, like(NEW, status="Pending"), OPEN, UNKNOWN),
    (RESTART, like(status="Restarting"), like(status="Restarting"), OPEN, UNKNOWN),
    (RESTART, like(status="Restarting"), like(status="Redeploying"), OPEN, UNKNOWN),
    (RESTART, DOWN, like(status="Restarting"), APPLIED, APPLIED),
    (RESTART, DOWN, DOWN, OPEN, UNKNOWN),
    (RESTART, WEB, like(status=None), OPEN, UNKNOWN),
    (RESTART, WEB, GONE, OPEN, UNKNOWN),
]


def doubt(write: Write, before: Service | None = None) -> Doubt:
    """A write that was sent at noon and failed at second 10."""
    return Doubt(
        operation=write.operation,
        sent_at=NOON,
        failed_at=10.0,
        before=before,
        policy=ReconcilePolicy(),
    )


def _name(row: tuple[Any, ...]) -> str:
    write, before, seen, _, settled = row
    states = (getattr(service, "status", "none") for service in (before, seen))
    return f"{write.verb} {' to '.join(map(str, states))}: {settled}"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_each_row_of_the_table(row: tuple[Any, ...]) -> None:
    """One look may decide; that nothing happened is decided by two that settle it."""
    write, before, seen, at_once, settled = row
    case = doubt(write, before)

    assert at_once == case.resolve([Look(10.5, seen)])
    assert settled == case.resolve([Look(13.0, seen), Look(15.0, seen)])


SETTLING = [
    ([], OPEN),
    ([15.0], OPEN),
    ([10.5, 12.5], OPEN),
    ([10.5, 14.9], OPEN),
    ([14.0, 15.9], OPEN),
    ([10.5, 15.0], UNDONE),
    ([13.0, 14.9, 15.0], UNDONE),
    ([20.0, 21.0], OPEN),
    ([20.0, 21.0, 22.0], UNDONE),
]


@pytest.mark.parametrize(("moments", "finding"), SETTLING, ids=str)
def test_two_equal_looks_settle_it(moments: list[float], finding: Finding | None) -> None:
    """They are two seconds apart, and the last is five seconds after the failure."""
    assert finding == doubt(STOP, WEB).resolve([Look(moment, WEB) for moment in moments])


def test_looks_that_differ_settle_nothing() -> None:
    """Between two equal looks there is no other."""
    looks = [Look(13.0, WEB), Look(14.0, like(target_instance_size=2)), Look(15.0, WEB)]

    assert OPEN is doubt(STOP, WEB).resolve(looks)


@given(st.lists(st.sampled_from([WEB, DOWN, NEW, SCALED, GONE]), max_size=6), st.booleans())
def test_a_restart_is_never_undone(seen: list[Service | None], known: bool) -> None:
    """No look at all allows to send a restart again."""
    looks = [Look(10.0 + 3 * place, service) for place, service in enumerate(seen)]

    assert doubt(RESTART, WEB if known else None).resolve(looks) in {APPLIED, UNKNOWN, OPEN}


@given(st.floats(0.0, 1.0, exclude_max=True), st.floats(0.0, 1.0))
def test_looks_keep_their_pauses(chance: float, spread: float) -> None:
    """After 0.5, 1, 2, 4 and then every 5 seconds, each a little more or less."""
    pauses = ReconcilePolicy(spread=spread).pauses(lambda: chance)
    for middle in (0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0):
        assert middle * (1 - spread) <= next(pauses) <= middle * (1 + spread)


@pytest.mark.parametrize(
    ("write", "seen", "unchanged"),
    [
        (CREATE, WEB, True),
        (CREATE, SCALED, False),
        (CHANGE, SCALED, True),
        (CHANGE, WEB, False),
        (DELETE, WEB, False),
        (START, WEB, True),
        (START, DOWN, False),
        (STOP, DOWN, True),
        (STOP, WEB, False),
        (RESTART, WEB, False),
        (RESTART, DOWN, False),
    ],
    ids=lambda value: getattr(value, "verb", getattr(value, "status", str(value))),
)
def test_what_is_as_wanted_needs_no_write(write: Write, seen: Service, unchanged: bool) -> None:
    """A write whose end is there already has nothing to do."""
    assert unchanged == is_unchanged(write.operation, seen)
    assert not is_unchanged(write.operation, like(seen, name="other"))
