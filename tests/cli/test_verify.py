from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from tenx_async import LocalCloud
from tenx_async.local import Quirks

from .conftest import Ended, Shell
from .test_search import lines, shipped

TODAY = dt.datetime.now(dt.UTC).date()
DAY = TODAY - dt.timedelta(days=3)
OF_DAY = ("--date", str(DAY))


@pytest.fixture
def shop(cloud: LocalCloud) -> LocalCloud:
    """A cloud with two services that have written a day's log."""
    for name in ("api", "web"):
        cloud.add_service(name)
        texts = ("same", "same", f"{name} alone", "two\nrows")
        cloud.append(name, *texts, instance=f"{name}-x1", date=DAY)
        cloud.append(name, "of another day", date=DAY + dt.timedelta(days=1))
    return cloud


async def kept(tenx: Shell, *, without: str = "", doubled: str = "", strange: str = "") -> str:
    """A directory with all that was logged, but for a line, one twice, or one more."""
    ended = await tenx("logs", "--since", str(DAY), "-o", "json")
    rows = ended.out.splitlines(keepends=True)
    if without:
        rows.remove(next(row for row in rows if without in row))
    rows += [row for row in rows if doubled and doubled in row][-1:]
    rows += [row.replace(strange, "unheard-of") for row in rows if strange and strange in row][-1:]
    (tenx.folder / "logs").mkdir()
    (tenx.folder / "logs" / "all.jsonl").write_text("".join(rows))
    return "files:logs"


def told(ended: Ended) -> str:
    """What is said, but for the digests of seals."""
    return re.sub(r" \(sealed as [0-9a-f]{32}\)", "", ended.out)


@pytest.mark.parametrize("order", ["oldest-first", "newest-first", "newest-page"])
async def test_what_is_there_once_is_told_so(
    tenx: Shell, shop: LocalCloud, order: Literal["oldest-first", "newest-first", "newest-page"]
) -> None:
    """Whatever the order of pages, one line a service; equal lines count."""
    place = await kept(tenx)
    shop.quirks = Quirks(log_order=order)

    ended = await tenx("verify", "--to", place, *OF_DAY)

    assert told(ended) == "api: 4 lines, all there once\nweb: 4 lines, all there once\n"
    assert ended.status == 0


async def test_a_line_that_is_missing_is_found(tenx: Shell, shop: LocalCloud) -> None:
    """It is said where the server has it, and what it is."""
    place = await kept(tenx, without="web alone")

    ended = await tenx("verify", "web", "--to", place, *OF_DAY)

    assert (
        told(ended) == "web: 4 lines, 3 kept: 1 missing\n  missing, position 2: web-x1 web alone\n"
    )
    assert ended.status == 3


async def test_a_line_that_is_repeated_is_found(tenx: Shell, shop: LocalCloud) -> None:
    """Also one that rightly is there twice; it is said where the last one is kept."""
    place = await kept(tenx, doubled='"same"')
    rows = (tenx.folder / "logs" / "all.jsonl").read_text().splitlines()

    ended = await tenx("verify", "--to", place, *OF_DAY)

    writer = json.loads(rows[-1])["instance_name"]
    assert f"  repeated, logs/all.jsonl:{len(rows)}: {writer} same\n" in told(ended)
    assert "4 lines, 5 kept: 1 repeated\n" in told(ended)
    assert ended.status == 3


async def test_a_line_that_nobody_wrote_is_found(tenx: Shell, shop: LocalCloud) -> None:
    """It is not taken for one that is repeated."""
    place = await kept(tenx, strange="web alone")

    ended = await tenx("verify", "w*", "--to", place, *OF_DAY)

    assert "web: 4 lines, 5 kept: 1 not on the server\n" in told(ended)
    assert "web-x1 unheard-of\n" in told(ended)


async def test_only_the_first_few_of_many_are_shown(tenx: Shell, shop: LocalCloud) -> None:
    """The rest is counted."""
    shop.append("web", *(f"more {number}" for number in range(2000)), date=DAY)
    place = await kept(tenx)
    shop.append("web", *(f"new {number}" for number in range(1500)), date=DAY)

    ended = await tenx("verify", "web", "--to", place, *OF_DAY)

    assert told(ended).splitlines()[0] == "web: 3,504 lines, 2,004 kept: 1,500 missing"
    assert told(ended).splitlines()[-1] == "  missing: 1,497 more"


async def test_a_day_that_is_over_has_a_seal(tenx: Shell, shop: LocalCloud) -> None:
    """The same whenever it is read; a line that the server gets later breaks it."""
    arguments = ("verify", "web", "--to", await kept(tenx), *OF_DAY, "-o", "json")

    first, second = await tenx(*arguments), await tenx(*arguments)
    shop.append("web", "later", date=DAY)
    third = await tenx(*arguments)

    (seal,) = json.loads(first.out)["seals"]
    assert [seal] == json.loads(second.out)["seals"] != json.loads(third.out)["seals"]


