"""What becomes of each chosen service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tenx_async.api.models import Service
from tenx_async.api.specs import ServiceUpdate
from tenx_async.errors import ConfigurationError, NotFound
from tenx_async.fleet import planning
from tenx_async.fleet.plan import Plan, Write
from tenx_async.fleet.planning import UNCHANGED, Decide, Restart, Scale, Update
from tests.clock import NOON
from tests.fleet.plans import RESTART, plan_of, service, step


def sized(size: int | None, **more: Any) -> Service:
    return service(target_instance_size=size, **more)


def to_size(size: int) -> Sequence[Write]:
    return (Write(verb="update", update=ServiceUpdate(target_instance_size=size)),)


@pytest.mark.parametrize(
    ("decide", "seen", "decided"),
    [
        (planning.start, service(status="Running"), UNCHANGED),
        (planning.start, service(status="Deploying"), UNCHANGED),
        (planning.start, service(status="Stopped"), (Write(verb="start"),)),
        (planning.start, service(status="Quantum"), (Write(verb="start"),)),
        (planning.start, service(status=None), (Write(verb="start"),)),
        (planning.stop, service(status="stopping"), UNCHANGED),
        (planning.stop, service(status="Quantum"), (Write(verb="stop"),)),
        (planning.delete, service(status="Stopped"), (Write(verb="delete"),)),
        (Restart(writes=(RESTART,)), service(), (RESTART,)),
        (Restart(writes=(RESTART,)), service(status="Quantum"), (RESTART,)),
        (Scale(3), sized(3), UNCHANGED),
        (Scale(3), sized(2), to_size(3)),
        (Scale(3), sized(None), to_size(3)),
        (Scale("+2"), sized(2), to_size(4)),
        (Scale("-2"), sized(5), to_size(3)),
        (Scale("-2"), sized(1), to_size(0)),
        (Scale("-2"), sized(0), UNCHANGED),
        (Scale("+0"), sized(2), UNCHANGED),
        (Update(ServiceUpdate(target_instance_size=2)), sized(2), UNCHANGED),
    ],
)
def test_what_is_written(decide: Decide, seen: Service, decided: object) -> None:
    """Absolute values, and only to what is not as wanted."""
    assert decided == decide(seen)


@pytest.mark.parametrize(
    ("decide", "seen"),
    [(Restart(writes=(RESTART,)), service(status="Stopped")), (Scale("+1"), sized(None))],
)
def test_what_cannot_be_done_is_left_out_for_a_reason(decide: Decide, seen: Service) -> None:
    """The reason is the outcome's error."""
    (settled,) = planned(decide, [seen]).settled

    assert ("skipped", decide(seen)) == (settled.result, str(settled.error))


@pytest.mark.parametrize("to", ["", "3", "+", "--1", "+1.5", "10%"])
def test_a_scale_that_is_no_number_is_refused(to: str) -> None:
    """Before anything is listed."""
    with pytest.raises(ConfigurationError):
        Scale(to)


def planned(
    decide: Decide,
    chosen: Sequence[Service],
    *,
    missing: Sequence[str] = (),
    operation: str = "restart",
) -> Plan:
    return planning.make_plan(
        operation, decide, chosen, missing=missing, region="us", fleet=9, now=NOON
    )


def test_a_plan_keeps_the_order_of_the_chosen() -> None:
    """And what each looked like."""
    chosen = [service("b"), service("a", "Stopped"), service("c")]
    plan = planned(Restart(writes=(RESTART,)), chosen)

    assert [("b", chosen[0]), ("c", chosen[2])] == [(s.service, s.seen) for s in plan.steps]
    assert ("us", 9, NOON) == (plan.region, plan.fleet, plan.planned_at)


@pytest.mark.parametrize(
    ("operation", "result", "error"),
    [("restart", "failed", NotFound), ("delete", "unchanged", type(None))],
)
def test_a_name_that_is_not_there(operation: str, result: str, error: type) -> None:
    """It has failed, unless it was to be deleted."""
    (settled,) = planned(planning.delete, [], missing=["ape"], operation=operation).settled

    assert ("ape", "us", result) == (settled.service, settled.region, settled.result)
    assert error is type(settled.error)


def test_a_plan_has_each_service_once() -> None:
    """Two steps for one would be two writes at a time."""
    with pytest.raises(ConfigurationError, match="more than once"):
        plan_of(step("a"), step("a"))


@pytest.mark.parametrize("after", [["b"], ["a"]])
def test_a_plan_has_first_what_goes_before(after: list[str]) -> None:
    """Else a wave would wait for a later one for ever."""
    with pytest.raises(ConfigurationError, match=f"a is planned before {after[0]}"):
        plan_of(step("a", after=after), step("b"))
