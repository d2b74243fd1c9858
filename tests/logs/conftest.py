from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has cursors written at once: days of virtual time pass while one waits for a thread."""

    async def at_once(work: Callable[..., object], *given: object) -> None:
        work(*given)

    monkeypatch.setattr(asyncio, "to_thread", at_once)
