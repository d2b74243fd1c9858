"""`tenx local`."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenx_async.api import wire
from tenx_async.api.names import region_name
from tenx_async.cli.ending import run
from tenx_async.cli.quirks import faults_of, with_quirks
from tenx_async.cli.shop import SHOP
from tenx_async.cli.terminal import say
from tenx_async.errors import ConfigurationError, InvalidName
from tenx_async.local.quirks import Quirks
from tenx_async.local.refusal import Refusal
from tenx_async.settings import header_value

if TYPE_CHECKING:
    from tenx_async.local import LocalCloud


class Runtime(StrEnum):
    """What the services of a local cloud are."""

    PROCESS = "process"
    SCRIPTED = "scripted"


def _checked(parameter: typer.CallbackParam, text: str | None) -> str | None:
    """Refuse what the client's settings would refuse."""
    try:
        return None if text is None else header_value(parameter.name or "", text)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


def _regions(given: list[str] | None) -> list[str]:
    try:
        return [region_name(region) for region in given or ["beijing1"]]
    except InvalidName as error:
        raise typer.BadParameter(str(error)) from None


@with_quirks
def local(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    username: Annotated[str, typer.Option(callback=_checked, help="The account's name.")] = "demo",
    token: Annotated[
        str | None,
        typer.Option(callback=_checked, help="The account's token; a random one without it."),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(callback=_regions, help="A region; may be repeated.")
    ] = None,
    runtime: Annotated[
        Runtime, typer.Option(help="Run what services declare, or only pretend to.")
    ] = Runtime.PROCESS,
    demo: Annotated[bool, typer.Option("--demo", help="Begin with services that log.")] = False,
    state: Annotated[
        Path | None, typer.Option(help="A file that keeps services and logs beyond this run.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND|JSON",
            help="A failure on purpose: latency, throttle, error, html, close, reset, stall, "
            'truncate, garbage, or {"kind": "error", "rate": 0.1}; may be repeated.',
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which requests the faults strike.")] = 0,
    quirks: Quirks,
) -> None:
    """Run the whole API on this machine until Ctrl-C; its services are processes of this one."""
    if demo and runtime is Runtime.SCRIPTED:
        raise typer.BadParameter("--demo needs services that run: leave out --runtime scripted")
    settings = {"username": username, "token": token, "regions": region or ()}
    failing = {"faults": [*faults_of(fault or (), seed)], "seed": seed, "quirks": quirks}
    run(_serve(demo, port=port, runtime=runtime.value, state=state, **settings, **failing))


async def _serve(demo: bool, **settings: Any) -> None:
    from tenx_async.local import LocalCloud  # noqa: PLC0415  # brings a web framework along

    async with LocalCloud(**settings) as cloud:
        for sample in SHOP if demo else ():
            with suppress(Refusal):  # a state has it already
                cloud.add_service(sample.name, **wire.dump(sample.spec()))
        say(f"the API listens on {cloud.endpoint} until Ctrl-C; to use it elsewhere:")
        print(_exports(cloud), file=sys.stderr, flush=True)  # noqa: T201  # its only place
        with suppress(asyncio.CancelledError):  # Ctrl-C and SIGTERM are how it is meant to end
            await asyncio.Event().wait()
        say("stopping")


def _exports(cloud: LocalCloud) -> str:
    settings = {
        "TENX_ENDPOINT": cloud.endpoint,
        "TENX_USERNAME": cloud.username,
        "TENX_TOKEN": cloud.token,
        "TENX_REGION": cloud.regions[0],
    }
    return "\n".join(f"export {name}={shlex.quote(text)}" for name, text in settings.items())
