"""Logs on their way into a sink, from the beginning to an end in good order."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from tenx_async.cli.ending import Status
from tenx_async.cli.holder import holder_of
from tenx_async.cli.interrupt import Interruption
from tenx_async.cli.logs import account_of_gaps
from tenx_async.cli.outlet import Outlet
from tenx_async.cli.progress import Account, Progress
from tenx_async.cli.readiness import Supervisor
from tenx_async.cli.status import Following
from tenx_async.cli.target import Target
from tenx_async.errors import ConfigurationError
from tenx_async.logs.source import SourceState, SourceStatus
from tenx_async.sinks.ship import Ship, ShipStatus
from tenx_async.telemetry.events import AttemptEnded, Event, Listener, SinkPaused
from tenx_async.telemetry.listeners import fan_out

if TYPE_CHECKING:
    from tenx_async.telemetry.exposition import Exposition

LOOK_SECONDS = 1.0
"""How often it is looked how it goes."""


@define(kw_only=True)
class Shipment:
    """Logs of services on their way into a sink."""

    target: Target
    outlet: Outlet
    patterns: Sequence[str]
    options: Mapping[str, Any]
    metrics: int | None = None
    """The port on which Prometheus asks."""
    account: Account = field(factory=Account, init=False)
    supervisor: Supervisor = field(factory=lambda: Supervisor.of(os.environ), init=False)
    _following: Following = field(init=False)
    _exposition: Exposition | None = field(default=None, init=False)
    _interruption: Interruption | None = field(default=None, init=False)
    _has_listed: bool = field(default=False, init=False)
    """Whether it is known which services there are."""
    _is_ready: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._following = Following(live=True, say=self.account.say)

    async def perform(self) -> Status:
        """Ship until a signal comes; tell the exit status."""
        async with AsyncExitStack() as stack:
            listener = self._exposed_too(stack)
            pool = await stack.enter_async_context(self.target.pool(listener))
            sink = stack.enter_context(self.outlet.sink(self.target))
            ship = Ship(pool.client(), sink, *self.patterns, **self.options)
            with Interruption(lambda: self._stop(ship), self._break_off) as interruption:
                self._interruption = interruption
                await self._watched(ship)
        return self._close(ship)

    def _exposed_too(self, stack: AsyncExitStack) -> Listener:
        """Let Prometheus see what happens as well, if that is wanted."""
        if self.metrics is None:
            return self._hear
        self._exposition = exposition_on(self.metrics, stack)
        self.account.say(f"metrics at http://127.0.0.1:{self._exposition.port}/metrics")
        return fan_out(self._hear, self._exposition)

    def _hear(self, event: Event) -> None:
        if isinstance(event, AttemptEnded) and event.verb == "list":
            self._has_listed |= event.verdict == "applied"
        self._following(event)
        if isinstance(event, SinkPaused):
            self._tell_of_holder(self.outlet.lock(self.target))

    def _tell_of_holder(self, lock: Path) -> None:
        if holder := holder_of(lock):
            self.account.say(f"process {holder} has it; this one goes on when that one ends")

    async def _watched(self, ship: Ship) -> None:
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._look_on(ship)),
                tasks.create_task(self.supervisor.live()),
            ]
            await ship.run()
            for task in beside:
                task.cancel()
        self._show(ship)

    async def _look_on(self, ship: Ship) -> None:
        while True:
            if not self._is_ready:
                self._note_beginning(ship.status.sources)
            self._show(ship)
            await asyncio.sleep(LOOK_SECONDS)

    def _note_beginning(self, sources: Sequence[SourceStatus]) -> None:
        """Tell what is followed, and once it is known where each log ends, that it has begun."""
        if self._has_listed and not self._following.has_begun:
            self._following.begin()
        self._is_ready = self._has_listed and all(map(_has_begun, sources))
        if self._is_ready:
            self.supervisor.ready()
        else:
            self.supervisor.not_yet()

    def _show(self, ship: Ship) -> None:
        progress = progress_of(ship.status, ship.ledger.gaps)
        before = self.account.line
        self.account.show(progress)
        if self.account.line != before:
            self.supervisor.status(self.account.line)
        if self._exposition:
            expose(progress, self._exposition)

    def _stop(self, ship: Ship) -> None:
        self.supervisor.stopping()
        self.account.say("stopping: what was read is still written; once more breaks it off")
        ship.stop()

    def _break_off(self) -> None:
        """End at once: what is not committed is read again the next time, as after a crash."""
        assert self._interruption
        self.account.say("broken off: what is not written yet is read again the next time")
        sys.stderr.flush()
        os._exit(self._interruption.status)

    def _close(self, ship: Ship) -> Status:
        self.account.sum_up(progress_of(ship.status, ship.ledger.gaps))
        if ship.ledger.gaps:
            self.account.say(account_of_gaps(ship.ledger))
            return Status.INCOMPLETE
        if self._interruption and self._interruption.status is Status.INTERRUPTED:
            return Status.INTERRUPTED
        return Status.WELL  # a service manager that sends SIGTERM takes anything else for a failure


def _has_begun(source: SourceStatus) -> bool:
    waits = source.state is SourceState.AWAITED
    return waits or source.failures > 0 or source.last_success is not None


def progress_of(status: ShipStatus, gaps: int) -> Progress:
    """Tell how it goes now."""
    lags = [source.lag for source in status.sources if source.state is not SourceState.AWAITED]
    known = [lag for lag in lags if lag is not None]
    return Progress(
        sources=len(status.sources),
        lines=status.lines,
        lag=max(known, default=0.0) if len(known) == len(lags) else None,
        waiting=status.waiting,
        state=status.state,
        reason=status.reason,
        gaps=gaps,
    )


def expose(progress: Progress, exposition: Exposition) -> None:
    """Let Prometheus see how it goes."""
    exposition.show(
        lines=progress.lines,
        lag_seconds=float("nan") if progress.lag is None else progress.lag,
        waiting_lines=progress.waiting,
        paused=bool(progress.reason),
        gaps=progress.gaps,
    )


def exposition_on(port: int, stack: AsyncExitStack) -> Exposition:
    """Show metrics on a port, until the stack ends.

    Raises:
        ConfigurationError: the library is not installed, or the port is taken.
    """
    try:
        from tenx_async.telemetry.exposition import Exposition  # noqa: PLC0415  # an extra
    except ImportError:
        raise ConfigurationError(
            "--metrics needs prometheus-client: pip install 'tenx-async[prometheus]'"
        ) from None
    exposition = Exposition()
    try:
        stack.enter_context(exposition.serve(port))
    except OSError as error:
        raise ConfigurationError(f"--metrics {port}: {error.strerror}") from error
    return exposition
