"""A file system that is full, or read-only: what is shipped waits, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tenx_async.logs.buffer import Buffer
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.sink import Sink
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.sinks.shipping import KINDS, FakeClient, Line, all_written, paused, until

EVERYWHERE = pytest.mark.parametrize(("make", "read"), KINDS.values(), ids=KINDS)


class Disk:
    """A file system in memory, of a size that can be changed."""

    def __init__(self, at: Path, options: str) -> None:
        self.at = at
        self._mount("-t", "tmpfs", "-o", options, "tmpfs", str(at))

    def change(self, options: str) -> None:
        self._mount("-o", f"remount,{options}", str(self.at))

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.at)], check=True)

    @staticmethod
    def _mount(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    at = tmp_path / "disk"
    at.mkdir()
    try:
        disk = Disk(at, "size=700k")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only who may mount a small file system can fill it")
    yield disk
    disk.remove()


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web", "api")
    return cloud


@EVERYWHERE
async def test_it_goes_on_when_there_is_room_again(
    fake: FakeCloud,
    disk: Disk,
    make: Callable[[Path], Sink],
    read: Callable[[Path], Counter[Line]],
) -> None:
    """Filled by others, or by the lines themselves: polling pauses until there is room."""
    client = FakeClient(fake)
    async with Ship(client, make(disk.at), flush_lines=200, buffer=Buffer(200)) as ship:
        for number in range(8_000):
            fake.write("web", f"line {number} {number * 7919 % 10_007}")
        await paused(ship)
        calls = fake.calls["web"]
        await until(lambda: len(fake.clock.sleeps) > 200)  # type: ignore[attr-defined]  # manual
        assert ship.status.state == "paused"
        assert fake.calls["web"] - calls < 50
        disk.change("size=100m")
        await all_written(ship, fake, lambda: read(disk.at))

    assert fake.written == read(disk.at)
    assert os.strerror(28)[:8] in str(client.events) or "full" in str(client.events)


@EVERYWHERE
async def test_it_begins_when_it_may_write(
    fake: FakeCloud,
    disk: Disk,
    make: Callable[[Path], Sink],
    read: Callable[[Path], Counter[Line]],
) -> None:
    """A directory that is read-only is waited for."""
    disk.change("ro")
    fake.write("web", "a")
    async with Ship(FakeClient(fake), make(disk.at)) as ship:
        await paused(ship)
        disk.change("rw")
        await all_written(ship, fake, lambda: read(disk.at))

    assert fake.written == read(disk.at)
