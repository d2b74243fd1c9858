"""What a status means, and how long a server asks to wait."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from tenx_async.transport.verdict import LONGEST_PAUSE, Verdict, judge, retry_after
from tests.clock import NOON

SAYS_IT_ALL = (200, 201, 202, 204, 206, 299)
REJECTS = (429,)
REFUSES = (300, 307, 400, 401, 402, 403, 404, 405, 409, 410, 412, 413, 418, 422, 451, 499)
TELLS_NOTHING = (0, 100, 101, 408, 500, 501, 502, 504, 599, 600, 999)


@pytest.mark.parametrize("asks_to_wait", [True, False])
@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        (SAYS_IT_ALL, Verdict.APPLIED),
        (REJECTS, Verdict.REJECTED),
        (REFUSES, Verdict.REFUSED),
        (TELLS_NOTHING, Verdict.AMBIGUOUS),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_status_has_one_meaning(
    statuses: tuple[int, ...], verdict: Verdict, asks_to_wait: bool
) -> None:
    """Whether the server asks to wait matters to 503 alone."""
    assert {verdict} == {judge(status, asks_to_wait=asks_to_wait) for status in statuses}


def test_503_did_nothing_only_if_it_asks_to_wait() -> None:
    """A 503 may come from a proxy whose server was at it."""
    assert Verdict.REJECTED is judge(503, asks_to_wait=True)
    assert Verdict.AMBIGUOUS is judge(503, asks_to_wait=False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0.25", 0.25),
        ("1e1", 10.0),
        ("120", 120.0),
        ("121", LONGEST_PAUSE),
        ("1000000000", LONGEST_PAUSE),
        ("9" * 400, None),
        ("-1", None),
        ("-0.5", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("", None),
        ("  ", None),
        ("soon", None),
        ("7 s", None),
        ("Tue, 29 Dec 2015 12:00:30 GMT", 30.0),
        ("Tue, 29 Dec 2015 20:00:30 +0800", 30.0),
        ("Tue, 29 Dec 2015 12:00:30", 30.0),
        ("Tuesday, 29-Dec-15 12:00:30 GMT", 30.0),
        ("Tue, 29 Dec 2015 11:59:59 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 29 Dec 2315 12:00:00 GMT", LONGEST_PAUSE),
        ("Tue, 99 Dec 2015 12:00:30 GMT", None),
        ("Tue, 29 Dec 99999999999999999999 12:00:30 GMT", None),
        ("Tue, 29 Dec 2015 12:00:30 +99999999999999", None),
        ("2015-12-29T12:00:30Z", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """A usable value is at most two minutes; nonsense is as good as nothing."""
    assert seconds == retry_after({"Retry-After": text}, NOON)


def test_no_retry_after_is_none() -> None:
    """A server that does not ask to wait does not ask."""
    assert None is retry_after({}, NOON)


numbers = st.integers(-1, 10**20)
date_like = st.builds(
    "Tue, {} {} {} {}:{}:{} {:+}".format,
    numbers,
    st.sampled_from(["Dec", "Foo"]),
    *[numbers] * 5,
)


@given(st.one_of(st.text(st.characters(codec="ascii"), max_size=40), date_like))
def test_no_retry_after_is_too_strange(text: str) -> None:
    """Whatever stands there, it is a bounded number of seconds or none."""
    seconds = retry_after({"Retry-After": text}, NOON)

    assert seconds is None or 0.0 <= seconds <= LONGEST_PAUSE


@given(st.integers(-1000, 1000))
def test_a_date_is_as_good_as_seconds(seconds: int) -> None:
    """A date means the seconds until then, none if it is past."""
    date = format_datetime(NOON + dt.timedelta(seconds=seconds), usegmt=True)

    assert min(max(0, seconds), LONGEST_PAUSE) == retry_after({"Retry-After": date}, NOON)
