"""Where a damaged file goes."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path


def set_aside(path: Path, name: str) -> Path:
    """Give a damaged SQLite file, and what belongs to it, a name under which nobody writes to it.

    Args:
        path: the file.
        name: its new name, in which `*` stands for the time.

    Returns:
        where it is now.
    """
    aside = path.with_name(name.replace("*", f"{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S-%f}"))
    for ending in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    return aside
