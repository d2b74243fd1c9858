"""What is written once `follow` is entered is new: it is delivered, however soon it comes."""

from __future__ import annotations

import asyncio

import pytest

from tenx_async import LocalCloud
from tests.conftest import client_of

PATIENCE = 15.0
"""Seconds after which a line that has not come is lost."""


@pytest.mark.parametrize("services", [1, 20, 200])
async def test_a_line_written_once_the_follower_is_entered_is_delivered(services: int) -> None:
    """Entering waits until it is known where each log ends."""
    names = [f"s{n}" for n in range(services)]
    async with LocalCloud() as cloud, client_of(cloud) as client:
        for name in names:
            cloud.add_service(name)
            cloud.append(name, "old")
        async with (
            asyncio.timeout(PATIENCE),
            client.follow(tail=0, interval=(0.05, 0.2)) as lines,
        ):
            for name in names:
                cloud.append(name, "new")
            seen = [await anext(lines) for _ in names]

    assert sorted((name, "new") for name in names) == sorted((s.service, s.log) for s in seen)
