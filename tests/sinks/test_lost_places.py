"""Where a sink's place is damaged, moved away, or somebody else's: nothing goes on in silence."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tenx_async.cli.database import connect
from tenx_async.errors import ConfigurationError, DamagedCursor, ServerError, SinkUnavailable
from tenx_async.logs.cursor import Commit, Cursor, Stored
from tenx_async.sinks import database
from tenx_async.sinks.address import sink_at
from tenx_async.sinks.files import STATE, FileSink
from tenx_async.sinks.forms import Form
from tenx_async.sinks.reader import Reader
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.sink import commits_of
from tenx_async.sinks.sqlite import SqliteSink
from tenx_async.sinks.sqlite_cursors import SqliteCursors
from tenx_async.telemetry.events import CursorLost, DiscoveryFailed, SinkPaused
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.sinks.shipping import (
    KINDS,
    FakeClient,
    all_written,
    begun,
    contents,
    in_files,
    paused,
    until,
)
from tests.sinks.test_files import DAY, batch_of

Unreadable = Callable[[str, int], None]
TWO = pytest.mark.parametrize("kind", ["a file for each day", "sqlite"])


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    return cloud


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Unreadable:
    """Makes what is kept of a source impossible to read, for so many times."""

    def fail(name: str, times: int) -> None:
        load, failures = Reader.load, iter(range(times))

        def failing(self: Reader, source: str, lost: str, *, is_new: bool) -> Stored | None:
            if source == name and next(failures, None) is not None:
                raise SinkUnavailable("no more handles")
            return load(self, source, lost, is_new=is_new)

        monkeypatch.setattr(Reader, "load", failing)

    return fail


def files_below(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def state(directory: Path) -> Path:
    return directory / STATE / "cursors.sqlite"


@pytest.mark.parametrize("tail", [0, 5])
@TWO
async def test_a_service_that_came_while_nothing_could_be_written_is_read_from_its_beginning(
    fake: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tail: int
) -> None:
    """By who goes on: what is to be left out of a log is what was there at first."""
    monkeypatch.setattr(database, "_PATIENCE", 0.01)
    make, read = KINDS[kind]
    fake.write("web", "old")
    fake.written.clear()
    path = tmp_path / "lines.sqlite" if kind == "sqlite" else state(tmp_path)
    async with Ship(FakeClient(fake), make(tmp_path), "web", tail=0) as ship:
        await begun(ship)
        fake.write("web", "new")
        await all_written(ship, fake, lambda: read(tmp_path))
    ship = Ship(FakeClient(fake), make(tmp_path), tail=tail)
    async with ship:
        await until(lambda: ship.status.state == "ok")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            fake.add("api")
            fake.write("api", *(f"line {number}" for number in range(20)))
            await paused(ship)
            ship.stop()
            await until(lambda: ship.status.state == "ended")
    async with Ship(FakeClient(fake), make(tmp_path), tail=tail) as ship:
        await all_written(ship, fake, lambda: read(tmp_path))

    assert fake.written == read(tmp_path)


@TWO
async def test_what_was_there_at_first_is_left_out_by_who_goes_on(
    fake: FakeCloud, tmp_path: Path, kind: str
) -> None:
    """Also of a service that was not asked for then."""
    make, read = KINDS[kind]
    fake.add("api")
    fake.write("api", "old")
    fake.written.clear()
    for pattern in ("web", "*"):
        async with Ship(FakeClient(fake), make(tmp_path), pattern, tail=0) as ship:
            await begun(ship)
            fake.write("web", f"for {pattern}")
            await all_written(ship, fake, lambda: read(tmp_path))

    assert fake.written == read(tmp_path)


@TWO
async def test_who_was_moved_away_does_not_write_where_another_one_does(
    tmp_path: Path, kind: str
) -> None:
    """It waits until that one is gone, and then has to begin with what that one wrote."""
    make, read = KINDS[kind]
    at = tmp_path / "logs"
    first, second = make(at), make(at)
    await first.open()
    await first.write([batch_of("old")])
    at.rename(tmp_path / "moved")
    await second.open()
    with pytest.raises(SinkUnavailable, match="another process"):
        await first.write([batch_of("new")])
    await second.write([batch_of("new")])
    await second.close()
    with pytest.raises(ConfigurationError, match="start again"):
        await first.write([batch_of("new")])
    await first.close()

    assert {("web", "new"): 1} == read(at)
    assert {("web", "old"): 1} == read(tmp_path / "moved")
    await second.open()
    await second.close()


@TWO
async def test_who_lost_its_lock_does_not_go_on_behind_another_one(
    tmp_path: Path, kind: str
) -> None:
    """The file is the same; what is in it is not."""
    make, read = KINDS[kind]
    first, second = make(tmp_path), make(tmp_path)
    await first.open()
    await first.write([batch_of("old")])
    path = tmp_path / "lines.sqlite" if kind == "sqlite" else state(tmp_path)
    path.with_name(path.name + ".lock").unlink()
    await second.open()
    await second.write([batch_of("new")])
    await second.close()
    with pytest.raises(ConfigurationError, match="another process"):
        await first.write([batch_of("new")])
    await first.close()

    assert {("web", "old"): 1, ("web", "new"): 1} == read(tmp_path)


@TWO
async def test_who_finds_an_older_copy_does_not_go_on_in_it(tmp_path: Path, kind: str) -> None:
    """What was written since it was made would be missing."""
    make, _ = KINDS[kind]
    at, copy = tmp_path / "logs", tmp_path / "copy"
    sink = make(at)
    await sink.open()
    await sink.write([batch_of("a")])
    shutil.copytree(at, copy)
    await sink.write([batch_of("b")])
    at.rename(tmp_path / "moved")
    copy.rename(at)
    with pytest.raises(ConfigurationError, match="was replaced"):
        await sink.write([batch_of("c")])
    await sink.close()


@TWO
async def test_nothing_is_written_to_a_sink_that_is_closed(tmp_path: Path, kind: str) -> None:
    """Nor is anybody kept out by it; it may be opened again."""
    make, read = KINDS[kind]
    sink, other = make(tmp_path), make(tmp_path)
    batches = [batch_of("a")]
    for _ in range(2):  # before it is opened, and after
        with pytest.raises(SinkUnavailable, match="is closed"):
            await sink.write(batches)
        with pytest.raises(SinkUnavailable, match="is closed"):
            await sink.cursors.commit(commits_of(batches))
        await sink.close()
        await other.open()
        await other.close()
        await sink.open()
        await sink.close()
    before = files_below(tmp_path)
    with pytest.raises(SinkUnavailable, match="is closed"):
        await sink.write(batches)
    assert before == files_below(tmp_path)
    await sink.open()
    await sink.write(batches)
    await sink.close()

    assert {("web", "a"): 1} == read(tmp_path)


@TWO
async def test_a_sink_that_is_never_opened_makes_nothing(tmp_path: Path, kind: str) -> None:
    """Though it is closed, as a ship does that could not open it."""
    await KINDS[kind][0](tmp_path).close()

    assert {} == files_below(tmp_path)


@TWO
async def test_a_sink_that_could_not_be_opened_does_not_write(tmp_path: Path, kind: str) -> None:
    """Not even once whoever has the file lets go."""
    make, _ = KINDS[kind]
    first, second = make(tmp_path), make(tmp_path)
    await first.open()
    with pytest.raises(SinkUnavailable, match="another process"):
        await second.open()
    await first.close()
    with pytest.raises(SinkUnavailable, match="is closed"):
        await second.write([batch_of("a")])
    await second.open()
    await second.close()


async def test_the_lock_of_another_one_is_left_alone(tmp_path: Path) -> None:
    """By who had lost its own."""
    first, second, third = (FileSink(tmp_path) for _ in range(3))
    await first.open()
    path = state(tmp_path)
    path.with_name(path.name + ".lock").unlink()
    await second.open()
    await first.close()
    with pytest.raises(SinkUnavailable, match="another process"):
        await third.open()
    await second.close()


@pytest.mark.parametrize("is_emptied", [True, False])
async def test_a_file_that_is_begun_anew_knows_what_was_seen(
    tmp_path: Path, is_emptied: bool
) -> None:
    """On the same day, too: it is not new to it, but lost."""
    path = tmp_path / "cursors.sqlite"
    with SqliteCursors(path) as cursors:
        cursors.note_look(["web"], DAY, [])
        await cursors.commit([])
        path.unlink()
        if is_emptied:
            path.touch()
        await cursors.commit([])
        assert not cursors.is_new("web")
        assert cursors.is_new("api")
    with SqliteCursors(path) as cursors:
        assert cursors.load("api") is None
        with pytest.raises(DamagedCursor, match="moved away, or emptied"):
            cursors.load("web")


@pytest.mark.parametrize("is_begun", [True, False])
async def test_while_a_file_is_gone_it_is_known_who_is_new(tmp_path: Path, is_begun: bool) -> None:
    """To who saw all others: nothing is lost of a service that came to be since."""
    path = tmp_path / "cursors.sqlite"
    with SqliteCursors(path) as cursors:
        cursors.note_look(["web", "gone meanwhile"], DAY, [])
        cursors.note_look(["web"], DAY, [])
        await cursors.commit([])
        path.unlink()
        if is_begun:
            path.touch()
        assert cursors.load("api") is None
        for name in ("web", "gone meanwhile"):
            with pytest.raises(DamagedCursor, match="it is empty" if is_begun else "it is gone"):
                cursors.load(name)


async def test_a_file_that_is_made_anew_does_not_take_the_new_for_lost(tmp_path: Path) -> None:
    """Before it has been told who was seen, too."""
    path = tmp_path / "cursors.sqlite"
    with SqliteCursors(path) as cursors:
        cursors.note_look(["web"], DAY, [])
        await cursors.commit([])
        path.unlink()
        cursors._store.ask(lambda database: database.execute("select 1"))
        assert cursors.load("api") is None
        with pytest.raises(DamagedCursor, match="moved away"):
            cursors.load("web")


async def test_none_of_a_group_is_told_that_it_is_durable_if_it_is_not(tmp_path: Path) -> None:
    """Whoever of them writes it."""
    path = tmp_path / "a" / "cursors.sqlite"
    commits = [
        Commit(name, Cursor(region="us", service=name).encode(), {}) for name in ("a", "b", "c")
    ]
    with SqliteCursors(path) as first:
        await first.commit(commits[:1])
        path.parent.rename(tmp_path / "b")
        with SqliteCursors(path) as second:
            await second.commit(commits[1:2])
        told = await asyncio.gather(
            *(first.commit([commit]) for commit in commits), return_exceptions=True
        )

    assert [ConfigurationError] * 3 == [type(error) for error in told]


@pytest.mark.parametrize("damage", ["drop table cursors", "drop table edits"])
async def test_damage_that_shows_when_lines_are_written_repeats_none(
    fake: FakeCloud, tmp_path: Path, damage: str
) -> None:
    """They stand in one file, and not in the one before, too."""
    fake.write("web", "a")
    ship = Ship(FakeClient(fake), FileSink(tmp_path))
    async with ship:
        await all_written(ship, fake, lambda: in_files(tmp_path))
        with closing(sqlite3.connect(state(tmp_path))) as damaged, damaged:
            damaged.execute(damage)
        fake.write("web", "b", "c")
        await until(lambda: ship.status.lines == 3)

    assert fake.written == in_files(tmp_path)


async def test_what_was_found_meanwhile_is_lost_with_the_file_that_knew_it(
    fake: FakeCloud, tmp_path: Path
) -> None:
    """A file that is begun anew does not take it for new."""
    ship = Ship(FakeClient(fake), FileSink(tmp_path))
    async with ship:
        fake.add("api")
        fake.write("api", "a")
        await until(lambda: ship.status.lines == 1)
        fake.failing["api"] = ServerError("down", status=500)
        state(tmp_path).parent.rename(tmp_path / "moved")
        fake.write("web", "b")
        await until(lambda: ship.status.lines == 2)
    client = FakeClient(fake)
    fake.failing.clear()
    await Ship(client, FileSink(tmp_path), follow=False).run()

    lost = [event.source for event in client.events if isinstance(event, CursorLost)]
    assert ["api"] == lost


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_bytes(b""), lambda path: shutil.rmtree(path.parent)],
)
@pytest.mark.parametrize("form", ["jsonl", "text"])
async def test_a_record_that_is_gone_is_missed(
    fake: FakeCloud, tmp_path: Path, damage: Callable[[Path], object], form: Form
) -> None:
    """Lines come again, but not in silence, and not into the files that are there."""
    fake.write("web", "one", "two")
    await Ship(FakeClient(fake), FileSink(tmp_path, form=form), follow=False).run()
    before = contents(tmp_path)
    damage(state(tmp_path))
    client = FakeClient(fake)
    ship = Ship(client, FileSink(tmp_path), follow=False)
    await ship.run()

    assert ["web"] == [one.source for one in client.events if isinstance(one, CursorLost)]
    assert 1 == ship.ledger.gaps
    assert before.items() < contents(tmp_path).items()
    assert dict.fromkeys(fake.written, 2 if form == "jsonl" else 1) == in_files(tmp_path)


@pytest.mark.parametrize("daily", [True, False])
async def test_files_that_were_there_before_are_nobodys_record(
    fake: FakeCloud, tmp_path: Path, daily: bool
) -> None:
    """A directory may hold what somebody else wrote, also if the first start was broken off."""
    fake.write("web", "one")
    (tmp_path / "other.jsonl").write_bytes(b"")
    if daily:
        state(tmp_path).parent.mkdir()
        state(tmp_path).touch()
    client = FakeClient(fake)
    await Ship(client, FileSink(tmp_path, rotate_daily=daily), follow=False).run()

    assert not any(isinstance(one, CursorLost) for one in client.events)
    assert fake.written == in_files(tmp_path)


async def test_who_follows_a_link_has_the_lock_of_where_it_leads(tmp_path: Path) -> None:
    """Also when it is turned to another file, which another one has."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "mine")
    mine, other = SqliteSink(link), SqliteSink(tmp_path / "other")
    await mine.open()
    await other.open()
    link.unlink()
    link.symlink_to(tmp_path / "other")
    with pytest.raises(SinkUnavailable, match="another process"):
        await mine.write([batch_of("one")])
    await other.close()
    await mine.write([batch_of("one")])
    await mine.close()


