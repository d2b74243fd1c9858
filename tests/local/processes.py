"""Commands for instances, and a look at what became of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tenx_async.local import LocalCloud

SLEEP = "exec sleep 1000"


def shell(script: str, **fields: Any) -> dict[str, Any]:
    """A container that runs a shell script."""
    return {"image": "local", "command": ["/bin/sh", "-c", script], **fields}


def python(script: str, **fields: Any) -> dict[str, Any]:
    """A container that runs a Python program without buffers."""
    return {"image": "local", "command": [sys.executable, "-I", "-S", "-u", "-c", script], **fields}


def texts(cloud: LocalCloud, name: str = "web") -> list[str]:
    """What a service has written today."""
    return [line.log for line in cloud.log(name)]


def status(cloud: LocalCloud, name: str = "web") -> str:
    """The status of a service, as a GET shows it."""
    return str(cloud.service(name)["status"])


def is_running(pid: int) -> bool:
    """Whether there is such a process, and not only its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
