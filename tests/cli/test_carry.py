from __future__ import annotations

import json

import pytest

from tenx_async import Client, LocalCloud
from tenx_async.api.outcome import Outcome
from tenx_async.api.specs import ServiceUpdate
from tenx_async.cli import consent
from tenx_async.cli.carry import carry_out
from tenx_async.cli.consent import AGREED, is_agreed, needs_count
from tenx_async.cli.display import LiveDisplay
from tenx_async.cli.ending import Status
from tenx_async.cli.outcomes import OutcomeFormat
from tenx_async.cli.planned import plan_text
from tenx_async.clock import SystemClock
from tenx_async.errors import NotFound, TenxError
from tenx_async.fleet.journal import NoJournal
from tenx_async.fleet.plan import Change, Plan, Step, Write
from tenx_async.fleet.run import Run
from tenx_async.fleet.terms import Terms
from tenx_async.local.faults import Fault
from tests.conftest import client_of


def _run(client: Client) -> Run:
    return client.fleet("web-*").restart(stable=0, tick=0.1)


def _plan(*steps: Step, fleet: int = 100, settled: tuple[Outcome, ...] = ()) -> Plan:
    return Plan(
        operation="apply",
        region="beijing1",
        steps=steps,
        settled=settled,
        fleet=fleet,
        planned_at=SystemClock().now(),
    )


def _step(name: str, *verbs: str, changes: tuple[Change, ...] = ()) -> Step:
    writes = [Write(verb=verb) for verb in verbs]  # type: ignore[arg-type]  # checked by who reads
    return Step(service=name, operation="replace", writes=writes, changes=changes)


async def test_a_run_that_is_not_finished_ends_with_how_it_goes_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The last line can be pasted."""
    async with (
        LocalCloud(faults=[Fault("error", operations=("restart",), status=400)]) as cloud,
        client_of(cloud) as client,
    ):
        cloud.add_service("web-a")
        cloud.add_service("web-b")
        run = _run(client)
        run.journal = NoJournal(run_id="r7")

        assert Status.STOPPED == await carry_out(run, AGREED)

    assert capfd.readouterr().err.endswith("tenx: to go on: tenx resume r7\n")


async def test_a_run_that_is_finished_needs_nothing_more(
    cloud: LocalCloud, capfd: pytest.CaptureFixture[str]
) -> None:
    """Programs are told its journal all the same: it can be undone."""
    cloud.add_service("web-a")
    cloud.add_service("web-b")
    async with client_of(cloud) as client:
        run = _run(client)
        run.journal = NoJournal(run_id="r7")
        assert Status.WELL == await carry_out(run, AGREED, OutcomeFormat.JSON)

    told = capfd.readouterr()
    assert "resume" not in told.err
    assert json.loads(told.out.splitlines()[-1])["summary"]["run_id"] == "r7"


async def test_a_plan_is_made_once(cloud: LocalCloud) -> None:
    """What was shown and what is done cannot differ."""
    cloud.add_service("web-a")
    made = []
    async with client_of(cloud) as client:
        run = _run(client)
        make_plan = run.make_plan

        async def counted() -> Plan:
            made.append(True)
            return await make_plan()

        run.make_plan = counted
        await carry_out(run, AGREED)

    assert [True] == made


async def test_a_mistake_of_a_run_is_not_hidden(cloud: LocalCloud) -> None:
    """What the run raises ends the command."""
    cloud.add_service("web-a")

    class Full(NoJournal):
        async def begin(self, plan: Plan, terms: object) -> None:
            raise TenxError("the disk is full")

    async with client_of(cloud) as client:
        run = _run(client)
        run.journal = Full()
        with pytest.raises(BaseExceptionGroup) as raised:
            await carry_out(run, AGREED)

    assert raised.group_contains(TenxError, match="the disk is full")
    assert cloud.executed("restart", "web-a") == 0


def test_changes_are_shown_field_by_field() -> None:
    """Nothing in them commands the terminal."""
    change = Change("containers[0].image", "a:1", "a:2\x1b[2J")
    gone = Change("binding_domain_name[0]", "a.cn", None)
    settled = Outcome(operation="update", service="db", result="unchanged", attempts=0)
    plan = _plan(_step("web", "delete", "create", changes=(change, gone)), settled=(settled,))

    assert plan_text(plan, Terms(), OutcomeFormat.TEXT).splitlines() == [
        "apply 1 service of 100 in beijing1",
        "  first     web",
        "  waves     1; at most 1 away at once, 10 s stable",
        "  left out  1 unchanged: as wanted already (db)",
        "  replace web",
        "    containers[0].image: a:1 → a:2␛[2J",
        "    binding_domain_name[0]: a.cn → (none)",
    ]


def test_only_the_first_names_of_a_large_plan_are_shown() -> None:
    """All of it fits a screen."""
    steps = [_step(f"web-{number:03}", "restart") for number in range(300)]

    text = plan_text(_plan(*steps), Terms(waves=[1] * 9), OutcomeFormat.TEXT)

    assert "  first  web-000, web-001, web-002, web-003, web-004 and 295 more\n" in text
    assert "  waves  1, 1, 1, 1, 1, 1, … in 10 waves; at most 30 away at once" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("steps", "fleet", "needed"),
    [
        ([_step("a", "restart")], 4, False),
        ([_step("a", "restart")], 3, True),
        ([_step("a", "delete", "create")], 100, True),
        ([Step(service="a", operation="update", writes=[Write(verb="update")])], 100, False),
    ],
)
def test_what_is_at_stake_decides_about_the_question(
    steps: list[Step], fleet: int, needed: bool
) -> None:
    """A deletion, a replacement, or more than a quarter of the fleet."""
    assert needed is needs_count(_plan(*steps, fleet=fleet))


@pytest.mark.parametrize(("typed", "agreed"), [("1500", True), ("1,500", True), ("yes", False)])
async def test_a_count_may_be_typed_as_it_is_read(
    monkeypatch: pytest.MonkeyPatch, typed: str, agreed: bool
) -> None:
    """With or without its comma."""

    async def answer(_: str) -> str:
        return typed

    monkeypatch.setattr(consent, "_answer", answer)
    plan = _plan(*(_step(f"web-{number}", "delete") for number in range(1500)))

    assert agreed is await is_agreed(plan)


def test_of_many_failures_the_first_ones_stay(capsys: pytest.CaptureFixture[str]) -> None:
    """The summary has them all."""
    error = NotFound("gone\x1b[2J", operation="stop web", status=404)
    outcomes = [
        Outcome(operation="stop", service=f"web-{number}", result="failed", error=error)
        for number in range(23)
    ]

    LiveDisplay("stop").end(outcomes)

    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 20
    assert "\x1b" not in told.out
    assert "and 3 more that did not succeed" in told.err


def test_an_update_is_named_by_what_it_is() -> None:
    """The plan of an update has no fields, but its step."""
    write = Write(verb="update", update=ServiceUpdate(target_instance_size=2))
    plan = _plan(Step(service="web", operation="update", writes=[write]))

    step, last = map(json.loads, plan_text(plan, Terms(), OutcomeFormat.JSON).splitlines())

    assert (step["operation"], step["writes"]) == ("update", ["update"])
    assert last["plan"]["services"] == 1
