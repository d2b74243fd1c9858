"""Which source is asked next, and when."""

from __future__ import annotations

import math
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import pytest
from attrs import define, field
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tenx_async.logs.schedule import Schedule


def scheduled(sources: Iterable[str], **options: float) -> Schedule:
    """A schedule of sources that were added at instant 0."""
    schedule = Schedule(**options)
    for source in sources:
        schedule.add(source, 0.0)
    return schedule


def silent_since(instants: dict[str, float], **options: float) -> Schedule:
    """A schedule of silent sources that were asked twice, last at the instants given."""
    schedule = scheduled(instants, **options)
    for now in (*(-1000.0 for _ in instants), *instants.values()):
        source = schedule.next(now)
        assert source is not None
        schedule.observe(source, now, 0, False)
    return schedule


def polled(
    schedule: Schedule, rates: dict[str, float], polls: int, *, full: str = "", begin: float = 0.0
) -> Iterator[str]:
    """Poll ten times a second, answered at once by steady sources and one of endless pages."""
    asked: dict[str, float] = defaultdict(float)
    for number in range(polls):
        now = begin + number / 10
        source = schedule.next(now)
        assert source is not None
        before, asked[source] = asked[source], now
        lines = int(now * rates[source]) - int(before * rates[source])
        schedule.observe(source, now, 1000 if source == full else lines, source == full)
        yield source


def longest_gap(order: Iterable[str], sources: Iterable[str]) -> int:
    """Polls between two of the same source, at most, from before the first to after the last."""
    last, longest, number = dict.fromkeys(sources, 0), 0, 0
    for number, source in enumerate(order, 1):
        if source in last:
            longest, last[source] = max(longest, number - last[source]), number
    return max(longest, number - min(last.values()))


def test_nothing_to_ask() -> None:
    """Without sources there is nothing to ask and nothing to wake for."""
    schedule = Schedule()

    assert schedule.next(0.0) is None
    assert math.inf == schedule.wake(0.0)


def test_a_new_source_is_due_now() -> None:
    """Whatever others have piled up, one that was never asked goes first."""
    schedule = silent_since({"a": 0.0, "b": 0.0}, min_age=5)
    schedule.add("new", 100.0)

    assert 100.0 == schedule.wake(100.0)
    assert "new" == schedule.next(100.0)


def test_to_add_twice_is_to_add_once() -> None:
    """A source has one place."""
    schedule = scheduled(["a", "a"])

    assert ["a", None] == [schedule.next(0.0), schedule.next(0.0)]


@pytest.mark.parametrize("answer", ["nothing", "lines", "page", "failure"])
def test_a_source_that_is_asked_is_out_of_the_order(answer: str) -> None:
    """It comes back with its answer, whatever that is."""
    schedule = scheduled(["a"])
    schedule.next(0.0)

    assert [None, None] == [schedule.next(1.0), schedule.next(1e9)]
    assert math.inf == schedule.wake(1e9)
    if answer == "failure":
        schedule.failed("a", 1e9, 1e9)
    else:
        schedule.observe("a", 1e9, {"nothing": 0, "lines": 5, "page": 9}[answer], answer == "page")
    assert 1e9 == schedule.wake(1e9)
    assert "a" == schedule.next(1e9)


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    """A source that is unknown, or in the order, has no answer to give."""
    schedule = scheduled(["a"])
    schedule.observe("a", 0.0, 5, True)
    schedule.failed("a", 0.0, 50.0)
    schedule.observe("stranger", 0.0, 5, True)

    assert ["a", None] == [schedule.next(0.0), schedule.next(100.0)]


def test_a_backlog_is_asked_again_at_once() -> None:
    """A full page says that more waits, however young its source is."""
    schedule = silent_since({"a": 0.0, "b": 0.0}, min_age=5)
    source = str(schedule.next(10.0))
    schedule.observe(source, 10.0, 1000, True)

    assert 10.0 == schedule.wake(10.0)
    assert source == schedule.next(10.0)


def test_a_backlog_leaves_every_other_poll() -> None:
    """While others are due it is asked every other time; else, every time."""
    rates = dict.fromkeys("abcd", 0.0)
    _, *order = polled(scheduled(rates), rates, 201, full="a")
    alone = list(polled(scheduled("a"), rates, 20, full="a"))

    assert 0 == sum(pair == ("a", "a") for pair in pairwise(order))
    assert 60 <= order.count("a") <= 100
    assert ["a"] * 20 == alone


