"""Histories that are made up by chance, each from a seed that repeats it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.order import Order
from tests.logs.histories import Append, History, Insert, Lack, Poll, Remove, Step, Swap, Twin, Wipe


@define
class Draw:
    """Makes up a history, the same one for the same seed."""

    seed: int
    ties: bool = False
    """Whether two replicas may order equal times differently."""
    erasing: bool = False
    """Whether lines may be taken away for good."""
    alike: bool = True
    """Whether some lines may be alike."""
    _random: random.Random = field(init=False)
    _serial: int = 0
    _equal: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def history(self) -> History:
        choose = self._random.choice
        order, told = choose(list(Order)), self._chance(0.5)
        cap, size = choose([None, None, None, 20, 50]), choose([40, 60, 100])
        self._equal = choose([0.0, 0.0, 0.3, 0.8, 0.99]) * self.alike
        first: Step = Append(self._lines(choose([0, 1, 2, 5, 50, 300])))
        kinds = self._kinds()
        fails, busy = self._chance(0.5), self._chance(0.3)
        steps: list[Step | Poll] = [first]
        for _ in range(self._random.randrange(5, 40)):
            steps += self._turn(kinds)
            steps.append(self._poll(kinds, fails=fails, busy=busy))
        replicas = self._replicas() if self.ties else {}
        return History(order=order, told=told, size=size, cap=cap, steps=steps, **replicas)

    def _replicas(self) -> dict[str, Any]:
        """How alike replicas are, and which one answers."""
        return {"tied": self._random.choice([2, 3, 3, 6]), "in_turn": self._chance(0.5)}

    def _kinds(self) -> list[str]:
        """What this server does beside appending."""
        kinds = ["insert", "twin", "lack"]
        kinds += ["swap"] if self.ties else []
        kinds += ["remove", "wipe"] if self.erasing else []
        return [kind for kind in kinds if self._chance(0.4)]

    def _turn(self, kinds: Sequence[str]) -> list[Step]:
        chance = self._random.random()
        if chance < 0.5:
            return [self._append()]
        if chance < 0.85 and kinds:
            return [self._step(self._random.choice(kinds)) for _ in range(self._few())]
        return []

    def _poll(self, kinds: Sequence[str], *, fails: bool, busy: bool) -> Poll:
        fail_after = self._random.choice([None, None, 0, 1]) if fails else None
        meanwhile: list[tuple[int, Step]] = []
        if busy and self._chance(0.5):
            step = self._step(self._random.choice(["append", *kinds]))
            meanwhile.append((self._random.randrange(4), step))
        return Poll(fail_after, meanwhile)

    def _step(self, kind: str) -> Step:
        choose = self._random.choice
        makes: dict[str, Callable[[], Step]] = {
            "append": self._append,
            "insert": lambda: Insert(
                choose([0, 1, 2, 5, 20, 100, 300]), self._lines(choose([1, 1, 2, 5]))
            ),
            "twin": lambda: Twin(choose([0, 1, 5, 50])),
            "lack": lambda: Lack(1 if self.erasing else choose([1, 1, 2])),
            "swap": lambda: Swap(self._chance(0.5)),
            "remove": lambda: Remove(choose([1, 2, 5, 20, 100]), choose([1, 1, 2, 5])),
            "wipe": Wipe,
        }
        return makes[kind]()

    def _append(self) -> Append:
        return Append(self._lines(self._random.choice([0, 1, 1, 2, 3, 10, 40])))

    def _lines(self, count: int) -> list[LogEntry]:
        return [LogEntry(f"web-{self._random.randrange(3)}", self._text()) for _ in range(count)]

    def _text(self) -> str:
        self._serial += 1
        equal = self._chance(self._equal)
        return f"tick {self._random.randrange(2)}" if equal else f"line {self._serial}"

    def _few(self) -> int:
        return self._random.choice([1, 1, 2, 5])

    def _chance(self, of: float) -> bool:
        return self._random.random() < of
