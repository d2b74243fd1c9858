"""`tenx search`."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from tenx_async.api.entries import LogEntry
from tenx_async.cli.ending import Status, ending, explain
from tenx_async.cli.found import Moment, Search
from tenx_async.cli.logs import text_lines
from tenx_async.cli.render import json_lines
from tenx_async.cli.terminal import emit, say, visible
from tenx_async.errors import TenxError
from tenx_async.logs.lines import LogBatch, LogLine

Shape = Callable[[LogLine], str]

_MANY = 500
"""Lines that are written at once where nobody sees them come."""
_AGO = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class FoundFormat(StrEnum):
    """How the lines that are found are shown."""

    TEXT = "text"
    JSON = "json"
    RAW = "raw"


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no regular expression: {error}") from None
    return text


def _database(text: str) -> Path:
    kind, colon, path = text.partition(":")
    if kind != "sqlite" or not colon or not path:
        raise typer.BadParameter(f"{text!r} is not sqlite:FILE; only that has an index of words")
    if not Path(path).is_file():
        raise typer.BadParameter(f"there is no file {path}")
    return Path(path)


def _moment(text: str) -> Moment:
    """Read a day, a time of day or how long ago it was."""
    if ago := _AGO.fullmatch(text):
        length = dt.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return dt.datetime.now(dt.UTC) - length
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return _in_utc(dt.datetime.fromisoformat(text))


def _in_utc(moment: dt.datetime) -> dt.datetime:
    try:
        return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{moment} is too early or too late for a time in UTC") from None


def _when(text: str | None) -> Moment | None:
    try:
        return None if text is None else _moment(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a day like 2015-12-29, nor a time like 2015-12-29T10:00, "
            "nor as long ago as 10m, 2h or 3d"
        ) from None


def _limit(help_: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar="T", help=help_)
    return option


def search(
    *,
    expression: Annotated[
        str, typer.Argument(metavar="RE", callback=_expression, help="A regular expression.")
    ],
    database: Annotated[
        str, typer.Option("--in", metavar="sqlite:FILE", help="Where `tenx ship` writes to.")
    ],
    since: Annotated[
        str | None, _limit("A day of the log like 2015-12-29, or when it was received: 10m, 2h.")
    ] = None,
    until: Annotated[str | None, _limit("The same; days are taken in whole.")] = None,
    service: Annotated[str, typer.Option(metavar="GLOB", help="Of these services only.")] = "*",
    instance: Annotated[str, typer.Option(metavar="GLOB", help="Of these instances only.")] = "*",
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="Take capital and small letters as equal.")
    ] = False,
    last: Annotated[
        int | None, typer.Option("-n", min=1, metavar="N", help="The last N that are found.")
    ] = None,
    output: Annotated[FoundFormat, typer.Option("--output", "-o", help="How to show them.")] = (
        FoundFormat.TEXT
    ),
) -> None:
    """Search lines that were shipped into SQLite, by a regular expression; the newest come last."""
    file = _database(database)
    asked = Search(
        pattern=re.compile(expression, re.IGNORECASE if ignore_case else 0),
        since=_when(since),
        until=_when(until),
        service=service,
        instance=instance,
        last=last,
    )
    with ending():
        raise typer.Exit(_show(asked.lines(file), _shape(output)))


def _show(lines: Iterator[LogLine], shape: Shape) -> int:
    """Show lines as they are found; the status is that of `grep`."""
    status = Status.ERROR
    at_once = 1 if sys.stdout.isatty() else _MANY
    try:
        while some := "".join(map(shape, islice(lines, at_once))):
            emit(some)
            status = Status.WELL
    except BrokenPipeError:
        raise
    except (TenxError, OSError) as error:
        say(explain(error))
        return 2
    return status


def _shape(form: FoundFormat) -> Shape:
    if form is FoundFormat.RAW:
        return _raw
    if form is FoundFormat.JSON:
        return lambda line: json_lines(_alone(line))
    show = text_lines()
    return lambda line: _dated(line.date, show(_alone(line)))


def _raw(line: LogLine) -> str:
    return f"{visible(line.log) if sys.stdout.isatty() else line.log}\n"


def _dated(date: dt.date, text: str) -> str:
    return "".join(f"{date} {row}\n" for row in text.split("\n")[:-1])


def _alone(line: LogLine) -> LogBatch:
    entry = LogEntry(line.instance_name, line.log)
    return LogBatch(line.region, line.service, line.date, line.position, [entry], line.late)
