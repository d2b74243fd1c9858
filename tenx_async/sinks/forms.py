"""Lines as the bytes of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from tenx_async.errors import ConfigurationError
from tenx_async.logs.lines import LogBatch

Form = Literal["jsonl", "text"]
Encode = Callable[[LogBatch], bytes]

_ENCODER = msgspec.json.Encoder()
_END = "\n"


class _Row(msgspec.Struct, gc=False):
    """A line of which only the text and the place are not encoded yet."""

    region: msgspec.Raw
    """And behind it the other facts that the lines of an instance have in common."""
    log: str
    position: int


class _Heads(dict[str, msgspec.Raw]):
    """What the lines of a batch have in common, by instance."""

    def __init__(self, batch: LogBatch) -> None:
        super().__init__()
        self._batch = batch

    def __missing__(self, instance: str) -> msgspec.Raw:
        of = self._batch
        region = _ENCODER.encode(of.region)
        rest = {"service": of.source, "instance_name": instance, "date": of.date, "late": of.late}
        self[instance] = head = msgspec.Raw(region + b"," + _ENCODER.encode(rest)[1:-1])
        return head


def encoding(form: Form, *, per_service: bool) -> Encode:
    """How a batch becomes bytes.

    Raises:
        ConfigurationError: there is no such form.
    """
    if form not in {"jsonl", "text"}:
        raise ConfigurationError(f"files are jsonl or text, not {form!r}")
    return as_json if form == "jsonl" else partial(_as_text, per_service=per_service)


def as_json(batch: LogBatch) -> bytes:
    """A line of JSON for each line."""
    try:
        return _ENCODER.encode_lines(_rows(batch))
    except UnicodeEncodeError:  # halves of characters, which only the loose reading lets through
        return b"".join(
            json.dumps(msgspec.to_builtins(line), separators=(",", ":")).encode() + b"\n"
            for line in batch.lines
        )


def _rows(batch: LogBatch) -> list[_Row]:
    entries, heads = batch.entries, _Heads(batch)
    first = entries[0].instance_name if entries else ""
    its = heads[first]  # of most lines; to compare a name takes less than to look it up
    return [
        _Row(
            its if entry.instance_name == first else heads[entry.instance_name],
            entry.log.removesuffix(_END),
            position,
        )
        for position, entry in enumerate(entries, batch.position)
    ]


def _as_text(batch: LogBatch, *, per_service: bool) -> bytes:
    """The text of each line behind its instance's name, and its service's unless that is known."""
    who = "" if per_service else f"{batch.source} "
    texts = [
        f"{who}{entry.instance_name} {entry.log.removesuffix(_END)}{_END}"
        for entry in batch.entries
    ]
    return "".join(texts).encode(errors="backslashreplace")


def compression() -> Callable[[bytes], bytes]:
    """How bytes become fewer: by frames, so that a file can be cut off between any two.

    Raises:
        ConfigurationError: what compresses is not installed.
    """
    try:
        import zstandard  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigurationError("to compress needs the extra `zstd`: tenx-async[zstd]") from error
    return zstandard.ZstdCompressor().compress
