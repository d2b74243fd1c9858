"""A server in a process of its own, so that it does not share this one's time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def started(serve: Callable[[T, Connection], None], scene: T) -> Iterator[Connection]:
    """Serve a scene while the block runs; gives what it is told through."""
    context = get_context("spawn")
    hear, tell = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(scene, tell), daemon=True)
    server.start()
    try:
        yield hear
    finally:
        server.kill()
        server.join()


@asynccontextmanager
async def beside(serve: Callable[[T, Connection], None], scene: T) -> AsyncIterator[str]:
    """Serve a scene while the block runs; gives the endpoint that `serve` tells."""
    with started(serve, scene) as told:
        yield await asyncio.to_thread(told.recv)
