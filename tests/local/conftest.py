from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from attrs import frozen

from tenx_async.local import LocalCloud


@frozen
class Answer:
    """A reply, read to its end."""

    status: int
    text: str
    json: Any = None


@frozen
class Caller:
    """Sends what a test says, byte for byte, to one cloud."""

    session: ClientSession

    async def __call__(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, path, **options) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return Answer(response.status, text, await response.json() if is_json else None)

    async def service(self, method: str, path: str, **options: Any) -> Answer:
        return await self(method, f"/v1/regions/beijing1/services/{path}", **options)


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    async with LocalCloud() as cloud:
        yield cloud


@pytest.fixture
async def call(cloud: LocalCloud) -> AsyncIterator[Caller]:
    headers = {"username": cloud.username, "Authorization": f"token {cloud.token}"}
    async with ClientSession(cloud.endpoint, headers=headers) as session:
        yield Caller(session)