@pytest.mark.parametrize("rounds", [2.0, 4.0])
@pytest.mark.parametrize("full", ["", "0"])
def test_nobody_waits_longer_than_the_rounds(rounds: float, full: str) -> None:
    """Whatever others do, each source is asked within its rounds; a round is a poll for each."""
    rates = {str(number): 2.0**number if number < 12 else 0.0 for number in range(40)}
    order = polled(scheduled(rates, rounds=rounds), rates, 2000, full=full)

    assert rounds * len(rates) >= longest_gap(order, rates)


def test_failing_sources_keep_nobody_waiting() -> None:
    """Those that fail again at once take no turn from those that waited their rounds."""
    schedule = scheduled([*(f"good-{n}" for n in range(10)), *(f"bad-{n}" for n in range(30))])
    order = []
    for number in range(1000):
        order.append(str(schedule.next(number / 10)))
        if order[-1].startswith("bad"):
            schedule.failed(order[-1], number / 10, number / 10)
        else:
            schedule.observe(order[-1], number / 10, 0, False)

    assert 80 >= longest_gap(order, (f"good-{n}" for n in range(10)))


def test_calls_go_as_the_roots_of_rates() -> None:
    """A source with a hundred times the lines is asked about ten times as often."""
    rates = {"busy": 100.0, "calm": 1.0}
    order = Counter(polled(scheduled(rates, rounds=20), rates, 2000))

    assert order["busy"] / order["calm"] == pytest.approx(10, rel=0.45)


def test_the_first_reply_teaches_nothing() -> None:
    """It may be history: a million lines of yesterday make no busy source."""
    schedule = scheduled("ab")
    for source, lines in (("a", 1_000_000), ("b", 0)):
        assert source == schedule.next(0.0)
        schedule.observe(source, 0.0, lines, False)
    rates = {"a": 0.0, "b": 0.0}

    assert {"a": 20, "b": 20} == Counter(polled(schedule, rates, 40, begin=1.0))


def test_a_backlog_counts_as_one_poll() -> None:
    """Pages that were read one after the other tell one rate, over all the time they cover."""
    paged, whole = scheduled("a", price=1e4), scheduled("a", price=1e4)
    for schedule in (paged, whole):
        schedule.next(0.0)
        schedule.observe("a", 0.0, 0, False)
    now = paged.wake(0.0)
    for lines, full in ((1000, True), (1000, True), (500, False)):
        paged.next(now)
        paged.observe("a", now, lines, full)
    whole.next(now)
    whole.observe("a", now, 2500, False)

    assert whole.wake(now) == paged.wake(now) < now + 100


def test_a_source_in_error_comes_back_when_it_is_told() -> None:
    """Not before, and then at once."""
    schedule = silent_since({"a": 0.0}, min_age=5)
    schedule.next(10.0)
    schedule.failed("a", 10.1, 12.0)

    assert 12.0 == schedule.wake(10.1)
    assert [None, "a"] == [schedule.next(11.9), schedule.next(12.0)]


def test_a_source_in_error_keeps_its_rate() -> None:
    """What was busy before it failed is asked more often afterwards."""
    rates = {"busy": 100.0, "calm": 0.5}
    schedule = scheduled(rates, rounds=100)
    list(polled(schedule, rates, 300))
    for _ in rates:
        schedule.failed(str(schedule.next(30.0)), 30.0, 31.0)
    order = list(polled(schedule, {"busy": 0.0, "calm": 0.0}, 5, begin=31.0))

    assert ["busy"] * 3 == order[2:]


def test_no_source_is_asked_before_its_least_age() -> None:
    """`min_age` holds for all but backlogs and new ones."""
    schedule = silent_since({"a": 0.0, "b": 1.0}, min_age=2.5)

    assert [2.5, 2.75] == [schedule.wake(1.0), schedule.wake(2.75)]
    assert [None, "a", None] == [schedule.next(2.4), schedule.next(2.5), schedule.next(3.4)]
    assert 3.5 == schedule.wake(3.4)


def test_a_silent_source_is_due_at_its_greatest_age() -> None:
    """Where a poll must be worth something, `max_age` asks for one all the same."""
    schedule = silent_since({"a": 0.0}, max_age=60, price=1e9)

    assert 60.0 == schedule.wake(0.0)
    assert [None, "a"] == [schedule.next(59.9), schedule.next(60.0)]


def test_a_poll_is_worth_its_price() -> None:
    """A source that writes is due as soon as the delay it piles up costs as much as a call."""
    rates = {"a": 8.0}
    schedule = scheduled(rates)
    list(polled(schedule, rates, 400, begin=0.0))
    schedule.price = 100.0
    age = schedule.wake(40.0) - 39.9

    assert math.sqrt(200 / 24) <= age <= math.sqrt(200 / 8)
    assert [None, "a"] == [schedule.next(39.9 + age - 0.01), schedule.next(39.9 + age)]


