"""When a run has failed too often."""

from __future__ import annotations

from typing import Any

import pytest

from tenx_async.api.outcome import Outcome
from tenx_async.errors import ConnectFailed, Forbidden, QuotaExceeded, TenxError, Unauthorized
from tenx_async.fleet.failures import Failures
from tenx_async.fleet.terms import Share
from tests.fleet.plans import outcome

WELL = outcome()
UNCHANGED = outcome("unchanged")
FAILED = outcome("failed", TenxError("it failed"))
UNKNOWN = outcome("unknown", TenxError("who knows"))
SKIPPED = outcome("skipped", TenxError("left out"))
LEFT = outcome("cancelled", TenxError("stopped"))
NOT_OURS = outcome("failed", Forbidden("no", operation="restart a", status=403))
NOBODY = outcome("failed", Unauthorized("no", operation="restart a", status=401))
NO_WAY = outcome("failed", ConnectFailed("no", operation="restart a"))


def stopped_at(
    outcomes: list[Outcome], *, total: int = 2000, tolerated: Share | None = None, first: int = 0
) -> int | None:
    """After how many the run stops."""
    failures = Failures(total, tolerated)
    for number, one in enumerate(outcomes):
        if failures.note(one, is_first=number < first):
            return number + 1
    return None


@pytest.mark.parametrize(
    ("outcomes", "terms", "stops"),
    [
        ([WELL] * 50, {}, None),
        ([FAILED], {"first": 1}, 1),
        ([UNKNOWN], {"first": 1}, 1),
        ([SKIPPED, LEFT, UNCHANGED], {"first": 3}, None),
        ([WELL, *[FAILED] * 30], {"first": 1}, 22),
        ([WELL, *[UNKNOWN] * 30], {"first": 1}, 22),
        ([FAILED] * 30, {"total": 100}, 20),
        ([*[WELL] * 30, *[FAILED] * 30], {"total": 100}, 36),
        ([*[WELL] * 30, *[FAILED] * 30], {"total": 2000}, 51),
        ([FAILED], {"tolerated": 0, "first": 0}, 1),
        ([FAILED] * 4, {"tolerated": 3, "first": 4}, 4),
        ([FAILED] * 9, {"tolerated": "5%", "total": 100}, 6),
        ([FAILED], {"tolerated": "5%", "total": 10}, 1),
        ([FAILED], {"tolerated": "0%"}, 1),
        ([FAILED] * 200, {"tolerated": "100%", "total": 100}, 101),
    ],
)
def test_a_run_stops_at_its_threshold(
    outcomes: list[Outcome], terms: dict[str, Any], stops: int
) -> None:
    """The first failure of the first wave; later more than 20, or than 5 % of a sample."""
    assert stops == stopped_at(outcomes, **terms)


@pytest.mark.parametrize(
    ("outcomes", "stops"),
    [
        ([NOT_OURS] * 3, 3),
        ([NOBODY, NOT_OURS, NO_WAY], 3),
        ([NOBODY, NOBODY, WELL, NOBODY, NOBODY], None),
        ([NOBODY, NOBODY, FAILED, NOBODY, NOBODY, NOBODY], 6),
    ],
)
def test_what_would_befall_all_stops_at_three_in_a_row(
    outcomes: list[Outcome], stops: int | None
) -> None:
    """However many failures are tolerated."""
    assert stops == stopped_at(outcomes, tolerated="100%")


def test_the_end_of_the_days_calls_stops_at_once() -> None:
    """No other write could be made today."""
    assert 1 == stopped_at([outcome("failed", QuotaExceeded("spent"))], tolerated="100%")
