"""A delivery in requests of a size that a collector of OpenTelemetry logs takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import define, field, frozen
from msgspec import structs

from tenx_async.errors import SinkUnavailable
from tenx_async.logs.lines import LogLine
from tenx_async.telemetry.logging import logger

MOST_LINES = 1_000
MOST_TEXT = 2**20
"""Bytes of text in a request, unless it is a single line's."""
NEVER_CUT = 2**16
"""Characters of a line that are always sent whole."""


class TooLarge(SinkUnavailable):
    """The receiver does not take a request of that size."""


@frozen
class Sent:
    """A line on its way, with its id."""

    line: LogLine
    uid: str
    length: int | None = None
    """How many characters it had before it was cut short."""


Request = list[Sent]
Send = Callable[[Request], object]


@define(eq=False)
class Sending:
    """What is left of a delivery: what was taken of it is not sent again when it goes on."""

    _left: Iterator[Request]
    _refused: list[Request] = field(factory=list, init=False, repr=False)
    """What goes before it, the last one first."""

    def next(self, send: Send) -> bool:
        """Send the next request; tell whether there was one.

        One that is too large is halved, down to a single line, which is cut short.

        Raises:
            SinkUnavailable: it was not taken.
        """
        request = self._refused.pop() if self._refused else next(self._left, None)
        if request is None:
            return False
        try:
            send(request)
        except BaseException as error:
            smaller = _smaller(request) if isinstance(error, TooLarge) else []
            self._refused += smaller[::-1] or [request]
            if not smaller:
                raise
        return True


def requests_of(lines: Iterable[Sent]) -> Iterator[Request]:
    """Put lines into requests, in their order."""
    request: Request = []
    size = 0
    for sent in lines:
        length = len(sent.line.log.encode(errors="replace"))
        if request and (len(request) == MOST_LINES or size + length > MOST_TEXT):
            yield request
            request, size = [], 0
        request.append(sent)
        size += length
    if request:
        yield request


def _smaller(request: Request) -> list[Request]:
    """A request in two, or with a shorter text; nothing, if it is small already."""
    if len(request) > 1:
        half = len(request) // 2
        return [request[:half], request[half:]]
    (sent,) = request
    return [[_cut(sent)]] if len(sent.line.log) > NEVER_CUT else []


def _cut(sent: Sent) -> Sent:
    line, length = sent.line, len(sent.line.log)
    if sent.length is None:
        logger.warning(
            "%s: line %d of %s has %d characters, too many for the receiver: it is cut short",
            line.service,
            line.position,
            line.date,
            length,
        )
    return Sent(structs.replace(line, log=line.log[: length // 2]), sent.uid, sent.length or length)
