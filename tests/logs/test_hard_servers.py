"""Servers and logs that leave a reader little to hold on to."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.findings import Doubt, Gap, Reordered, Shift
from tenx_async.logs.order import Order, PageRequest
from tests.logs.corpus import numbered
from tests.logs.model import ModelLog, Reader, entries

ORDERS = pytest.mark.parametrize("order", list(Order), ids=str)
PAGE_BYTES = 10_000
NEWEST = pytest.mark.parametrize("order", [Order.NEWEST_FIRST, Order.NEWEST_PAGE], ids=str)


@ORDERS
def test_a_memory_shorter_than_a_page_repeats_nothing(order: Order) -> None:
    """Every third line is the same, and only a hundred are remembered."""
    log = ModelLog(order)
    log.append(*entries(["GET /health" if n % 3 == 0 else f"line {n}" for n in range(2_000)]))
    reader = Reader.of(log, order=order, size=1_000, remember=100)
    reader.catch_up()
    for n in range(10):
        log.append(*entries([f"new {n}", "GET /health"]))
        reader.catch_up()

    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", [*Order, None], ids=str)
@pytest.mark.parametrize("cap", [2, 3, 5, 7, 10, 15])
def test_a_server_may_give_very_few_entries_a_page(order: Order | None, cap: int) -> None:
    """However short its pages are, all of the log is read, and what is written later."""
    log = ModelLog(order or Order.OLDEST_FIRST, cap=cap)
    log.append(*numbered(0, 60))
    reader = Reader.of(log, order=order)
    reader.catch_up()
    log.append(*numbered(60, 100))
    for _ in range(10):
        reader.catch_up()

    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("cap", [6, 7])
def test_the_order_shows_in_pages_of_very_few_entries(order: Order, cap: int) -> None:
    """As many are asked for as it takes to see which part of a page they are."""
    log = ModelLog(order, cap=cap)
    log.append(*numbered(0, 60))
    reader = Reader.of(log, tail=10)
    reader.catch_up()
    assert Counter(log.entries[-10:]) == reader.delivered

    log.append(*numbered(60, 63))
    reader.catch_up()
    assert Counter(log.entries[-13:]) == reader.delivered


@pytest.mark.parametrize("order", [*Order, None], ids=str)
@pytest.mark.parametrize("new", [1, 60, 200])
def test_pages_may_become_shorter_while_a_log_is_read(order: Order | None, new: int) -> None:
    """A page that is shorter than earlier ones is not taken for all of the log."""
    log = ModelLog(order or Order.OLDEST_FIRST)
    log.append(*numbered(0, 1_000))
    reader = Reader.of(log, order=order, size=1_000)
    reader.catch_up()
    log.cap = 50
    log.append(*numbered(1_000, 1_000 + new))
    for _ in range(10):
        reader.catch_up()

    assert log.ever == reader.delivered
    assert not any(finding for finding in reader.findings if not finding.is_resolved)


@pytest.mark.parametrize("cap", [20, 50])
def test_a_log_that_grows_faster_than_shorter_pages_come_is_told_to_have_more(cap: int) -> None:
    """Pages that become shorter, all alike, are not taken for the end of the log each time."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*numbered(0, 1_000))
    reader = Reader.of(log, order=Order.OLDEST_FIRST)
    reader.catch_up()
    log.cap = cap
    for turn in range(10):
        log.append(*numbered(1_000 + 60 * turn, 1_060 + 60 * turn))
        reader.catch_up()

    assert log.entries == reader.lines


