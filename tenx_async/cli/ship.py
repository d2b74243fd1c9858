"""`tenx ship`."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from tenx_async.cli.ending import run
from tenx_async.cli.logs import InOrder, count_of, day_of
from tenx_async.cli.outlet import Outlet
from tenx_async.cli.services import Patterns
from tenx_async.cli.shipment import Shipment
from tenx_async.errors import ConfigurationError
from tenx_async.sinks.address import check_receiver

_SIZE = re.compile(r"(\d{1,12})([kMGT]?)i?B?", re.ASCII)
_SHIFTS = {"": 0, "k": 10, "M": 20, "G": 30, "T": 40}


def _bytes(text: str) -> int:
    size = _SIZE.fullmatch(text)
    if size is None or not int(size[1]):
        raise typer.BadParameter(f"{text!r} is no size like 100M")
    return int(size[1]) << _SHIFTS[size[2]]


def _address(text: str) -> str:
    kind, _, place = text.partition(":")
    if kind not in {"files", "sqlite", "otlp"} or not place:
        raise typer.BadParameter(f"lines go to files:DIR, sqlite:FILE or otlp:URL, not to {text!r}")
    if kind == "otlp":
        try:
            check_receiver(place)
        except ConfigurationError as error:
            raise typer.BadParameter(error.message) from None
    return text


def _of_files(address: str, **given: Any) -> dict[str, Any]:
    """What was said of files, if that is where lines go.

    Raises:
        typer.BadParameter: it is not.
    """
    said = {name: value for name, value in given.items() if value is not None}
    if said and not address.startswith("files:"):
        raise typer.BadParameter("how files are written can be said of files:DIR only")
    return said


def ship(
    context: typer.Context,
    *,
    patterns: Patterns = None,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            callback=_address,
            metavar="files:DIR|sqlite:FILE|otlp:URL",
            help="Where lines go.",
        ),
    ],
    tail: Annotated[
        str,
        typer.Option(
            "--tail",
            "-n",
            metavar="N|all",
            help="Of what is there when the sink is open, begin with the last lines of each; "
            "default all. "
            "A sink that has lines is gone on with where it ends, and services that came "
            "to be since then are read from their beginning.",
        ),
    ] = "all",
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Begin with this day; default today.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Names or globs to leave out."),
    ] = None,
    order: InOrder = "auto",
    text: Annotated[
        bool, typer.Option("--text", help="Write texts into files, not JSON lines.")
    ] = False,
    per_service: Annotated[
        bool,
        typer.Option("--per-service/--one-file", help="Write a file for each service, or one."),
    ] = True,
    rotate_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Begin another file before one is larger than 100M."),
    ] = None,
    compress: Annotated[
        bool, typer.Option("--compress", help="Compress them by zstd; needs the extra zstd.")
    ] = False,
    metrics: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="PORT", help="Answer Prometheus on 127.0.0.1."),
    ] = None,
    calls_per_second: Annotated[
        float | None,
        typer.Option(metavar="R", help="The most calls of the API in the long run."),
    ] = None,
) -> None:
    """Ship logs into files or SQLite, each line once, or to a receiver of OpenTelemetry logs.

    It goes on where it was ended or killed. SIGTERM and Ctrl-C end it when all that was read is
    written, with status 0 after SIGTERM; a second signal ends it at once. Status 6: lines may be
    missing or repeated; where was said.
    """
    options = {
        "tail": count_of(tail),
        "since": day_of(since, "--since"),
        "exclude": exclude or (),
        "order": order,
        "calls_per_second": calls_per_second,
    }
    files = _of_files(
        to,
        per_service=None if per_service else False,
        form="text" if text else None,
        rotate_size=None if rotate_size is None else _bytes(rotate_size),
        compress=compress or None,
    )
    shipment = Shipment(
        target=context.obj,
        outlet=Outlet(address=to, files=files),
        patterns=patterns or (),
        options=options,
        metrics=metrics,
    )
    run(shipment.perform())
