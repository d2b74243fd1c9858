from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from tenx_async.cli.app import app

GROUP: Any = get_command(app)
COMMANDS: dict[str, Any] = {name: stand_in.command for name, stand_in in GROUP.commands.items()}


def test_every_command_is_there_and_explains_itself() -> None:
    """Each command, argument and option says what it does."""
    changing = {
        "plan",
        "apply",
        "runs",
        "resume",
        "undo",
        "create",
        "start",
        "stop",
        "restart",
        "delete",
        "scale",
        "update",
    }
    shipped = {"ship", "verify", "search"}
    assert {"ls", "get", "wait", "logs", "local", "demo", *changing, *shipped} == set(COMMANDS)

    for command in [GROUP, *COMMANDS.values()]:
        assert command.help
        for parameter in command.params:
            assert parameter.help, (command.name, parameter.name)

    for name in COMMANDS:
        assert f" {name} [OPTIONS]" in CliRunner().invoke(app, [name, "--help"]).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_what_stands_in_for_a_command_says_the_same(name: str) -> None:
    """The list of commands shows the beginning of each one's own help."""
    assert COMMANDS[name].help.startswith(GROUP.commands[name].help.removesuffix("."))


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_lists_the_commands_and_exit_statuses(arguments: list[str]) -> None:
    """What a script needs to know is where it is looked for."""
    shown = CliRunner().invoke(app, arguments).output

    assert "130 interrupted" in " ".join(shown.split())
    assert all(f"\n  {command}" in shown for command in COMMANDS)


def test_the_version_is_that_of_the_package() -> None:
    """As pip shows it."""
    assert f"tenx {version('tenx-async')}\n" == CliRunner().invoke(app, ["--version"]).stdout


def test_help_imports_no_more_than_it_shows() -> None:
    """Who asks for help does not wait for what only some commands need."""
    script = (
        "import sys, typer.testing, tenx_async.cli.app as cli\n"
        "assert typer.testing.CliRunner().invoke(cli.app, ['--help']).exit_code == 0\n"
        "print(*sorted(name for name in sys.modules if name.startswith('tenx_async')))\n"
        "print(*sys.modules)"
    )
    ours, everything = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.splitlines()

    expected = {"tenx_async", *(f"tenx_async.cli{name}" for name in ("", ".app", ".deferred"))}
    assert expected == set(ours.split())
    assert not {"aiohttp", "attrs", "cattrs", "msgspec", "rich.table"} & set(everything.split())


def test_no_command_but_the_local_cloud_takes_a_token() -> None:
    """A command line is seen by everybody who can run `ps`."""
    takers = {
        command.name
        for command in [GROUP, *COMMANDS.values()]
        if any("--token" in parameter.opts for parameter in command.params)
    }
    assert {"local"} == takers
