"""A shipping process that is killed while a cloud goes on, both real, in real time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("sink", ["files", "sqlite"])
def test_a_sink_holds_every_line_once(sink: str) -> None:
    """However often the process is killed; `benchmarks.kills` plays as many runs as you like."""
    command = [sys.executable, "-m", "benchmarks.kills", "--sink", sink, "--runs", "2"]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert "all exact" in ran.stdout, ran.stdout + ran.stderr
