"""`tenx logs`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from tenx_async.cli.ending import Status, run
from tenx_async.cli.render import Lines, TerminalLines, json_lines, plain_lines
from tenx_async.cli.services import Patterns
from tenx_async.cli.status import Following
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import Output, has_colour, say


class LogFormat(StrEnum):
    """How log lines are shown."""

    TEXT = "text"
    JSON = "json"


MOST_DIGITS = 9
_COUNT = re.compile(f"[0-9]{{1,{MOST_DIGITS}}}")


def _count(text: str) -> int | None:
    if text == "all":
        return None
    if not _COUNT.fullmatch(text):
        shown = text if len(text) <= MOST_DIGITS else f"{text[:MOST_DIGITS]}…"
        raise typer.BadParameter(f"{shown!r} is neither a number of lines nor 'all'")
    return int(text)


def logs(
    context: typer.Context,
    *,
    patterns: Patterns = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines are written.")
    ] = False,
    tail: Annotated[
        str,
        typer.Option("--tail", "-n", metavar="N|all", help="Begin with the last lines of each."),
    ] = "10",
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Names or globs to leave out."),
    ] = None,
    output: Annotated[LogFormat, typer.Option("--output", "-o", help="How to show them.")] = (
        LogFormat.TEXT
    ),
) -> None:
    """Show the logs of services, and follow them; a name that does not exist yet is waited for."""
    show = json_lines if output is LogFormat.JSON else text_lines()
    options = {"tail": _count(tail), "exclude": exclude or ()}
    run(_logs(context.obj, patterns or (), show, follow=follow, **options))


def text_lines() -> Lines:
    """Choose how text is written: for people on a terminal, as it is elsewhere."""
    return TerminalLines(has_colour(sys.stdout)) if sys.stdout.isatty() else plain_lines


async def _logs(
    target: Target, patterns: Sequence[str], show: Lines, *, follow: bool, **options: Any
) -> Status:
    status, output = Following(live=follow), Output()
    async with (
        target.pool(status) as pool,
        pool.client().follow(*patterns, follow=follow, **options) as lines,
    ):
        status.begin()
        async for batch in lines.batches():
            await output.write(show(batch))
    if patterns and not follow and not status.has_found:
        say("no service matches")
        return Status.ERROR
    return Status.WELL
