"""Which process has what another one waits for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def holder_of(file: Path) -> int | None:
    """Which other process has a lock on a file, where the system tells: Linux does."""
    with suppress(OSError):
        inode = file.stat().st_ino
        for row in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = row.split()
            if words[1] == "FLOCK" and words[5].endswith(f":{inode}"):
                return int(words[4]) if int(words[4]) not in {0, os.getpid()} else None
    return None
