"""Ten thousand services: what a decision costs does not grow with them."""

from __future__ import annotations

import time

import pytest

from tenx_async.fleet.plan import Write
from tenx_async.fleet.terms import Terms
from tenx_async.fleet.waves import Waves
from tests.fleet.plans import RESTART, names, outcome, plan_of, service, shown, step

COUNT = 10_000
ONCE = outcome()


@pytest.mark.parametrize("shape", ["restarts", "creates", "a chain", "all after one"])
def test_ten_thousand_steps(shape: str) -> None:
    """Each is asked about once, however many are watched, waiting or held back."""
    called = names(COUNT)
    before = {"a chain": called[:1] + called[:-1], "all after one": called[:1] * COUNT}.get(shape)
    write = Write(verb="create") if shape == "creates" else RESTART
    plan = plan_of(
        *(
            step(name, write, after=before[place : place + 1] if before and place else ())
            for place, name in enumerate(called)
        )
    )
    if shape == "a chain":
        plan = plan_of(*plan.steps[:1000])
    waves = Waves(plan, Terms(waves=(1,), stable=0.0, at_once=16))
    running = shown(*(service(name) for name in called))
    began = time.process_time()
    for now in range(4000):
        while ready := list(waves.ready()):
            for progress in ready:
                waves.answered(progress, ONCE, float(now))
        waves.look(running, now + 0.5, now + 0.5)
        if waves.is_done:
            break

    assert waves.is_done
    assert all(one.outcome and one.outcome.ok for one in waves.steps)
    assert time.process_time() - began < 10
