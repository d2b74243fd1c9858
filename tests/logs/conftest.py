from __future__ import annotations

from collections.abc import Callable

import pytest

from tenx_async.sinks import sqlite_cursors


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has cursors written at once: days of virtual time pass while one waits for a thread."""

    async def at_once(work: Callable[[], None]) -> None:
        work()

    monkeypatch.setattr(sqlite_cursors, "to_the_end", at_once)
