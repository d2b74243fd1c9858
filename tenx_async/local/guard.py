"""The cloud's end of the guard, the process that lets nothing outlive the cloud: see `watch`."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from attrs import define, field

_PROGRAM = """
import sys
sys.path.append(sys.argv[1])
from tenx_async.local import watch
watch.main(*sys.argv[2:])
"""
_PACKAGES = str(Path(__file__).parents[2])
_LONGEST_END = 15.0
"""Seconds; longer than a guard goes on killing."""


@define(eq=False)
class Guard:
    """Engages keepers of commands; a guard that has died is replaced at once."""

    mark: str
    """`NAME=VALUE` in the environment of every command."""
    _post: _Post | None = field(default=None, init=False)

    def begin(self) -> None:
        """Post a process; it kills what its predecessor may have left."""
        self._post = _Post.take_up(self.mark)
        asyncio.get_running_loop().add_reader(self._post.line, self._hear)

    def engage(self) -> tuple[socket.socket, BinaryIO]:
        """Give what a new keeper listens to, and what its command will write.

        Raises:
            OSError: the guard is not to be had.
        """
        if not self._post:
            self.begin()
        assert self._post
        return self._post.engage()

    async def dismiss(self) -> None:
        """Let the guard end all that is left, and wait for it."""
        if post := self._leave():
            await asyncio.to_thread(post.end)

    @property
    def pid(self) -> int | None:
        """The number of the process."""
        return self._post.process.pid if self._post else None

    def _leave(self) -> _Post | None:
        post, self._post = self._post, None
        if post:
            asyncio.get_running_loop().remove_reader(post.line)
            post.line.close()
        return post

    def _hear(self) -> None:
        """Replace who has died, unless it could not even begin."""
        assert self._post
        if self._post.hear():
            return
        post = self._leave()
        assert post
        post.process.kill()
        post.process.wait()
        if post.is_ready:
            self.begin()


@define(eq=False)
class _Post:
    """A process and the line to it."""

    process: subprocess.Popen[bytes]
    line: socket.socket
    is_ready: bool = False

    @classmethod
    def take_up(cls, mark: str) -> _Post:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - its own interpreter and its own file
                [sys.executable, "-I", "-S", "-c", _PROGRAM, _PACKAGES, str(theirs.fileno()), mark],
                env={},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return cls(process, ours)

    def hear(self) -> bool:
        """Note that it has begun; tell whether it is alive."""
        try:
            said = self.line.recv(1)
        except ConnectionResetError:
            return False
        self.is_ready |= bool(said)
        return bool(said)

    def engage(self) -> tuple[socket.socket, BinaryIO]:
        control, far = socket.socketpair()
        reading, writing = os.pipe()
        output = os.fdopen(reading, "rb", buffering=0)
        try:
            socket.send_fds(self.line, [b"+"], [far.fileno(), writing])
        except OSError:
            control.close()
            output.close()
            raise
        finally:
            far.close()
            os.close(writing)
        return control, output

    def end(self) -> None:
        """Wait for its end; it goes on even if somebody has stopped it."""
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(_LONGEST_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
