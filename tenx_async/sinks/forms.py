"""Lines as the bytes of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal

import msgspec

from tenx_async.errors import ConfigurationError
from tenx_async.logs.lines import LogBatch, LogLine

Form = Literal["jsonl", "text"]
Encode = Callable[[Iterable[LogBatch]], bytes]

_ENCODER = msgspec.json.Encoder()


def encoding(form: Form, *, per_service: bool, compress: bool) -> Encode:
    """How batches become bytes.

    Raises:
        ConfigurationError: there is no such form, or what compresses is not installed.
    """
    if form not in {"jsonl", "text"}:
        raise ConfigurationError(f"files are jsonl or text, not {form!r}")
    encode = as_json if form == "jsonl" else partial(_as_text, per_service=per_service)
    return _compressed(encode) if compress else encode


def as_json(batches: Iterable[LogBatch]) -> bytes:
    """A line of JSON for each line."""
    return b"".join(_json_lines(batch.lines) for batch in batches)


def _json_lines(lines: list[LogLine]) -> bytes:
    try:
        return _ENCODER.encode_lines(lines)
    except UnicodeEncodeError:  # halves of characters, which only the loose reading lets through
        return b"".join(
            json.dumps(msgspec.to_builtins(line), separators=(",", ":")).encode() + b"\n"
            for line in lines
        )


def _as_text(batches: Iterable[LogBatch], *, per_service: bool) -> bytes:
    """The text of each line behind its instance's name, and its service's unless that is known."""
    lines = (line for batch in batches for line in batch.lines)
    texts = (
        f"{'' if per_service else line.service + ' '}{line.instance_name} {line.log}\n"
        for line in lines
    )
    return "".join(texts).encode(errors="backslashreplace")


def _compressed(encode: Encode) -> Encode:
    """Each write a frame of its own, so that a file can be cut off between any two."""
    try:
        import zstandard  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigurationError("to compress needs the extra `zstd`: tenx-async[zstd]") from error
    compressor = zstandard.ZstdCompressor()
    return lambda batches: compressor.compress(encode(batches))
