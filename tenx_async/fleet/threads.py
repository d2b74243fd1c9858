"""Work in threads, which nobody can break off: who is cancelled waits for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(work: Callable[[], T]) -> T:
    """Do blocking work in a thread."""
    return await finish(asyncio.to_thread(work))


async def finish(work: Coroutine[None, None, T]) -> T:
    """Do all of some work, also that which goes on behind a thread's.

    Where it fails after it was to be cancelled, that is the cancellation's cause.
    """
    task = asyncio.create_task(work, name="tenx-thread")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as error:
        while not task.done():
            with suppress(asyncio.CancelledError):  # once more: a thread cannot be broken off
                await asyncio.wait([task])
        raise error from None if task.cancelled() else task.exception()
