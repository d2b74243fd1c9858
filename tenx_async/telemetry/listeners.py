"""Listeners put together, and kept from breaking what they listen to."""

from __future__ import annotations

from attrs import define, field

from tenx_async.telemetry.events import Event, Listener
from tenx_async.telemetry.logging import log_event, logger


@define(eq=False)
class _Guarded:
    """Keeps a listener's mistakes from the operations that it is told of."""

    listener: Listener
    _has_failed: bool = field(default=False, init=False)

    def __call__(self, event: Event) -> None:
        try:
            self.listener(event)
        except Exception:  # noqa: BLE001  # whatever it is, it is not the operation's failure
            if not self._has_failed:
                self._has_failed = True
                logger.exception(
                    "the listener %s failed at %s; it is told of further events, "
                    "its further failures are not logged",
                    getattr(self.listener, "__qualname__", type(self.listener).__qualname__),
                    type(event).__name__,
                )


def guarded(listener: Listener) -> Listener:
    """Make a listener whose exceptions are logged, the first of them, and go no further."""
    if listener is log_event or isinstance(listener, _Guarded):
        return listener
    return _Guarded(listener)


def fan_out(*listeners: Listener) -> Listener:
    """Make one listener of several: each is told of every event, whatever the others do.

    The default, `tenx_async.telemetry.logging.log_event`, is only told if it is among them.
    """
    told = tuple(map(guarded, listeners))
    if len(told) == 1:
        return told[0]

    def tell_all(event: Event) -> None:
        for listener in told:
            listener(event)

    return tell_all
