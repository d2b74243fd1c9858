"""What an answer, or the lack of one, means for the operation that was asked for."""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from attrs import frozen

from tenx_async.errors import OperationError

LONGEST_PAUSE = 120.0
"""Seconds; a server that asks for more gets this."""


class Verdict(enum.Enum):
    """What became of a request, as far as its answer tells."""

    NOT_SENT = "no byte left: any operation may be sent again"
    REJECTED = "the server did nothing and asks to wait: any operation may be sent again"
    REFUSED = "the server did nothing and will not"
    UNDONE = "it was looked into and found not to have happened: it may be sent again"
    AMBIGUOUS = "it may have been executed, or not"
    APPLIED = "it was executed"


@frozen
class AttemptFailed(Exception):
    """An attempt that brought no result; stays within this room."""

    verdict: Verdict
    error: OperationError
    """What the user is told if no further attempt is made."""
    retry_after: float | None = None
    """Seconds that the server asked to wait."""


def judge(status: int, *, asks_to_wait: bool = False) -> Verdict:
    """Judge an answer by its status; `asks_to_wait` if it has a usable Retry-After."""
    if 200 <= status < 300:
        return Verdict.APPLIED
    if status == 429 or (status == 503 and asks_to_wait):
        return Verdict.REJECTED
    if status == 408 or status >= 500 or status < 200:
        return Verdict.AMBIGUOUS
    return Verdict.REFUSED


def retry_after(headers: Mapping[str, str], now: dt.datetime) -> float | None:
    """Read how many seconds the server asks to wait; nonsense is as good as nothing."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now)
    return min(seconds, LONGEST_PAUSE) if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(http_date: str, now: dt.datetime) -> float:
    try:
        instant = parsedate_to_datetime(http_date)
    except (ValueError, OverflowError):
        return math.nan
    return max(0.0, (instant.replace(tzinfo=instant.tzinfo or dt.UTC) - now).total_seconds())
