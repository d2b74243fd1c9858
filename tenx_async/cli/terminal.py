"""The two streams: data on standard output, all else on standard error."""

from __future__ import annotations

import asyncio
import os
import queue
import re
import select
import sys
import threading
from contextlib import suppress
from typing import TextIO
from zlib import crc32

from attrs import define, field

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves the cursor, sets colours, rings, or reverses the direction of reading."""
_COLOURS = (39, 208, 76, 170, 220, 44, 203, 111, 149, 213, 180, 80, 141, 215, 114, 75)


def visible(text: str) -> str:
    """Show what would command the terminal as a sign of its own; tabs and newlines stay."""
    return _UNSAFE.sub(_sign, text)


def visible_json(text: str) -> str:
    """Write the same as JSON escapes, so that the text means what it meant."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def has_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose user wants colours."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


def colour_of(name: str) -> str:
    """Choose a colour, always the same one for a name."""
    return f"38;5;{_COLOURS[crc32(name.encode()) % len(_COLOURS)]}"


def say(message: str) -> None:
    """Tell the user something on standard error, in one line."""
    line = visible(" ".join(message.split()))
    shown = f"\x1b[2mtenx: {line}\x1b[0m" if has_colour(sys.stderr) else f"tenx: {line}"
    tell(f"{shown}\n")


def tell(text: str) -> None:
    """Write to standard error as it is."""
    with suppress(OSError):  # nobody can be told that nobody listens
        print(text, end="", file=sys.stderr, flush=True)  # noqa: T201  # this is where it is said


def emit(text: str) -> None:
    """Write data to standard output; what its encoding does not have is escaped."""
    sys.stdout.write(_encoded(text).decode(sys.stdout.encoding))
    sys.stdout.flush()


def _encoded(text: str) -> bytes:
    return text.encode(sys.stdout.encoding, "backslashreplace")


@define
class Output:
    """Standard output, written by a thread: while its reader pauses, all else goes on."""

    _jobs: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = field(
        factory=queue.SimpleQueue, init=False
    )

    def __attrs_post_init__(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    async def write(self, text: str) -> None:
        """Write, and wait until it is written.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        data = _encoded(text)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.put((data, written))
        await written

    def _work(self) -> None:
        while True:
            data, written = self._jobs.get()
            error = _write(sys.stdout.fileno(), data)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                written.get_loop().call_soon_threadsafe(_settle, written, error)


def _write(descriptor: int, data: bytes) -> OSError | None:
    rest = memoryview(data)
    try:
        while rest:
            select.select([], [descriptor], [])
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        return error
    return None


def _settle(written: asyncio.Future[None], error: OSError | None) -> None:
    if written.done():
        return
    if error:
        written.set_exception(error)
    else:
        written.set_result(None)
