from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aioresponses import aioresponses, core
from hypothesis import settings

from tenx_async import Client, LocalCloud
from tests.clock import ManualClock

settings.register_profile("tenx", deadline=None, max_examples=50)
settings.load_profile("tenx")


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a third of the time is waiting for processes."""
    return 3 * len(os.sched_getaffinity(0)) // 2 if hasattr(os, "sched_getaffinity") else 3


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the variables, profiles and files of whoever runs it."""
    for key in ("ENDPOINT", "USERNAME", "TOKEN", "REGION", "PROFILE", "STATE_DIR"):
        monkeypatch.delenv(f"TENX_{key}", raising=False)
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / f"xdg-{kind.lower()}"))


class _Response(aiohttp.ClientResponse):
    """What aioresponses 0.7.9 cannot make for aiohttp 3.14: it leaves out a new argument.

    See pnuckowski/aioresponses#289; to be dropped with the release that mends it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
            kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    """Answers to requests that never leave; a request without one fails the test."""
    monkeypatch.setattr(core, "ClientResponse", _Response)
    with aioresponses() as replies:
        yield replies


@pytest.fixture
def clock() -> ManualClock:
    """Time that passes only when somebody waits for it."""
    return ManualClock()


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    """The whole API on a loopback port."""
    async with LocalCloud(regions=("beijing1", "us")) as cloud:
        yield cloud


def client_of(cloud: LocalCloud, region: str = "beijing1", **more: Any) -> Client:
    """A client of a local cloud, not yet open."""
    return Client(
        endpoint=cloud.endpoint, username=cloud.username, token=cloud.token, region=region, **more
    )


@pytest.fixture
async def client(cloud: LocalCloud, clock: ManualClock) -> AsyncIterator[Client]:
    """An open client of the local cloud, whose waits take no time."""
    async with client_of(cloud, clock=clock) as client:
        yield client