async def test_it_is_told_as_json(tenx: Shell, shop: LocalCloud) -> None:
    """One object a service."""
    place = await kept(tenx, without="web alone")

    ended = await tenx("verify", "--to", place, *OF_DAY, "-o", "json")

    api, web = map(json.loads, ended.out.splitlines())
    assert (api["equal"], api["lines"], api["kept"]) == (True, 4, 4)
    assert web["missing"] == {
        "count": 1,
        "first": [{"place": "position 2", "instance_name": "web-x1", "log": "web alone"}],
    }


async def test_lines_in_sqlite_are_compared_as_well(
    tenx: Shell, cloud: LocalCloud, tmp_path: Path
) -> None:
    """By their ids."""
    cloud.add_service("web")
    cloud.append("web", "one", "two", instance="web-x1", date=DAY)
    file = await shipped(tmp_path, *lines("one", "two", "two", days=3))

    ended = await tenx("verify", "--to", f"sqlite:{file.name}", *OF_DAY)

    assert told(ended) == (
        f"web: 2 lines, 3 kept: 1 repeated\n  repeated, {file.name}, id 3: web-x1 two\n"
    )


async def test_a_service_that_is_gone_is_not_taken_for_equal(tenx: Shell, shop: LocalCloud) -> None:
    """There is nothing to compare with."""
    place = await kept(tenx)
    shop.remove_service("web")

    ended = await tenx("verify", "--to", place, *OF_DAY)

    assert "web: 0 lines, 4 kept" in told(ended)
    assert "  there is no such service any more to compare with\n" in told(ended)
    assert ended.status == 3


async def test_a_day_that_is_not_over_is_refused(tenx: Shell, shop: LocalCloud) -> None:
    """Unless it is asked for."""
    place = await kept(tenx)
    shop.append("web", "today")
    today = ("verify", "--to", place, "--date", str(TODAY))

    refused, compared = await tenx(*today), await tenx(*today, "--unsealed")

    assert (refused.status, refused.out) == (1, "")
    assert "is not over" in refused.complaint
    assert "web: 1 line, 0 kept: 1 missing" in compared.out


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("files:nosuch", "there is no directory nosuch"),
        ("sqlite:nosuch", "there is no file nosuch"),
        ("otlp:http://127.0.0.1", "is neither files:DIR nor sqlite:FILE"),
    ],
)
async def test_a_place_without_lines_is_an_error(tenx: Shell, place: str, complaint: str) -> None:
    """Before anything is asked of the server."""
    ended = await tenx("verify", "--to", place, *OF_DAY)

    assert (ended.status, ended.out) == (1, "")
    assert complaint in ended.complaint


async def test_a_file_that_is_not_whole_is_told(tenx: Shell, shop: LocalCloud) -> None:
    """It is said where; what can be read is compared, and it is not taken for equal."""
    place = await kept(tenx)
    with (tenx.folder / "logs" / "all.jsonl").open("a") as file:
        file.write('{"region"\n' * 5)

    ended = await tenx("verify", "--to", place, *OF_DAY)

    assert ended.status == 3
    assert "logs/all.jsonl:11: that is no line of a log" in ended.err
    assert "logs/all.jsonl: 2 more are no lines of a log" in ended.err
    assert told(ended) == "api: 4 lines, all there once\nweb: 4 lines, all there once\n"


async def test_a_file_that_is_no_zstd_is_told(tenx: Shell, shop: LocalCloud) -> None:
    """As one of JSON lines is that is not whole."""
    pytest.importorskip("zstandard")
    place = await kept(tenx)
    (tenx.folder / "logs" / "other.jsonl.zst").write_text("plain\n")

    ended = await tenx("verify", "web", "--to", place, *OF_DAY)

    assert ended.complaint.startswith("tenx: logs/other.jsonl.zst: it cannot be read to its end")
    assert (ended.status, told(ended)) == (3, "web: 4 lines, all there once\n")


async def test_texts_beside_are_named(tenx: Shell, shop: LocalCloud) -> None:
    """What is missing may be there, in a day that was begun as text."""
    place = await kept(tenx, without="web alone")
    (tenx.folder / "logs" / f"web.{DAY}.log").write_text("web-x1 web alone\n")

    ended = await tenx("verify", "--to", place, *OF_DAY)

    assert told(ended).splitlines()[:3] == [
        "api: 4 lines, all there once",
        "web: 4 lines, 3 kept: 1 missing",
        f"  logs/web.{DAY}.log: texts alone cannot be compared; what is missing may be there",
    ]
    assert ended.status == 3


@pytest.mark.parametrize(
    ("value", "told_of"),
    [
        ("x'ff00'", "tenx: logs.sqlite, id 2: that is no line of a log"),
        ("cast(x'ff80' as text)", "web-x1 \\xff\\x80"),
    ],
)
async def test_what_is_no_text_in_sqlite_is_told(
    tenx: Shell, cloud: LocalCloud, tmp_path: Path, value: str, told_of: str
) -> None:
    """By its id; the other lines are compared."""
    cloud.add_service("web")
    cloud.append("web", "one", "two", instance="web-x1", date=DAY)
    file = await shipped(tmp_path, *lines("one", "two", days=3))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"update entries set log = {value} where id = 2")

    ended = await tenx("verify", "--to", f"sqlite:{file.name}", *OF_DAY)

    assert ended.status == 3
    assert "1 missing" in ended.out
    assert told_of in ended.out + ended.err
