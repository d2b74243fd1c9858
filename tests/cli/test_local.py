from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tenx_async import Client

from .conftest import Running, Shell


async def _exports(running: Running) -> dict[str, Any]:
    """What the command says on standard error, as variables."""
    await running.until("export TENX_REGION=", "err")
    lines = [line for line in running.err.splitlines() if line.startswith("export TENX_")]
    pairs = (line.removeprefix("export TENX_").partition("=") for line in lines)
    return {key.casefold(): value.strip("'") for key, _, value in pairs}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_local_cloud_runs_until_it_is_told_to_stop(
    stranger: Shell, number: signal.Signals
) -> None:
    """It says how to use it, and leaves no process behind."""
    running = await stranger.start("local", "--demo", "--token", "t-0", "--region", "us")

    async with Client(**await _exports(running)) as client:
        names = [service.name for service in await client.services.list()]
        await client.services.wait("web")
        async with client.follow("web", tail=1) as lines:
            line = await anext(aiter(lines))
    ended = await running.end(number)

    assert {"web", "api", "worker", "mysql", "cache"} == set(names)
    assert (line.region, line.service) == ("us", "web")
    assert (ended.status, ended.out) == (0, "")
    assert ended.err.endswith("tenx: stopping\n")
    assert not await asyncio.to_thread(_samples, running.process.pid)


def _samples(parent: int) -> list[str]:
    """Sample processes that a command has left behind."""
    if sys.platform != "linux":
        return []
    return [
        folder.name
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and f" {parent} " in _stat(folder)
    ]


def _stat(folder: Path) -> str:
    try:
        return (folder / "stat").read_text().partition(")")[2]
    except OSError:
        return ""


async def test_a_taken_port_is_one_clear_line(stranger: Shell) -> None:
    """And nothing is left half begun."""
    first = await stranger.start("local", "--runtime", "scripted")
    port = (await _exports(first))["endpoint"].rpartition(":")[2]

    second = await stranger("local", "--port", port)

    assert second.status == 1
    assert "already in use" in second.complaint
    await first.end(signal.SIGTERM)
