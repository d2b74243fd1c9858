"""When a line that was written can be read."""

from __future__ import annotations

import math
from zlib import crc32

from tenx_async.local.lines import SHARDS
from tenx_async.local.quirks import Quirks


def readable_at(written: float, instance_name: str, number: int, quirks: Quirks) -> float:
    """The moment from which a line is seen, in seconds like the moment when it was written."""
    handed_in = _next(written, quirks.flush_every, crc32(instance_name.encode()) / 2**32)
    return _next(handed_in, quirks.refresh_every, number % SHARDS / SHARDS)


def _next(moment: float, every: float, phase: float) -> float:
    """The first tick after a moment; ticks are `every` apart and shifted by a part of that."""
    return every * (math.floor(moment / every - phase) + 1 + phase) if every else moment