def test_a_log_that_grows_by_as_much_each_time_is_read_with_hardly_a_call_more() -> None:
    """Pages that are all alike are looked behind ever more rarely."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*numbered(0, 250))
    reader = Reader.of(log, order=Order.OLDEST_FIRST)
    reader.catch_up()
    calls = reader.calls
    for turn in range(500):
        log.append(*numbered(250 + 20 * turn, 270 + 20 * turn))
        reader.catch_up()

    assert log.entries == reader.lines
    assert 500 <= reader.calls - calls <= 508


@define
class BytesLog(ModelLog):
    """A server that ends a page where it has so many bytes."""

    def page(self, request: PageRequest) -> Sequence[LogEntry]:
        log = self.entries if self.order is Order.OLDEST_FIRST else self.entries[::-1]
        sizes = itertools.accumulate(len(entry.log) for entry in log[request.from_ :])
        self.cap = max(1, sum(size <= PAGE_BYTES for size in sizes))
        return ModelLog.page(self, request)


@define
class WhimsicalLog(ModelLog):
    """A server that ends a page anywhere."""

    chance: random.Random = field(factory=lambda: random.Random(2))

    def page(self, request: PageRequest) -> Sequence[LogEntry]:
        self.cap = self.chance.randint(30, 100)
        return ModelLog.page(self, request)


@pytest.mark.parametrize("log", [BytesLog, WhimsicalLog], ids=["by bytes", "anywhere"])
@pytest.mark.parametrize("is_told", [True, False], ids=["told", "found out"])
@ORDERS
def test_pages_may_be_cut_otherwise_each_time(
    order: Order, is_told: bool, log: type[ModelLog]
) -> None:
    """A page that is shorter than others were is not taken for the last one."""
    lengths, server = random.Random(1), log(order)
    reader = Reader.of(server, order=order if is_told else None)
    for new in [1000] + 10 * [60]:
        numbers = range(len(server.entries), len(server.entries) + new)
        server.append(
            *entries([f"line {n} " + lengths.choice([5, 50, 500]) * "x" for n in numbers])
        )
        for _ in range(10):
            reader.catch_up()

    assert server.ever == reader.delivered


def test_a_short_idle_log_is_looked_behind_ever_more_rarely() -> None:
    """A reply of two entries may be all there is, or all that a server gives: that costs a call."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*numbered(0, 2))
    reader = Reader.of(log, order=Order.OLDEST_FIRST)
    reader.catch_up()
    calls = reader.calls
    for _ in range(100):
        reader.poll()

    assert 100 <= reader.calls - calls <= 107


@NEWEST
@pytest.mark.parametrize("texts", [["GET /health"], ["A", "B"], ["A", "B", "C"]], ids=str)
def test_a_tail_of_lines_that_recur_is_no_longer_than_asked(order: Order, texts: list[str]) -> None:
    """Ten lines are ten lines, though none can be told from those before; the doubt is told."""
    log = ModelLog(order)
    log.append(*entries(texts * 1_000))
    reader = Reader.of(log, order=order, size=1_000, tail=10)
    for _ in range(20):
        reader.poll()

    assert 10 == reader.delivered.total()
    assert [Doubt] == [type(finding) for finding in reader.findings]


@NEWEST
def test_what_is_new_among_lines_that_recur_comes_once(order: Order) -> None:
    """A line that differs shows how many came before it, at least."""
    log = ModelLog(order)
    log.append(*entries(["A", "B"] * 1_500))
    reader = Reader.of(log, order=order, size=1_000, tail=0)
    reader.poll()
    for n in range(5):
        log.append(*entries([f"new {n}"]))
        reader.poll()
    log.insert(100, *entries(["late"]))
    reader.audit()

    assert [f"new {n}" for n in range(5)] + ["late"] == [entry.log for entry in reader.lines]


