"""What a request for a log gets: every quirk of reading is applied here."""

from __future__ import annotations

from tenx_async.local.checks import Window
from tenx_async.local.daylog import DayLog
from tenx_async.local.lines import SHARDS
from tenx_async.local.quirks import Quirks
from tenx_async.local.refusal import Refusal
from tenx_async.local.reply import JSON, Reply


def read(day: DayLog, window: Window, quirks: Quirks, instance_name: str | None = None) -> Reply:
    """A page of a day's entries, or of the bare texts of one instance.

    Raises:
        Refusal: the window reaches too far, or the day is missing.
    """
    _check_reach(window, quirks)
    if not day.readable:
        return _missing(window, quirks)
    day.reads += 1
    lines = day.of(instance_name)
    if (shard := _lacking_shard(day, quirks)) is not None:
        lines = lines.without_shard(shard)
    page = lines.page(
        window.start,
        min(window.size, quirks.size_cap or window.size),
        quirks.log_order,
        swapped=quirks.swap_ties and day.reads % 2 == 0,
    )
    return Reply(b"[" + b",".join(page) + b"]", JSON)


def _check_reach(window: Window, quirks: Quirks) -> None:
    end = window.start + window.size
    if quirks.window_limit and end > quirks.window_limit:
        raise Refusal(
            quirks.window_status,
            "Result window is too large, from + size must be less than or equal to: "
            f"[{quirks.window_limit}] but was [{end}]",
        )


def _missing(window: Window, quirks: Quirks) -> Reply:
    match quirks.missing_day:
        case "empty":
            return Reply(b"[]", JSON)
        case "null":
            return Reply(b"null", JSON)
        case status:
            raise Refusal(int(status), f"no such index: [logs-{window.day:%Y.%m.%d}]")


def _lacking_shard(day: DayLog, quirks: Quirks) -> int | None:
    if day.lacking:
        day.lacking -= 1
        return day.readable.numbers[-1] % SHARDS
    if quirks.partial_every and day.reads % quirks.partial_every == 0:
        return day.reads // quirks.partial_every % SHARDS
    return None
