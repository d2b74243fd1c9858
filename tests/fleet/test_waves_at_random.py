"""Random plans, random servers, random answers: what holds of every run."""

from __future__ import annotations

import random
from collections import Counter

from attrs import define, field
from hypothesis import given, settings, strategies as st

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.errors import DeadlineExceeded, OutcomeUnknown, TenxError
from tenx_async.fleet.plan import Plan, Write
from tenx_async.fleet.progress import Progress, State
from tenx_async.fleet.terms import Terms, count_of
from tenx_async.fleet.waves import Waves
from tests.fleet.plans import DELETE, RESTART, START, STOP, names, outcome, plan_of, service, step

STATUSES = ["Running"] * 6 + ["Deploying", "Stopped", "Quantum", None]
WRITES = [(RESTART,), (STOP, START), (DELETE, Write(verb="create")), (STOP,), (START,), (DELETE,)]
ANSWERS = [
    *[outcome()] * 12,
    outcome("unchanged"),
    outcome("unknown", OutcomeUnknown("lost", operation="it")),
    outcome("failed", TenxError("no")),
    outcome("failed", DeadlineExceeded("no turn", operation="it")),
]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    services = names(draw(st.integers(0, 24)))
    return plan_of(
        *(
            step(
                name,
                *draw(st.sampled_from(WRITES)),
                after=draw(st.sets(st.sampled_from(services[:place]), max_size=2)) if place else (),
            )
            for place, name in enumerate(services)
        )
    )


TERMS = st.builds(
    Terms,
    max_unavailable=st.sampled_from([1, 2, 5, "10%", "50%", "100%"]),
    waves=st.sampled_from([(), (1,), (1, "5%", "25%"), (3, 3, 3)]),
    stable=st.sampled_from([0.0, 3.0]),
    timeout=st.sampled_from([5.0, 20.0]),
    max_failures=st.sampled_from([None, 0, 3, "100%"]),
    at_once=st.integers(1, 30),
)


@define
class World:
    """A server that does as it likes, and a driver that checks each step it takes."""

    waves: Waves
    chance: random.Random
    now: float = 0.0
    sent: dict[int, Progress] = field(factory=dict)
    writes: Counter[tuple[int, int]] = field(factory=Counter)
    """How often each write may have been executed."""
    ended: Counter[int] = field(factory=Counter)

    def dispatch(self) -> None:
        stopped = self.waves.stopped
        for progress in self.waves.ready():
            assert not (stopped and not progress.write), "a step began after the stop"
            assert progress.index < self.waves.bounds[self.waves.wave]
            self._check_order(progress)
            self.sent[progress.index] = progress
        assert len(self.sent) <= self.waves.terms.at_once
        self._check_away()

    def _check_order(self, progress: Progress) -> None:
        steps = {one.step.service: one for one in self.waves.steps}
        before = [steps[name] for name in progress.step.after]
        assert all(one.outcome and one.outcome.ok for one in before)
        if self.waves.wave and not progress.write:
            earlier = self.waves.steps[: self.waves.bounds[self.waves.wave - 1]]
            assert all(one.state is State.OVER for one in earlier)

    def _check_away(self) -> None:
        away = sum(one.is_away for one in self.waves.steps)
        assert away == self.waves.away
        most = count_of(self.waves.terms.max_unavailable, len(self.waves.steps))
        assert away <= most

    def answer(self) -> None:
        for index in self.chance.sample(sorted(self.sent), self.chance.randint(0, len(self.sent))):
            progress, answer = self.sent.pop(index), self._answer()
            if not isinstance(answer.error, DeadlineExceeded):
                self.writes[index, progress.write] += 1
            self.waves.answered(progress, answer, self.now)

    def _answer(self) -> Outcome:
        return self.chance.choice(ANSWERS)

    def look(self) -> None:
        if not self.chance.randrange(8):
            self.waves.look_failed(TenxError("HTTP 500"), self.now)
            return
        seen: dict[str, Service] = {}
        for one in self.waves.steps:
            if self.chance.randrange(10):
                status = self.chance.choice(STATUSES)
                seen[one.step.service] = service(one.step.service, status)
        self.waves.look(seen, self.now, self.now - self.chance.choice([0.0, 0.5]))

    def tick(self, until: float) -> None:
        self.dispatch()
        self.answer()
        self.dispatch()
        self.now += 1
        if self.now > until:
            self.waves.stop("it is late")
        self.waves.try_again()
        self.look()
        self.ended.update(one.index for one in self.waves.take_ended())


@settings(max_examples=300)
@given(plan=plans(), terms=TERMS, seed=st.integers(0, 2**32), until=st.integers(0, 300))
def test_what_holds_of_every_run(plan: Plan, terms: Terms, seed: int, until: int) -> None:
    """Places are kept, waves and order too; no write goes out twice; all comes to an end."""
    world = World(Waves(plan, terms), random.Random(seed))
    for _ in range(until + 600):
        world.tick(until)
        if world.waves.is_done:
            break
    world.ended.update(one.index for one in world.waves.take_ended())

    assert world.waves.is_done
    assert [] == list(world.waves.ready())
    assert {1} >= set(world.writes.values())
    assert {1} >= set(world.ended.values())
    over = {one.index for one in world.waves.steps if one.state is State.OVER}
    assert over == set(world.ended)
    assert world.waves.stopped or len(over) == len(plan.steps)
    assert not {index for index, _ in world.writes} - over
