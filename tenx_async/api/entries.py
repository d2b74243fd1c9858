"""Log entries as the server sends them: no time, no id, only an instance's name and a text."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from tenx_async.api.decoding import decode


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a service's log."""

    instance_name: str = ""
    """The instance that wrote it; empty where the server does not say."""
    log: str = ""
    """What was written; may hold several lines."""


_documented = msgspec.json.Decoder(list[LogEntry] | None)
_instance = msgspec.json.Decoder(list[str] | None)


def read_entries(body: bytes, *, instance: str = "") -> list[LogEntry]:
    """Decode a page of a log; `null` and an empty body mean no entries.

    Args:
        body: the documented `[{"instance_name", "log"}…]`, or the bare texts that the log of one
            instance consists of.
        instance: whose log it is, for entries that do not say.

    Raises:
        ValueError: not JSON, or not a list.
    """
    if not body or body.isspace():
        return []
    try:
        if not instance:
            return _documented.decode(body) or []
        return [LogEntry(instance, text) for text in _instance.decode(body) or ()]
    except (ValueError, RecursionError):
        return _read_loosely(body, instance)


class Reply(list[LogEntry]):
    """The entries of an answer, which can be had again from its bytes."""

    __slots__ = ("body", "instance")

    def __init__(self, body: bytes, *, instance: str = "") -> None:
        super().__init__(read_entries(body, instance=instance))
        self.body = body
        self.instance = instance

    @property
    def again(self) -> Callable[[], list[LogEntry]]:
        """Reads the entries once more; holds no more than the bytes."""
        return partial(read_entries, self.body, instance=self.instance)


def _read_loosely(body: bytes, instance: str) -> list[LogEntry]:
    page = decode(body)
    if not isinstance(page, list):
        raise ValueError(f"expected a list of log entries, got {type(page).__name__}")  # noqa: TRY004  # as documented
    return [_entry(raw, instance) for raw in page]


def _entry(raw: Any, instance: str) -> LogEntry:
    if not isinstance(raw, dict):
        return LogEntry(instance, _text(raw))
    return LogEntry(_text(raw.get("instance_name")) or instance, _text(raw.get("log")))


def _text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    return "" if raw is None else json.dumps(raw, ensure_ascii=False, separators=(",", ":"))
