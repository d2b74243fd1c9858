"""`tenx logs`."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from tenx_async.cli.ending import Status, run
from tenx_async.cli.render import Lines, TerminalLines, json_lines, plain_lines
from tenx_async.cli.services import Patterns
from tenx_async.cli.status import FEW, Following
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import Output, has_colour, say
from tenx_async.logs.daily import LogOrder
from tenx_async.logs.ledger import Ledger


class LogFormat(StrEnum):
    """How log lines are shown."""

    TEXT = "text"
    JSON = "json"


InOrder = Annotated[
    LogOrder,
    typer.Option("--order", help="How the server orders a log's pages; found out by default."),
]

MOST_DIGITS = 9
_COUNT = re.compile(f"[0-9]{{1,{MOST_DIGITS}}}")


def count_of(text: str) -> int | None:
    """Read a number of lines; `None`: all.

    Raises:
        typer.BadParameter: it is no such number.
    """
    if text == "all":
        return None
    if not _COUNT.fullmatch(text):
        shown = text if len(text) <= MOST_DIGITS else f"{text[:MOST_DIGITS]}…"
        raise typer.BadParameter(f"{shown!r} is neither a number of lines nor 'all'")
    return int(text)


def day_of(text: str | None, option: str) -> dt.date | None:
    """Read a day.

    Raises:
        typer.BadParameter: it is none.
    """
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{option} {text!r} is no date like 2015-12-29; log lines have no time, only a day"
        ) from None


def logs(
    context: typer.Context,
    *,
    patterns: Patterns = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines are written.")
    ] = False,
    tail: Annotated[
        str,
        typer.Option(
            "--tail", "-n", metavar="N|all", help="Begin with the last lines of each; default 10."
        ),
    ] = "",
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Begin with this day; all of it, unless -n is given."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="End with this day.")] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Names or globs to leave out."),
    ] = None,
    order: InOrder = "auto",
    output: Annotated[LogFormat, typer.Option("--output", "-o", help="How to show them.")] = (
        LogFormat.TEXT
    ),
) -> None:
    """Show the logs of services, and follow them; a name that does not exist yet is waited for."""
    show = json_lines if output is LogFormat.JSON else text_lines()
    options = {
        "tail": count_of(tail or ("10" if since is None else "all")),
        "since": day_of(since, "--since"),
        "until": day_of(until, "--until"),
        "exclude": exclude or (),
        "order": order,
    }
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
        try:
            async for batch in lines.batches():
                await output.write(show(batch))
        except asyncio.CancelledError:
            if not lines.ledger.gaps:
                raise
    if lines.ledger.gaps:
        say(account_of_gaps(lines.ledger))
        return Status.INCOMPLETE
    if patterns and not follow and not status.has_found:
        say("no service matches")
        return Status.ERROR
    return Status.WELL


def account_of_gaps(ledger: Ledger) -> str:
    """Say where lines may be missing or repeated, in one line."""
    places = [
        f"{day.source} of {day.date} at {gap.position:,}" for day in ledger for gap in day.gaps
    ]
    rest = f" and {len(places) - FEW:,} more" if len(places) > FEW else ""
    return f"lines may be missing or repeated: {', '.join(places[:FEW])}{rest}"
