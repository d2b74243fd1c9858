"""Delay of a line under a budget of calls: the schedule against its peers, at equal calls.

    python -m benchmarks.scheduling [--quick] [--jobs 1] [--no-picture]

Seven workloads are simulated for sources N and budgets B (calls a second). Delays are given as a
share of equal polling's on the same lines; means of shares are geometric. The last table says which
of the promises held; the exit status is 1 if one did not.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

from attrs import frozen

from benchmarks.polling import ROUND_TRIP, Backoff, Equal, Oracle, Peer, Policy, Score, simulate
from benchmarks.workloads import WORKLOADS, Load, draw_load
from tenx_async.logs.schedule import Schedule

RATIOS = (0.05, 0.2, 1.0)
"""Calls a second and source."""
EQUAL, BACKOFF, ORACLE, SCHEDULE = "equal polling", "backoff", "oracle", "schedule"
POLICIES: dict[str, Callable[[Load, float], Policy]] = {
    EQUAL: lambda _load, _lap: Peer(Equal()),
    BACKOFF: lambda _load, lap: Peer(Backoff(lap / 2, 2 * lap)),
    ORACLE: lambda load, _lap: Peer(Oracle(load.means)),
    SCHEDULE: lambda _load, _lap: Schedule(),
}
"""By name, given what is written and the seconds in which each source could be asked once."""


@frozen(order=True)
class Scene:
    """One workload under one budget."""

    sources: int
    ratio: float
    workload: str
    seed: int
    seconds: float

    @property
    def lap(self) -> float:
        """Seconds in which each source could be asked once."""
        return 1 / self.ratio


@frozen
class Played:
    """A scene with each of the policies."""

    scene: Scene
    scores: dict[str, Score]

    def mean(self, policy: str) -> float:
        """The mean delay, as a share of equal polling's."""
        return self.scores[policy].mean / self.scores[EQUAL].mean

    def p99(self, policy: str) -> float:
        """The delay of the last line but one in a hundred, as a share of equal polling's."""
        return self.scores[policy].p99 / self.scores[EQUAL].p99

    @property
    def late(self) -> float:
        """Seconds by which a source was asked after its two laps and one call's time."""
        budget = self.scene.ratio * self.scene.sources
        return self.scores[SCHEDULE].stalest - 2 * self.scene.lap - ROUND_TRIP - 1 / budget


def play(scene: Scene) -> Played:
    """Let each policy poll the same lines."""
    load = draw_load(scene.workload, scene.sources, scene.seconds, scene.seed)
    budget = scene.ratio * scene.sources
    scores = {name: simulate(of(load, scene.lap), load, budget) for name, of in POLICIES.items()}
    return Played(scene, scores)


def scenes(*, quick: bool) -> Iterator[Scene]:
    """List what is played; the fewer sources, the more seeds."""
    seeds = {1_000: 1} if quick else {100: 3, 1_000: 2, 10_000: 1}
    for sources, ratio in product(seeds, RATIOS):
        longest = 600 if quick or sources > 1_000 else 1200
        seconds = longest / 2 if ratio == 1 or (quick and ratio == 0.2) else longest
        for workload, seed in product(WORKLOADS, range(seeds[sources])):
            yield Scene(sources, ratio, workload, seed, seconds)


