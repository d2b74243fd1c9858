"""How a server orders and cuts its pages, and where a day's log ends."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tenx_async import LogEntry
from tenx_async.logs.findings import Gap, Guess
from tenx_async.logs.order import EndSearch, Habits, Order, PageRequest, order_of, trend
from tests.logs.model import ModelLog, Reader, entries


def search(length: int, size: int) -> tuple[int, int]:
    """Find the end of a log; tell it, and how many pages that took."""
    found, calls = EndSearch(Habits(size)), 0
    while found.found is None:
        request = found.request()
        assert size == request.size
        found.feed(request, max(0, min(size, length - request.from_)))
        calls += 1
        assert calls < 200
    return found.found, calls


@given(st.integers(0, 3_000_000), st.integers(16, 2_000))
def test_the_end_is_found(length: int, size: int) -> None:
    """Whatever the length of the log and of a page, the number of entries is exact."""
    found, calls = search(length, size)

    assert length == found
    assert 2 * (length // size).bit_length() + 4 >= calls


def test_a_million_lines_take_few_pages() -> None:
    """The end of a day of a million lines is found in some twenty pages of a thousand."""
    for length in (999_999, 1_000_000, 1_000_001, 1_048_576, 1_234_567):
        assert 24 >= search(length, 1000)[1]


@given(st.integers(16, 100), st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_a_growing_log_has_an_end(size: int, growth: list[int]) -> None:
    """What is found lies between the length at first and the length at last."""
    first = length = growth[0] * 50
    found, rest = EndSearch(Habits(size)), iter(growth[1:])
    while found.found is None:
        request = found.request()
        found.feed(request, max(0, min(size, length - request.from_)))
        length += next(rest, 0)

    assert first <= found.found <= length


def test_a_reply_as_long_as_any_may_have_been_cut() -> None:
    """A server that gives less than is asked for is not taken to have no more."""
    habits = Habits(1000)
    request = PageRequest(0, 1000)

    assert [True, True, False, True] == [habits.is_full(request, n) for n in (300, 300, 299, 301)]
    assert not Habits(1000).is_full(request, 0)
    assert Habits(1000).is_full(PageRequest(0, 5), 5)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"line {n}" for n in range(50)], Order.OLDEST_FIRST),
        ([f"line {50 - n}" for n in range(50)], Order.NEWEST_FIRST),
        ([f"12:00:{n:02} GET /{n * 7919 % 13}" for n in range(50)], Order.OLDEST_FIRST),
        (["same"] * 50, None),
        ([f"{n * 7919 % 101}" for n in range(50)], None),
    ],
)
def test_the_beginning_of_a_page_tells_by_what_it_counts(
    texts: list[str], expected: Order | None
) -> None:
    """Where half a page is its beginning, numbers that grow or shrink tell the rest."""
    page = entries(texts)

    assert expected == order_of(page, page[:25])


def test_the_end_of_a_page_tells_the_order() -> None:
    """Where half a page is its end, `from` counts back and pages ascend."""
    page = entries([f"{n * 7919 % 101}" for n in range(50)])

    assert Order.NEWEST_PAGE == order_of(page, page[25:])
    assert None is order_of(page, [LogEntry("web-1", "new")] * 25)


def test_instances_are_not_compared_with_each_other() -> None:
    """Each has a clock of its own."""
    page = [LogEntry(f"web-{n % 3}", f"{n % 3 * 1000 + n}") for n in range(60)]

    assert 1 == trend(page)


@pytest.mark.parametrize(
    ("said", "window"), [("must be at most 11000", 11_000), ("too large", 10_000)], ids=str
)
def test_a_window_may_turn_out_nearer_than_what_was_read(said: str, window: int) -> None:
    """Each refusal that is news brings it nearer; what was read farther on before is no witness."""
    habits = Habits(1000)
    habits.is_full(PageRequest(12_000, 1000), 5)

    assert habits.refuse(PageRequest(12_000, 1000), said)
    assert window == habits.window
    assert not habits.refuse(PageRequest(12_000, 1000), said)


@pytest.mark.parametrize("order", list(Order))
def test_a_late_line_before_all_others_does_not_tell_where_a_log_grows(order: Order) -> None:
    """A young log's first lines may come late, which looks like growth at its other end."""
    log = ModelLog(order)
    log.append(*entries(list("abcdefghij")))
    reader = Reader.of(log)
    reader.poll()
    log.insert(1000, *entries(["late"]))
    reader.poll()
    for text in "klmnop":
        log.append(*entries([text]))
        reader.poll()
    reader.catch_up()

    assert reader.day.habits.order is order
    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", list(Order))
