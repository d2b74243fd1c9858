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
COMMANDS = {"ls", "get", "create", "start", "stop", "restart", "delete", "scale"}


def test_every_command_is_there_and_explains_itself() -> None:
    """Each command, argument and option says what it does."""
    assert COMMANDS | {"logs", "local", "demo"} == set(GROUP.commands)

    for command in [GROUP, *GROUP.commands.values()]:
        assert command.help
        for parameter in command.params:
            assert parameter.help, (command.name, parameter.name)

    for name in GROUP.commands:
        assert f" {name} [OPTIONS]" in CliRunner().invoke(app, [name, "--help"]).stdout


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_lists_the_commands_and_exit_statuses(arguments: list[str]) -> None:
    """What a script needs to know is where it is looked for."""
    shown = CliRunner().invoke(app, arguments).output

    assert "130 interrupted" in " ".join(shown.split())
    assert all(f"\n  {command}" in shown for command in COMMANDS)


def test_the_version_is_that_of_the_package() -> None:
    """As pip shows it."""
    assert f"tenx {version('tenx-async')}\n" == CliRunner().invoke(app, ["--version"]).stdout


def test_help_imports_neither_the_server_nor_tables() -> None:
    """Who asks for help does not wait for what only some commands need."""
    script = (
        "import sys, typer.testing, tenx_async.cli.app as cli\n"
        "assert typer.testing.CliRunner().invoke(cli.app, ['--help']).exit_code == 0\n"
        "print(*sys.modules)"
    )
    modules = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()

    assert not {"aiohttp.web", "rich.table", "tenx_async.local.cloud"} & set(modules)


def test_no_command_but_the_local_cloud_takes_a_token() -> None:
    """A command line is seen by everybody who can run `ps`."""
    takers = {
        command.name
        for command in [GROUP, *GROUP.commands.values()]
        if any("--token" in parameter.opts for parameter in command.params)
    }
    assert {"local"} == takers
