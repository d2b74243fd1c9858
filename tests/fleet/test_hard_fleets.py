"""Servers and machines that do what nobody thought of."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Iterable

import pytest
from attrs import evolve

from tenx_async.api.models import Service
from tenx_async.errors import (
    DeadlineExceeded,
    OutcomeUnknown,
    QuotaExceeded,
    ServerError,
    TenxError,
)
from tenx_async.fleet.report import Report
from tests.clock import NOON
from tests.fleet.model import Full, Model, SetClock
from tests.fleet.plans import names, outcome

NO_TURN = outcome("failed", DeadlineExceeded("no turn", operation="restart"))
ALL = "100%"


def results(report: Report) -> dict[str, int]:
    return Counter(outcome.result for outcome in report.outcomes)


def each_once(model: Model, verb: str = "restart") -> bool:
    return {1} == {count for (what, _), count in model.written.items() if what == verb}


async def test_a_fleet_is_restarted() -> None:
    """Each once, never more away than may be, and one list a tick."""
    model = Model(100)
    report = await model.fleet().restart()

    assert report.ok
    assert each_once(model)
    assert model.most_away == 10
    ticks = model.clock.monotonic() / 2.0
    assert len(model.lists) <= ticks + 2


async def test_statuses_that_nobody_knows_are_waited_for_in_vain() -> None:
    """They are not running; which it was is told."""
    model = Model(40, status_of=lambda name, _: "Quantum" if name.endswith("7") else "running")
    report = await model.fleet().restart(max_failures=ALL, max_unavailable=ALL)

    assert {"applied": 36, "failed": 4} == results(report)
    assert "still Quantum" in str(report.groups[0].outcomes[0].error)


async def test_services_that_flap_have_failed() -> None:
    """They run at every other look."""
    model = Model(
        10,
        status_of=lambda name, past: "Deploying" if name[-1] == "3" and past % 4 > 2 else "Running",
    )
    report = await model.fleet().restart(max_failures=ALL, max_unavailable=ALL)

    assert {"applied": 9, "failed": 1} == results(report)


async def test_a_service_that_vanishes_while_it_is_watched() -> None:
    """It has failed, and takes no place."""
    model = Model(20)
    model.show = lambda services: [
        one
        for one in services.values()
        if one.name != "web-00009" or not model.written["restart", one.name]
    ]
    report = await model.fleet().restart(max_unavailable=1, max_failures=ALL)

    assert {"applied": 19, "failed": 1} == results(report)


async def test_a_service_that_vanishes_before_its_turn_is_left_out() -> None:
    """Two lists lack it."""
    model = Model(20)
    model.show = lambda services: [
        one for one in services.values() if one.name != "web-00019" or len(model.lists) < 3
    ]
    report = await model.fleet().restart(max_unavailable=1)

    assert {"applied": 19, "skipped": 1} == results(report)
    assert ["it is not there any more"] == [group.reason for group in report.groups]


@pytest.mark.parametrize("operation", ["restart", "verified", "delete", "stop"])
async def test_lists_that_lack_services_once(operation: str) -> None:
    """Every third list lacks the services of a shard, and nobody is taken in by it."""
    model = Model(24)

    def show(services: dict[str, Service]) -> Iterable[Service]:
        shard = len(model.lists) // 3
        lacks = len(model.lists) > 1 and len(model.lists) % 3 == 0
        return [
            one
            for place, one in enumerate(services.values())
            if not lacks or place % 4 != shard % 4
        ]

    model.show = show
    fleet = model.fleet()
    run = fleet.restart(mode="verified") if operation == "verified" else getattr(fleet, operation)()
    report = await run

    assert {"applied": 24} == results(report)
    assert {1} == set(model.written.values())


async def test_namesakes_are_left_alone() -> None:
    """Those without a uid are told by when they were made."""
    model = Model(6)
    model.services = {
        name: Service(name=name, status="Running", created_at=NOON) for name in model.services
    }

    def show(services: dict[str, Service]) -> Iterable[Service]:
        if len(model.lists) == 4:
            made = NOON + dt.timedelta(days=1)
            services["web-00005"] = evolve(services["web-00005"], created_at=made)
        return services.values()

    model.show = show
    report = await model.fleet().restart(max_unavailable=1)

    assert {"applied": 5, "skipped": 1} == results(report)
    assert 0 == model.written["restart", "web-00005"]
    assert "made anew" in report.groups[0].reason


async def test_lists_without_uids_and_dates() -> None:
    """Then a name has to do."""
    model = Model(30)
    model.services = {name: Service(name=name, status="Running") for name in model.services}

    assert (await model.fleet().restart()).ok


async def test_a_clock_that_is_set_back_hides_no_namesake() -> None:
    """How old a plan is, is not told by the time of day alone."""
    clock = SetClock()
    model = Model(4, clock=clock)

    def show(services: dict[str, Service]) -> Iterable[Service]:
        if len(model.lists) == 2:
            clock.offset = dt.timedelta(days=-1)
            services["web-00003"] = evolve(services["web-00003"], uid="another")
        return services.values()

    model.show = show
    report = await model.fleet().restart(max_unavailable=1)

    assert 0 == model.written["restart", "web-00003"]
    assert {"applied": 3, "skipped": 1} == results(report)


async def test_slow_writes() -> None:
    """A service is away from when its write is sent, and no more are under way than may be."""
    model = Model(60, slow=20.0)
    report = await model.fleet().restart(max_unavailable=ALL, waves=(), at_once=7)

    assert report.ok
    assert 7 == model.most_at_once


async def test_a_restart_that_takes_effect_late() -> None:
    """The service is watched for as long as it has to run."""
    model = Model(10)
    late = model._carry_out

    def carry_out(name: str, write: object) -> None:
        asyncio.get_running_loop().create_task(later(name, write))

    async def later(name: str, write: object) -> None:
        await model.clock.sleep(5.0)
        late(name, write)  # type: ignore[arg-type]

    model._carry_out = carry_out  # type: ignore[method-assign]
    report = await model.fleet().restart(max_unavailable=1)

    assert report.ok
    assert 1 == model.most_away


async def test_places_that_never_get_free() -> None:
    """All that may be away stay away: the run stops, and says why."""
    model = Model(40, status_of=lambda _, __: "Deploying")
    report = await model.fleet().restart(max_failures=ALL, waves=())

    assert {"failed": 4, "cancelled": 36} == results(report)
    assert "nothing ended for 900 s" in report.stopped
    assert 4 == model.most_away


async def test_turns_that_do_not_come() -> None:
    """Nobody asks again before the next tick, and the run stops when nothing moves."""
    model = Model(8, answer=lambda _, __: NO_TURN)
    asked: Counter[float] = Counter()
    do = model.do

    async def counted(*args: object) -> object:
        asked[model.clock.monotonic()] += 1
        return await do(*args)  # type: ignore[arg-type]

    model.do = counted  # type: ignore[method-assign, assignment]
    report = await model.fleet().restart(waves=(), max_unavailable=ALL, stall=60.0)

    assert {"cancelled": 8} == results(report)
    assert max(asked.values()) <= 8
    assert "nothing ended" in report.stopped


@pytest.mark.parametrize("what", ["intend", "answered", "over"])
async def test_a_journal_that_cannot_be_written_stops_the_run(what: str) -> None:
    """What is not noted is not sent; what is under way comes to its end."""
    model, journal = Model(40), Full(full={what: 5})
    report = await model.fleet(journal).restart(waves=(), max_unavailable=3)

    assert "cannot be noted: the disk is full" in report.stopped
    assert 5 <= sum(model.written.values()) <= 9
    assert results(report)["applied"] == sum(model.written.values())
    assert 40 == len(report.outcomes)
    assert "stopped" == journal.state


async def test_a_journal_that_cannot_begin() -> None:
    """Nothing is sent."""
    model = Model(4)
    with pytest.raises(TenxError, match="the disk is full"):
        await model.fleet(Full(full={"begin": 0})).restart()

    assert not model.written


async def test_lists_that_fail_before_writes() -> None:
    """What cannot be looked at has failed, so that the run stops."""
    model = Model(60)

    def show(services: dict[str, Service]) -> Iterable[Service]:
        if len(model.lists) > 4:
            raise ServerError("HTTP 500", operation="list", status=500)
        return services.values()

    model.show = show
    report = await model.fleet().restart(max_failures=3)

    assert results(report)["failed"] >= 4
    assert "more than 3" in report.stopped
    assert sum(model.written.values()) < 20


async def test_the_days_calls_are_spent_on_lists() -> None:
    """Nothing more goes out; what could not be looked at any more is told as such."""
    model = Model(60)

    def show(services: dict[str, Service]) -> Iterable[Service]:
        if len(model.lists) > 3:
            raise QuotaExceeded("the budget is spent")
        return services.values()

    model.show = show
    report = await model.fleet().restart(waves=())

    assert "the calls of the day are spent" == report.stopped
    assert {"failed": 6, "cancelled": 54} == results(report)
    assert "(the budget is spent)" in str(report.groups[-1].outcomes[0].error)


async def test_whose_own_code_fails_stops_the_run() -> None:
    """As anybody who stops iterating."""
    model = Model(10)
    run = model.fleet().restart()
    with pytest.raises(KeyError):
        async for _ in run:
            raise KeyError
    report = await run

    assert "nobody takes its outcomes" in report.stopped
    assert 0 == model.away


async def test_two_who_await_one_run() -> None:
    """It is done once."""
    model = Model(4)
    run = model.fleet().restart()
    first, second = await asyncio.gather(run, run)

    assert first is second is await run
    assert each_once(model)


async def test_a_service_that_is_gone_need_not_be_deleted() -> None:
    """It is as it was to be."""
    model = Model(5)
    model.show = lambda services: [
        one for one in services.values() if one.name != "web-00004" or len(model.lists) < 2
    ]
    report = await model.fleet().delete(max_unavailable=1)

    assert {"applied": 4, "unchanged": 1} == results(report)
    assert {("delete", name) for name in names(4)} == set(model.written)


async def test_all_answers_lost() -> None:
    """In the first wave, that stops; tolerated, each is looked after, and unknown or seen."""
    lost = outcome("unknown", OutcomeUnknown("lost", operation="restart"))
    assert {"unknown": 1, "cancelled": 9} == results(
        await Model(10, answer=lambda _, __: lost).fleet().restart()
    )
    assert {"unknown": 10} == results(
        await Model(10, answer=lambda _, __: lost).fleet().restart(max_failures=ALL)
    )


@pytest.mark.parametrize("when", ["before it begins", "in the first wave"])
async def test_a_run_that_is_stopped_early(when: str) -> None:
    """Stopped before its plan is there, too."""
    model = Model(10)
    run = model.fleet().restart()
    if when == "before it begins":
        run.stop("enough")
    else:
        model.answer = lambda _, __: run.stop("enough")
    report = await run

    assert "enough" == report.stopped
    assert (1 if when == "in the first wave" else 0) == sum(model.written.values())
    assert 10 == len(report.outcomes)


async def test_more_may_be_away_than_there_are() -> None:
    """And no waves before the last."""
    model = Model(7)
    report = await model.fleet().restart(max_unavailable=50, waves=())

    assert report.ok
    assert 7 == model.most_away


async def test_a_stop_brings_back_what_is_half_done() -> None:
    """Nobody stays stopped because a run ended."""
    model = Model(12)
    run = model.fleet().restart(mode="verified", waves=(), max_unavailable=5)
    async for _ in run:
        break
    report = await run

    assert 0 == model.away
    assert model.written.total() % 2 == 0
    assert {"applied", "cancelled"} == set(results(report))