def test_numbers_tell_a_late_line_from_growth(order: Order) -> None:
    """Times that fall along a page say that it does not begin with the oldest line."""
    log = ModelLog(order)
    log.append(*entries([f"at {number}" for number in range(100, 110)]))
    reader = Reader.of(log)
    reader.poll()
    log.insert(1000, *entries([f"at {number}" for number in range(90, 95)]))
    reader.poll()
    log.append(*entries(["at 110", "at 111"]))
    reader.catch_up()

    assert reader.day.habits.order is order
    assert log.ever == reader.delivered


def test_an_order_that_was_taken_wrongly_is_turned_round() -> None:
    """Late lines at the beginning of a long log look like growth; where it grows tells later."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*entries([f"{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(60)]))
    reader = Reader.of(log, size=40)
    reader.catch_up()
    log.insert(1000, *entries(["late", "later", "latest"]))
    reader.catch_up()
    taken_for = reader.day.habits.order

    for text in ("uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto"):
        log.append(*entries([text]))
        reader.poll()
    reader.catch_up()

    assert [Order.NEWEST_FIRST, Order.OLDEST_FIRST] == [taken_for, reader.day.habits.order]
    assert log.ever == reader.delivered


@pytest.mark.parametrize("tail", [None, 10])
def test_an_order_that_nothing_shows_is_told(tail: int | None) -> None:
    """A still log without numbers may be read from either end."""
    log = ModelLog(Order.NEWEST_FIRST)
    log.append(*entries([f"{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(100)]))
    reader = Reader.of(log, size=40, tail=tail)
    for _ in range(3):
        reader.catch_up()

    assert [Guess(100, "oldest-first")] == reader.findings


def test_an_order_that_does_not_matter_is_not_told() -> None:
    """What fits into a page is read right in any."""
    log = ModelLog(Order.NEWEST_FIRST)
    log.append(*entries(["a", "b", "c", "d", "e", "f"]))
    reader = Reader.of(log, size=40)
    reader.catch_up()

    assert not reader.findings


def test_an_order_that_turns_while_a_poll_is_under_way_holds_from_the_next_on() -> None:
    """Other services share what is known of the server, and may show it meanwhile."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*entries([f"{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(60)]))
    reader = Reader.of(log, size=100)
    habits = reader.day.habits
    habits.find(Order.NEWEST_FIRST)
    reader.poll()

    def turn(_: int) -> None:
        habits.note_growth(Order.NEWEST_FIRST, here=False)

    for _ in range(3):
        log.append(*entries(["uno", "due"]))
        reader.poll(meanwhile=turn)
    reader.catch_up()

    assert habits.order is Order.OLDEST_FIRST
    assert log.ever == reader.delivered


def test_a_guess_is_not_read_on_by_before_it_is_seen_where_a_page_stands() -> None:
    """A log that grew while its order was asked for, and stands still when it fills a page."""
    log = ModelLog(Order.NEWEST_PAGE)
    names = iter(f"{one}{two}" for one in "abcdefghij" for two in "klmnopqrstuvwxyz")
    reader = Reader.of(log, size=40)

    def grow(_: int) -> None:
        log.append(*entries([next(names) for _ in range(4)]))

    reader.poll(meanwhile=grow)
    for _ in range(12):
        reader.poll()

    assert reader.day.habits.order is Order.NEWEST_PAGE
    assert log.ever == reader.delivered


