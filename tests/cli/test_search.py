from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import shlex
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from tenx_async import LogBatch, SqliteSink
from tenx_async.api.entries import LogEntry
from tenx_async.cli.found import Search
from tenx_async.cli.literals import words_query

from .conftest import Shell, command

NOW = dt.datetime.now(dt.UTC)
Row = tuple[str, str, str, dt.timedelta]
"""Service, instance, text, and how long ago it was received."""


async def shipped(folder: Path, *rows: Row) -> Path:
    """A database with lines in it."""
    file, times = folder / "logs.sqlite", iter([NOW - ago for *_, ago in rows])
    sink = SqliteSink(file, now=lambda: next(times))
    await sink.open()
    for position, (service, instance, log, ago) in enumerate(rows):
        day, entry = (NOW - ago).date(), LogEntry(instance, log)
        await sink.write([LogBatch("beijing1", service, day, position, [entry])])
    await sink.close()
    return file


def lines(*texts: str, service: str = "web", days: int = 0) -> list[Row]:
    """Lines of an instance."""
    return [(service, f"{service}-x1", text, dt.timedelta(days=days)) for text in texts]


async def test_lines_are_found_by_a_regular_expression(stranger: Shell, tmp_path: Path) -> None:
    """The newest last, each with its day and instance; without an account."""
    file = await shipped(tmp_path, *lines("GET /a 500 bad", "GET /b 200 fine", "POST /c 503 worse"))

    ended = await stranger("search", r" 50\d ", "--in", f"sqlite:{file}")

    day = NOW.date()
    assert ended.out == f"{day} web-x1 GET /a 500 bad\n{day} web-x1 POST /c 503 worse\n"
    assert (ended.status, ended.err) == (0, "")


async def test_nothing_found_is_status_1(stranger: Shell, tmp_path: Path) -> None:
    """As of grep."""
    file = await shipped(tmp_path, *lines("one"))

    ended = await stranger("search", "two", "--in", f"sqlite:{file}")

    assert (ended.status, ended.out, ended.err) == (1, "", "")


async def test_the_last_ones_are_shown_in_their_order(stranger: Shell, tmp_path: Path) -> None:
    """`-n` counts from the end; `-i` takes capital letters as small ones."""
    file = await shipped(tmp_path, *lines("Error 1", "error 2", "fine", "ERROR 3"))
    asked = ("search", "error", "-i", "-n", "2", "-o", "raw", "--in", f"sqlite:{file}")

    assert (await stranger(*asked)).out == "error 2\nERROR 3\n"


async def test_sources_and_days_narrow_a_search(stranger: Shell, tmp_path: Path) -> None:
    """A date is the day of the log; a time, or how long ago, is when it was received."""
    rows = [*lines("old", days=3), *lines("mid", days=1), *lines("new"), *lines("new", service="b")]
    place = f"sqlite:{await shipped(tmp_path, *rows)}"

    async def found(*more: str) -> list[str]:
        ended = await stranger("search", ".", "-o", "raw", "--in", place, *more)
        return ended.out.split()

    yesterday = str(NOW.date() - dt.timedelta(days=1))
    assert await found("--since", yesterday, "--until", yesterday) == ["mid"]
    assert await found("--until", "2h") == ["old", "mid"]
    assert await found("--since", "2d", "--service", "w*") == ["mid", "new"]
    assert await found("--since", (NOW - dt.timedelta(hours=1)).isoformat()) == ["new", "new"]
    assert await found("--instance", "b-*") == ["new"]


async def test_json_is_what_the_other_commands_write(stranger: Shell, tmp_path: Path) -> None:
    """The same seven keys."""
    file = await shipped(tmp_path, *lines("one\ntwo"))

    ended = await stranger("search", "^two", "--in", f"sqlite:{file}")
    assert ended.status == 1
    ended = await stranger("search", "(?m)^two", "-o", "json", "--in", f"sqlite:{file}")

    assert json.loads(ended.out) == {
        "region": "beijing1",
        "service": "web",
        "instance_name": "web-x1",
        "log": "one\ntwo",
        "date": str(NOW.date()),
        "position": 0,
        "late": False,
    }


