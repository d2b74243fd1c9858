"""What a sample service runs: writes log lines at a rate, and keeps a tally of them.

It runs as a script without the packages of this environment, so it uses the standard library
alone. With a path in TENX_TALLY each process notes in a file of its own, whose name begins like
that, every line that it wrote: SIGTERM waits until a line is written and noted, so both are
always the same.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

Line = tuple[TextIO, str]


def web(serial: str, number: int) -> Iterator[Line]:
    """An access log, with a health check that always reads the same."""
    path = random.choice(("/", "/cart", "/search?q=tea", "/items/17", "/items/23"))
    status = random.choices((200, 304, 404), (20, 4, 1))[0]
    yield sys.stdout, f"GET {path} {status} {random.randrange(2, 90)}ms req={serial}"
    if number % 4 == 0:
        yield sys.stdout, "GET /health 200 0ms"


def api(serial: str, number: int) -> Iterator[Line]:
    """Orders; now and then one has to be tried again, which goes to standard error."""
    yield sys.stdout, f"level=info order={serial} msg=accepted items={random.randrange(1, 9)}"
    if number % 7 == 0:
        yield sys.stderr, f"level=warning order={serial} msg='payment timed out, trying again'"
        yield sys.stdout, f"level=info order={serial} msg=paid"


def worker(serial: str, number: int) -> Iterator[Line]:
    """Jobs; some fail with a traceback of several lines."""
    if number % 11 == 0:
        yield sys.stderr, f"job {serial} failed"
        yield sys.stderr, "Traceback (most recent call last):"
        yield sys.stderr, '  File "worker.py", line 71, in resize'
        yield sys.stderr, "OSError: image file is truncated"
    else:
        yield sys.stdout, f"job {serial} resized {random.randrange(1, 20)} pictures"


def mysql(serial: str, _: int) -> Iterator[Line]:
    """Notes of a database, on standard error."""
    yield sys.stderr, f"[Note] slow query {serial}, {random.randrange(200, 900)} ms"


def cache(_: str, __: int) -> Iterator[Line]:
    """Nothing but the same line again and again."""
    yield sys.stdout, "PING PONG"


def mailer(serial: str, _: int) -> Iterator[Line]:
    """Letters that were sent."""
    yield sys.stdout, f"sent letter {serial}"


KINDS = {kind.__name__: kind for kind in (web, api, worker, mysql, cache, mailer)}


def _tally(process: str) -> TextIO:
    begin = os.environ.get("TENX_TALLY")
    return Path(f"{begin}.{process}" if begin else os.devnull).open("w", encoding="utf-8")


def main(kind: str, rate: float) -> None:
    """Write lines of a kind, `rate` times a second, until SIGTERM."""
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    process = f"{random.getrandbits(32):08x}"
    with _tally(process) as tally:
        due = time.monotonic()
        for number in itertools.count(1):
            for stream, line in KINDS[kind](f"{process}-{number:05}", number):
                print(line, file=stream, flush=True)
                print(line, file=tally, flush=True)
            due += random.uniform(0.5, 1.5) / rate
            while not ended and (pause := due - time.monotonic()) > 0:
                time.sleep(min(pause, 0.05))
            if ended:
                return


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