def test_a_log_made_anew_is_asked_for_its_order_again() -> None:
    """Nothing showed it in the lines that were there before."""
    log = ModelLog(Order.NEWEST_PAGE)
    log.append(*entries(["a", "b"]))
    reader = Reader.of(log, size=40)
    reader.poll()
    log.wipe()
    log.append(*entries([f"{one}{two}" for one in "abcde" for two in "klmnopqr"]))
    for _ in range(4):
        reader.poll()

    assert reader.day.habits.order is Order.NEWEST_PAGE
    assert log.ever == reader.delivered


def test_lines_at_the_other_end_come_soon_though_their_texts_are_known() -> None:
    """Texts that recur do not tell that an order was taken wrongly; all is read again for them."""
    log = ModelLog(Order.OLDEST_FIRST)
    letters = "abcdefghijklmnopqrstuvwx"
    log.append(*entries([one + two for one in letters for two in letters]))
    reader = Reader.of(log, size=100)
    reader.day.habits.find(Order.NEWEST_FIRST)
    reader.poll()
    log.append(*entries(["ak", "bl"]))
    for _ in range(2):
        reader.poll()

    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", [Order.NEWEST_FIRST, Order.NEWEST_PAGE])
def test_pages_that_grew_shorter_are_looked_behind_from_then_on(order: Order) -> None:
    """What is new may take more than one of them."""
    log = ModelLog(order)
    log.append(*entries([f"line {number}" for number in range(300)]))
    reader = Reader.of(log, size=100, order=order)

    def shrink(number: int) -> None:
        log.cap = 30 if number > 1 else None

    reader.poll(meanwhile=shrink)
    log.append(*entries([f"line {number}" for number in range(300, 380)]))
    for _ in range(3):
        reader.poll()

    assert log.ever == reader.delivered


def turned(reader: Reader, log: ModelLog) -> None:
    """Go on after others have shown that the order is the opposite one."""
    order = reader.day.order
    while reader.day.habits.order is order:
        reader.day.habits.note_growth(order, here=False)
    log.append(*entries(["uno", "due"]))
    reader.catch_up()


def test_a_day_that_is_not_all_remembered_is_not_read_again_in_another_order() -> None:
    """What was forgotten would come twice: it is read on from its end, and the gap is told."""
    log = ModelLog(Order.NEWEST_FIRST)
    log.append(*entries([f"line {number}" for number in range(400)]))
    reader = Reader.of(log, size=100, remember=50)
    reader.day.habits.find(Order.OLDEST_FIRST)
    reader.catch_up()
    reader.poll()
    turned(reader, log)

    assert [Gap] == [type(found) for found in reader.findings if isinstance(found, Gap)]
    assert not reader.delivered - log.ever


def test_a_tail_does_not_come_twice_in_another_order() -> None:
    """What came since its first page is known, too."""
    log = ModelLog(Order.OLDEST_FIRST)
    log.append(*entries([f"{one}{two}" for one in "abcde" for two in "klmnop"]))
    reader = Reader.of(log, size=100, tail=10)
    reader.poll()
    reader.day.habits.find(Order.NEWEST_FIRST)
    reader.catch_up()
    log.append(*entries(["x", "y", "z"]))
    reader.audit()
    turned(reader, log)

    assert 10 + 5 == reader.delivered.total()
    assert not reader.delivered - log.ever


def test_numbers_weigh_more_than_late_lines_before_all_others() -> None:
    """An order that they bear out is not turned by two such batches."""
    log = ModelLog(Order.NEWEST_FIRST)
    log.append(*entries([f"at {number}" for number in range(100, 160)]))
    reader = Reader.of(log, size=40)
    reader.catch_up()
    log.append(*entries(["at 160", "at 161"]))
    reader.catch_up()
    for first in (50, 60):
        log.insert(1000, *entries([f"at {number}" for number in range(first, first + 5)]))
        for _ in range(4):
            reader.poll()

    assert reader.day.habits.order is Order.NEWEST_FIRST
    assert log.ever == reader.delivered
