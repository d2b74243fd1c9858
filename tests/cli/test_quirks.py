from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession
from attrs import define, field
from typer.main import get_command
from typer.testing import CliRunner

from tenx_async.cli.app import app
from tenx_async.local import Quirks

GROUP: Any = get_command(app)


@define
class Runs:
    """Runs of `tenx local`, each with a session."""

    processes: list[Process] = field(factory=list)
    sessions: list[ClientSession] = field(factory=list)

    async def start(self, *options: str) -> ClientSession:
        """Start one with options."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tenx_async", "local", "--runtime", "scripted"),
            *("--token", "t", *options),
            stderr=PIPE,
        )
        self.processes.append(process)
        assert process.stderr
        while "TENX_ENDPOINT" not in (line := (await process.stderr.readline()).decode()):
            assert line, "it ended"
        credentials = {"username": "demo", "Authorization": "token t"}
        endpoint = line.split("=")[1].strip("'\n")
        self.sessions.append(ClientSession(endpoint, headers=credentials))
        return self.sessions[-1]

    async def kill(self) -> None:
        """End all of them."""
        while self.sessions:
            await self.sessions.pop().close()
        while self.processes:
            process = self.processes.pop()
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
async def runs() -> AsyncIterator[Runs]:
    runs = Runs()
    yield runs
    await runs.kill()


def test_every_quirk_is_an_option_that_says_what_it_does() -> None:
    """The table of quirks is the help, too."""
    options = {option.name: option for option in GROUP.commands["local"].command.params}

    for quirk in attrs.fields(Quirks):
        assert quirk.metadata["does"] == options[quirk.name].help
        assert f"--{quirk.name.replace('_', '-')}" in options[quirk.name].opts


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--log-order", "up"], "log_order"),
        (["--size-cap=-1"], "size_cap"),
        (["--window-status", "404"], "window_status"),
        (["--transition", "inf"], "transition"),
        (["--region", "a/b"], "--region"),
        (["--fault", '{"kind": "error", "operations": ["lst"]}'], "lst"),
        (["--fault", "flood"], "flood"),
        (["--fault", "{"], "property name"),
        (["--fault", '{"kind": "error", "chance": 1}'], "chance"),
    ],
)
def test_a_wrong_option_is_a_matter_of_usage(options: list[str], says: str) -> None:
    """It is said before anything is started."""
    ran = CliRunner().invoke(app, ["local", *options])

    assert 2 == ran.exit_code
    assert says in ran.output


async def test_the_options_set_the_quirks_and_faults(runs: Runs) -> None:
    """Texts, numbers, switches, both ways, and lists."""
    session = await runs.start(
        *("--log-order", "newest-page", "--size-cap", "7", "--refresh-every", "0.5"),
        *("--old-list", "--no-retry-after", "--window-status", "500"),
        *("--crash-loops", "a*", "--crash-loops", "b", "--seed", "3"),
        *("--fault", "error", "--fault", '{"kind": "reset", "rate": 0.25}'),
    )
    async with session.get("/_control/quirks") as response:
        quirks = await response.json()
    async with session.get("/_control/faults") as response:
        faults = await response.json()

    expected = Quirks(
        log_order="newest-page",
        size_cap=7,
        refresh_every=0.5,
        old_list=True,
        retry_after=False,
        window_status=500,
        crash_loops=("a*", "b"),
    )
    assert expected == Quirks().changed(quirks)
    assert [("error", 1), ("reset", 0.25)] == [(f["kind"], f["rate"]) for f in faults["faults"]]
    assert 3 == faults["seed"]


async def test_a_state_outlives_the_command(runs: Runs, tmp_path: Path) -> None:
    """What a run has answered before it was killed, the next one knows."""
    body = {"containers": [{"image": "nginx"}]}
    first = await runs.start("--state", str(tmp_path / "state"))
    async with first.post("/v1/regions/beijing1/services/web", json=body) as response:
        created = await response.json()
    assert 200 == response.status

    await runs.kill()
    second = await runs.start("--state", str(tmp_path / "state"))
    async with second.get("/v1/regions/beijing1/services/web") as response:
        assert created["name"] == (await response.json())["name"]
