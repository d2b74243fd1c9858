"""The guard at its post, between a cloud and its commands, so that nothing of them is left behind.

    cloud ── guard ─┬─ keeper ── command ── whatever comes of it
                    └─ keeper ── command ── whatever comes of it

The guard is one process of each cloud; it forks a keeper for each command. Both adopt the orphans
below them, so a daemon can leave its parent, its group, its session and its environment, but not
its keeper. Who finds that what is above it has died, even by SIGKILL, kills what is below it; a
keeper does so, too, when its command has ended. A guard ends what a killed keeper has left; what
outlives a guard and a keeper that are killed at once is found by the mark in its environment, by
the next guard.

Where orphans cannot be adopted, as on macOS, a keeper ends the process group of its command, and
who leaves the group is left alone.

The guard runs without the packages of this environment, so that it begins and forks quickly: this
file and those that it imports use the standard library alone.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

from tenx_async.local import kin
from tenx_async.local.keeper import Keeper


class Watch:
    """Forks keepers for a cloud, and ends what a keeper could not."""

    def __init__(self, cloud: socket.socket) -> None:
        self._cloud = cloud
        self._death: list[Any] = []
        if sys.platform == "linux":  # the socket tells of it, too, unless the cloud has forked
            self._death.append(os.pidfd_open(os.getppid()))
        self._alive, self._life = os.pipe()
        self._keepers: set[int] = set()
        self._bell = kin.hang_bell()

    def stand(self) -> None:
        """Fork a keeper for each message, until the cloud has gone."""
        while True:
            heard = kin.listen([self._cloud, *self._death], self._bell, self._pause())
            if any(death in heard for death in self._death):
                return
            if self._cloud in heard and not self._fork():
                return

    def end(self) -> None:
        """Let every keeper know, and see to it that nothing is left."""
        self._cloud.close()
        os.close(self._life)
        due = time.monotonic() + kin.PATIENCE
        while kin.reap(self._ended) and time.monotonic() < due + kin.TENACITY:
            for keeper in self._keepers if time.monotonic() > due else ():
                os.kill(keeper, signal.SIGKILL)
            self._kill_strangers()
            kin.listen([], self._bell, kin.ROUND)

    def _pause(self) -> float | None:
        return kin.ROUND if kin.reap(self._ended) and self._kill_strangers() else None

    def _kill_strangers(self) -> bool:
        """Kill what a keeper that was killed has left; tell whether there was anything."""
        strangers = set(kin.children(os.getpid())) - self._keepers if kin.ADOPTS else set[int]()
        kin.signal_families(strangers, signal.SIGKILL)
        return bool(strangers)

    def _ended(self, pid: int, status: int) -> None:
        del status
        self._keepers.discard(pid)

    def _fork(self) -> bool:
        """Do as the cloud asks; tell whether it is there."""
        try:
            asked, ends, _, _ = socket.recv_fds(self._cloud, 1, 2)
        except ConnectionResetError:
            return False
        if not asked:
            return False
        with suppress(OSError):  # the cloud learns of it, since the ends are closed
            if not (keeper := os.fork()):
                self._keep(*ends)
            self._keepers.add(keeper)
        for end in ends:
            os.close(end)
        return True

    def _keep(self, control: int, output: int) -> NoReturn:
        try:
            self._cloud.close()
            os.close(self._life)
            kin.stand_by()
            Keeper(socket.socket(fileno=control), self._alive).keep(output)
        finally:
            os._exit(0)


def main(descriptor: str, mark: str) -> None:
    """Be the guard of the cloud at the other end of a socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, kin.go_on)
    kin.stand_by()
    kin.kill_marked(os.fsencode(mark))
    cloud = socket.socket(fileno=int(descriptor))
    watch = Watch(cloud)
    with suppress(BrokenPipeError):  # the cloud has gone, as the guard will find out
        cloud.sendall(b"+")
    watch.stand()
    watch.end()
