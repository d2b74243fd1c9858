"""Standard streams that are not there."""

from __future__ import annotations

import os
import sys


def open_missing() -> None:
    """Stand in for streams that the caller has closed: nothing to read, nobody who reads."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        reader, writer = os.pipe()
        os.close(reader)
        sys.stdout = os.fdopen(writer, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
