"""Lines that many sources write, drawn from a seed: as services do that are busy, silent or ill.

Every workload writes about one line a second and source, in the mean over its sources.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable, Iterable
from itertools import accumulate

from attrs import field, frozen

DAY = 600.0
"""Seconds after which the diurnal sources begin anew."""


@frozen
class Source:
    """What one source writes."""

    mean: float
    """Lines a second in the long run; only the oracle may look at it."""
    lines: list[float] = field(repr=False)
    """When each line is written, in order."""


@frozen
class Load:
    """What all sources write, one after the other in one array."""

    name: str
    seconds: float
    means: list[float] = field(repr=False)
    lines: array[float] = field(repr=False)
    begins: list[int] = field(repr=False)
    """Where the lines of each source begin in `lines`, and where the last one's end."""

    @classmethod
    def of(cls, name: str, seconds: float, sources: list[Source]) -> Load:
        """Lay sources together."""
        lines = array("d")
        for source in sources:
            lines.extend(source.lines)
        begins = [0, *accumulate(len(source.lines) for source in sources)]
        return cls(name, seconds, [source.mean for source in sources], lines, begins)


def poisson(chance: random.Random, rate: float, start: float, end: float) -> list[float]:
    """Draw the instants of a steady rate."""
    lines, instant = [], start
    while rate and (instant := instant + chance.expovariate(rate)) < end:
        lines.append(instant)
    return lines


def zipf(count: int, exponent: float, mean: float = 1.0) -> list[float]:
    """Rates that fall as 1 / rank ** exponent."""
    shares = [rank**-exponent for rank in range(1, count + 1)]
    return [share * mean * count / sum(shares) for share in shares]


Draw = Callable[[random.Random, int, float], Iterable[Source]]
"""Draws so many sources that write for so many seconds."""


def steady(exponent: float) -> Draw:
    """Poisson, a few busy sources and many that are nearly silent."""

    def draw(chance: random.Random, count: int, seconds: float) -> Iterable[Source]:
        return [Source(r, poisson(chance, r, 0, seconds)) for r in zipf(count, exponent)]

    return draw


def onoff(chance: random.Random, count: int, seconds: float) -> Iterable[Source]:
    """Write a tenth of the time: bursts of 3 to 60 seconds in the mean, exponential."""
    for mean in zipf(count, 1):
        burst = chance.uniform(3, 60)
        lines: list[float] = []
        instant = 0.0 if chance.random() < 0.1 else chance.expovariate(1 / (9 * burst))
        while instant < seconds:
            end = instant + chance.expovariate(1 / burst)
            lines += poisson(chance, 10 * mean, instant, min(end, seconds))
            instant = end + chance.expovariate(1 / (9 * burst))
        yield Source(mean, lines)


def crash(chance: random.Random, count: int, seconds: float) -> Iterable[Source]:
    """2 % of the sources crash again and again; 5 % of all have one incident at one time."""
    looping = max(1, round(count / 50))
    loops = [crash_loop(chance, seconds) for _ in range(looping)]
    left = max(0.0, count - sum(source.mean for source in loops)) / (count - looping)
    calm = [Source(r, poisson(chance, r, 0, seconds)) for r in zipf(count - looping, 1, left)]
    incident = chance.uniform(0.4, 0.9) * seconds
    for source in chance.sample(calm, max(1, count // 20)):
        source.lines.extend(poisson(chance, 20, incident, min(incident + 10, seconds)))
        source.lines.sort()
    return loops + calm


def crash_loop(chance: random.Random, seconds: float) -> Source:
    """Restart 2, 4 … 64 seconds apart, then from 2 again; 50 to 500 lines in a second each."""
    instant, pause = chance.uniform(-126, 60), 2.0
    lines: list[float] = []
    while instant < seconds:
        starts = (instant + chance.random() for _ in range(chance.randint(50, 500)))
        lines += sorted(line for line in starts if 0 <= line < seconds)
        instant, pause = instant + pause, 2.0 if pause == 64 else 2 * pause
    lines.sort()
    return Source(len(lines) / seconds, lines)


def diurnal(chance: random.Random, count: int, seconds: float) -> Iterable[Source]:
    """Three groups that are busy one after the other."""
    for number, mean in enumerate(zipf(count, 1)):
        turn = number % 3 / 3
        yield Source(
            mean,
            [
                line
                for line in poisson(chance, 2 * mean, 0, seconds)
                if 2 * chance.random() < 1 + math.sin(2 * math.pi * (line / DAY + turn))
            ],
        )


def silent(chance: random.Random, count: int, seconds: float) -> Iterable[Source]:
    """Nine of ten write nothing, but a third of these wakes once: 10 lines/s for 10 seconds."""
    busy = max(1, count // 10)
    waking = (count - busy) // 3
    rest = (count - waking * 100 / seconds) / busy
    yield from (Source(r, poisson(chance, r, 0, seconds)) for r in zipf(busy, 1, rest))
    for _ in range(waking):
        woken = chance.uniform(0, seconds - 10)
        yield Source(100 / seconds, poisson(chance, 10, woken, woken + 10))
    yield from (Source(0.0, []) for _ in range(count - busy - waking))


def mixed(chance: random.Random, count: int, seconds: float) -> Iterable[Source]:
    """A sixth of each of the others."""
    draws = [steady(1), steady(1.5), onoff, crash, diurnal, silent]
    for number, draw in enumerate(draws):
        yield from draw(chance, count * (number + 1) // 6 - count * number // 6, seconds)


WORKLOADS: dict[str, Draw] = {
    "zipf1": steady(1),
    "zipf15": steady(1.5),
    "onoff": onoff,
    "crash": crash,
    "diurnal": diurnal,
    "silent": silent,
    "mixed": mixed,
}


def draw_load(name: str, count: int, seconds: float, seed: int) -> Load:
    """Draw a workload; the same seed gives the same lines."""
    chance = random.Random(f"{name} {count} {seconds} {seed}")
    sources = list(WORKLOADS[name](chance, count, seconds))
    chance.shuffle(sources)
    return Load.of(name, seconds, sources)
