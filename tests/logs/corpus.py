"""The worst histories found so far, each with what it once broke or why it is hard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.order import Order
from tests.logs.draws import Draw
from tests.logs.histories import Append, History, Insert, Lack, Poll, Remove, Step, Swap, Twin, Wipe


@frozen
class Worst:
    """A history that is worth being replayed."""

    why: str
    history: History


def lines(text: str) -> list[LogEntry]:
    """One line a word, of web-1, or of another instance before a colon."""
    words = [word.rpartition(":") for word in text.split()]
    return [LogEntry(f"web-{instance or 1}", line) for instance, _, line in words]


def numbered(first: int, last: int) -> list[LogEntry]:
    """Lines that are all different."""
    return lines(" ".join(f"n{number}" for number in range(first, last)))


def seeded(seed: int, *, erasing: bool = False, ties: bool = False) -> History:
    """What a seed draws."""
    return Draw(seed, ties=ties, erasing=erasing).history()


def _told(*steps: Step | Poll, **more: Any) -> History:
    return History(steps=steps, **more)


BROKE: Sequence[Worst] = [
    Worst(
        "sixteen lines in changing order were read again without an end",
        _told(Swap(), Append(lines("a b a b c d b e f g h a b i b a")), size=40),
    ),
    Worst(
        "a page that held nothing but known lines passed for the end of the log",
        _told(
            Append(numbered(0, 45)), Poll(), Insert(45, lines("l1 l2 l3 l4 l5")), Poll(),
            Append(numbered(45, 50)), Poll(), Remove(5, 2), cap=50,
        ),
    ),
    Worst(
        "twins at the head of a short newest-first log passed unseen",
        _told(
            Append(lines("a b b b b b c 2:d")), Poll(), *[Twin(50)] * 8,
            order=Order.NEWEST_FIRST,
        ),
    ),
    Worst("a window that began among equal lines was found in the wrong place", seeded(751)),
    Worst("the same, read from the newest page", seeded(424661)),
    Worst("nine twins at the beginning of a newest-first log were never read", seeded(406646)),
    Worst(
        "a log that grew by what a page had more than the last one was read without an end",
        History(
            order=Order.NEWEST_PAGE, told=False, size=60,
            steps=[
                Append(numbered(0, 4)), Poll(), Append(numbered(4, 15)), Poll(),
                Append(numbered(15, 18)), Poll(meanwhile=[(2, Append(numbered(18, 28)))]),
            ],
        ),
    ),
    Worst(
        "a log of two lines that stood still made a short anchor of one line",
        _told(Append(lines("2:a b")), *[Poll()] * 4, Insert(2, lines("2:c b")), size=60),
    ),
    Worst(
        "an insertion before equal lines passed for one after them, though a page held them all",
        _told(Append(lines("a" + " b" * 21)), Poll(), Insert(50, lines("a")), size=40),
    ),
    Worst("lines missed while the order was sought made it oldest-first for ever", seeded(456942)),
    Worst("a cut page passed for the end, for the log had ended after as many", seeded(5057953)),
    Worst("an insertion before equal lines, more than half a page, repeated one", seeded(7090171)),
    Worst("a page that lacked a line fitted the next one, for their lines recur", seeded(8022801)),
    Worst("a newest page that ended with equal lines for its half", seeded(8055120)),
    Worst("a seal believed that nothing stood behind a page that was cut", seeded(12091309)),
    Worst("a single line that did not recur joined pages that did not fit", seeded(13031338)),
    Worst("two replies that lacked lines of six texts passed for a newest page", seeded(5076902)),
    Worst("eight of few texts stood in the same row elsewhere", seeded(25001539)),
    Worst(
        "a log made anew while its order was a guess was not asked for its order again",
        seeded(23009776, erasing=True),
    ),
]  # fmt: skip
"""What went wrong before it was mended."""

HARD: Sequence[Worst] = [
    Worst("seventy calls a step, to understand insertions into equal lines", seeded(406129)),
    Worst("the same, with pages that are capped", seeded(436252)),
    Worst("thirty-six changes in eighty polls", seeded(419966)),
    Worst("thirty-four changes, in a few calls each", seeded(419744)),
    Worst("four hundred lines gone, and come back", seeded(428694)),
    Worst("the same, again and again", seeded(417086)),
    Worst(
        "an equal removal cancels an insertion: only what is gone can be told",
        _told(
            Append(lines("a b c d e f g h i j")), Poll(), Insert(5, lines("a")), Remove(11, 1),
            Poll(), Append(lines("k")), Poll(),
        ),
    ),
    Worst(
        "all lines are equal, and one is inserted among them",
        _told(Append(lines("a " * 300)), Poll(), Poll(), Poll(), Insert(150, lines("a")), Poll()),
    ),
    Worst(
        "a removal and an insertion leave every position where it was",
        _told(
            Append(numbered(0, 300)), *[Poll()] * 4, Remove(200, 1), Insert(100, lines("late")),
            Poll(), Append(lines("new")), Poll(),
        ),
    ),
    Worst(
        "a shard is lost while a log is wiped and begins like the old one",
        _told(Append(lines("a b c d")), Poll(), Lack(), Wipe(), Append(lines("a b x")), Poll()),
    ),
    Worst(
        "an order that shows only by lines that are all equal",
        seeded(422497),
    ),
    Worst("replicas that order recurring lines in two ways", seeded(6008765, ties=True)),
    Worst("the same, and nobody is told the order", seeded(6006556, ties=True)),
    Worst("a backtrack through hundreds of lines of replicas", seeded(61025404, ties=True)),
    Worst("the log grew past a page while its order was asked for", seeded(62002623, erasing=True)),
    Worst(
        "six lines of a moment in two orders, and a first reading whose pages did not fit",
        seeded(41019075, ties=True),
    ),
    Worst("two texts, more often than a page holds: a doubt says so", seeded(1084542)),
    Worst("lines taken away while others are inserted", seeded(6364, erasing=True)),
    Worst("a log wiped in the moment in which its order is understood", seeded(904, erasing=True)),
]  # fmt: skip
"""What took most to get right, or shows the bounds of what can be known."""
