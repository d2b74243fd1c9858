"""Histories drawn at random, and the worst of them again and again."""

from __future__ import annotations

import pytest

from tenx_async.logs.order import Order
from tests.logs.corpus import BROKE, HARD, Worst, numbered
from tests.logs.draws import Draw
from tests.logs.histories import Append, History, Poll, Step, Swap, play
from tests.logs.model import ModelLog, Reader


def wrong(histories: dict[str, History]) -> list[str]:
    """The names of those that did not come out right."""
    return [name for name, history in histories.items() if play(history).is_wrong]


@pytest.mark.parametrize("worst", [*BROKE, *HARD], ids=lambda worst: worst.why)
def test_the_worst_histories_come_out_right(worst: Worst) -> None:
    """What broke once, or was hard to get right, stays right."""
    outcome = play(worst.history)

    assert not outcome.is_wrong, outcome


@pytest.mark.parametrize("first", range(0, 1_200, 200))
def test_random_histories_are_exact(first: int) -> None:
    """Nothing lost, nothing repeated, whatever a server does that takes nothing away."""
    drawn = {f"seed {seed}": Draw(seed).history() for seed in range(first, first + 200)}

    assert [] == wrong(drawn)


@pytest.mark.parametrize("first", range(0, 600, 200))
def test_what_is_taken_away_hides_nothing_in_silence(first: int) -> None:
    """Where content cannot tell what there was, the ledger says so; all else is exact."""
    seeds = range(first, first + 200)
    drawn = {f"seed {seed}": Draw(seed, erasing=True).history() for seed in seeds}

    assert [] == wrong(drawn)


def test_a_full_page_of_known_lines_is_not_the_end() -> None:
    """Who reads without following does not stop before lines that wait behind it."""
    log = ModelLog(cap=50)
    reader = Reader.of(log, order=Order.OLDEST_FIRST)
    log.append(*numbered(0, 45))
    reader.poll()
    log.insert(45, *numbered(100, 105))
    reader.poll()
    log.append(*numbered(45, 50))
    reader.catch_up()

    assert log.ever == reader.delivered


def test_two_replicas_lose_and_repeat_no_line_that_has_its_own_text() -> None:
    """Each orders the lines of one moment its own way, in turn or by chance."""
    seeds = range(200)
    drawn = {f"seed {seed}": Draw(seed, ties=True, alike=False).history() for seed in seeds}

    assert [] == [name for name, history in drawn.items() if not play(history).is_exact]


@pytest.mark.parametrize("first", range(0, 400, 200))
def test_two_replicas_lose_no_line_though_some_are_alike(first: int) -> None:
    """Where content does not tell which of equal lines were read, what is repeated is counted."""
    seeds = range(first, first + 200)
    drawn = {f"seed {seed}": Draw(seed, ties=True).history() for seed in seeds}

    assert [] == wrong(drawn)


@pytest.mark.parametrize("seed", [33000227, 33000231, 33000251])
def test_lines_that_recur_do_not_pass_for_a_page_that_fits(seed: int) -> None:
    """Where replicas answer, an entry of the one page may stand for another one of the next."""
    assert play(Draw(seed, ties=True).history()).is_exact


def test_a_log_made_anew_is_not_read_by_a_guess_at_the_one_before() -> None:
    """All of the new one is read before it is wiped in its turn."""
    assert play(Draw(83001997, erasing=True).history()).is_exact


def test_equal_times_in_two_orders_repeat_nothing_across_pages() -> None:
    """Where a page ends between lines of one moment, each replica's page ends with another."""
    outcome = play(History(size=40, steps=[Append(numbered(0, 41)), Swap()]))

    assert outcome.is_exact


def test_equal_times_in_two_orders_repeat_nothing_within_a_page() -> None:
    """What changes places is known all the same."""
    grown: list[Step | Poll] = [
        Append(numbered(0, 30)), Swap(), *[Poll()] * 4, Append(numbered(30, 35)), Poll(),
    ]  # fmt: skip
    outcome = play(History(size=60, steps=grown))

    assert outcome.is_exact


def test_a_loss_and_a_repeat_would_be_seen() -> None:
    """The comparison itself tells a reader that loses a line, and one that repeats one."""
    outcome = play(BROKE[0].history)
    line = next(iter(outcome.reader.delivered))
    outcome.lost[line] += 1
    assert outcome.is_wrong

    outcome.lost.clear()
    outcome.repeated[line] += 1
    assert outcome.is_wrong