def geometric(values: Iterable[float]) -> float:
    """Mean of shares."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs))


@frozen
class Table:
    """All that was played."""

    played: list[Played]

    def at(self, sources: int, ratio: float, workload: str = "") -> list[Played]:
        """Those of one size and budget, and of one workload if it is named."""
        return [
            one
            for one in self.played
            if (one.scene.sources, one.scene.ratio) == (sources, ratio)
            and workload in {"", one.scene.workload}
        ]

    def mean(self, policy: str, sources: int, ratio: float, workload: str = "") -> float:
        """A policy's mean delay as a share of equal polling's."""
        return geometric(one.mean(policy) for one in self.at(sources, ratio, workload))

    @property
    def sizes(self) -> list[int]:
        """All N."""
        return sorted({one.scene.sources for one in self.played})

    def totals(self) -> Iterator[str]:
        """Lines of the table of all workloads together."""
        yield f"{'N':>6}{'B/N':>6}{'calls':>12}" + heads(
            (*POLICIES, "backoff p99", "schedule p99", "stalest")
        )
        for sources in self.sizes:
            for ratio in RATIOS:
                yield self._total(sources, ratio)

    def _total(self, sources: int, ratio: float) -> str:
        some = self.at(sources, ratio)
        calls = {policy: sum(one.scores[policy].calls for one in some) for policy in POLICIES}
        assert len(set(calls.values())) == 1, f"unequal calls: {calls}"
        cells = [self.mean(policy, sources, ratio) for policy in POLICIES]
        cells += [max(one.p99(policy) for one in some) for policy in (BACKOFF, SCHEDULE)]
        cells.append(max(one.scores[SCHEDULE].stalest / one.scene.lap for one in some))
        return f"{sources:>6,}{ratio:>6}{calls[EQUAL]:>12,}" + row(cells)

    def workloads(self, sources: int) -> Iterator[str]:
        """Lines of the table of one size, workload by workload."""
        peers = (BACKOFF, ORACLE, SCHEDULE)
        yield f"{'workload':<12}{'B/N':>6}" + heads((*peers, "schedule p99"))
        for workload in WORKLOADS:
            for ratio in RATIOS:
                cells = [self.mean(policy, sources, ratio, workload) for policy in peers]
                cells.append(max(one.p99(SCHEDULE) for one in self.at(sources, ratio, workload)))
                yield f"{workload:<12}{ratio:>6}" + row(cells)


def heads(names: Iterable[str]) -> str:
    """Lay out names as `row` lays out numbers."""
    return "".join(f"{name:>15}" for name in names)


def row(cells: Iterable[float]) -> str:
    """Lay out numbers."""
    return "".join(f"{cell:>15.3f}" for cell in cells)


def runaway(policy: str, sources: int, ratio: float) -> tuple[float, float]:
    """Measure the mean delay without and with one more source that has only full pages."""
    load = draw_load("zipf1", sources, 600, 0)
    more = Load(load.name, 600, [*load.means, 0.0], load.lines, [*load.begins, load.begins[-1]])
    budget = ratio * sources
    alone = simulate(POLICIES[policy](load, 1 / ratio), load, budget).mean
    beside = simulate(POLICIES[policy](more, 1 / ratio), more, budget, runaway=sources).mean
    return alone, beside


def decide(sources: int) -> tuple[float, float]:
    """Measure the seconds of one `next`, and of one `observe`, at rates as 1 / rank."""
    schedule, laps, at_once = Schedule(), 12, 100
    asked, took = [0.0] * sources, [0.0, 0.0]
    for number in range(sources):
        schedule.add(str(number), 0.0)
    for block in range(laps * sources // at_once):
        now = block * at_once / sources
        began = time.process_time()
        chosen = [schedule.next(now) for _ in range(at_once)]
        took[0] += time.process_time() - began
        places = [int(name) for name in chosen if name is not None]
        lines = [int(sources * (now - asked[place]) / (place + 1)) for place in places]
        for place in places:
            asked[place] = now
        began = time.process_time()
        for place, count in zip(places, lines, strict=True):
            schedule.observe(str(place), now, count, False)
        took[1] += time.process_time() - began
    return took[0] / (laps * sources), took[1] / (laps * sources)


@frozen
class Promise:
    """A bound, and what was measured."""

    what: str
    measured: float
    most: float

    @property
    def kept(self) -> bool:
        """Whether it held."""
        return self.measured <= self.most

    def __str__(self) -> str:
        word = "kept" if self.kept else "NOT KEPT"
        return f"{self.what:<74}{self.measured:>9.3f}  ≤ {self.most:<6g} {word}"


def promises(table: Table, raised: float, decision: float) -> Iterator[Promise]:
    """Hold what was measured against what was promised."""
    sources = 1_000
    for ratio, most in zip(RATIOS, (0.39, 0.36, 0.36), strict=True):
        mean = table.mean(SCHEDULE, sources, ratio)
        yield Promise(f"mean delay at N = 1,000, B/N = {ratio}, equal polling = 1", mean, most)
    for size in table.sizes:
        share, ratio, name = max(
            (table.mean(SCHEDULE, size, *at) / table.mean(BACKOFF, size, *at), *at)
            for at in product(RATIOS, WORKLOADS)
        )
        what = f"worst mean delay at N = {size:,}: {name}, B/N = {ratio}; backoff = 1"
        yield Promise(what, share, 1)
    for name in ("zipf1", "zipf15"):
        worst = max(
            table.mean(SCHEDULE, size, ratio, name) / table.mean(ORACLE, size, ratio, name)
            for size in table.sizes
            for ratio in RATIOS
        )
        yield Promise(f"worst mean delay of {name}, who knows the rates = 1", worst, 1.10)
    late = max(0.0, *(one.late for one in table.played))
    yield Promise("seconds unseen beyond two laps and one call's time", late, 0)
    worst, scene = max((one.p99(SCHEDULE), one.scene) for one in table.played)
    what = f"worst p99: N = {scene.sources:,}, {scene.workload}, B/N = {scene.ratio}"
    yield Promise(f"{what}; equal polling = 1", worst, 1.7)
    yield Promise("mean delay of the others beside a runaway source, without it = 1", raised, 2)
    yield Promise("microseconds of one decision at 10,000 sources", decision * 1e6, 10)


def compare(*, quick: bool, jobs: int) -> tuple[Table, list[Promise]]:
    """Play all scenes and print the tables."""
    with ProcessPoolExecutor(jobs) as pool:
        hardest_first = sorted(scenes(quick=quick), key=lambda one: -one.sources * one.ratio)
        table = Table(sorted(pool.map(play, hardest_first), key=lambda one: one.scene))
    print("mean delay, and worst p99 of two, equal polling = 1; the schedule's stalest, in laps")
    print(*table.totals(), sep="\n", end="\n\n")
    print("N = 1,000")
    print(*table.workloads(1_000), sep="\n", end="\n\n")
    raised = print_runaway(quick=quick)
    asking, noting = decide(10_000)
    print(f"10,000 sources: next {asking * 1e6:.1f} µs, observe {noting * 1e6:.1f} µs\n")
    kept = list(promises(table, raised, asking))
    print(*kept, sep="\n")
    return table, kept


def print_runaway(*, quick: bool) -> float:
    """Print what one more source does that has only full pages; return the schedule's worst."""
    print("one source more whose pages are all full: mean delay of the others, seconds, on zipf1")
    print(f"{'N':>6}{'B/N':>6}" + heads((EQUAL, "beside", "ratio", SCHEDULE, "beside", "ratio")))
    worst = 0.0
    for sources in (100,) if quick else (100, 1_000):
        for ratio in RATIOS:
            equal, ours = (runaway(policy, sources, ratio) for policy in (EQUAL, SCHEDULE))
            cells = [*equal, equal[1] / equal[0], *ours, ours[1] / ours[0]]
            print(f"{sources:>6,}{ratio:>6}" + row(cells))
            worst = max(worst, cells[-1])
    print()
    return worst


def main() -> None:
    """Read the options and compare."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.scheduling")
    options.add_argument("--quick", action="store_true", help="less of it, in under a minute")
    options.add_argument("--jobs", type=int, default=1, help="processes")
    options.add_argument("--no-picture", action="store_true")
    asked = options.parse_args()
    if draws := not (asked.quick or asked.no_picture):
        from benchmarks.scheduling_picture import draw  # noqa: PLC0415  # needs matplotlib

    table, kept = compare(quick=asked.quick, jobs=asked.jobs)
    if draws:
        draw(table, Path(__file__).parent / "pictures" / "scheduling.png")
    sys.exit(not all(promise.kept for promise in kept))


if __name__ == "__main__":
    main()
