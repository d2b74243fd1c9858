from __future__ import annotations

import socket
from pathlib import Path
from uuid import uuid4

import attrs
import pytest

from tenx_async.cli.progress import Account, Progress, Rate, line_of
from tenx_async.cli.readiness import Supervisor

IDLE = Progress(sources=1, lines=0, lag=None, waiting=0, state="ok", reason="", gaps=0)


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_line_says_how_it_goes() -> None:
    """In the order in which an operator asks."""
    busy = Progress(
        sources=1200, lines=34567, lag=1.26, waiting=12, state="paused", reason="disk full", gaps=1
    )

    assert line_of(IDLE, 0) == "1 service · 0 lines · 0/s · lag unknown · 0 waiting · ok"
    assert line_of(busy, 345.6) == (
        "1,200 services · 34,567 lines · 346/s · lag 1.3 s · 12 waiting · 1 gap · paused: disk full"
    )


def test_the_rate_is_of_the_last_seconds() -> None:
    """What was fast long ago is forgotten."""
    clock = Hand()
    rate = Rate(clock)
    seen = []
    for number in (0, 500, 1000, 1000, *[1000] * 20):
        seen.append(rate.of(number))
        clock.now += 0.5

    assert seen[:3] == [0, 1000, 1000]
    assert seen[-1] == 0


def test_a_pipe_gets_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """Not one each time that it is looked."""
    clock = Hand()
    account = Account(is_live=False, clock=clock)
    for _ in range(300):
        clock.now += 0.5
        account.show(attrs.evolve(IDLE, lines=int(clock.now), lag=0.0))

    first, second = capsys.readouterr().err.splitlines()
    assert first == "tenx: 1 service · 60 lines · 1/s · lag 0.0 s · 0 waiting · ok"
    assert second.startswith("tenx: 1 service · 120 lines")


def test_nobody_is_told_where_nobody_asked(tmp_path: Path) -> None:
    """Nor does it matter that nobody listens any more."""
    Supervisor.of({}).ready()
    Supervisor.of({"NOTIFY_SOCKET": str(tmp_path / "nosuch")}).ready()


@pytest.mark.parametrize(
    ("variables", "patience"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_only_if_it_is_ours(
    variables: dict[str, str], patience: float | None
) -> None:
    """A process may inherit the variables of another one."""
    assert patience == Supervisor.of(variables).patience


def test_an_abstract_socket_is_found() -> None:
    """It has no file; systemd writes it with an at sign."""
    name = f"tenx-test-{uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        Supervisor(f"@{name}").status("two\nlines")
        assert manager.recv(100) == b"STATUS=two lines"
