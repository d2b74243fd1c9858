"""Writing a file up to a length that is known to be good."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tenx_async.telemetry.logging import logger

_MOST = 512
"""So many pieces are given to the system at once."""
_MUCH = 2**20
"""Bytes: of so many, as of a backlog, none need stay in the system's memory."""


def write_at(path: Path, length: int, pieces: Sequence[bytes]) -> int:
    """Write behind the good part of a file, wait for the disk, and tell the new length.

    What a broken-off write left there is overwritten. A file that somebody has cut short or moved
    away is gone on with where it ends.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        end = start = _cut(handle, path, length)
        for first in range(0, len(pieces), _MOST):
            end = _write_all(handle, end, pieces[first : first + _MOST])
        os.fdatasync(handle)
        if end - start >= _MUCH:
            with suppress(OSError):  # it is only advice
                os.posix_fadvise(handle, start, end - start, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)
    return end


def _write_all(handle: int, length: int, pieces: Sequence[bytes]) -> int:
    written, size = os.pwritev(handle, pieces, length), sum(map(len, pieces))
    if written < size:  # there was no room, or a signal came: the rest at one go, or an error
        left = memoryview(b"".join(pieces))[written:]
        while left:
            done = os.pwrite(handle, left, length + written)
            left, written = left[done:], written + done
    return length + size


def size_of(path: Path) -> int | None:
    """How long a file is; `None`: there is none.

    Raises:
        FileNotFoundError: the directory is away, so that it cannot be told.
    """
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return os.stat(path.name, dir_fd=directory).st_size
    except FileNotFoundError:
        return None
    finally:
        os.close(directory)


def end_of(path: Path, length: int) -> int:
    """Where the good part of a file ends: before its length, where somebody has cut it short."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = size_of(path) or 0
    _tell_if_short(path, size, length)
    return min(size, length)


def cut_to(path: Path, length: int) -> None:
    """Cut off what stands behind the good part of a file, if there is such a file."""
    if size_of(path) in {None, length}:
        return
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        _cut(handle, path, length)
    finally:
        os.close(handle)


def sync_names(directories: Iterable[Path]) -> None:
    """Wait until the names of new files are on the disk."""
    for directory in directories:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _cut(handle: int, path: Path, length: int) -> int:
    size = os.fstat(handle).st_size
    if size > length:
        os.ftruncate(handle, length)
    _tell_if_short(path, size, length)
    return min(size, length)


def _tell_if_short(path: Path, size: int, length: int) -> None:
    if size < length:
        logger.warning("%s has %d bytes of %d: somebody cut it short", path, size, length)
