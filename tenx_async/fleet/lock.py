"""Who does a run: one process, for as long as it lives."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from attrs import define, field

_TRIES = 5
_PAUSE = 0.01
"""Seconds: a lock may be taken for a moment by somebody who only looks."""


@define(eq=False)
class Lock:
    """A locked file; the system lets go of it when the process ends, in whatever way."""

    file: Path
    _handle: int = field(repr=False)

    @classmethod
    def take(cls, file: Path) -> Lock | None:
        """Take the lock; `None`: another process has it, or another run of this one."""
        for attempt in range(_TRIES):
            time.sleep(_PAUSE * bool(attempt))
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            if _lock(handle, fcntl.LOCK_EX) and _is_still(file, handle):
                return cls(file, handle)
            os.close(handle)
        return None

    @property
    def is_there(self) -> bool:
        """Whether others still find it, so that it keeps them out."""
        return _is_still(self.file, self._handle)

    def release(self) -> None:
        """Let others have it."""
        self.file.unlink(missing_ok=True)
        self.abandon()

    def let_go(self) -> None:
        """Let others have it, but leave a file to whoever moved it away, or made one anew."""
        with suppress(OSError):
            (self.release if self.is_there else self.abandon)()

    def abandon(self) -> None:
        """Leave the file to whoever moved it away, or has one of its name now."""
        os.close(self._handle)


def is_held(file: Path) -> bool:
    """Tell whether some process has the lock."""
    try:
        handle = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _lock(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: Path, handle: int) -> bool:
    """Whether the locked file is the one that others find, and was not removed meanwhile."""
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
