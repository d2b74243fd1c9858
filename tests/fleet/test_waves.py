"""Which steps may go out, and when."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from attrs import define, field

from tenx_async.api.outcome import Outcome
from tenx_async.errors import DeadlineExceeded, TenxError
from tenx_async.fleet.plan import Plan, Write
from tenx_async.fleet.progress import Progress
from tenx_async.fleet.terms import Share, Terms
from tenx_async.fleet.waves import Waves
from tests.fleet.plans import (
    DELETE,
    START,
    STOP,
    names,
    outcome,
    plan_of,
    restarts,
    service,
    shown,
    step,
)

FAILED = outcome("failed", TenxError("it failed"))
NO_TURN = outcome("failed", DeadlineExceeded("no turn", operation="restart"))


@define
class Play:
    """Waves of which a test is the server; a second passes with each look."""

    plan: Plan
    terms: Terms = field(factory=lambda: Terms(max_unavailable="100%", stable=0.0))
    waves: Waves = field(init=False)
    now: float = field(default=0.0, init=False)
    under_way: dict[str, Progress] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.waves = Waves(self.plan, self.terms)

    def go(self) -> list[str]:
        """Let out what may go."""
        ready = {progress.step.service: progress for progress in self.waves.ready()}
        self.under_way |= ready
        return list(ready)

    def answer(self, *services: str, what: Outcome | None = None) -> None:
        """Answer writes; all those under way without names."""
        for name in services or list(self.under_way):
            self.waves.answered(self.under_way.pop(name), what or outcome(), self.now)

    def look(self, status: str = "Running", **others: str | None) -> None:
        """Show all services with a status, some with another; `None`: not there."""
        self.now += 1
        seen = {name: others.get(name.replace("-", "_"), status) for name in self.services}
        services = shown(*(service(name, what) for name, what in seen.items() if what))
        self.waves.look(services, self.now, self.now)

    @property
    def services(self) -> list[str]:
        return [step.service for step in self.plan.steps]

    def pass_wave(self) -> list[str]:
        """Let a whole wave go, and come back."""
        gone = self.go()
        self.answer()
        self.look()
        return gone

    def ended(self) -> dict[str, str]:
        return {
            one.step.service: one.outcome.result for one in self.waves.take_ended() if one.outcome
        }


def play(count: int, **terms: object) -> Play:
    return Play(restarts(count), Terms(**{"max_unavailable": "100%", "stable": 0.0, **terms}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "waves", "sizes"),
    [
        (100, (1, "5%", "25%"), [1, 5, 25, 69]),
        (10, (1, "5%", "25%"), [1, 1, 2, 6]),
        (3, (1, "5%", "25%"), [1, 1, 1]),
        (1, (1, "5%", "25%"), [1]),
        (4, (), [4]),
        (4, (9,), [4]),
        (4, ("100%",), [4]),
        (5, (2, 3), [2, 3]),
    ],
)
def test_a_run_goes_in_waves(count: int, waves: tuple[Share, ...], sizes: list[int]) -> None:
    """Each begins when all of the one before is back; the last has the rest."""
    run = play(count, waves=waves, at_once=count)
    gone = [run.pass_wave() for _ in sizes]

    assert sizes == [len(wave) for wave in gone]
    assert names(count) == [name for wave in gone for name in wave]
    assert run.waves.is_done
    assert dict.fromkeys(names(count), "applied") == run.ended()


def test_the_next_wave_waits_for_the_last_of_this_one() -> None:
    """Which has to run for a while."""
    run = play(6, waves=(2,), stable=3.0)
    assert ["web-00000", "web-00001"] == run.go()
    run.answer()
    for _ in range(3):
        run.look(web_00001="Deploying")
        assert [] == run.go()
    run.look()
    assert ["web-00000"] == list(run.ended())
    assert [] == run.go()
    for _ in range(3):
        run.look()
    assert 4 == len(run.go())


def test_no_more_are_away_than_may_be() -> None:
    """Those that do not come back included."""
    run = play(10, waves=(), max_unavailable=3, timeout=2.0, max_failures="100%")
    assert 3 == len(run.go())
    run.answer()
    run.look(web_00000="Deploying")
    assert 2 == len(run.go())
    run.answer()
    run.look(web_00000="Deploying")
    assert "failed" == run.ended()["web-00000"]
    assert 2 == len(run.go())
    assert 3 == run.waves.away
    run.look()
    assert 1 == len(run.go())


def test_those_half_done_are_away() -> None:
    """A stopped service whose start has not gone out takes its place."""
    plan = plan_of(*(step(name, STOP, START) for name in names(4)))
    run = Play(plan, Terms(max_unavailable=2, waves=(), at_once=1))
    gone = run.go()
    run.answer()
    gone += run.go()
    run.answer()
    run.look("Stopped")

    assert ["web-00000", "web-00001"] == gone
    assert 2 == run.waves.away
    assert ["web-00000"] == run.go()
    assert [] == run.go()


def test_no_more_writes_are_under_way_than_may_be() -> None:
    """Watching takes no turn."""
    run = play(9, waves=(), at_once=4)
    assert 4 == len(run.go())
    run.answer("web-00002")
    assert ["web-00004"] == run.go()


@pytest.mark.parametrize("verb", ["start", "create"])
def test_what_disturbs_nobody_goes_in_one_wave(verb: str) -> None:
    """And without a bound on how many are on their way."""
    plan = plan_of(*(step(name, Write(verb=verb)) for name in names(30)))  # type: ignore[arg-type]
    run = Play(plan, Terms(max_unavailable=1, at_once=30))

    assert 30 == len(run.go())
    assert 0 == run.waves.away


def test_a_failure_of_the_first_wave_stops() -> None:
    """What has not gone out stays where it is."""
    run = play(10)
    run.go()
    run.answer(what=FAILED)

    assert [] == run.go()
    assert run.waves.is_done
    assert "first wave" in run.waves.stopped


def test_a_stop_lets_no_step_begin() -> None:
    """What is under way comes to its end."""
    run = play(4, waves=())
    run.go()
    run.waves.stop("enough")
    run.waves.stop("later")
    assert not run.waves.is_done
    run.answer("web-00000", "web-00001")
    run.answer(what=NO_TURN)
    run.look()

    assert ("enough", True, []) == (run.waves.stopped, run.waves.is_done, run.go())
    assert ["web-00000", "web-00001"] == list(run.ended())


def test_a_stop_leaves_nothing_half_done() -> None:
    """A service that was stopped to be started again is started."""
    plan = plan_of(*(step(name, STOP, START) for name in names(6)))
    run = Play(plan, Terms(max_unavailable=3, waves=(), stable=0.0))
    run.go()
    run.answer()
    run.look("Stopped", web_00002="Stopping")
    run.waves.stop("enough")
    assert ["web-00000", "web-00001"] == run.go()
    run.answer()
    run.look(web_00002="Stopped")
    assert ["web-00002"] == run.go()
    assert not run.waves.is_done
    run.answer()
    run.look()

    assert run.waves.is_done
    assert dict.fromkeys(names(3), "applied") == run.ended()


def test_a_stop_does_not_wait_for_a_turn_for_ever() -> None:
    """What is half done when no more turns come is told as such."""
    run = Play(plan_of(step("a", STOP, START), step("b")), Terms(waves=()))
    run.go()
    run.answer()
    run.look("Stopped")
    run.go()
    run.waves.stop("enough")
    run.answer("a", what=NO_TURN)

    assert {"a": "cancelled"} == run.ended()
    assert run.waves.is_done
    assert 1 == run.waves.away


def test_a_write_whose_turn_did_not_come_tries_again_later() -> None:
    """Not at once, for it would be turned back for as long as the server's pause lasts."""
    run = play(3, waves=(), at_once=2)
    run.go()
    run.answer(what=NO_TURN)
    assert ["web-00002"] == run.go()
    assert not run.waves.is_done
    run.waves.try_again()
    assert ["web-00000"] == run.go()
    assert run.waves.wave == 0


