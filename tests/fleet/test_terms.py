"""Numbers and parts of services, and what makes no sense."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tenx_async.errors import ConfigurationError
from tenx_async.fleet.terms import Share, Terms, count_of, most_of


@pytest.mark.parametrize(
    ("share", "total", "count"),
    [
        (3, 10, 3),
        (30, 10, 30),
        ("10%", 2000, 200),
        ("10%", 29, 2),
        ("10%", 3, 1),
        ("0%", 50, 1),
        ("100%", 7, 7),
        (" 2.5 % ", 1000, 25),
        ("0.57%", 10_000, 57),
        ("10%", 0, 1),
    ],
)
def test_a_part_is_rounded_down_to_one_at_the_least(share: Share, total: int, count: int) -> None:
    """So that a small fleet can be operated, too."""
    assert count == count_of(share, total)


@pytest.mark.parametrize(
    ("share", "total", "most"), [("5%", 10, 0), ("5%", 20, 1), ("0%", 99, 0), (0, 99, 0), (4, 9, 4)]
)
def test_what_is_not_more_than_a_part_may_be_none(share: Share, total: int, most: int) -> None:
    """One of ten is more than 5 %."""
    assert most == most_of(share, total)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_unavailable": 0},
        {"max_unavailable": True},
        {"max_unavailable": "a few"},
        {"max_unavailable": "101%"},
        {"max_unavailable": "-5%"},
        {"max_unavailable": 0.1},
        {"waves": (1, "150%")},
        {"waves": "10%"},
        {"waves": (0,)},
        {"at_once": 0},
        {"at_once": "10%"},
        {"max_failures": -1},
        {"tick": 0.0},
        {"tick": math.nan},
        {"stable": -1.0},
        {"stable": math.inf},
        {"timeout": 0.0},
        {"stall": math.inf},
        {"deadline": -3.0},
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError):
        Terms(**wrong)


def test_terms_have_an_answer_for_everything() -> None:
    """A run needs none to be given."""
    assert Terms() == Terms(max_unavailable="10%", waves=[1, "5%", "25%"], max_failures=None)
