"""The default listener: the standard library's logging, logger `tenx_async`, no handlers."""

from __future__ import annotations

import logging

from tenx_async.telemetry.events import (
    DiscoveryFailed,
    Event,
    Listener,
    LogChanged,
    Paused,
    Reconciled,
    Retried,
    SinkPaused,
    SourceFailed,
    SourceReset,
)

logger = logging.getLogger("tenx_async")

_WORTH_A_WARNING = (
    Retried,
    Paused,
    Reconciled,
    SourceFailed,
    SourceReset,
    SinkPaused,
    DiscoveryFailed,
)


def hears_attempts(listener: Listener) -> bool:
    """Tell whether it is worth the time to make an event of every attempt."""
    return listener is not log_event or logger.isEnabledFor(logging.DEBUG)


def log_event(event: Event) -> None:
    """Log an event: what went wrong as a warning, the rest for debugging."""
    level = logging.WARNING if _is_worth_a_warning(event) else logging.DEBUG
    logger.log(level, "%s", event)


def _is_worth_a_warning(event: Event) -> bool:
    if isinstance(event, LogChanged):
        return not event.finding.is_resolved
    return isinstance(event, _WORTH_A_WARNING)
