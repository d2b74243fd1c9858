"""What stands for entries, and that a log is read as exactly where most of it is never made."""

from __future__ import annotations

import random
import weakref
from collections import Counter

import msgspec
import pytest

from tenx_async.api.entries import LogEntry, Reply
from tenx_async.logs import digests
from tenx_async.logs.digests import Digests, Kept, digests_of
from tenx_async.logs.order import Order
from tests.logs.corpus import numbered
from tests.logs.model import ModelLog, Reader


def page(first: int, stop: int) -> list[LogEntry]:
    return list(numbered(first, stop))


def test_digests_are_those_of_the_entries_in_their_order() -> None:
    """Whether they were asked for in between or not."""
    row = Digests()
    row.put(page(0, 5))
    assert digests_of(page(0, 5)) == row.made

    row.put(page(5, 9))
    assert 9 == len(row)
    assert digests_of(page(6, 9)) == row.tail(3)
    assert digests_of(page(2, 9)) == row.tail(7)
    assert list(digests_of(page(0, 9))) == list(row)


def test_what_is_dropped_in_time_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long log only the end is."""
    seen = Counter[LogEntry]()
    make = digests.digests_of
    monkeypatch.setattr(digests, "digests_of", lambda some: seen.update(some) or make(some))
    row, dropped = Digests(), 0
    for first in range(0, 1000, 100):
        row.put(page(first, first + 100))
        dropped += row.drop_waiting(250)

    assert 1000 == dropped + len(row)
    assert digests_of(page(dropped, 1000)) == row.made
    assert 250 <= len(row) == seen.total() < 350


@pytest.mark.parametrize("remember", [50, 150, 1000])
def test_a_log_longer_than_what_is_remembered_is_read_exactly(remember: int) -> None:
    """A backlog, what comes late right behind it, and what is appended then."""
    log = ModelLog(Order.OLDEST_FIRST)
    reader = Reader.of(log, order=Order.OLDEST_FIRST, remember=remember)
    log.append(*page(0, 3000))
    reader.catch_up()
    assert 3000 == reader.day.position

    log.insert(20, *page(5000, 5003))
    log.append(*page(3000, 3010))
    reader.catch_up()

    assert log.ever == reader.delivered
    assert 3013 == reader.day.position


@pytest.mark.parametrize("every", [1, 2, 7, 40])
def test_what_comes_late_in_a_log_of_recurring_lines_is_found_while_it_is_caught_up_with(
    every: int,
) -> None:
    """A row of lines that recurs does not stand for its place."""
    log = ModelLog(Order.OLDEST_FIRST)
    reader = Reader.of(log, order=Order.OLDEST_FIRST)
    log.append(*(LogEntry("web-1", f"tick {n % every}") for n in range(3000)))
    for turn in range(40):
        reader.poll()
        log.insert(len(log.entries) - reader.day.position + 3, *page(turn, turn + 1))
    reader.catch_up()
    reader.audit()

    assert log.ever == reader.delivered


def recurring(chance: random.Random, texts: int, alike: float) -> LogEntry:
    """A line of one of so many texts, or now and then of its own."""
    number = chance.randrange(texts) if chance.random() < alike else chance.random()
    return LogEntry(f"web-{chance.randrange(2)}", f"tick {number}")


@pytest.mark.parametrize("seed", range(60))
def test_a_backlog_is_read_exactly_whatever_comes_late_and_recurs_in_it(seed: int) -> None:
    """Lines are inserted before and behind the place that is read, and replies lack some."""
    chance = random.Random(seed)
    texts, alike = chance.choice([1, 2, 5, 20, 300]), chance.choice([0, 0.5, 0.9, 0.99, 1])
    log = ModelLog(Order.OLDEST_FIRST, cap=chance.choice([None, None, 30]))
    reader = Reader.of(
        log,
        order=Order.OLDEST_FIRST,
        size=chance.choice([40, 100, 250]),
        remember=chance.choice([600, 1500, 20_000]),
    )

    def lines(*counts: int) -> list[LogEntry]:
        return [recurring(chance, texts, alike) for _ in range(chance.choice(counts))]

    log.append(*lines(500, 2000))
    for _ in range(60):
        reader.poll()
        unread = max(0, len(log.entries) - reader.day.position)
        if chance.random() < 0.3:
            log.insert(unread + chance.choice([0, 1, 3, 8, 30, 100, 400]), *lines(1, 2, 10, 50))
        elif chance.random() < 0.2:
            log.lack(1)
        else:
            log.append(*lines(0, 1, 5, 50))
    log.lack(0)
    for _ in range(2):
        reader.catch_up()
        reader.audit()
    reader.catch_up()

    assert log.ever == reader.delivered


class Watched(Reply):
    """A reply that tells when it is gone."""


def test_a_page_that_is_kept_is_kept_by_its_bytes() -> None:
    """Its entries can go; the digests are made of what its bytes say, once for all who keep it."""
    entries = page(0, 5)
    reply = Watched(msgspec.json.encode(entries))
    gone = weakref.ref(reply)
    kept = Kept.of(reply, 2)
    del reply

    assert gone() is None
    assert 3 == len(kept)
    assert digests_of(entries[2:]) == kept.digests
    assert kept.digests is kept.digests


def test_the_log_of_an_instance_is_kept_with_its_name() -> None:
    """Its pages hold bare texts."""
    reply = Reply(b'["x", "y"]', instance="web-1")

    assert [LogEntry("web-1", "x"), LogEntry("web-1", "y")] == reply
    assert digests_of(reply) == Kept.of(reply).digests
