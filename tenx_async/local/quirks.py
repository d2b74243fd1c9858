"""How servers of this kind differ, each difference a switch that may be turned while running."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, Self

import attrs
import msgspec
from attrs import field, frozen, validators

from tenx_async.errors import ConfigurationError

_not_negative = [validators.ge(0), validators.le(1e9)]


def _quirk(default: Any, does: str, check: Any = None) -> Any:
    return field(default=default, validator=check, metadata={"does": does})


@frozen(kw_only=True)
class Quirks:
    """What a server does where the API's description is silent; by default nothing unexpected.

    Each field says in its metadata what it does; `table()` shows all of them. Times are seconds
    by the cloud's clock, and 0 switches a number off.
    """

    log_order: Literal["oldest-first", "newest-first", "newest-page"] = _quirk(
        "oldest-first",
        "where `from=0` is, and how lines stand inside a page: `newest-page` counts back from the "
        "newest line, but its pages ascend",
    )
    flush_every: float = _quirk(
        0.0,
        "every instance hands its lines in only every so many seconds, each at a moment of its "
        "own; they are inserted by the time at which they were written",
        _not_negative,
    )
    refresh_every: float = _quirk(
        0.0,
        "a line is seen at the next refresh of its shard; five shards refresh in turn, each every "
        "so many seconds, as a search index does",
        _not_negative,
    )
    swap_ties: bool = _quirk(
        False,
        "two replicas answer in turn; the second shows neighbours that were written in the same "
        "millisecond the other way round",
    )
    partial_every: int = _quirk(
        0,
        "every Nth reply to a log request lacks the lines of one of five shards",
        _not_negative,
    )
    size_cap: int = _quirk(0, "a page has at most so many lines, whatever `size` is", _not_negative)
    window_limit: int = _quirk(
        0, "`from + size` beyond it is refused: `Result window is too large`", _not_negative
    )
    window_status: Literal[400, 500] = _quirk(400, "the status of that refusal")
    missing_day: Literal["empty", "null", "404", "500"] = _quirk(
        "empty", "the answer for a day without lines: `[]`, `null` or an error"
    )
    day_zone: float = _quirk(
        0.0,
        "hours east of UTC of the zone in which the log's day begins",
        [validators.ge(-23), validators.le(23)],
    )
    success_body: Literal["documented", "text", "json", "empty"] = _quirk(
        "documented", "what a write other than a create answers"
    )
    error_body: Literal["message", "error", "status", "text", "html"] = _quirk(
        "message",
        "what an error answers: JSON with `message`, or with `error` and `details`, a Kubernetes "
        "`Status`, plain text, or a proxy's page",
    )
    old_names: bool = _quirk(
        False,
        "older names: `ports_mapping` with `service_port`, `containerPort`, `is_ready_only`, and "
        "counts as digits",
    )
    old_list: bool = _quirk(
        False, "the list of services is an array of `{region, services}`, as it once was"
    )
    memory_reworded: bool = _quirk(
        False, "memory is shown in the largest unit that fits: `1024Mi` becomes `1Gi`"
    )
    time_zone_volume: bool = _quirk(
        False, "`sync_timezone` adds a volume `tenxcloud-time-zone` and mounts it"
    )
    no_ports: bool = _quirk(False, "no address shows its port, not even one of a TCP service")
    calls_per_day: int = _quirk(
        0, "calls beyond so many in one day are refused until the next", _not_negative
    )
    quota_status: Literal[403, 429] = _quirk(403, "the status of that refusal")
    calls_per_second: float = _quirk(
        0.0, "calls beyond this rate are refused with 429", _not_negative
    )
    burst: int = _quirk(
        10, "how many calls may come at once before the rate counts", validators.ge(1)
    )
    retry_after: bool = _quirk(True, "the 429 of the rate says when to come again")
    transition: float = _quirk(
        0.0,
        "how long Starting, Stopping, Restarting… last where nothing really runs",
        _not_negative,
    )
    crash_loops: tuple[str, ...] = _quirk(
        (), "services of these names or globs never get beyond Deploying, where nothing really runs"
    )

    @property
    def timezone(self) -> dt.tzinfo:
        """The zone of `day_zone`."""
        return dt.timezone(dt.timedelta(hours=self.day_zone)) if self.day_zone else dt.UTC

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """These quirks with some of them set; values may be texts, as from a command line.

        Raises:
            ConfigurationError: there is no such quirk, or it has no such value.
        """
        if unknown := sorted(changes.keys() - {f.name for f in attrs.fields(type(self))}):
            raise ConfigurationError(f"there is no quirk {unknown[0]!r}")
        try:
            return msgspec.convert({**as_json(self), **changes}, type(self), strict=False)
        except (msgspec.ValidationError, ValueError) as error:
            raise ConfigurationError(f"quirks: {error}") from None


def as_json(quirks: Quirks) -> dict[str, Any]:
    """The quirks by name, as JSON can hold them."""
    shown: dict[str, Any] = msgspec.to_builtins(quirks)
    return shown


def table() -> str:
    """Every quirk with its usual value and what it does, as a Markdown table."""
    rows = [
        f"| `{f.name}` | `{_shown(f.default)}` | {f.metadata['does']} |"
        for f in attrs.fields(Quirks)
    ]
    return "\n".join(["| quirk | usually | what it does |", "|---|---|---|", *rows])


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode().strip('"')
