"""Random histories of a log, played on a model server: every line is to come exactly once.

    python -m benchmarks.histories [--count 100000] [--seed 0] [--erasing] [--ties]

From each seed a history is drawn: an order of pages, a cap, a share of equal lines, insertions,
retries of the shipper, replies without a shard, calls that fail. Only the model knows which of two
equal lines is which; what came is compared with what was written, as multisets.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from functools import partial
from multiprocessing import get_context

from tests.logs.draws import Draw
from tests.logs.histories import play

CHUNK = 100


def play_one(seed: int, *, ties: bool, erasing: bool) -> Counter[str]:
    """Play the history of one seed; say so if it comes out wrong."""
    history = Draw(seed, ties=ties, erasing=erasing).history()
    try:
        outcome = play(history)
    except AssertionError as error:
        print(f"seed {seed}: {error}", file=sys.stderr, flush=True)
        return Counter(histories=1, wrong=1)
    kind = "wrong" if outcome.is_wrong else "reported" if outcome.reported else "undecidable"
    if outcome.is_wrong:
        print(f"seed {seed}: {outcome}", file=sys.stderr, flush=True)
    return Counter(
        {
            "histories": 1,
            "calls": outcome.reader.calls,
            "lines": outcome.reader.delivered.total(),
            "lost": outcome.lost.total(),
            "repeated": outcome.repeated.total(),
            "exact" if outcome.is_exact else kind: 1,
        }
    )


def play_all(first: int, count: int, *, ties: bool, erasing: bool) -> Counter[str]:
    """Play the histories of many seeds on all cores."""
    total: Counter[str] = Counter()
    one = partial(play_one, ties=ties, erasing=erasing)
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        for told in pool.imap_unordered(one, range(first, first + count), CHUNK):
            total += told
    return total


def main() -> None:
    """Read the options, play, and end with 1 if a history came out wrong."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.histories")
    options.add_argument("--count", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=0, help="the first one")
    options.add_argument("--erasing", action="store_true", help="lines may be removed for good")
    options.add_argument("--ties", action="store_true", help="replicas order equal times their way")
    asked = options.parse_args()
    began = time.perf_counter()
    total = play_all(asked.seed, asked.count, ties=asked.ties, erasing=asked.erasing)
    rate = total["histories"] / (time.perf_counter() - began)
    print(f"{total['histories']} histories from seed {asked.seed}, {rate:.0f} a second")
    print(f"{total['calls']} calls, {total['lines']} lines")
    print(f"{total['exact']} exact; {total['lost']} lines lost, {total['repeated']} repeated")
    print(f"{total['reported']} not exact and reported in the ledger")
    print(f"{total['undecidable']} not exact, but looking the same at every poll")
    print(f"{total['wrong']} wrong")
    sys.exit(total["wrong"] > 0)


if __name__ == "__main__":
    main()
