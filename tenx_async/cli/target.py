"""Where a command connects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import frozen

from tenx_async.telemetry.events import Event, Listener

if TYPE_CHECKING:
    from tenx_async.pool import SessionPool


def _unheard(_: Event) -> None:
    """The commands that follow nothing have nothing to tell."""


@frozen(kw_only=True)
class Target:
    """What the command line says; the rest comes from the environment or a profile."""

    endpoint: str | None = None
    username: str | None = None
    region: str | None = None
    profile: str | None = None
    allow_plain_http: bool = False

    def pool(self, listener: Listener = _unheard, *, keeps_runs: bool = False) -> SessionPool:
        """Make a pool whose clients connect here, and may keep their runs to be resumed."""
        from tenx_async.pool import SessionPool  # noqa: PLC0415  # `--help` needs no HTTP client
        from tenx_async.settings import state_directory  # noqa: PLC0415

        state = state_directory() if keeps_runs else None
        return SessionPool(**attrs.asdict(self), listener=listener, state=state)
