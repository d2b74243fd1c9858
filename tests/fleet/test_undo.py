"""The way back from a run: what there is of it, and why there is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from tenx_async.api.memory import Memory
from tenx_async.api.models import Container, Limits, Resources, Service
from tenx_async.api.specs import ServiceUpdate
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.journal import NoJournal
from tenx_async.fleet.plan import Plan, Step, Write
from tenx_async.fleet.recorded import Recorded, RunSummary
from tenx_async.fleet.undo import undo_plan
from tests.clock import NOON
from tests.fleet.journals import ALICE, SPEC, outcome, plan, step


def service(memory: str | None = "512Mi", **fields: Any) -> Service:
    limits = Limits(Memory.parse(memory) if memory else None)
    shown: dict[str, Any] = {
        "name": "web",
        "uid": "u1",
        "status": "Running",
        "target_instance_size": 2,
        "containers": (Container(image="web:1", resources=Resources(limits)),),
        "binding_domain_name": ("www.example.cn",),
    }
    return Service(**(shown | fields))


BEFORE = service()
STOPPED = service(status="Stopped")


def recorded(*steps: Step, state: Any = "finished", **history: Any) -> Recorded:
    """A run of these steps, each applied unless its history says otherwise."""
    applied = {place: outcome(service=step.service) for place, step in enumerate(steps)}
    return Recorded(
        journal=NoJournal(),
        summary=RunSummary(
            run_id="r",
            operation="apply",
            region="beijing1",
            account=ALICE,
            began=NOON,
            state=state,
            steps=len(steps),
            counts={},
        ),
        plan=plan(*steps),
        terms={},
        digests={},
        **({"intents": {}, "answers": {}, "over": applied} | history),
    )


def undone(now: Service | None, *writes: Write, seen: Service | None = BEFORE) -> Plan:
    """The way back from one applied step to a service that now looks like this."""
    run = recorded(step("web", *writes, seen=seen))
    return undo_plan(run, [now] if now else [], NOON)


def update(**values: Any) -> Write:
    return Write(verb="update", update=ServiceUpdate(**values))


BACK = {
    "size": (update(target_instance_size=5), {"target_instance_size": 5}),
    "memory": (update(memory="1Gi"), {"memory": "1Gi"}),
    "domains": (update(binding_domain_name=()), {"binding_domain_name": ()}),
    "two": (
        update(target_instance_size=0, memory="2Gi"),
        {"target_instance_size": 0, "memory": "2Gi"},
    ),
}


@pytest.mark.parametrize(("write", "changes"), BACK.values(), ids=BACK)
def test_an_update_goes_back_to_what_was_seen(write: Write, changes: Mapping[str, Any]) -> None:
    """All that it changed, and no more."""
    now = service(**changes)
    before = {
        "target_instance_size": 2,
        "memory": "512Mi",
        "binding_domain_name": ("www.example.cn",),
    }
    (back,) = undone(now, write).steps

    assert (update(**{name: before[name] for name in changes}),) == back.writes
    assert ("web", "update", now) == (back.service, back.operation, back.seen)


def test_what_was_stopped_is_started_and_the_reverse() -> None:
    """To the state that was seen before."""
    (up,) = undone(STOPPED, Write(verb="stop")).steps
    (down,) = undone(BEFORE, Write(verb="start"), seen=STOPPED).steps
    (fallen,) = undone(service(status="CrashLoop"), Write(verb="start"), seen=STOPPED).steps

    assert (Write(verb="start"),) == up.writes
    assert (Write(verb="stop"),) == down.writes == fallen.writes


AS_BEFORE = {
    "update": (BEFORE, update(target_instance_size=5), BEFORE),
    "stop": (BEFORE, Write(verb="stop"), BEFORE),
    "start": (STOPPED, Write(verb="start"), STOPPED),
}


@pytest.mark.parametrize(("now", "write", "seen"), AS_BEFORE.values(), ids=AS_BEFORE)
def test_what_is_as_before_needs_nothing(now: Service, write: Write, seen: Service) -> None:
    """Somebody went back already: it is told as unchanged."""
    back = undone(now, write, seen=seen)

    assert [] == back.steps
    assert ["unchanged"] == [one.result for one in back.settled]


SCALE = update(target_instance_size=5)
SCALED = service(target_instance_size=5)
NO_WAY = {
    "create": (BEFORE, [Write(verb="create", spec=SPEC)], None, "it was created"),
    "delete": (None, [Write(verb="delete")], BEFORE, "it was deleted"),
    "replace": (
        BEFORE,
        [Write(verb="delete"), Write(verb="create", spec=SPEC)],
        BEFORE,
        "it was replaced",
    ),
    "restart": (BEFORE, [Write(verb="restart")], BEFORE, "cannot be taken back"),
    "verified": (BEFORE, [Write(verb="stop"), Write(verb="start")], BEFORE, "cannot be taken"),
    "gone": (None, [SCALE], BEFORE, "not there any more"),
    "made anew": (evolve(SCALED, uid="u2"), [SCALE], BEFORE, "made anew since"),
    "never seen": (SCALED, [SCALE], None, "nobody saw"),
    "not shown": (SCALED, [SCALE], service(target_instance_size=None), "size was not shown"),
    "no limit": (service("1Gi"), [update(memory="1Gi")], service(None), "memory was not shown"),
    "changed since": (service(target_instance_size=7), [SCALE], BEFORE, "somebody changed it"),
    "fallen": (STOPPED, [Write(verb="stop")], service(status="CrashLoop"), "was CrashLoop before"),
    "no status": (BEFORE, [Write(verb="start")], service(status=None), "without a status before"),
    "something else": (BEFORE, [SCALE, Write(verb="stop")], BEFORE, "update, stop"),
}


@pytest.mark.parametrize(("now", "writes", "seen", "reason"), NO_WAY.values(), ids=NO_WAY)
def test_what_cannot_be_taken_back_is_skipped_with_a_reason(
    now: Service | None, writes: list[Write], seen: Service | None, reason: str
) -> None:
    """Nothing is lost for it, and nothing is guessed."""
    back = undone(now, *writes, seen=seen)
    (skipped,) = back.settled

    assert ([], "skipped", "web", "undo") == (
        back.steps,
        skipped.result,
        skipped.service,
        skipped.operation,
    )
    assert reason in str(skipped.error)


@pytest.mark.parametrize("result", ["failed", "unchanged", "skipped", "cancelled", "conflict"])
def test_where_nothing_was_applied_there_is_nothing_to_undo(result: Any) -> None:
    """Nor is it told of."""
    back = undo_plan(
        recorded(step("web", SCALE, seen=BEFORE), over={0: outcome(result)}), [SCALED], NOON
    )

    assert ([], []) == (back.steps, back.settled)


def test_what_failed_after_it_was_applied_can_be_undone() -> None:
    """An update after which a service did not come up is what people want to take back."""
    run = recorded(
        step("web", SCALE, seen=BEFORE),
        intents={(0, 0): NOON},
        answers={(0, 0): outcome()},
        over={0: outcome("failed")},
    )

    assert 1 == len(undo_plan(run, [SCALED], NOON).steps)


@pytest.mark.parametrize(
    "history", [{"over": {}}, {"over": {0: outcome("unknown")}}], ids=["no answer", "unknown"]
)
def test_what_is_unknown_is_not_undone(history: Mapping[str, Any]) -> None:
    """A write without an answer may or may not have been executed."""
    run = recorded(step("web", SCALE, seen=BEFORE), intents={(0, 0): NOON}, **history)
    (skipped,) = undo_plan(run, [SCALED], NOON).settled

    assert "not known" in str(skipped.error)


def test_the_way_back_goes_in_reverse() -> None:
    """What came last goes back first, and what had waited is waited for."""
    stop = Write(verb="stop")
    names = ["db", "api", "web"]
    seen = {name: service(name=name) for name in names}
    run = recorded(
        step("db", stop, seen=seen["db"]),
        step("api", stop, seen=seen["api"], after=("db",)),
        step("web", Write(verb="restart"), seen=seen["web"], after=("db", "api")),
    )
    later = NOON + dt.timedelta(hours=1)
    back = undo_plan(run, [service(name=name, status="Stopped") for name in names], later)

    assert [("api", ()), ("db", ("api",))] == [(one.service, one.after) for one in back.steps]
    assert ("undo", "beijing1", 3, later) == (
        back.operation,
        back.region,
        back.fleet,
        back.planned_at,
    )


def test_a_run_that_goes_on_is_not_undone() -> None:
    """It would do again what is taken back."""
    with pytest.raises(ConfigurationError, match="run r still goes on"):
        undo_plan(recorded(step("web", SCALE), state="running"), [], NOON)
