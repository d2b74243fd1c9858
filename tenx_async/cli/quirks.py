"""The options of `tenx local` that make its server differ and fail; one for each quirk."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import attrs
import typer

from tenx_async.cli.spread import Command, in_place_of
from tenx_async.errors import ConfigurationError
from tenx_async.local.faults import Faults, read_faults
from tenx_async.local.quirks import Quirks


def with_quirks(command: Command) -> Command:
    """Give a command that takes `quirks` an option for each of them instead."""
    hints = get_type_hints(Quirks)
    options = {f.name: _option(f, hints[f.name]) for f in attrs.fields(Quirks)}

    def run(**given: Any) -> None:
        changes = {name: given.pop(name) for name in options}
        command(quirks=_quirks_of(changes), **given)

    own = inspect.signature(command, eval_str=True).parameters
    kept = [parameter for name, parameter in own.items() if name != "quirks"]
    return in_place_of(command, run, [*kept, *options.values()])


def faults_of(asked: Iterable[str], seed: int) -> Faults:
    """Read faults: a kind such as `reset`, or JSON such as `{"kind": "error", "rate": 0.1}`.

    Raises:
        typer.BadParameter: there is no such fault.
    """
    try:
        faults = [json.loads(text) if "{" in text else {"kind": text} for text in asked]
        return read_faults({"faults": faults, "seed": seed})
    except (ConfigurationError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


def _quirks_of(given: Mapping[str, Any]) -> Quirks:
    chosen = {name: value for name, value in given.items() if value not in (None, [])}
    try:
        return Quirks().changed(chosen)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


def _option(quirk: attrs.Attribute[Any], kind: Any) -> inspect.Parameter:
    flag = quirk.name.replace("_", "-")
    is_choice, is_many = get_origin(kind) is Literal, get_origin(kind) is tuple
    metavar = "|".join(map(str, get_args(kind))) if is_choice else "GLOB" if is_many else None
    option = typer.Option(
        f"--{flag}/--no-{flag}" if kind is bool and quirk.default else f"--{flag}",
        metavar=metavar,
        help=quirk.metadata["does"],
    )
    wanted = str if is_choice else list[str] if is_many else kind
    return inspect.Parameter(
        quirk.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[wanted | None, option],
    )
