"""Writing together what comes together: one wait for the disk serves everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from attrs import define, field

from tenx_async.errors import ConfigurationError

Statement = tuple[str, Sequence[object]]
"""SQL, and its values."""

_Waiting = tuple[Statement, "asyncio.Future[None]"]


@define(eq=False)
class GroupCommit:
    """Hands statements to a writer in a thread, one batch after the other.

    What comes while a batch is written goes into the next one. A caller that is cancelled only
    stops waiting: what it gave is written all the same.
    """

    _write: Callable[[Sequence[Statement]], None]
    """Writes all of them or none, and returns when they are durable."""
    batches: int = field(default=0, init=False)
    """How many were written."""
    _waiting: list[_Waiting] = field(factory=list, init=False)
    _writing: asyncio.Task[None] | None = field(default=None, init=False)

    async def put(self, sql: str, *values: object) -> None:
        """Have a statement written; it is durable when this returns.

        Raises:
            ConfigurationError: it was not written.
        """
        durable = asyncio.get_running_loop().create_future()
        self._waiting.append(((sql, values), durable))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="tenx-journal")
        await durable

    async def finish(self) -> None:
        """Wait until nothing is left to be written."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write_all(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write_batch(batch)
        finally:
            for _, durable in (*batch, *self._waiting):  # still open only if this was cancelled
                durable.cancel()

    async def _write_batch(self, batch: Sequence[_Waiting]) -> None:
        reason: Exception | None = None
        try:
            await asyncio.to_thread(self._write, [statement for statement, _ in batch])
            self.batches += 1
        except Exception as error:  # noqa: BLE001  # whoever waits is told
            reason = error
        for _, durable in batch:
            if not durable.done():
                _settle(durable, reason)


def _settle(durable: asyncio.Future[None], reason: Exception | None) -> None:
    if reason is None:
        durable.set_result(None)
        return
    error = ConfigurationError(str(reason))  # its own for each, as each adds its traceback
    error.__cause__ = reason
    durable.set_exception(error)
