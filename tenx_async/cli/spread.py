"""Options that several commands share: a parameter that is a class becomes one for each field."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_type_hints

import attrs
import typer

from tenx_async.cli.ending import ending
from tenx_async.errors import ConfigurationError, InvalidSpec

Command = Callable[..., None]


def spread(command: Command) -> Command:
    """Let a command's parameters that are attrs classes be given field by field.

    Their fields are annotated as parameters of a command are, or are such classes themselves.
    """
    own = inspect.signature(command, eval_str=True).parameters
    groups = {name: p.annotation for name, p in own.items() if attrs.has(p.annotation)}
    kept = [parameter for name, parameter in own.items() if name not in groups]
    spread_out = [option for cls in groups.values() for option in _options(cls)]

    def run(**given: Any) -> None:
        with ending():
            made = {name: _take(cls, given) for name, cls in groups.items()}
        command(**made, **given)

    return in_place_of(command, run, [*kept, *spread_out])


def in_place_of(command: Command, run: Command, parameters: Iterable[inspect.Parameter]) -> Command:
    """Make a function look like a command that takes these parameters, by name."""
    by_name = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    run.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in by_name}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _options(cls: type[Any]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(cls, include_extras=True)
    for option in attrs.fields(cls):
        kind = hints[option.name]
        if option.init and attrs.has(kind):
            yield from _options(kind)
        elif option.init:
            yield inspect.Parameter(
                option.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=option.default,
                annotation=kind,
            )


def _take(cls: type[Any], given: dict[str, Any]) -> Any:
    """Make a class of what was given, and take that away."""
    hints = get_type_hints(cls)
    kinds = {option.name: hints[option.name] for option in attrs.fields(cls) if option.init}
    values = {
        name: _take(kind, given) if attrs.has(kind) else given.pop(name)
        for name, kind in kinds.items()
    }
    try:
        return cls(**values)
    except (ConfigurationError, InvalidSpec) as error:
        raise typer.BadParameter(str(error)) from None
