from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Shell

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks() -> list[tuple[str, str]]:
    return _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def _run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ).stdout


def test_the_first_two_blocks_are_one_line_each() -> None:
    """A fresh clone is tried and tested with one line that needs Python and pip alone."""
    (_, trial), (_, test) = _blocks()[:2]

    for line in (trial, test):
        assert line.count("\n") == 1
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert trial.endswith(" && .venv/bin/tenx demo\n")
    assert "'.[test]'" in test
    assert test.endswith("pytest\n")


def test_the_example_of_the_readme_runs() -> None:
    """It prints what its comment says."""
    (example,) = [text for language, text in _blocks() if language == "python"]

    assert _run("-c", example).splitlines()[:2] == ["web hello", "web hello"]


async def test_the_example_of_a_service_is_created(tenx: Shell) -> None:
    """What the README points to can be sent as it is."""
    ended = await tenx("create", "web", "-f", str(ROOT / "examples" / "service.json"))

    assert (ended.status, ended.out, ended.err) == (0, "web: created\n", "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("follow", "6 lines in "),
        ("fleet", "30 restarted"),
        ("restart", "nosuch failed restart nosuch: there is no service"),
        ("budget", "100 applied, 50 failed: restart web-100: the budget of 100 calls a day"),
    ],
)
def test_an_example_runs(name: str, words: str) -> None:
    """Examples are programs, not prose."""
    assert words in _run(str(ROOT / "examples" / f"{name}.py"))
