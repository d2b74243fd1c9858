"""Services, outcomes and log lines as text."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
from attrs import define

from tenx_async.api import wire
from tenx_async.api.models import Service
from tenx_async.cli.terminal import colour_of, has_colour, visible, visible_json
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.forms import as_json

WIDEST_NAME = 40
_WIDTH = 10_000
"""Wider than any row, so that nothing is cut: a terminal wraps by itself."""


class Format(StrEnum):
    """How services are shown."""

    TABLE = "table"
    JSON = "json"
    NAME = "name"


def json_text(value: Any) -> str:
    """Write a value as JSON, indented."""
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    return f"{visible_json(text) if sys.stdout.isatty() else text}\n"


def service_list(services: Sequence[Service], form: Format) -> str:
    """Show services, one a row."""
    if form is Format.JSON:
        return json_text([wire.dump(service) for service in services])
    if form is Format.NAME:
        return "".join(f"{service.name}\n" for service in services)
    if not services:
        return ""
    rows = [
        (
            service.name,
            service.status or "-",
            str(service.target_instance_size or 0),
            _joined(container.image for container in service.containers),
            _joined(mapping.service_url for mapping in service.port_mappings),
            service.created_at.isoformat(" ", "minutes") if service.created_at else "-",
        )
        for service in services
    ]
    return columns(rows, ("NAME", "STATUS", "INSTANCES", "IMAGE", "ADDRESS", "CREATED"))


def service_details(service: Service, form: Format) -> str:
    """Show all of one service; in a table without the values of its environment."""
    if form is Format.JSON:
        return json_text(wire.dump(service))
    if form is Format.NAME:
        return f"{service.name}\n"
    containers = service.containers
    rows = [
        ("name", service.name),
        ("region", service.region or "-"),
        ("status", service.status or "-"),
        ("instances", str(service.target_instance_size or 0)),
        ("image", _joined(container.image for container in containers)),
        ("command", _joined(" ".join(container.command) for container in containers)),
        ("memory", _joined(str(container.memory or "") for container in containers)),
        ("environment", _joined(variable.name for c in containers for variable in c.env)),
        ("address", _joined(mapping.service_url for mapping in service.port_mappings)),
        ("domains", _joined(service.binding_domain_name or ())),
        ("volumes", _joined(volume.name for volume in service.volumes)),
        ("created", service.created_at.isoformat(" ", "seconds") if service.created_at else "-"),
        ("uid", service.uid or "-"),
    ]
    return columns(rows)


def _joined(texts: Iterable[str | None]) -> str:
    return ", ".join(text for text in texts if text) or "-"


def columns(rows: Iterable[Sequence[str]], titles: Sequence[str] = ()) -> str:
    """Write rows as columns, as wide as they need; nothing in them commands the terminal."""
    from rich.console import Console  # noqa: PLC0415  # `--help` needs no tables
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*titles, box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(titles))
    for row in rows:
        table.add_row(*(Text(visible(cell).replace("\n", "␊")) for cell in row))
    console = Console(
        file=io.StringIO(),
        width=_WIDTH,
        force_terminal=has_colour(sys.stdout),
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(table, soft_wrap=True)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


Lines = Callable[[LogBatch], str]
"""How log lines are shown."""


def json_lines(batch: LogBatch) -> str:
    """Write each line as a JSON object of its own."""
    text = as_json(batch).decode()
    return visible_json(text) if sys.stdout.isatty() else text


def plain_lines(batch: LogBatch) -> str:
    """Write each line behind the name of its instance, as it is."""
    return "".join(
        f"{_writer(batch.source, entry.instance_name)} {text}\n"
        for entry in batch.entries
        for text in entry.log.removesuffix("\n").split("\n")
    )


@define
class TerminalLines:
    """Writes lines for people: aligned, coloured, and with nothing that a terminal would obey."""

    colour: bool
    _width: int = 0

    def __call__(self, batch: LogBatch) -> str:
        """Write the lines of a batch."""
        names = {_writer(batch.source, entry.instance_name) for entry in batch.entries}
        self._width = min(WIDEST_NAME, max(self._width, *map(len, names), 0))
        return "".join(map(self._entry, (batch.source for _ in batch.entries), batch.entries))

    def _entry(self, source: str, entry: Any) -> str:
        name = _name(source, entry.instance_name, self._width, self.colour)
        texts = visible(entry.log.removesuffix("\n")).split("\n")
        return "".join(f"{name} {text.removesuffix('␍')}\n" for text in texts)


def _writer(service: str, instance: str) -> str:
    if instance.startswith(service):
        return instance
    return f"{service}/{instance}" if instance else service


@lru_cache(maxsize=4096)
def _name(service: str, instance: str, width: int, colour: bool) -> str:
    name = f"{visible(_writer(service, instance)).replace(chr(10), '␊'):<{width}}"
    return f"\x1b[{colour_of(service)}m{name}\x1b[0m" if colour else name
