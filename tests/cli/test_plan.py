from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tenx_async import LocalCloud

from .conftest import DEADLINE, Shell, command, plain

WANTED = """
- name: new
  containers: [{image: a/new:1, env: [{name: PASSWORD, value: "${SECRET}"}]}]
- name: web
  target_instance_size: 2
  containers: [{image: a/web:1, memory: 512Mi}]
- name: api
  depends_on: [web]
  containers: [{image: a/api:2}]
- {name: same, containers: [{image: a/same:1}]}
"""
TEXT = """\
+ create new
    containers[0].image: a/new:1
    containers[0].env.PASSWORD: ***
~ update web
    target_instance_size: 1 -> 2
    memory: 256Mi -> 512Mi
-/+ replace api
    containers[0].image: a/api:1 -> a/api:2
    ! deleted, then created anew: what its containers keep outside of volumes is lost, \
and so is its log
- delete old
    ! its log and what its containers keep outside of volumes are lost
1 to create, 1 to update, 1 to replace, 1 to delete, 1 unchanged
"""


@pytest.fixture
def fleet(cloud: LocalCloud, tmp_path: Path) -> Path:
    """A file, and services that are not all as it says."""
    limits = {"limits": {"memory": "256Mi"}}
    cloud.add_service("web", containers=[{"image": "a/web:1", "resources": limits}])
    for name in ("api", "same", "old"):
        cloud.add_service(name, containers=[{"image": f"a/{name}:1"}])
    (tmp_path / "fleet.yaml").write_text(WANTED)
    return tmp_path / "fleet.yaml"


@pytest.mark.usefixtures("fleet")
async def test_a_plan_is_shown_and_not_done(tenx: Shell, cloud: LocalCloud) -> None:
    """Field by field, and replacements as what they are."""
    ended = await tenx("plan", "-f", "fleet.yaml", "--prune", SECRET="hunter2")

    assert (ended.status, ended.out, ended.err) == (0, TEXT, "")
    assert not cloud.executions


@pytest.mark.usefixtures("fleet")
async def test_a_plan_has_colours_on_a_terminal(tenx: Shell) -> None:
    """The words are the same."""
    async with tenx.terminal("plan", "-f", "fleet.yaml", "--prune", SECRET="x") as terminal:
        await terminal.until("1 unchanged")
        assert await terminal.end() == 0

    assert plain(terminal.shown) == TEXT
    for code, words in (("1;32", "+ create new"), ("1;33", "~ update web"), ("1;31", "- delete")):
        assert f"\x1b[{code}m{words}" in terminal.shown


@pytest.mark.usefixtures("fleet")
async def test_a_plan_can_be_read_by_programs(tenx: Shell) -> None:
    """A JSON object for each step, and one for all."""
    ended = await tenx("plan", "-f", "fleet.yaml", "-o", "json", SECRET="hunter2")

    new, web, api, summary = map(json.loads, ended.out.splitlines())
    assert new["changes"][1] == {
        "field": "containers[0].env.PASSWORD",
        "before": None,
        "after": "***",
    }
    assert (web["operation"], web["warning"], web["after"]) == ("update", None, [])
    assert (api["operation"], api["after"]) == ("replace", ["web"])
    assert "outside of volumes is lost" in api["warning"]
    assert summary == {
        "summary": {
            "create": 1,
            "update": 1,
            "replace": 1,
            "delete": 0,
            "unchanged": 1,
            "skipped": 0,
        }
    }


@pytest.mark.usefixtures("fleet")
async def test_scripts_can_ask_whether_something_is_pending(tenx: Shell, tmp_path: Path) -> None:
    """As `diff` does, but with a 2."""
    (tmp_path / "same.json").write_text('[{"name": "same", "containers": [{"image": "a/same:1"}]}]')

    pending = await tenx("plan", "-f", "fleet.yaml", "--exit-code", SECRET="x")
    same = await tenx("plan", "-f", "same.json", "--exit-code")

    assert (pending.status, same.status) == (2, 0)
    assert same.out == "0 to create, 0 to update, 0 to replace, 0 to delete, 1 unchanged\n"


async def test_a_manifest_comes_from_a_pipe(tenx: Shell) -> None:
    """`-` is standard input."""
    process = await asyncio.create_subprocess_exec(
        *command("plan", "-f", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=tenx.environment(),
    )
    async with asyncio.timeout(DEADLINE):
        out, err = await process.communicate(b"- {name: web, containers: [{image: a}], x: 1}")

    assert out.decode().startswith("+ create web\n")
    assert "tenx: standard input:1: x: not in the API's document, but sent" in err.decode()


async def test_all_that_is_wrong_is_told_before_anything_is_asked(
    stranger: Shell, tmp_path: Path
) -> None:
    """A line for each place; nobody needs an account for that."""
    (tmp_path / "fleet.yaml").write_text(WANTED + "- name: web\n  containers:\n  - memory: lots\n")

    ended = await stranger("plan", "-f", "fleet.yaml")

    assert (ended.status, ended.out) == (1, "")
    assert [line.partition(" ")[2] for line in ended.err.splitlines()] == [
        (
            "fleet.yaml:3: containers[0].env[0].value: the variable SECRET is not set in the "
            "environment"
        ),
        "fleet.yaml:11: name: 'web' is declared already, in line 4",
        "fleet.yaml:13: containers[0].image: is missing",
        (
            "fleet.yaml:13: containers[0].memory: 'lots' is not an amount of memory such as 512, "
            "'512Mi' or '1Gi'"
        ),
    ]


async def test_a_file_that_is_not_there_is_an_error(stranger: Shell) -> None:
    """Named as it was given."""
    ended = await stranger("plan", "-f", "missing.yaml")

    assert (ended.status, ended.complaint) == (
        1,
        f"tenx: missing.yaml: {os.strerror(2)}",
    )


async def test_nothing_in_a_plan_commands_the_terminal(tenx: Shell, tmp_path: Path) -> None:
    """Neither what is declared nor what the server shows."""
    text = json.dumps([{"name": "web", "containers": [{"image": "a\x1bc\nb"}]}])
    (tmp_path / "fleet.json").write_text(text)

    ended = await tenx("plan", "-f", "fleet.json")

    assert "    containers[0].image: a␛c␊b\n" in ended.out
