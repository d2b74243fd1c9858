from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from attrs import frozen

from tenx_async.local import LocalCloud

DEADLINE = 10.0


@frozen
class Answer:
    """A reply, read to its end."""

    status: int
    text: str
    json: Any
    content_type: str
    headers: Mapping[str, str]


@frozen
class Caller:
    """Sends what a test says to one cloud, with a bare session."""

    session: ClientSession

    async def __call__(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, path, **options) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            value = json.loads(text) if is_json else None
            return Answer(response.status, text, value, response.content_type, response.headers)

    async def service(self, method: str, path: str, **options: Any) -> Answer:
        return await self(method, f"/v1/regions/beijing1/services/{path}", **options)


class Noon:
    """A clock that stands still until it is moved."""

    now = dt.datetime(2015, 12, 29, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **step: float) -> None:
        self.now += dt.timedelta(**step)


def headers(cloud: LocalCloud) -> dict[str, str]:
    """What every request to a cloud carries."""
    return {"username": cloud.username, "Authorization": f"token {cloud.token}"}


def vendor(name: str) -> Any:
    """A JSON example of the vendor's page."""
    return json.loads((Path(__file__).parent / "vendor" / f"{name}.json").read_text())


async def until(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Wait for something that other processes bring about."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


@pytest.fixture
def noon() -> Noon:
    return Noon()


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    async with LocalCloud() as cloud:
        yield cloud


@pytest.fixture
async def call(cloud: LocalCloud) -> AsyncIterator[Caller]:
    async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
        yield Caller(session)


@pytest.fixture
def litter() -> Iterator[list[int]]:
    """Processes that must not survive a test, even if it fails."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
