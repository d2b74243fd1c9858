"""Where lines go, as the command line says it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from tenx_async import settings
from tenx_async.cli.target import Target
from tenx_async.sinks.address import sink_at
from tenx_async.sinks.database import lock_of
from tenx_async.sinks.files import RECORD
from tenx_async.sinks.sink import Sink
from tenx_async.sinks.sqlite_cursors import SqliteCursors

ROTATE_SIZE = 100 * 2**20


@frozen(kw_only=True)
class Outlet:
    """A sink that is not made yet."""

    address: str
    files: Mapping[str, Any] = field(factory=dict)
    """How files are written, as far as that was said."""

    @contextmanager
    def sink(self, target: Target) -> Iterator[Sink]:
        """Make it; a receiver that keeps no cursors gets a file for them in the state directory.

        Raises:
            ConfigurationError: there is no such sink.
        """
        if self.address.startswith("files:"):
            yield sink_at(self.address, **{"rotate_size": ROTATE_SIZE, **self.files})
        elif self.address.startswith("sqlite:"):
            yield sink_at(self.address)
        else:
            _quieten_exporter()
            with closing(SqliteCursors(self._cursors(target), opened=False)) as cursors:
                yield sink_at(self.address, cursors=cursors)

    def lock(self, target: Target) -> Path:
        """The file that whoever writes there has locked."""
        kind, _, path = self.address.partition(":")
        files = {
            "files": Path(path, RECORD),
            "sqlite": Path(path),
        }
        return lock_of(files[kind] if kind in files else self._cursors(target))

    def _cursors(self, target: Target) -> Path:
        """The file for the cursors of an account and a receiver."""
        found = settings.resolve(**attrs.asdict(target))
        whose = (found.endpoint, found.credentials.username, found.region, self.address)
        name = blake2b("\0".join(whose).encode(), digest_size=8).hexdigest()
        return settings.state_directory() / "ship" / f"{name}.sqlite"


def _quieten_exporter() -> None:
    """What an exporter logs is said as the reason for a pause."""
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