@pytest.mark.parametrize("place", ["new", "waiting", "backlog", "failing", "asked"])
def test_a_source_can_be_removed_wherever_it_is(place: str) -> None:
    """It is asked no more, and its answer is not heard."""
    schedule = scheduled(["a"])
    into: dict[str, Callable[[], object]] = {
        "new": lambda: None,
        "waiting": lambda: schedule.observe(str(schedule.next(0.0)), 0.0, 1, False),
        "backlog": lambda: schedule.observe(str(schedule.next(0.0)), 0.0, 1000, True),
        "failing": lambda: schedule.failed(str(schedule.next(0.0)), 0.0, 1.0),
        "asked": lambda: schedule.next(0.0),
    }
    into[place]()
    schedule.remove("a")
    schedule.remove("a")
    schedule.observe("a", 1.0, 1000, True)

    assert [math.inf, None, math.inf] == [schedule.wake(2.0), schedule.next(2.0), schedule.wake(2)]


def test_a_source_that_comes_back_is_new() -> None:
    """Its place of before is gone, and the answer to a call of before is not its own."""
    schedule = scheduled("ab")
    schedule.next(0.0)
    schedule.remove("a")
    schedule.add("a", 1.0)
    schedule.observe("a", 1.0, 1000, True)

    assert ["b", "a", None] == [schedule.next(1.0) for _ in range(3)]


def test_a_late_answer_costs_no_place() -> None:
    """The order is that of the calls, though a younger one may be answered before."""
    schedule = scheduled("abc")
    first = str(schedule.next(0.0))
    for now in (1.0, 2.0):
        schedule.observe(str(schedule.next(now)), now, 0, False)
    schedule.observe(first, 3.0, 0, False)

    assert [first, "b", "c"] == [schedule.next(4.0) for _ in range(3)]


def test_time_may_stand_still() -> None:
    """All get their turn, and lines are counted when time has passed."""
    schedule = scheduled("abcdefgh")
    order = []
    for _ in range(200):
        order.append(str(schedule.next(7.0)))
        schedule.observe(order[-1], 7.0, 3, False)

    assert 16 >= longest_gap(order, "abcdefgh")


def test_a_source_takes_little_memory() -> None:
    """At most 600 bytes each, names not counted."""
    names = [f"service-{number}" for number in range(5_000)]
    tracemalloc.start()
    try:
        schedule = scheduled(names)
        for number in range(10_000):
            schedule.observe(str(schedule.next(number / 100)), number / 100, number % 7, False)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 600 >= taken / len(names)


@define
class Remembered:
    """All that happened to a source."""

    polls: list[tuple[float, int]] = field(factory=list)
    """Instants of calls and lines, backlogs taken together."""
    backlog: int = 0
    asked: float = -math.inf
    turn: int = 0

    @property
    def root(self) -> float:
        """Square root of the rate, from everything again."""
        lines = seconds = 0.0
        root = 1.0
        for (before, _), (now, count) in pairwise(self.polls):
            lines, seconds = lines * 0.95 + count, seconds * 0.95 + now - before
            root = math.sqrt((count / (now - before) + lines / seconds) / 2)
        return root

    @property
    def rounded(self) -> float:
        """The rate, between the powers of two that it lies between."""
        if self.root**2 < 2.0**-21:
            return 0.75 * 2.0**-20
        power = math.floor(math.log2(self.root * self.root))
        return 1.5 * 2.0**power


