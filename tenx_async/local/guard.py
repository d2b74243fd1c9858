"""A small process that outlives its cloud, for as long as it takes to kill the cloud's children.

It reads `+PID` and `-PID` for process groups that began and ended; when its standard input ends,
the cloud has stopped or died, even by SIGKILL. What is left of the groups is killed, and what left
its group is found by the mark in its environment. It runs as a script without the packages of
this environment, so it uses the standard library alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROUNDS = 100
"""How often the processes are looked through, should they multiply meanwhile."""
_PROCESSES = Path("/proc")


class Guard:
    """The cloud's end of the guard: tells it what began and ended.

    Args:
        mark: `NAME=VALUE` in the environment of everything that the cloud starts.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._groups: set[int] = set()
        self._process = self._post()

    def began(self, group: int) -> None:
        """Note a process group that must not outlive the cloud."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def ended(self, group: int) -> None:
        """Forget a process group; its number may be used again."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def dismiss(self) -> None:
        """Let the guard do its work and wait for its end."""
        self._process.communicate()

    def _tell(self, news: str) -> None:
        try:
            self._write(news)
        except BrokenPipeError:
            self.dismiss()
            self._process = self._post()
            self._write("".join(f"+{group}\n" for group in self._groups))

    def _write(self, news: str) -> None:
        if self._process.stdin:
            self._process.stdin.write(news.encode())

    def _post(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - its own interpreter and its own file
            [sys.executable, "-I", "-S", __file__, self._mark],
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )


def watch() -> None:
    """Wait for the cloud's end, then leave nothing behind."""
    mark = sys.argv[1].encode()
    for number in {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}:
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for _ in range(ROUNDS):
        if not (strays := _marked(mark)):
            break
        for stray in strays:
            with suppress(ProcessLookupError):
                os.kill(stray, signal.SIGKILL)
        time.sleep(0.01)


def _marked(mark: bytes) -> list[int]:
    return [
        int(process.name)
        for process in (_PROCESSES.iterdir() if _PROCESSES.is_dir() else ())
        if process.name.isdigit() and mark in _environment(process)
    ]


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


if __name__ == "__main__":
    watch()
