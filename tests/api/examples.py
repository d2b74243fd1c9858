"""The JSON of the vendor's page, by the name of its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"


def text(name: str) -> str:
    """An example as it stands."""
    return (FIXTURES / f"{name}.json").read_text(encoding="utf-8")


def example(name: str) -> Any:
    """An example, decoded anew for each caller."""
    return json.loads(text(name))
