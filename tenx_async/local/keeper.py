"""Starts one command for a cloud, and ends all that came of it: see `watch`."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from tenx_async.local import kin


class Keeper:
    """The process above a command.

    It reads the order, then `GRACE`, in seconds, whenever the command is to end. It says
    `{"keeper": PID}`, then `{"command": PID}` or `{"failure": REASON}`, and at last
    `{"status": EXIT STATUS}`.

    Args:
        control: Whence its orders come; when it ends, so do the command and all that came of it.
        alive: The same for the guard.
    """

    def __init__(self, control: socket.socket, alive: int) -> None:
        self._control = control
        self._above: list[Any] = [control, alive]
        self._bell = kin.hang_bell()
        self._process: subprocess.Popen[bytes]
        self._status: int | None = None
        self._kill_at = math.inf

    def keep(self, output: int) -> None:
        """Start what is ordered, and stay until nothing of it is left."""
        self._say(keeper=os.getpid())
        try:
            self._process = _open(self._order(), output)
        except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
            return self._say(failure=str(error)[:1000])
        os.close(output)
        self._say(command=self._process.pid)
        while self._is_needed() and time.monotonic() < self._kill_at + kin.TENACITY:
            if time.monotonic() >= self._kill_at:
                self._signal(signal.SIGKILL)
            self._hear()
        return self._say(status=-signal.SIGKILL if self._status is None else self._status)

    def _order(self) -> dict[str, Any]:
        said = b""
        while not said.endswith(b"\n") and (more := self._control.recv(1 << 16)):
            said += more
        return dict(json.loads(said))

    def _say(self, **news: Any) -> None:
        with suppress(BrokenPipeError):  # the cloud has gone
            self._control.sendall(json.dumps(news).encode() + b"\n")

    def _is_needed(self) -> bool:
        is_left = kin.reap(self._ended) or (
            not kin.ADOPTS and kin.signal_group(self._process.pid, 0)
        )
        if self._status is not None and self._kill_at == math.inf:
            self._kill_at = time.monotonic()
        return is_left

    def _ended(self, pid: int, status: int) -> None:
        if pid == self._process.pid:
            self._status = os.waitstatus_to_exitcode(status)

    def _hear(self) -> None:
        heard = kin.listen(self._above, self._bell, self._pause())
        if self._control in heard and (grace := self._grace()) is not None:
            heard.remove(self._control)
            self._signal(signal.SIGTERM)
            self._kill_at = time.monotonic() + grace
        for gone in [above for above in self._above if above in heard]:
            self._above.remove(gone)
            self._kill_at = min(self._kill_at, time.monotonic())

    def _pause(self) -> float | None:
        """Until it is time to kill; of what was not adopted, no bell tells the end."""
        if self._status is not None and not kin.ADOPTS:
            return kin.ROUND
        if self._kill_at == math.inf:
            return None
        return max(self._kill_at - time.monotonic(), kin.ROUND)

    def _grace(self) -> float | None:
        """Between SIGTERM and SIGKILL; None when the cloud has gone."""
        try:
            said = self._control.recv(100)
        except ConnectionResetError:
            return None
        return float(said.split()[-1]) if said else None

    def _signal(self, number: int) -> None:
        if kin.ADOPTS:
            kin.signal_families(kin.children(os.getpid()), number)
        else:
            kin.signal_group(self._process.pid, number)


def _open(order: dict[str, Any], output: int) -> subprocess.Popen[bytes]:
    def prepare() -> None:
        kin.die_with_parent()
        kin.heed_all_signals()
        if order["memory"]:
            _limit_memory(order["memory"])

    return subprocess.Popen(  # noqa: S603 - to run what its user declares is what a cloud is for
        order["command"],
        env=order["environment"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509 - there are no threads here
    )


def _limit_memory(wanted: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = min(wanted, sys.maxsize if most == resource.RLIM_INFINITY else most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
