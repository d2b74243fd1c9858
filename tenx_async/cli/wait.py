"""`tenx wait`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from attrs import define, field

from tenx_async.api.models import Service
from tenx_async.api.names import service_name
from tenx_async.cli.ending import Status, ending, run
from tenx_async.cli.outcomes import ABSENT, some
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import emit, say, visible
from tenx_async.errors import DeadlineExceeded, NotFound

MOST_SECONDS = 86_400 * 7
_PAUSES = (1.0, 2.0)
_LONGEST_PAUSE = 5.0


def wait(
    context: typer.Context,
    *,
    names: Annotated[list[str], typer.Argument(help="The services.")],
    until: Annotated[str, typer.Option(metavar="STATUS", help="In any case.")] = "Running",
    timeout: Annotated[
        float, typer.Option(metavar="S", min=0, max=MOST_SECONDS, help="Seconds, at most.")
    ] = 120,
) -> None:
    """Wait until services have a status; one call a look, however many they are."""
    with ending():
        wanted = list(dict.fromkeys(map(service_name, names)))
    run(_wait(context.obj, Waiting(wanted, until), timeout))


async def _wait(target: Target, waiting: Waiting, seconds: float) -> Status:
    loop = asyncio.get_running_loop()
    ends, pauses = loop.time() + seconds, iter(_PAUSES)
    async with target.pool() as pool:
        while waiting.look(await pool.client().services.list()):
            left = ends - loop.time()
            if left <= 0:
                return waiting.give_up(seconds)
            await asyncio.sleep(min(next(pauses, _LONGEST_PAUSE), left))
    return Status.WELL


@define
class Waiting:
    """Services that do not have a status yet."""

    names: Sequence[str]
    until: str
    left: dict[str, str] = field(init=False)
    """What is seen of those that it does not have yet."""

    def __attrs_post_init__(self) -> None:
        self.left = dict.fromkeys(self.names, "")

    def look(self, services: Sequence[Service]) -> bool:
        """Tell of those that have come to it; tell whether any are left."""
        seen = {service.name: service for service in services}
        if missing := [name for name in self.left if name not in seen]:
            raise NotFound(ABSENT, operation=f"wait {' '.join(missing)}", status=404)
        for name in list(self.left):
            self.left[name] = seen[name].status or "without a status"
            if seen[name].has_status(self.until):
                emit(f"{name}: {visible(self.left.pop(name))}\n")
        return bool(self.left)

    def give_up(self, seconds: float) -> Status:
        """Say what the rest shows."""
        states = [f"{name} is {status}" for name, status in self.left.items()]
        late = f"not {self.until} after {seconds:g} s"
        if len(self.names) == 1:
            raise DeadlineExceeded(f"{late}: {states[0]}", operation=f"wait {self.names[0]}")
        say(f"{len(self.left)} of {len(self.names)} {late}: {some(states)}")
        return Status.FAILED
