"""The commands, each imported when it is called: what one of them needs, the others do not."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

COMMANDS = {
    "ls": ("services", "List services."),
    "get": ("services", "Show one service."),
    "create": ("services", "Create a service."),
    "start": ("fleet", "Start stopped services."),
    "stop": ("fleet", "Stop services."),
    "restart": ("fleet", "Restart services."),
    "delete": ("fleet", "Delete services and their logs."),
    "scale": ("fleet", "Let each service run N instances, or N more or fewer."),
    "update": ("fleet", "Change the memory, the domains or the size of services."),
    "wait": ("wait", "Wait until services have a status."),
    "runs": ("runs", "List the runs that were begun on this machine."),
    "resume": ("runs", "Go on with a run that was broken off."),
    "undo": ("runs", "Bring back what a run changed."),
    "plan": ("plan", "Show what it takes to have the services that a file declares."),
    "apply": ("apply", "Have the services that a file declares."),
    "logs": ("logs", "Show the logs of services, and follow them."),
    "ship": (
        "ship",
        "Ship logs into files or SQLite, each line once, or to a receiver of OpenTelemetry logs.",
    ),
    "verify": ("verify", "Read a day again, and compare it line by line with what was shipped."),
    "search": ("search", "Search lines that were shipped into SQLite, by a regular expression."),
    "local": ("local", "Run the whole API on this machine until Ctrl-C."),
    "demo": ("demo", "Follow services that run here, restart some meanwhile."),
}
"""Of each command, its file and what it does; in the order in which they are shown."""


class Deferred(TyperCommand):
    """Stands in for a command until it is called."""

    @cached_property
    def command(self) -> Any:
        """The command itself."""
        name = self.name or ""
        module = import_module(f"tenx_async.cli.{COMMANDS[name][0]}")
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(getattr(module, name))
        return get_command(alone)

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Let the command itself read the rest of the command line."""
        return self.command.make_context(*arguments, **more)

    def get_params(self, ctx: Any) -> Any:
        """Tell what the command itself takes."""
        return self.command.get_params(ctx)


def called() -> None:
    """Do nothing: a stand-in is never called."""