@pytest.mark.parametrize("tail", [0, 10, 100])
@pytest.mark.parametrize("length", [300, 3_000])
@ORDERS
def test_a_tail_is_no_longer_for_a_reply_that_lacks_lines(
    order: Order, length: int, tail: int
) -> None:
    """What a failed shard did not show at first was there before, and is not new."""
    log = ModelLog(order)
    log.append(*numbered(0, length))
    log.lack(1)
    reader = Reader.of(log, order=order, size=max(100, length // 3), tail=tail)
    for _ in range(5):
        reader.catch_up()
        reader.audit()

    assert log.entries[length - tail :] == reader.lines


@NEWEST
@pytest.mark.parametrize("polls", [1, 5])
@pytest.mark.parametrize("new", [150, 1_000])
def test_a_text_that_recurs_now_and_then_is_not_where_a_reading_met_what_it_knows(
    order: Order, new: int, polls: int
) -> None:
    """It stands once in what is remembered and once in the last page, and nothing beside it."""
    log = ModelLog(order)
    hourly = entries(["hourly"])
    log.append(*numbered(0, 200), *hourly, *numbered(200, 290))
    reader = Reader.of(log, order=order, tail=100, size=60, remember=200)
    for _ in range(polls):
        reader.poll()
    log.append(*numbered(290, 290 + new - 20), *hourly, *numbered(290 + new - 20, 290 + new))
    reader.poll()

    assert log.entries[-new - 101 :] == reader.lines
    assert not reader.findings


@NEWEST
@pytest.mark.parametrize("back", [15, 18, 500])
def test_a_late_line_costs_no_more_than_what_is_remembered(order: Order, back: int) -> None:
    """The search for where a window begins ends where memory does, not where the day begins."""
    log = ModelLog(order)
    log.append(*numbered(0, 60_000))
    reader = Reader.of(log, order=order, size=1_000, tail=10)
    for _ in range(3):
        reader.poll()
    calls = reader.calls
    log.insert(back, *entries(["late"]))
    reader.poll()
    reader.audit()

    assert "late" in [entry.log for entry in reader.lines]
    assert reader.calls - calls < 10


@pytest.mark.parametrize("back", range(1, 10))
def test_a_line_inserted_at_the_edge_of_a_short_memory_makes_no_new_log(back: int) -> None:
    """What is remembered is found again by any line that stands only once in it."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*numbered(0, 13))
    reader = Reader.of(log, order=Order.OLDEST_FIRST, remember=10)
    reader.catch_up()
    log.insert(back, *entries(["late"]))
    reader.catch_up()

    assert log.ever == reader.delivered
    assert [Shift] == [type(finding) for finding in reader.findings]


@ORDERS
def test_a_removal_that_an_equal_insertion_hides_is_told_with_its_place(order: Order) -> None:
    """Content cannot tell the line that came from the one that went: only that places changed."""
    log = ModelLog(order)
    log.append(*entries(["one", "tick", "two", "three", "four"]))
    reader = Reader.of(log, order=order)
    reader.catch_up()
    log.remove(4, 1)
    log.insert(1, *entries(["tick"]))
    for _ in range(3):
        reader.poll()

    assert [Reordered(1)] == reader.findings


@NEWEST
def test_a_batch_that_comes_late_comes_in_its_order(order: Order) -> None:
    """Where a poll sees a part of a batch it looks for the rest before it hands any on."""
    log = ModelLog(order)
    log.append(*entries(numbered_texts("a", 200), "web-1"))
    reader = Reader.of(log, order=order, size=100)
    for _ in range(4):
        reader.catch_up()
    for back, text in zip(range(60, 0, -2), numbered_texts("b", 30), strict=True):
        log.insert(back, *entries([text], "web-2"))
    reader.catch_up()

    assert numbered_texts("b", 30) == [e.log for e in reader.lines if e.instance_name == "web-2"]


def numbered_texts(name: str, count: int) -> list[str]:
    """Texts that are all different."""
    return [f"{name} {number}" for number in range(count)]


def countdown(first: int, stop: int) -> list[LogEntry]:
    return entries([f"remaining {99_999 - n}" for n in range(first, stop)])


@pytest.mark.parametrize("tail", [None, 10])
def test_a_countdown_is_not_taken_for_a_log_that_is_read_from_its_end_for_ever(
    tail: int | None,
) -> None:
    """Its numbers fall, and its first page never changes; what passed meanwhile is told."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*countdown(0, 2500))
    reader = Reader.of(log, size=1_000, tail=tail)
    for turn in range(40):
        reader.catch_up()
        log.append(*countdown(2500 + 3 * turn, 2503 + 3 * turn))
    reader.catch_up()

    wanted = Counter(countdown(2500 if tail else 0, 2620))
    told = sum(found.lines or 0 for found in reader.findings if isinstance(found, Gap))
    assert not reader.delivered - log.ever
    assert (wanted - reader.delivered).total() <= told
    assert set(countdown(2560, 2620)) <= set(reader.lines)
    assert bool(told) is bool(tail)


@pytest.mark.parametrize("fails", [{4: 1}, {4: 6}, {8: 1}, {8: 2}, {4: 6, 8: 2}], ids=str)
@pytest.mark.parametrize("tail", [None, 10])
def test_a_poll_that_fails_while_an_order_is_turned_round_has_no_effect(
    tail: int | None, fails: dict[int, int]
) -> None:
    """The next poll does what it would have done, to the last line."""

    def delivered(fails: dict[int, int]) -> Counter[LogEntry]:
        log = ModelLog(Order.OLDEST_FIRST)
        log.append(*countdown(0, 700))
        reader = Reader.of(log, tail=tail)
        for turn in range(40):
            if turn in fails:
                reader.poll(fail_after=fails[turn])
            reader.poll()
            reader.poll()
            log.append(*countdown(700 + 3 * turn, 703 + 3 * turn))
        reader.catch_up()
        return reader.delivered

    assert delivered({}) == delivered(fails)


def test_a_seal_finds_what_stands_behind_pages_that_became_shorter() -> None:
    """A page that is shorter than what is known of its place is not the end."""
    log = ModelLog()
    log.append(*numbered(0, 300))
    reader = Reader.of(log, order=Order.OLDEST_FIRST)
    reader.poll()
    log.cap = 20
    log.insert(400, *numbered(1000, 1001))
    reader.catch_up()
    while (delivery := reader.audit()) and delivery.more:
        reader.catch_up()

    assert log.ever == reader.delivered
