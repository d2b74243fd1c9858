"""Lines as the bytes of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from tenx_async.errors import ConfigurationError
from tenx_async.logs.lines import LogBatch, LogLine

Form = Literal["jsonl", "text"]
Encode = Callable[[LogBatch], bytes]

_ENCODER = msgspec.json.Encoder()
_END = "\n"


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
    return _json_lines(batch.lines)


def _json_lines(lines: list[LogLine]) -> bytes:
    try:
        return _ENCODER.encode_lines(lines)
    except UnicodeEncodeError:  # halves of characters, which only the loose reading lets through
        return b"".join(
            json.dumps(msgspec.to_builtins(line), separators=(",", ":")).encode() + b"\n"
            for line in lines
        )


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
