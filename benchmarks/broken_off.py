"""Runs that are killed again and again, and resumed: what was done, and how often.

    python -m benchmarks.broken_off [--operation restart] [--services 60] [--kills 20] [--seed S]

A local cloud in a process of its own loses 3 % of the answers after it did what was asked. The
command line does the operation, is killed with SIGKILL at random instants (any, right behind its
first write, between the two writes of a replacement) and resumed. The cloud is asked at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
from attrs import define, field

import tenx_async as tenx
from benchmarks.broken_off_scene import REGION, SECRET, TOKEN, Scene, serving
from tenx_async.fleet.runs import Runs

CREDENTIALS = {"username": "demo", "Authorization": f"token {TOKEN}"}
LONGEST = 4.0
"""Seconds after which a process is killed at the latest."""
NEXT = {"delete": "create", "stop": "start"}
OUTCOME_STATUSES = {0, 3, 5}
"""Exit statuses of a run that came to its end."""


@define
class Truth:
    """What the cloud saw."""

    endpoint: str
    session: aiohttp.ClientSession = field(repr=False)

    async def executed(self) -> Counter[str]:
        """How often each write was executed."""
        async with self.session.get(f"{self.endpoint}/_control/truth") as response:
            return Counter((await response.json())["executed"])

    async def services(self) -> dict[str, tuple[object, ...]]:
        """What there is: status, instances, memory and image of each."""
        async with tenx.Client(
            endpoint=self.endpoint, username="demo", token=TOKEN, region=REGION
        ) as client:
            return {one.name: _shown(one) for one in await client.services.list()}


def _shown(service: tenx.Service) -> tuple[object, ...]:
    (container,) = service.containers
    return service.status, service.target_instance_size, str(container.memory), container.image


@define
class Breaker:
    """Kills a process at an instant by chance."""

    truth: Truth
    chance: random.Random

    async def wait(self) -> None:
        """Wait until it is time to kill."""
        kinds = [self._anywhere, self._behind_a_write, self._between_writes]
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                await self.chance.choice(kinds)()

    async def _anywhere(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.2, self.chance.choice((1.5, LONGEST))))

    async def _behind_a_write(self) -> None:
        before = (await self.truth.executed()).total()
        await self._until(lambda executed: executed.total() > before)
        await asyncio.sleep(self.chance.uniform(0, 0.1))

    async def _between_writes(self) -> None:
        before = await self.truth.executed()
        await self._until(lambda executed: _half_done(executed - before))

    async def _until(self, is_so: Callable[[Counter[str]], bool]) -> None:
        while not is_so(await self.truth.executed()):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.02)


def _half_done(executed: Counter[str]) -> bool:
    """Whether something was deleted and not made anew, or stopped and not started."""
    begun = [write.split() for write in executed]
    return any(verb in NEXT and not executed[f"{NEXT[verb]} {name}"] for verb, name in begun)


@define
class Trial:
    """One run, from its beginning to its end in some process."""

    scene: Scene
    breaker: Breaker
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    kills: int
    """How many are left."""
    killed: int = 0
    told: list[bytes] = field(factory=list, repr=False)

    async def go(self) -> int:
        """Begin, kill and resume until it has ended; tell the exit status."""
        line = self.scene.command(self.folder)
        while True:
            status = await self._once(line)
            if status is not None:
                return status
            kept = self._runs().list()
            if kept and kept[0].state == "finished":
                return 0
            line = ["resume"] if kept else self.scene.command(self.folder)

    async def again(self) -> None:
        """Ask for the same once more."""
        await self._once(self.scene.command(self.folder))

    def applied(self) -> set[str]:
        """The services of which the journal says that something was done."""
        over = self._runs().read().over.values()
        return {outcome.service for outcome in over if outcome.result == "applied"}

    def results(self) -> Counter[str]:
        """What the journal says became of the services."""
        return Counter(outcome.result for outcome in self._runs().read().over.values())

    def leaks(self) -> list[str]:
        """Where a secret stands that may stand nowhere."""
        kept = {file.name: file.read_bytes() for file in (self.folder / "state").iterdir()}
        texts = {**kept, "output": b"".join(self.told)}
        secrets = [SECRET.encode(), TOKEN.encode()]
        return [name for name, text in texts.items() if any(one in text for one in secrets)]

    def _runs(self) -> Runs:
        return Runs(self.folder / "state")

    async def _once(self, line: Sequence[str]) -> int | None:
        """Run a command; `None`: it was killed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tenx_async", *line),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        telling = asyncio.create_task(process.communicate())
        if self.kills:
            await self._kill(process)
        self.told.append((await telling)[0])
        return process.returncode if process.returncode != -9 else None

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        ending = asyncio.create_task(process.wait())
        waiting = asyncio.create_task(self.breaker.wait())
        await asyncio.wait({ending, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await asyncio.wait({waiting})
        if process.returncode is None:
            process.kill()
            self.kills, self.killed = self.kills - 1, self.killed + 1


def verdict(
    trial: Trial, executed: Counter[str], seen: Mapping[str, object], status: int
) -> list[str]:
    """Say what is not as it has to be."""
    scene = trial.scene
    wrong = [f"the exit status is {status}"] if status not in OUTCOME_STATUSES else []
    wrong += [f"{write}: {times} times" for write, times in executed.items() if times > 1]
    wrong += [f"{write}: not asked for" for write in executed if write not in scene.executions()]
    wrong += [f"a secret is in {where}" for where in trial.leaks()]
    if scene.operation == "restart":
        missed = [name for name in trial.applied() if not executed[f"restart {name}"]]
        wrong += [f"{name}: applied, and not executed" for name in missed]
    goal = scene.goal()
    wrong += [
        f"{name}: {seen.get(name)}, not {goal.get(name)}"
        for name in sorted({*goal, *seen})
        if seen.get(name) != goal.get(name)
    ]
    return wrong


async def measure(scene: Scene, kills: int, folder: Path) -> bool:
    """Do it, and print how it went; tell whether all is well."""
    async with serving(scene) as endpoint, aiohttp.ClientSession(headers=CREDENTIALS) as session:
        truth = Truth(endpoint, session)
        environment = {
            **os.environ,
            "TENX_ENDPOINT": endpoint,
            "TENX_USERNAME": "demo",
            "TENX_TOKEN": TOKEN,
            "TENX_REGION": REGION,
            "TENX_STATE_DIR": str(folder / "state"),
            "SHOP_PASSWORD": SECRET,
        }
        breaker = Breaker(truth, random.Random(scene.seed))
        trial = Trial(scene, breaker, folder, environment, kills)
        status = await trial.go()
        executed, results = await truth.executed(), trial.results()
        await asyncio.sleep(1)  # what was written last shows
        wrong = verdict(trial, executed, await truth.services(), status)
        if scene.operation not in {"restart", "verified"}:
            trial.kills = 0
            await trial.again()
            more = await truth.executed() - executed
            wrong += [f"{write}: written again" for write in more]
    rows = {
        "seed": scene.seed,
        "kills": trial.killed,
        "executions": ", ".join(
            f"{n} {t} times" for t, n in sorted(Counter(executed.values()).items())
        ),
        "missing": sum(write not in executed for write in scene.executions()),
        "results": dict(results),
        "exit status": status,
        "verdict": "; ".join(wrong[:9]) or "well",
    }
    print(f"{scene.operation} of {scene.services}")
    for what, value in rows.items():
        print(f"  {what:<14}{value}")
    if wrong:
        print(trial.told[-1].decode()[-2000:])
    return not wrong


def main() -> None:
    """Read the options and run."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.broken_off")
    operations = ("restart", "verified", "stop", "start", "update", "apply", "delete")
    options.add_argument("--operation", choices=operations, default="restart")
    options.add_argument("--services", type=int, default=60)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=random.randrange(10_000))
    asked = options.parse_args()
    scene = Scene(asked.operation, asked.services, asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        is_well = asyncio.run(measure(scene, asked.kills, Path(folder)))
    sys.exit(not is_well)


if __name__ == "__main__":
    main()
