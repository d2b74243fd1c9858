from __future__ import annotations

import asyncio
import shlex
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tenx_async.local import LocalCloud

VENDOR = Path(__file__).parent / "vendor"
EXAMPLES = (VENDOR / "curl.txt").read_text().splitlines()
STATUS = {"start": "Stopped", "create": None}


async def curl(example: str, cloud: LocalCloud) -> tuple[int, str]:
    """Run an example with a cloud's address and credentials; give status and body."""
    for shown, ours in {
        "https://api.tenxcloud.com": cloud.endpoint,
        "[user_name]": cloud.username,
        "[api_token]": cloud.token,
    }.items():
        example = example.replace(shown, ours)
    process = await asyncio.create_subprocess_exec(
        *shlex.split(example), "-s", "-w", "\n%{http_code}", stdout=PIPE, cwd=VENDOR
    )
    body, _, status = (await process.communicate())[0].decode().rpartition("\n")
    return int(status), body


def operation(example: str) -> str:
    """What an example does: the last part of its path, or its verb."""
    path = shlex.split(example)[1].partition("?")[0]
    verb = example.partition(" -X ")[2].partition(" ")[0]
    last = path.rpartition("/")[2]
    return {"POST": "create", "DELETE": "delete"}.get(verb, last)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("example", EXAMPLES, ids=operation)
async def test_every_example_of_the_vendors_page_works(cloud: LocalCloud, example: str) -> None:
    """As they stand there, but for the address and the credentials."""
    cloud.add_service("myservice")
    if (status := STATUS.get(operation(example), "Running")) is not None:
        cloud.add_service("service-name", status=status)

    code, body = await curl(example, cloud)

    assert 200 == code, body


def test_there_are_nine_examples() -> None:
    """One for each operation of the page."""
    assert 9 == len(EXAMPLES) == len(set(map(operation, EXAMPLES)))
