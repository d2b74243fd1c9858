"""Where a source was read to, as plain data: opaque, versioned, checksummed.

A cursor goes with the digests of what is remembered of each day. Since those are many and change
little, a commit tells only what has changed of them: an `Edit` for each day.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Mapping, Sequence
from typing import Self

import msgspec
from attrs import field, frozen
from xxhash import xxh3_64_digest, xxh3_64_intdigest

from tenx_async.errors import DamagedCursor
from tenx_async.logs.align import ANCHOR

VERSION = 2
_SUM = 8
"""Bytes of the checksum that a cursor begins with."""

DayKey = tuple[dt.date, str]
"""A day, and an instance if it is its own log."""


class DayState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of one day besides the digests."""

    date: dt.date
    instance: str = ""
    base: int = 0
    whole: bool = True
    length: int = 0
    """How many digests are remembered."""
    sum: int = 0
    """Stands for all of them."""
    order: str
    """How pages are ordered, as far as that is known."""
    is_certain: bool = False
    tail: int | None = None
    begun: bool = False
    depth: int = ANCHOR
    is_cut: bool = False
    settles: bool = False
    delivered: int = 0
    front: bytes = b""
    front_is_all: bool = True
    gone: dict[int, int] = {}
    left_at: int = 0
    """How many lines had come before the log was begun anew."""
    unproven: int = 0
    """How many came since the service was last known to be the same."""
    is_changed: bool = False
    """Whether they came since it changed so that it may be another service's."""
    apart: bytes = b""
    """The digests of those, unless they are the last ones that are remembered."""
    presumed: int = 0
    """How many are taken for a new log's only since they came when they may have been."""
    counts: dict[str, int] = {}
    """The day's account."""


class Cursor(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where a source was read to."""

    version: int = VERSION
    region: str
    service: str
    uid: str | None = None
    is_anew: bool = False
    """Whether the service was made anew, and these days are of the one before."""
    since: dt.date | None = None
    """The day from which on it is to be read, if nothing of it was read yet."""
    tail: int | None = None
    """How many of the lines that are there then to deliver; `None`: all."""
    order: str | None = None
    """The server's order, if it is certain."""
    last_sealed: dt.date | None = None
    closed: list[DayKey] = []
    days: list[DayState] = []

    def encode(self) -> bytes:
        """Write it as bytes that tell whether they are whole."""
        body = msgspec.msgpack.encode(self)
        return xxh3_64_digest(body) + body

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read it.

        Raises:
            DamagedCursor: it is not whole, or of a version that is not known here.
        """
        if xxh3_64_digest(raw[_SUM:]) != raw[:_SUM]:
            raise DamagedCursor("a cursor is damaged: its checksum does not fit")
        try:
            cursor = msgspec.msgpack.decode(raw[_SUM:], type=cls)
        except msgspec.MsgspecError as error:
            raise DamagedCursor(f"a cursor is damaged: {error}") from error
        if cursor.version != VERSION:
            raise DamagedCursor(f"a cursor is of version {cursor.version}, not of {VERSION}")
        return cursor


def sum_of(digests: array[int]) -> int:
    """Stand for digests: none of their bytes can change unseen."""
    return xxh3_64_intdigest(digests)


@frozen
class Edit:
    """What has changed of the digests of a day: from a position on they are these now."""

    base: int
    """What stands before this position is forgotten."""
    start: int
    digests: array[int] = field(repr=False)

    def apply(self, base: int, digests: array[int]) -> array[int]:
        """Change the digests that were known, the first of which stands at `base`.

        Raises:
            DamagedCursor: these are not the ones that were changed.
        """
        if self.start == self.base:
            return self.digests
        if not base <= self.base <= self.start <= base + len(digests):
            raise DamagedCursor("what is remembered of a day is not whole")
        return digests[self.base - base : self.start - base] + self.digests


@frozen
class Commit:
    """All that is to be durable of a source, once the lines up to here are."""

    source: str
    cursor: bytes = field(repr=False)
    edits: Mapping[DayKey, Edit] = field(repr=False)
    """Days that are not in the cursor are forgotten."""


@frozen
class Stored:
    """What was committed of a source."""

    cursor: Cursor
    memories: Mapping[DayKey, array[int]] = field(repr=False)

    @classmethod
    def of(cls, raw: bytes, edits: Mapping[DayKey, Sequence[Edit]]) -> Self:
        """Put together what was committed.

        Raises:
            DamagedCursor: it does not fit together.
        """
        cursor = Cursor.decode(raw)
        memories = {}
        for day in cursor.days:
            key = (day.date, day.instance)
            digests = memories[key] = replay(edits.get(key, ()))
            if len(digests) != day.length or sum_of(digests) != day.sum:
                raise DamagedCursor(f"what is remembered of {cursor.service}, {day.date}, is lost")
        return cls(cursor, memories)


def replay(edits: Sequence[Edit]) -> array[int]:
    """Put together what is remembered of a day from all that changed."""
    base, digests = 0, array("Q")
    for edit in edits:
        digests, base = edit.apply(base, digests), edit.base
    return digests
