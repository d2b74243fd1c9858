from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from aiohttp import ClientSession
from hypothesis import given, settings, strategies as st

from tenx_async.local import LocalCloud, LoggedLine, Quirks
from tenx_async.local.checks import Window
from tenx_async.local.daylog import Logbook
from tenx_async.local.reading import read
from tenx_async.local.refusal import Refusal

from .conftest import Caller, headers

DAY = dt.date(2015, 12, 29)
NOON = dt.datetime(2015, 12, 29, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from=0&size=2", ["0", "1"]),
        ("from=3&size=100", ["3", "4"]),
        ("from=4&size=1", ["4"]),
        ("from=5&size=10", []),
        ("from=0&size=0", []),
        ("", ["0", "1", "2", "3", "4"]),
    ],
)
async def test_a_page_counts_from_the_oldest_line(
    cloud: LocalCloud, call: Caller, query: str, expected: list[str]
) -> None:
    """`from` and `size` cut a page out of the day, oldest line first."""
    cloud.add_service("web")
    cloud.append("web", *"01234", date=DAY)

    entries = (await call.service("GET", f"web/logs?date=2015.12.29&{query}")).json

    assert [entry["log"] for entry in entries] == expected


async def test_a_day_without_lines_is_empty(cloud: LocalCloud, call: Caller) -> None:
    """Each day has a log of its own."""
    cloud.add_service("web")
    cloud.append("web", "line", date=DAY)

    assert [] == (await call.service("GET", "web/logs?date=2015.12.30&from=0&size=9")).json
    assert [] == cloud.log("web", date=dt.date(2015, 12, 30))


async def test_any_text_comes_back_as_it_was(cloud: LocalCloud, call: Caller) -> None:
    """Quotes, newlines, control characters and any script survive the way."""
    cloud.add_service("web")
    lines = ['say "hi"', "a\nb", "\x1b[31mred\x00", "日志 🎈", "\\", "", " \u2028"]
    cloud.append("web", *lines, date=DAY, instance="web-1")

    entries = (await call.service("GET", "web/logs?date=2015.12.29")).json

    assert [{"instance_name": "web-1", "log": line} for line in lines] == entries
    assert [LoggedLine("web-1", line) for line in lines] == cloud.log("web", date=DAY)


async def test_an_instance_has_its_lines_as_bare_strings(cloud: LocalCloud, call: Caller) -> None:
    """The log of one instance is a list of texts, counted on its own."""
    cloud.add_service("web")
    for number in range(6):
        cloud.append("web", f'"{number}"', date=DAY, instance=f"web-{number % 2}")

    path = "web/instances/web-1/logs?date=2015.12.29&from=1&size=9"

    assert ['"3"', '"5"'] == (await call.service("GET", path)).json
    other = "web/instances/web-9/logs?date=2015.12.29"
    assert [] == (await call.service("GET", other)).json


async def test_lines_are_by_an_instance_of_the_service(cloud: LocalCloud, call: Caller) -> None:
    """A line whose writer is not given comes from the first instance."""
    cloud.add_service("web", instances=2)
    cloud.append("web", "line")

    first = (await call.service("GET", "web/instances")).json[0]["name"]

    assert [LoggedLine(first, "line")] == cloud.log("web")


@pytest.mark.parametrize(
    ("hours", "day"), [(0, "2015.12.29"), (8, "2015.12.30")], ids=["UTC", "UTC+8"]
)
async def test_the_day_begins_where_the_zone_says(hours: int, day: str) -> None:
    """The time zone decides to which day a line of the evening belongs."""
    evening = dt.datetime(2015, 12, 29, 20, tzinfo=dt.UTC)
    async with LocalCloud(clock=lambda: evening, quirks=Quirks(day_zone=hours)) as cloud:
        cloud.add_service("web")
        cloud.append("web", "line")
        async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
            dated = await Caller(session).service("GET", f"web/logs?date={day}")
            today = await Caller(session).service("GET", "web/logs")

    assert ["line"] == [entry["log"] for entry in dated.json]
    assert dated.json == today.json


MISSING: dict[str, object] = {"empty": [], "null": None, "404": 404, "500": 500}
SWITCHES = st.fixed_dictionaries(
    {
        "log_order": st.sampled_from(["oldest-first", "newest-first", "newest-page"]),
        "size_cap": st.integers(0, 4),
        "window_limit": st.sampled_from([0, 12]),
        "window_status": st.sampled_from([400, 500]),
        "missing_day": st.sampled_from(sorted(MISSING)),
    }
)


def expected_page(texts: list[str], start: int, size: int, quirks: Quirks) -> object:
    """A page as the descriptions of the quirks say, or the status of a refusal."""
    if 0 < quirks.window_limit < start + size:
        return quirks.window_status
    if not texts:
        return MISSING[quirks.missing_day]
    newest_last = quirks.log_order == "oldest-first"
    counted = texts if newest_last else texts[::-1]
    page = counted[start:][: min(size, quirks.size_cap or size)]
    return page[::-1] if quirks.log_order == "newest-page" else page


@settings(max_examples=300)
@given(SWITCHES, st.integers(0, 5), st.integers(0, 8), st.integers(0, 8), st.booleans())
def test_quirks_of_reading_hold_together(
    switches: dict[str, object], count: int, start: int, size: int, is_of_instance: bool
) -> None:
    """Order, cap, limit and missing day do what each says, whichever others are on."""
    quirks = Quirks().changed(switches)
    logbook = Logbook()
    for number in range(count):
        logbook.append(DAY, f"web-{number % 2}", [str(number)], NOON, Quirks())
    texts = [str(number) for number in range(0, count, 1 + is_of_instance)]
    instance = "web-0" if is_of_instance else None
    try:
        seen = msgspec.json.decode(
            read(logbook.day(DAY), Window(DAY, start, size), quirks, instance).body
        )
    except Refusal as refusal:
        seen = refusal.status

    if isinstance(seen, list) and not is_of_instance:
        seen = [entry["log"] for entry in seen]
    assert expected_page(texts, start, size, quirks) == seen


def test_a_full_logbook_drops_and_counts() -> None:
    """A log has a bound; what comes after it is counted, what came before stays."""
    logbook = Logbook(limit=1000)
    for number in range(100):
        logbook.append(DAY, "web-1", [str(number)], NOON, Quirks())

    kept = [line.log for line in logbook.day(DAY).lines()]

    assert [str(number) for number in range(len(kept))] == kept
    assert len(kept) + logbook.dropped == 100
    assert logbook.dropped > 0