def chain(*after: Iterable[str]) -> Plan:
    """Steps a, b, c … after others."""
    return plan_of(*(step("abcdefgh"[n], after=before) for n, before in enumerate(after)))


def test_what_goes_before_is_over_first() -> None:
    """Others overtake what has to wait."""
    run = Play(chain("", "a", "ab", "", "c"), Terms(waves=(), stable=0.0, max_unavailable=9))
    assert ["a", "d"] == run.go()
    run.answer()
    assert [] == run.go()
    run.look()
    assert ["b"] == run.go()
    run.answer()
    run.look()
    assert [["c"], ["e"]] == [run.pass_wave(), run.pass_wave()]
    assert run.waves.is_done


def test_what_comes_after_a_failure_is_left_out() -> None:
    """And what comes after that."""
    run = Play(chain("", "a", "b", "", "d"), Terms(waves=(), stable=0.0, max_unavailable=9))
    run.go()
    run.answer("a", what=FAILED)
    run.answer("d")
    run.look()
    run.pass_wave()

    assert {"a": "failed", "b": "skipped", "c": "skipped", "d": "applied", "e": "applied"} == (
        run.ended()
    )
    assert run.waves.is_done


def test_what_has_to_wait_holds_up_its_wave() -> None:
    """The next wave begins when it is over, too."""
    run = Play(chain("", "a", "", ""), Terms(waves=(2,), stable=0.0, max_unavailable=9))
    assert [["a"], ["b"], ["c", "d"]] == [run.pass_wave() for _ in range(3)]


def test_a_look_tells_nothing_of_what_was_written_since_it_began() -> None:
    """It shows the service as it was before."""
    run = play(1)
    run.go()
    run.now = 5.0
    run.answer()
    run.waves.look(shown(service("web-00000")), 6.0, 4.0)
    assert not run.waves.is_done

    run.waves.look(shown(service("web-00000")), 7.0, 6.0)
    assert run.waves.is_done


def test_no_look_is_needed_while_nothing_is_watched() -> None:
    """A call is the user's currency."""
    run = play(1, timeout=1.0)
    assert not run.waves.is_watching
    run.go()
    assert not run.waves.is_watching
    run.answer()
    assert run.waves.is_watching
    run.look("Deploying")
    assert run.waves.is_watching, "it is lost, and may come back"
    run.look()
    assert not run.waves.is_watching


def test_nothing_to_do_is_done() -> None:
    """An empty plan has one wave of nothing."""
    run = play(0)

    assert [] == run.go()
    assert run.waves.is_done


def test_a_replacement_does_not_create_while_the_old_one_is_there() -> None:
    """Nor when a single list lacks it."""
    plan = plan_of(step("a", DELETE, Write(verb="create")))
    run = Play(plan, Terms(waves=(), stable=0.0))
    run.go()
    run.answer()
    run.look(a=None)
    run.look("Terminating")
    run.look(a=None)
    assert [] == run.go()
    run.look(a=None)
    assert ["a"] == run.go()
    run.answer()
    run.look()
    assert {"a": "applied"} == run.ended()