@pytest.mark.parametrize("form", ["text", "raw", "json"])
async def test_no_text_commands_the_terminal(stranger: Shell, tmp_path: Path, form: str) -> None:
    """Whatever was logged, it is only shown."""
    file = await shipped(tmp_path, *lines("a\x1b[31mred\x07"))

    asked = ("search", "red", "--in", f"sqlite:{file}", "-o", form)
    async with stranger.terminal(*asked, NO_COLOR="1") as terminal:
        await terminal.end()
        await terminal.until("red")

    assert not {"\x1b", "\x07"} & set(terminal.shown)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["(", "--in", "sqlite:logs.sqlite"], "'(' is no regular expression"),
        (["a", "--in", "files:logs"], "is not sqlite:FILE"),
        (["a", "--in", "sqlite:nosuch"], "there is no file nosuch"),
        (["a", "--in", "sqlite:logs.sqlite", "--since", "noon"], "is neither a day"),
        (["a", "--in", "sqlite:logs.sqlite", "--since", "0001-01-01T00:00+14:00"], "is too early"),
        (["a", "--in", "sqlite:logs.sqlite", "--until", "9999-12-31T23:59-01:00"], "or too late"),
        (["a", "--in", "sqlite:noise"], "file is not a database"),
    ],
)
async def test_what_cannot_be_searched_is_status_2(
    stranger: Shell, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    """As of grep, so that it is not taken for nothing found."""
    await shipped(tmp_path, *lines("one"))
    (tmp_path / "noise").write_bytes(b"noise" * 1000)

    ended = await stranger("search", *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert complaint in " ".join(ended.err.replace("│", " ").split())


async def test_a_reader_that_has_seen_enough_is_no_error(stranger: Shell, tmp_path: Path) -> None:
    """As in `tenx search . | head`."""
    file = await shipped(tmp_path, *lines(*(f"{number} {'x' * 100}" for number in range(2000))))
    running = await stranger.start("search", ".", "--in", f"sqlite:{file}")
    await running.until("0 x")

    assert (await running.end(signal.SIGINT)).status in {0, 130}


@pytest.mark.parametrize(
    "damage",
    [
        "update batches set date = '2015-12I29'",
        "update entries set log = cast(x'ff80' as text)",
        "update entries set log = x'ff80'",
        "update entries set instance = x'ff'",
        "drop view lines",
    ],
)
async def test_damage_is_status_2(stranger: Shell, tmp_path: Path, damage: str) -> None:
    """In one line, that names the file."""
    file = await shipped(tmp_path, *lines("one"))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(damage)

    ended = await stranger("search", ".", "--in", f"sqlite:{file}")

    assert (ended.status, ended.out) == (2, "")
    assert ended.complaint.startswith(f"tenx: {file}: ")


async def test_a_full_disk_is_status_2(stranger: Shell, tmp_path: Path) -> None:
    """It is not taken for nothing found."""
    file = await shipped(tmp_path, *lines("one"))
    asked = shlex.join(command("search", ".", "--in", f"sqlite:{file}"))

    process = await asyncio.create_subprocess_shell(
        f"{asked} >/dev/full", env=stranger.environment(), stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await process.communicate()

    assert process.returncode == 2
    assert complaint == b"tenx: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    ("since", "until", "texts"),
    [
        ("10:00:00.000", "10:00:00.000", ["0", "0.4"]),
        ("10:00:00.000001", "10:00:00.001999", ["1"]),
        ("10:00:00.001", "10:00:00.0019", ["1"]),
    ],
)
async def test_times_are_kept_in_milliseconds(
    tmp_path: Path, since: str, until: str, texts: list[str]
) -> None:
    """A time between two of them lies behind the first, and before the second."""
    ten = dt.datetime(2015, 12, 29, 10, tzinfo=dt.UTC)
    rows = [
        ("web", "web-x1", text, NOW - ten - dt.timedelta(milliseconds=float(text)))
        for text in ("0", "0.4", "1", "2")
    ]
    file = await shipped(tmp_path, *rows)
    asked = Search(
        pattern=re.compile(""),
        since=dt.datetime.fromisoformat(f"2015-12-29T{since}Z"),
        until=dt.datetime.fromisoformat(f"2015-12-29T{until}Z"),
        last=10**30,
    )

    assert texts == [line.log for line in asked.lines(file)]


@pytest.mark.parametrize(
    ("expression", "query"),
    [
        (" timed out ", '"timed" "out"'),
        ("timeout", None),
        ("^GET /index", '"GET" "index" *'),
        ("(?:a|b) c (d) e$", '"c" "d" "e"'),
        ("(?i) connection lost ", '"connect" * "lost"'),
        ("one|two words here", None),
        ("( again )+", '"again"'),
        ("( perhaps )*", None),
        (r"\bword\b", None),
        ("x (?= not this )y z", '"z" *'),
        (" naïve é cafés ", '"na" * "caf" *'),
    ],
)
def test_the_index_is_asked_for_whole_words_only(expression: str, query: str | None) -> None:
    """What the expression leaves open is not looked for."""
    assert query == words_query(re.compile(expression))


WORDS = st.text(alphabet="aiIk .-_\n\u0131\u0130\u017f\u212aé\u0301中ß0²", max_size=12)
EXPRESSIONS = st.lists(
    st.sampled_from(["a", "i", "k", " ", "-", "_", ".", "^", "$", r"\b", "(a i)+", "(i|k)", "[ak]"])
    | st.just("é"),
    max_size=7,
).map("".join)


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    """An index of words."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create virtual table lines_fts using fts5 (log)")
        yield database


@given(EXPRESSIONS, WORDS, st.booleans())
@example(" i ", " \u0131 ", True)
@example("^a", "a\u0301", False)
def test_the_index_hides_nothing(
    index: sqlite3.Connection, expression: str, text: str, ignore_case: bool
) -> None:
    """Whatever the expression matches, its words are found there."""
    try:
        pattern = re.compile(expression, re.IGNORECASE if ignore_case else 0)
    except re.error:
        return
    query = words_query(pattern)
    if query is None or not pattern.search(text):
        return
    index.execute("delete from lines_fts")
    index.execute("insert into lines_fts values (?)", (text,))

    assert index.execute("select 1 from lines_fts where lines_fts match ?", (query,)).fetchall()
