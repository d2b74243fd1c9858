"""Writing a file up to a length that is known to be good."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tenx_async.telemetry.logging import logger


def write_at(path: Path, length: int, data: bytes) -> int:
    """Write behind the good part of a file, wait for the disk, and tell the new length.

    What a broken-off write left there is overwritten. A file that somebody has cut short or moved
    away is gone on with where it ends.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        length = _cut(handle, path, length)
        os.lseek(handle, length, os.SEEK_SET)
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fdatasync(handle)
    finally:
        os.close(handle)
    return length + len(data)


def cut_to(path: Path, length: int) -> None:
    """Cut off what stands behind the good part of a file, if there is such a file."""
    try:
        if path.stat().st_size == length:
            return
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
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
    elif size < length:
        logger.warning("%s has %d bytes of %d: somebody cut it short", path, size, length)
    return min(size, length)
