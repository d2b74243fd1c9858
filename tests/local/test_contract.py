from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

import tenx_async.local
from tenx_async.local import LocalCloud, routes

from .conftest import Caller

DESCRIPTION = Path(tenx_async.local.__file__).with_name("openapi.json")
CONFIGURATION = '[parameters]\n"path.region" = "beijing1"\n'


async def test_the_description_is_served_as_it_is_shipped(call: Caller) -> None:
    """Anybody may fetch it, to make a client of it or to test against it."""
    answer = await call("GET", "/openapi.json", headers={"Authorization": ""})

    assert (200, "application/json") == (answer.status, answer.content_type)
    assert json.loads(DESCRIPTION.read_bytes()) == answer.json
    assert "3.1.0" == answer.json["openapi"]


async def test_every_route_is_described_and_no_other(call: Caller) -> None:
    """The description has the operations that the cloud has."""
    described = {
        routes.route(method.upper(), path).operation
        for path, item in (await call("GET", "/openapi.json")).json["paths"].items()
        for method in item.keys() - {"parameters"}
    }

    handled = {operation for ways in routes._PATHS.values() for operation in ways.values()}
    assert described == handled - routes.CONTROLS - {"openapi"}


@pytest.mark.parametrize(
    "choice",
    [
        ("--phases", "examples,coverage,fuzzing", "--max-examples", "4"),
        ("--phases", "stateful", "--mode", "positive", "--max-examples", "4"),
    ],
    ids=["requests", "sequences"],
)
async def test_schemathesis_finds_nothing(
    cloud: LocalCloud, choice: tuple[str, ...], tmp_path: Path
) -> None:
    """What the description allows is answered as described; anything else is refused, not broken.

    Sequences use what fits the description only: in those, schemathesis 4.32 takes some of its
    valid requests for invalid ones.
    """
    cloud.add_service("web")
    cloud.append("web", "line", instance="web-x7k2p", date=dt.date(2015, 12, 29))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    credentials = {"username": cloud.username, "Authorization": f"token {cloud.token}"}
    sent = [word for name, text in credentials.items() for word in ("-H", f"{name}: {text}")]
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("schemathesis"), "run"),
        *(f"{cloud.endpoint}/openapi.json", "--seed", "1", "--no-color", *sent, *choice),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=tmp_path,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()

    assert 0 == process.returncode, said.decode()[-4000:]
    assert cloud.requests > 30
