"""What a following can be told, and what is refused."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import pytest

from tenx_async import ConfigurationError, LocalCloud
from tests.conftest import client_of

WRONG: dict[str, list[Any]] = {
    "tail": [-1, 1.5, math.nan],
    "page_size": [0, 2.5],
    "buffer": [0, math.inf],
    "remember": [0, math.inf],
    "mark_every": [-5, math.nan],
    "interval": [
        *[(0, 0), (-1, -1), (-1, 1), (10, 0.5), (math.nan, 1), (1, math.nan), (0, math.inf)],
        *[(1,), 5, ("a", "b")],
    ],
    "discover_every": [0, -1, math.nan, math.inf],
    "commit": ["Manual", "never"],
    "order": ["oldest", None],
    "timezone": ["UTC"],
}


@pytest.mark.parametrize(
    ("setting", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
async def test_settings_that_make_no_sense_are_refused(
    cloud: LocalCloud, setting: str, value: Any
) -> None:
    """Rather than to hang, to ask without end, or to mean something else."""
    async with client_of(cloud) as client:
        with pytest.raises(ConfigurationError, match=f"^{setting}: {re.escape(repr(value))} is n"):
            client.follow(**{setting: value})


@pytest.mark.parametrize(
    "unusual",
    [
        {"tail": 0, "page_size": 1, "buffer": 1, "remember": 1, "mark_every": 0},
        {"interval": (0, 0.001), "discover_every": 3600, "calls_per_second": 0.01},
        {"interval": [1, 1], "order": "newest-page", "commit": "before", "timezone": dt.UTC},
    ],
)
async def test_settings_that_are_unusual_are_taken(
    cloud: LocalCloud, unusual: dict[str, Any]
) -> None:
    """Whatever makes sense is the caller's to choose."""
    async with client_of(cloud) as client:
        client.follow(**unusual)
