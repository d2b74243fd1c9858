"""Processes of one descent: who they are, how they are signalled, how they are adopted.

Linux lets a process adopt the orphans below it, as a subreaper; elsewhere, and on a kernel that
does not list children, `ADOPTS` is false, and nobody has any known descendants.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE = 2.0
"""Seconds in which a keeper has to end when it should; then it is killed."""
TENACITY = 10.0
"""Seconds for which the killing goes on, should the killed multiply."""
ROUND = 0.01
"""Seconds between one killing and the next."""

_PROCESSES = Path("/proc")
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

ADOPTS = sys.platform == "linux" and Path(f"/proc/self/task/{os.getpid()}/children").exists()


def stand_by() -> None:
    """Adopt orphans; go on when the parent dies, even if somebody has stopped this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)


def die_with_parent() -> None:
    """Be killed when the parent is, even if nobody is left to do it."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def heed_all_signals() -> None:
    """Ignore none, whatever this process was begun with: so a command expects it."""
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        _LIBC.prctl(option, value, 0, 0, 0)


def hang_bell() -> int:
    """A descriptor that can be read when a child has ended."""
    heard, rung = os.pipe()
    for end in (heard, rung):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, go_on)
    signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
    return heard


def go_on(number: int, frame: object) -> None:
    """Ignore a signal, in a way that a command does not inherit."""


def listen(sources: list[Any], bell: int, seconds: float | None) -> list[Any]:
    """Wait for news of the sources, or for the bell."""
    heard, _, _ = select.select([*sources, bell], [], [], seconds)
    if bell in heard:
        os.read(bell, 4096)
    return heard


def reap(ended: Callable[[int, int], None]) -> bool:
    """Tell of each child that has ended, and whether any is left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if not pid:
            return True
        ended(pid, status)


def children(pid: int) -> list[int]:
    """Those of all threads of a process; none if it is gone."""
    found: list[int] = []
    with suppress(OSError):
        for thread in (_PROCESSES / str(pid) / "task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def signal_families(pids: Iterable[int], number: int) -> None:
    """Signal these and their descendants, whole groups at a time: a group cannot grow meanwhile."""
    groups = set()
    for pid in _with_descendants(pids):
        with suppress(ProcessLookupError):
            groups.add(os.getpgid(pid))
    for group in groups - {os.getpgrp()}:
        signal_group(group, number)


def _with_descendants(pids: Iterable[int]) -> list[int]:
    found = list(pids)
    for pid in found:
        found += children(pid)
    return found


def signal_group(group: int, number: int) -> bool:
    """Signal a group; tell whether there was anybody."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def kill_marked(mark: bytes) -> None:
    """Kill whatever has a mark in its environment, until nothing has."""
    deadline = time.monotonic() + TENACITY
    while ADOPTS and (strays := _marked(mark)) and time.monotonic() < deadline:
        signal_families(strays, signal.SIGKILL)
        time.sleep(ROUND)


def _marked(mark: bytes) -> list[int]:
    pids = (process for process in _PROCESSES.iterdir() if process.name.isdigit())
    return [int(pid.name) for pid in pids if mark in _environment(pid)]


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