async def test_a_record_of_files_without_a_day_is_missed(fake: FakeCloud, tmp_path: Path) -> None:
    """Their names are nobody's own: they count where there was a record."""
    fake.write("web", "one")
    client = FakeClient(fake)
    for _ in range(2):
        await Ship(client, FileSink(tmp_path, rotate_daily=False), follow=False).run()
        state(tmp_path).unlink()

    assert ["web"] == [one.source for one in client.events if isinstance(one, CursorLost)]


@pytest.mark.parametrize("kind", ["sqlite", "files"])
async def test_a_file_has_one_writer_whatever_names_it_has(tmp_path: Path, kind: str) -> None:
    """A link is a name."""
    (place := tmp_path / "place").mkdir()
    (link := tmp_path / "link").symlink_to(place if kind == "files" else place / "lines")
    first, second = (
        [FileSink(place), FileSink(link)]
        if kind == "files"
        else [SqliteSink(place / "lines"), SqliteSink(link)]
    )
    await first.open()
    with pytest.raises(SinkUnavailable, match="another process"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


async def test_where_a_link_leads_nobody_else_may_read(tmp_path: Path) -> None:
    """Though there was no file before."""
    (link := tmp_path / "link").symlink_to(tmp_path / "lines")
    sink = SqliteSink(link)
    await sink.open()
    await sink.close()

    assert 0o600 == (tmp_path / "lines").stat().st_mode & 0o777


async def test_a_damaged_file_is_set_aside_where_it_is(tmp_path: Path) -> None:
    """Not the link that leads there."""
    (link := tmp_path / "link").symlink_to(tmp_path / "lines")
    (tmp_path / "lines").write_bytes(b"no database, but long enough to be looked at" * 9)
    sink = SqliteSink(link)
    await sink.open()
    await sink.close()

    assert link.is_symlink()
    assert any(path.name.startswith("lines-damaged-") for path in contents(tmp_path))


@TWO
async def test_a_place_that_is_away_for_a_while_is_waited_for(
    fake: FakeCloud, tmp_path: Path, kind: str
) -> None:
    """A service that is found then goes on where it was read to, as soon as that can be told."""
    make, read = KINDS[kind]
    sink, away = tmp_path / "sink", tmp_path / "away"
    sink.mkdir()
    fake.add("api")
    fake.write("api", "a", "b")
    await Ship(FakeClient(fake), make(sink), follow=False).run()
    uid = fake.uids.pop("api")
    client = FakeClient(fake)
    async with Ship(client, make(sink)) as ship:
        await begun(ship)
        sink.rename(away)
        fake.write("web", "c")
        await paused(ship)
        fake.uids["api"] = uid
        await until(lambda: any(isinstance(one, DiscoveryFailed) for one in client.events))
        away.rename(sink)
        fake.write("api", "d")
        await all_written(ship, fake, lambda: read(sink))

    assert fake.written == read(sink)
    assert not any(isinstance(one, CursorLost) for one in client.events)


@TWO
async def test_a_place_that_cannot_be_read_at_first_is_waited_for(
    fake: FakeCloud, tmp_path: Path, unreadable: Unreadable, kind: str
) -> None:
    """As one that cannot be written to."""
    make, read = KINDS[kind]
    unreadable("web", 3)
    fake.write("web", "one", "two")
    client = FakeClient(fake)
    async with Ship(client, make(tmp_path)) as ship:
        await all_written(ship, fake, lambda: read(tmp_path))

    assert fake.written == read(tmp_path)
    pauses = [str(one.error) for one in client.events if isinstance(one, SinkPaused)]
    assert ["no more handles"] == pauses
    assert not any(isinstance(one, CursorLost) for one in client.events)


@TWO
async def test_a_lost_cursor_is_told_once_however_often_it_is_looked(
    fake: FakeCloud, tmp_path: Path, unreadable: Unreadable, kind: str
) -> None:
    """A look that fails for another service tells nothing."""
    make, _ = KINDS[kind]
    path = tmp_path / "lines.sqlite" if kind == "sqlite" else state(tmp_path)
    fake.add("api")
    await Ship(FakeClient(fake), make(tmp_path), follow=False).run()
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("update cursors set cursor = x'0011' where source = 'api'")
    unreadable("web", 3)
    fake.uids = {name: fake.uids[name] for name in ("api", "web")}
    client = FakeClient(fake)
    ship = Ship(client, make(tmp_path), follow=False)
    await ship.run()

    assert ["api"] == [one.source for one in client.events if isinstance(one, CursorLost)]
    assert 1 == ship.ledger.gaps


@TWO
async def test_a_look_that_fails_half_way_begins_nothing(
    fake: FakeCloud, tmp_path: Path, unreadable: Unreadable, kind: str
) -> None:
    """Or what was read of one until the next look would be read once more."""
    make, read = KINDS[kind]
    client = FakeClient(fake)
    unreadable("b", 4)
    async with Ship(client, make(tmp_path)) as ship:
        await begun(ship)
        fake.add("a", "b")
        fake.write("a", "one", "two")
        fake.write("b", "three")
        await until(lambda: {"a", "b"} <= {one.name for one in ship.status.sources})
        fake.write("a", "four")
        await all_written(ship, fake, lambda: read(tmp_path))

    assert fake.written == read(tmp_path)
    assert any(isinstance(one, DiscoveryFailed) for one in client.events)


@TWO
async def test_what_was_gone_at_the_last_look_is_new_when_it_comes_back(
    fake: FakeCloud, clock: ManualClock, tmp_path: Path, kind: str
) -> None:
    """None of it was there already."""
    make, read = KINDS[kind]
    fake.add("api")
    for text in ("one", "two"):
        async with Ship(FakeClient(fake), make(tmp_path), "web") as ship:
            await begun(ship)
            fake.write("web", text)
            await all_written(ship, fake, lambda: read(tmp_path))
        fake.uids.pop("api", None)
        clock.advance(86_400)
    fake.add("api", uid="u2")
    fake.write("api", "new")
    async with Ship(FakeClient(fake), make(tmp_path), tail=0) as ship:
        await all_written(ship, fake, lambda: read(tmp_path))

    assert fake.written == read(tmp_path)


def test_nobody_closes_what_is_read(tmp_path: Path) -> None:
    """To close a connection in one thread that another one uses ends the process."""
    SqliteCursors(tmp_path / "cursors.sqlite").close()
    reader = Reader(tmp_path / "cursors.sqlite", tmp_path)
    closing_it = threading.Thread(target=reader.close)
    with reader.turn:
        closing_it.start()
        closing_it.join(0.05)
        assert closing_it.is_alive()
    closing_it.join()


DAMAGES = {
    "a cursor that is none": "update cursors set cursor = 5",
    "a date that is no text": "update edits set date = cast(date as blob)",
    "a cursor of another service": "update cursors set source = 'wec'",
    "digests of another service": "update edits set source = 'wec'",
    "the length of another file": "update lengths set ending = '.jsonm'",
    "a length that is none": "update lengths set length = 'x'",
    "no lengths": "drop table lengths",
    "no cursors": "drop table cursors",
    "no digests": "drop table edits",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_damage_is_told_by_each_who_begins_until_lines_are_committed(
    fake: FakeCloud, tmp_path: Path, damage: str
) -> None:
    """Nobody falls over it again and again, nor takes the rest of a file for lines."""
    fake.write("web", *(f"line {number}" for number in range(30)))
    await Ship(FakeClient(fake), FileSink(tmp_path), follow=False).run()
    with closing(sqlite3.connect(state(tmp_path))) as damaged, damaged:
        damaged.execute(damage)
    client = FakeClient(fake)
    for _ in range(2):
        sink = FileSink(tmp_path)
        try:
            await sink.open()
        except SinkUnavailable:
            await sink.open()
        await sink.close()
    fake.write("web", "after")
    async with Ship(client, FileSink(tmp_path)) as ship:
        await until(lambda: ship.status.state == "ok" and ship.status.lines > 0)

    assert "CursorLost" in {type(event).__name__ for event in client.events}
    assert ship.ledger.gaps
    assert not fake.written - in_files(tmp_path)


async def test_a_service_that_comes_after_damage_is_not_lost(
    fake: FakeCloud, tmp_path: Path
) -> None:
    """Only of what was there then it is not known how far it was read."""
    path = state(tmp_path)
    fake.write("web", "a")
    await Ship(FakeClient(fake), FileSink(tmp_path), follow=False).run()
    path.write_bytes(b"not a database" * 400)
    for name in ("api", "db"):
        client = FakeClient(fake)
        async with Ship(client, FileSink(tmp_path)) as ship:
            await until(lambda: ship.status.state == "ok" and ship.status.lines > 0)
        fake.add(name)
        fake.write(name, "b")
        lost = [event.source for event in client.events if isinstance(event, CursorLost)]
        assert (["web"] if name == "api" else []) == lost


@pytest.mark.parametrize("path", [".", "..", "/"])
def test_a_directory_is_no_file(path: str) -> None:
    """It is said at once, by whatever would be a file there."""
    for make in (SqliteSink, SqliteCursors):
        with pytest.raises(ConfigurationError, match="is a directory, not a file"):
            make(path)


async def test_a_name_that_means_something_to_sqlite_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines are not written into a memory that goes with the process."""
    monkeypatch.chdir(tmp_path)
    sink = SqliteSink(":memory:")
    await sink.open()
    await sink.write([batch_of("a")])
    await sink.close()

    with closing(connect(Path(":memory:"))) as file:
        assert [("a",)] == file.execute("select log from lines").fetchall()


@pytest.mark.parametrize("url", ["nonsense", "ftp://there/v1/logs", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """Nothing would ever be sent there."""
    with pytest.raises(ConfigurationError, match="no address like"):
        sink_at(f"otlp:{url}")


@TWO
async def test_one_sink_serves_one_ship_after_the_other(
    fake: FakeCloud, tmp_path: Path, kind: str
) -> None:
    """The second waits as it would for another process."""
    make, read = KINDS[kind]
    sink = make(tmp_path)
    fake.write("web", "a")
    async with Ship(FakeClient(fake), sink) as first:
        await all_written(first, fake, lambda: read(tmp_path))
        second = Ship(FakeClient(fake), sink)
        running = asyncio.ensure_future(second.run())
        await paused(second)
    fake.write("web", "b")
    await all_written(second, fake, lambda: read(tmp_path))
    second.stop()
    await running


async def test_a_ship_runs_once_only(fake: FakeCloud, tmp_path: Path) -> None:
    """Twice at the same time it would take lines from itself."""
    ship = Ship(FakeClient(fake), FileSink(tmp_path), follow=False)
    await ship.run()
    with pytest.raises(ConfigurationError, match="once only"):
        await ship.run()
