"""Sinks by their address, as on a command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tenx_async.errors import ConfigurationError
from tenx_async.logs.cursors import CursorStore
from tenx_async.sinks.files import FileSink
from tenx_async.sinks.line_ids import KnownCursors
from tenx_async.sinks.sink import Sink
from tenx_async.sinks.sqlite import SqliteSink
from tenx_async.sinks.stdout import stdout_sink

Make = Callable[..., Sink]


def sink_at(address: str, *, cursors: CursorStore | None = None, **options: Any) -> Sink:
    """Make the sink of an address.

    Args:
        address: `files:DIR`, `sqlite:FILE`, `otlp:URL` or `stdout:`.
        cursors: where it is noted what was written, for those that cannot keep it themselves.
        options: further settings of `FileSink`, or of `stdout_sink`.

    Raises:
        ConfigurationError: there is no such sink, or it has no such setting.
    """
    kind, _, place = address.partition(":")
    make = _KINDS.get(kind)
    if make is None or bool(place) == (kind == "stdout"):
        raise ConfigurationError(
            f"lines go to files:DIR, sqlite:FILE, otlp:URL or stdout:, not to {address!r}"
        )
    own = {} if kind in {"files", "sqlite"} else {"cursors": cursors}
    try:
        return make(*([place] if place else []), **own, **options)
    except TypeError as error:
        raise ConfigurationError(f"{address}: {error}") from None


def check_receiver(url: str) -> None:
    """See that a receiver can be at an address.

    Raises:
        ConfigurationError: nothing can.
    """
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # of a port, or of brackets
        is_one = False
    if not is_one:
        raise ConfigurationError(f"{url!r} is no address like http://127.0.0.1:4318/v1/logs")


def _otlp(url: str, *, cursors: KnownCursors | None) -> Sink:
    check_receiver(url)
    try:
        from tenx_async.sinks.otlp import exporter_to, otlp_sink  # noqa: PLC0415  # an extra

        return otlp_sink(exporter_to(url), cursors=cursors)
    except ImportError as error:
        raise ConfigurationError("otlp: needs the extra `otlp`: tenx-async[otlp]") from error


_KINDS: dict[str, Make] = {
    "files": FileSink,
    "sqlite": SqliteSink,
    "otlp": _otlp,
    "stdout": stdout_sink,
}