class Scheduling(RuleBasedStateMachine):
    """A schedule beside one that looks at every source every time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.polls = 0
        self.after_full = False
        self.known: dict[str, Remembered] = {}
        self.new: list[str] = []
        self.full: list[str] = []
        self.failing: list[tuple[float, int, str]] = []
        self.order: list[str] = []
        self.out: list[str] = []
        self.failures = 0

    @initialize(
        rounds=st.sampled_from([1.5, 2.0, 5.0]),
        min_age=st.sampled_from([0.0, 0.5]),
        max_age=st.sampled_from([math.inf, 3.0]),
        price=st.sampled_from([0.0, 1.0]),
    )
    def begin(self, rounds: float, min_age: float, max_age: float, price: float) -> None:
        self.schedule = Schedule(rounds=rounds, min_age=min_age, max_age=max_age, price=price)

    @rule(source=st.sampled_from("abcd"))
    def add(self, source: str) -> None:
        self.schedule.add(source, self.now)
        if source not in self.known:
            self.known[source] = Remembered(turn=self.polls)
            self.new.append(source)

    @rule(source=st.sampled_from("abcd"))
    def remove(self, source: str) -> None:
        self.schedule.remove(source)
        self.known.pop(source, None)
        for place in (self.new, self.full, self.order, self.out):
            place[:] = [one for one in place if one != source]
        self.failing = [entry for entry in self.failing if entry[2] != source]

    @rule(eighths=st.integers(0, 40))
    def let_time_pass(self, eighths: int) -> None:
        self.now += eighths / 8

    @rule()
    def sleep(self) -> None:
        """Whoever sleeps until the wake finds something to do; a moment before, nothing."""
        wake = self.schedule.wake(self.now)
        if self.now < wake < math.inf:
            before = self.now + (wake - self.now) * 0.999
            assert self.schedule.next(before) is None
            self.after_full = False
            self.now = wake + 1e-3

    @rule(busy=st.sampled_from("abcd"), full=st.sampled_from("abcd----"), polls=st.integers(5, 25))
    def poll(self, busy: str, full: str, polls: int) -> None:
        """Ask and be answered for a while, one source being busy and maybe one always full."""
        for _ in range(polls):
            self.now += 0.125
            if (chosen := self.ask()) is not None:
                self.answer(chosen, 90 if chosen == busy else 0, full=chosen == full)

    @rule()
    def ask_one(self) -> None:
        self.ask()

    def ask(self) -> str | None:
        chosen, expected = self.schedule.next(self.now), self.candidates()
        assert chosen in expected or (chosen is None and not expected)
        if chosen is None:
            return None
        self.polls += 1
        for place in (self.new, self.full, self.order):
            if chosen in place:
                place.remove(chosen)
        self.known[chosen].asked, self.known[chosen].turn = self.now, self.polls
        self.out.append(chosen)
        return chosen

    @precondition(lambda self: self.out)
    @rule(data=st.data(), lines=st.sampled_from([0, 0, 1, 3, 50, 3000]), full=st.booleans())
    def answer_one(self, data: st.DataObject, lines: int, full: bool) -> None:
        self.answer(data.draw(st.sampled_from(self.out)), lines, full=full)

    def answer(self, source: str, lines: int, *, full: bool) -> None:
        self.out.remove(source)
        self.schedule.observe(source, self.now, lines, full)
        remembered = self.known[source]
        remembered.backlog += lines
        if full:
            self.full.append(source)
            return
        self.order.append(source)
        if not remembered.polls or remembered.asked > remembered.polls[-1][0]:
            remembered.polls.append((remembered.asked, remembered.backlog))
            remembered.backlog = 0

    @precondition(lambda self: self.out)
    @rule(data=st.data(), eighths=st.integers(-4, 40))
    def fail(self, data: st.DataObject, eighths: int) -> None:
        source = data.draw(st.sampled_from(self.out))
        self.out.remove(source)
        self.failures += 1
        retry_at = self.now + eighths / 8
        self.schedule.failed(source, self.now, retry_at)
        self.failing.append((max(self.now, retry_at), self.failures, source))

    def candidates(self) -> set[str]:
        """Whoever may be next by the rules; several where they are worth the same."""
        for entry in sorted(self.failing):
            if entry[0] <= self.now:
                self.failing.remove(entry)
                self.new.append(entry[2])
        due = [source for source in self.order if self.due_at(source) <= self.now]
        oldest = min(due, key=lambda source: self.known[source].turn, default="")
        waited = self.polls + 1 - self.known[oldest].turn if oldest else 0
        if oldest and waited >= self.schedule.rounds * len(self.known):
            return {oldest}
        if self.full and not self.after_full:
            self.after_full = True
            return {self.full[0]}
        self.after_full = False
        if self.new:
            return {self.new[0]}
        most = max((self.worth(source) for source in due), default=0.0)
        return {s for s in due if self.worth(s) >= most * (1 - 1e-9)} or set(self.full[:1])

    def rate(self, source: str) -> float:
        roots = [remembered.root for remembered in self.known.values()]
        return self.known[source].rounded + (sum(roots) / len(roots) / self.schedule.rounds) ** 2

    def worth(self, source: str) -> float:
        return self.rate(source) * (self.now - self.known[source].asked) ** 2

    def due_at(self, source: str) -> float:
        asked, wanted = self.known[source].asked, self.schedule.min_age
        if self.schedule.price:
            worthwhile = math.sqrt(2 * self.schedule.price / self.rate(source))
            wanted = max(wanted, min(worthwhile, self.schedule.max_age))
        return asked + wanted

    @invariant()
    def wakes_when_somebody_is_due(self) -> None:
        if not self.new and not self.full and hasattr(self, "schedule"):
            instants = [self.due_at(s) for s in self.order] + [entry[0] for entry in self.failing]
            expected = max(self.now, min(instants, default=math.inf))
            assert self.schedule.wake(self.now) == pytest.approx(expected, rel=1e-9)


Scheduling.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, derandomize=True
)
TestScheduling = Scheduling.TestCase
