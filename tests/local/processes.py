"""Commands for instances, and a look at what became of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tenx_async.local import LocalCloud

from .conftest import Caller, headers, until

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

SLEEP = "exec sleep 1000"
PARENTS = "echo $PPID"
DAEMON = "env -i setsid sh -c 'sleep 1000 & echo \\$!'"
HIDING = {
    "in its group": f"sh -c '{SLEEP}' & echo $!",
    "in a session": "setsid sleep 1000 & echo $!",
    "without an environment": "env -i sleep 1000 & echo $!",
    "without anything": "env -i setsid sleep 1000 & echo $!",
    "as a daemon": DAEMON.replace("\\", ""),
    "stopped": "env -i setsid sleep 1000 & echo $!; kill -STOP $!",
    "deaf": "env -i setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.1; done' &",
}
PEDIGREE = "\n".join([PARENTS, *HIDING.values(), "echo $$", ""])
"""A script whose processes hide in all ways; it tells of them and of its keeper, which is first."""
MEMBERS = len(HIDING) + 2


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


async def pids_of(cloud: LocalCloud, count: int, name: str = "web") -> list[int]:
    """What a service says that it has started."""
    await until(lambda: len(numbers(cloud, name)) >= count)
    return numbers(cloud, name)


def numbers(cloud: LocalCloud, name: str) -> list[int]:
    return [int(text) for text in texts(cloud, name) if text.isdigit()]


async def pedigree(cloud: LocalCloud, litter: list[int]) -> list[int]:
    """Start processes that hide in all ways, as a service; the first is their keeper."""
    cloud.add_service("web", containers=[shell(PEDIGREE + SLEEP)])
    pids = await pids_of(cloud, MEMBERS)
    litter += pids
    return pids


async def gone(pids: Iterable[int]) -> None:
    """Wait until none of these processes runs any more."""
    await until(lambda: not any(is_running(pid) for pid in pids))


async def stop(cloud: LocalCloud, name: str = "web") -> None:
    """Stop a service, and wait until it is stopped."""
    await ask(cloud, "PUT", f"{name}/stop")
    await until(lambda: status(cloud, name) == "Stopped")


async def ask(cloud: LocalCloud, method: str, path: str) -> None:
    async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
        assert 200 == (await Caller(session).service(method, path)).status
