"""The rows of a file that a sink has written, compressed or not."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from tenx_async.errors import ConfigurationError

PACKED = ".zst"
_PIECE = 2**14
"""Compressed bytes that are read at once; what is damaged takes the rest of its piece along."""


class UnreadableError(Exception):
    """A file cannot be read from some place on."""


def rows_of(file: Path, length: int | None) -> Iterator[bytes]:
    """Read the rows of a file up to a length; `None`: all of them.

    Raises:
        ConfigurationError: what decompresses is not installed.
        UnreadableError: it is damaged; what came before that was told.
    """
    raw = file.open("rb")
    with raw if length is None else io.BufferedReader(_Beginning(raw, length)) as data:
        yield from _rows(_unpacked(data)) if file.name.endswith(PACKED) else data


def _rows(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *rows, rest = (rest + piece).split(b"\n")
        yield from rows
    if rest:
        yield rest


def _unpacked(packed: IO[bytes]) -> Iterator[bytes]:
    """Decompress frame by frame, so that a damaged one spoils none before it."""
    try:
        import zstandard  # noqa: PLC0415  # an extra
    except ImportError:
        raise ConfigurationError(
            "compressed files need the extra `zstd`: tenx-async[zstd]"
        ) from None
    whole, frame = zstandard.ZstdDecompressor(), None
    try:
        while data := packed.read(_PIECE):
            while data:
                frame = frame or whole.decompressobj()
                yield frame.decompress(data)
                data, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    except zstandard.ZstdError as error:
        raise UnreadableError(f"it cannot be read to its end: {error}") from error
    if frame:
        raise UnreadableError("it ends in the middle of a frame")


class _Beginning(io.RawIOBase):
    """The first bytes of a file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read more."""
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
