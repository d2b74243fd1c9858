"""Runs that are kept: listed, gone on with, undone; and manifests that are applied."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tenx_async import LocalCloud
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks

from .conftest import Shell

QUICK = ("--stable", "0", "--tick", "0.1", "--timeout", "5")
MANY = ("--yes", "--max-targets", "50")
APPLY = ("apply", "-f", "fleet.json", *QUICK)
WEBS = ("web-a", "web-b", "web-c")
PASSWORD = "hunter2-in-the-clear"
WRITES = ("create", "update", "delete", "start", "stop", "restart")


def declared(name: str, image: str = "shop/web:1", **fields: Any) -> dict[str, Any]:
    """A service that has a password."""
    container = {"image": image, "env": [{"name": "PASSWORD", "value": "${PASSWORD}"}]}
    return {"name": name, "target_instance_size": 1, "containers": [container], **fields}


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    """Three services that run, on a cloud that takes a moment for each write."""
    async with LocalCloud() as cloud:
        for name in WEBS:
            env = [{"name": "PASSWORD", "value": PASSWORD}]
            memory = {"limits": {"memory": "512Mi"}}
            container = {"image": "shop/web:1", "env": env, "resources": memory}
            cloud.add_service(name, containers=[container])
        cloud.quirks = Quirks(transition=0.2)
        yield cloud


@pytest.fixture
def shop(tenx: Shell, tmp_path: Path) -> Shell:
    """The command line where runs are kept, with the shop's password."""
    tenx.variables.update(TENX_STATE_DIR=str(tmp_path / "state"), PASSWORD=PASSWORD)
    return tenx


def declare(shop: Shell, *services: dict[str, Any]) -> None:
    (shop.folder / "fleet.json").write_text(json.dumps(services), encoding="utf-8")


def written(cloud: LocalCloud) -> list[str]:
    return [f"{one.operation} {one.service}" for one in cloud.executions]


async def executed(cloud: LocalCloud, verb: str, name: str) -> None:
    """Wait until a write was carried out."""
    async with asyncio.timeout(10):
        while not cloud.executed(verb, name):  # noqa: ASYNC110  # tells nobody
            await asyncio.sleep(0.01)


async def killed(shop: Shell, cloud: LocalCloud, verb: str, *arguments: str) -> None:
    """Begin a run, and kill it when its first write was carried out and not answered."""
    cloud.faults = [Fault("stall", operations=(verb,), after=True)]
    running = await shop.start(*arguments, *MANY)
    await executed(cloud, verb, "web-a")
    await running.end(signal.SIGKILL)
    cloud.faults = []


async def only_run(shop: Shell) -> dict[str, Any]:
    (run,) = json.loads((await shop("runs", "-o", "json")).out)
    return dict(run)


async def test_what_is_applied_twice_is_written_once(shop: Shell, cloud: LocalCloud) -> None:
    """An update, a replacement, a creation and a deletion; then nothing."""
    declare(
        shop,
        declared("web-a", target_instance_size=2),
        declared("web-b", "shop/web:2"),
        declared("web-d", depends_on=["web-b"]),
    )

    first = await shop(*APPLY, "--prune", *MANY)
    done = sorted(written(cloud))
    second = await shop(*APPLY, "--prune", *MANY)

    assert (first.status, second.status) == (0, 0)
    assert sorted(written(cloud)) == done
    assert done == sorted(
        ["update web-a", "delete web-b", "create web-b", "create web-d", "delete web-c"]
    )
    assert second.out == "web-a: unchanged\nweb-b: unchanged\nweb-d: unchanged\n"
    assert cloud.service("web-b")["containers"][0]["env"][0]["value"] == PASSWORD


async def test_a_replacement_survives_a_lost_answer(shop: Shell, cloud: LocalCloud) -> None:
    """It is deleted once and created once."""
    declare(shop, declared("web-a", "shop/web:2"))
    cloud.faults = [Fault("reset", operations=("delete", "create"), after=True, times=2)]

    ended = await shop(*APPLY, *MANY)

    assert (ended.status, ended.out) == (0, "web-a: replaced\n")
    assert written(cloud) == ["delete web-a", "create web-a"]


async def test_a_replacement_survives_a_kill_between_its_writes(
    shop: Shell, cloud: LocalCloud
) -> None:
    """What was deleted is made anew, with its password, which was kept nowhere."""
    declare(shop, declared("web-a", "shop/web:2"))
    await killed(shop, cloud, "delete", *APPLY)

    ended = await shop("resume")

    assert (ended.status, ended.out) == (0, "web-a: replaced\n")
    assert written(cloud) == ["delete web-a", "create web-a"]
    assert cloud.service("web-a")["containers"][0]["image"] == "shop/web:2"
    assert cloud.service("web-a")["containers"][0]["env"][0]["value"] == PASSWORD


@pytest.mark.parametrize(
    ("size", "text"),
    [(2, "web-a: has 2 instances, not 1"), (None, "web-a: is gone")],
)
async def test_a_world_that_moved_is_not_written_to(
    shop: Shell, cloud: LocalCloud, size: int | None, text: str
) -> None:
    """What was agreed to is not what it would be now."""
    declare(shop, declared("web-a", target_instance_size=3), declared("web-b", "shop/web:2"))
    async with shop.terminal(*APPLY) as terminal:
        await terminal.until("Type 2 to apply 2 services: ")
        if size is None:
            cloud.remove_service("web-a")
        else:
            await shop("scale", "web-a", "--to", str(size))
        done = written(cloud)
        terminal.type("2\n")
        assert await terminal.end() == 1
        await terminal.until(text)

    assert written(cloud) == done
    assert "plan it anew" in terminal.shown


async def test_an_unmoved_world_is_written_to_as_agreed(shop: Shell, cloud: LocalCloud) -> None:
    """It takes one list call to know."""
    declare(shop, declared("web-a", target_instance_size=2))
    async with shop.terminal(*APPLY) as terminal:
        await terminal.until("1 service")
        terminal.type("1\n")
        assert await terminal.end() == 0

    assert written(cloud) == ["update web-a"]


async def test_another_manifest_is_not_resumed(shop: Shell, cloud: LocalCloud) -> None:
    """It is said what to do, and it can be gone on with as it was declared."""
    declare(shop, declared("web-a", "shop/web:2"))
    await killed(shop, cloud, "delete", *APPLY)
    declare(shop, declared("web-a", "shop/web:3"))

    refused = await shop("resume")
    (shop.folder / "fleet.json").unlink()
    gone = await shop("resume")
    declare(shop, declared("web-a", "shop/web:2"))
    ended = await shop("resume")

    assert refused.status == gone.status == 1
    assert "web-a is not declared any more as it was when the run was begun" in refused.complaint
    assert refused.complaint.endswith("apply it anew")
    assert "fleet.json: No such file" in gone.complaint
    assert ended.status == 0
    assert written(cloud) == ["delete web-a", "create web-a"]


async def test_another_password_is_not_resumed(shop: Shell, cloud: LocalCloud) -> None:
    """It is no part of what is said."""
    declare(shop, declared("web-a", "shop/web:2"))
    await killed(shop, cloud, "delete", *APPLY)

    refused = await shop("resume", PASSWORD="another-secret")

    assert refused.status == 1
    assert "web-a is not declared any more" in refused.complaint
    assert "secret" not in refused.complaint


async def test_what_was_declared_on_standard_input_cannot_be_read_again(
    shop: Shell, cloud: LocalCloud
) -> None:
    """What to do is said, and no file called - is looked for."""
    declare(shop, declared("web-a", "shop/web:2"))
    cloud.faults = [Fault("stall", operations=("delete",), after=True)]
    with (shop.folder / "fleet.json").open("rb") as file:
        running = await evolve(shop, stdin=file).start("apply", "-f", "-", *QUICK, *MANY)
    await executed(cloud, "delete", "web-a")
    await running.end(signal.SIGKILL)

    refused = await shop("resume")

    assert refused.status == 1
    assert "is declared in no file that can be read again: apply it anew" in refused.complaint


async def test_a_run_of_another_account_is_left_alone(shop: Shell, cloud: LocalCloud) -> None:
    """Neither gone on with nor undone."""
    await killed(shop, cloud, "stop", "stop", "web-*", *QUICK)
    asked, run = cloud.requests, await only_run(shop)

    for command in ("resume", "undo"):
        arguments = (command, run["run_id"], *(MANY if command == "undo" else ()))
        refused = await shop(*arguments, TENX_USERNAME="bob")
        assert refused.status == 1
        assert f"is of {cloud.username} at" in refused.complaint
        assert "and this is bob at" in refused.complaint

    assert cloud.requests == asked
    assert (await only_run(shop))["state"] == "interrupted"


async def test_the_latest_run_is_the_latest_of_this_account(shop: Shell, cloud: LocalCloud) -> None:
    """Who has several accounts, or regions, need not name it."""
    cloud.faults = [Fault("error", operations=("stop",), status=400)]
    await shop("stop", "web-*", *QUICK, *MANY)
    await shop("stop", "web-*", *QUICK, *MANY, TENX_REGION="us")
    asked = cloud.requests

    resumed = await shop("resume", TENX_USERNAME="bob")
    undone = await shop("undo", *MANY, TENX_USERNAME="bob")

    assert resumed.status == undone.status == 1
    assert "there is no run to resume; the latest are" in resumed.complaint
    assert "there are no runs of bob at" in undone.complaint
    assert cloud.requests == asked


async def test_one_process_does_a_run(shop: Shell, cloud: LocalCloud) -> None:
    """Another one is told, and does nothing."""
    cloud.quirks = Quirks(transition=60)
    running = await shop.start("restart", "web-*", *MANY)
    await executed(cloud, "restart", "web-a")
    run = await only_run(shop)

    named, latest = await shop("resume", run["run_id"]), await shop("resume")
    undone = await shop("undo", *MANY)
    await running.end(signal.SIGKILL)

    assert run["state"] == "running"
    assert named.complaint == f"tenx: run {run['run_id']} is still being done by a process"
    assert "there is no run to resume" in latest.complaint
    assert f"{run['run_id']} (running)" in latest.complaint
    assert "still goes on: stop it first" in undone.complaint
    assert {named.status, latest.status, undone.status} == {1}


async def test_a_restart_is_not_sent_again(shop: Shell, cloud: LocalCloud) -> None:
    """Whether the first one came to pass cannot be told when it is over."""
    await killed(shop, cloud, "restart", "restart", "web-*", *QUICK, "--max-failures", "2")

    ended = await shop("resume")
    again = await shop("resume")

    assert ended.status == 5
    assert sorted(written(cloud)) == [f"restart {name}" for name in WEBS]
    assert "web-b: restarted\nweb-c: restarted\n" in ended.out
    assert "there is no run to resume" in again.complaint


@pytest.mark.parametrize(
    "line",
    [
        ("scale", "web-*", "--to", "+2"),
        ("update", "web-*", "--memory", "1Gi", "--domain", "www.example.cn"),
        ("stop", "web-*"),
    ],
)
async def test_what_was_done_is_undone_once(
    shop: Shell, cloud: LocalCloud, line: tuple[str, ...]
) -> None:
    """Then all is as it was before, and a second time changes nothing."""
    before = [shown(cloud, name) for name in WEBS]
    done = await shop(*line, *QUICK, *MANY)
    run_id = (await only_run(shop))["run_id"]
    changed = [shown(cloud, name) for name in WEBS]

    undone = await shop("undo", *QUICK, *MANY)
    count = len(written(cloud))
    again = await shop("undo", *QUICK, *MANY)
    named = await shop("undo", run_id, *QUICK, *MANY)

    assert {done.status, undone.status, again.status} == {0}
    assert named.out == again.out
    assert changed != before
    assert [shown(cloud, name) for name in WEBS] == before
    assert len(written(cloud)) == count == 6
    assert again.out == "web-c: unchanged\nweb-b: unchanged\nweb-a: unchanged\n"


def shown(cloud: LocalCloud, name: str) -> tuple[Any, ...]:
    service = cloud.service(name)
    limits = service["containers"][0].get("resources")
    keys = ("status", "target_instance_size", "binding_domain_name")
    return limits, *(service[key] for key in keys)


async def test_an_undoing_says_what_it_does(shop: Shell) -> None:
    """And can be undone itself, if it is named."""
    await shop("start", "web-a", *QUICK)
    await shop("stop", "web-*", *QUICK, *MANY)

    plan = await shop("undo", "--dry-run")
    await shop("undo", *QUICK, *MANY)
    latest, *_ = json.loads((await shop("runs", "-o", "json")).out)
    back = await shop("undo", latest["run_id"], "--dry-run")

    assert "undo 3 services of 3 in beijing1\n  steps  3 start\n" in plan.out
    assert "undo 3 services of 3 in beijing1\n  steps  3 stop\n" in back.out


async def test_what_cannot_be_undone_is_said(shop: Shell, cloud: LocalCloud) -> None:
    """Nothing is sent."""
    await shop("restart", "web-a", *QUICK)

    ended = await shop("undo", *MANY)

    assert ended.status == 1
    assert "a restart cannot be taken back" in ended.complaint


def damage(file: Path) -> None:
    file.write_bytes(b"no database " * 1000)


async def test_a_damaged_journal_is_set_aside_and_told(shop: Shell, cloud: LocalCloud) -> None:
    """A new run begins a new one."""
    await shop("restart", "web-a", *QUICK)
    damage(Path(shop.variables["TENX_STATE_DIR"], "runs.sqlite"))

    told = await shop("resume")
    after = await shop("runs")
    ended = await shop("restart", "web-a", *QUICK)

    assert told.status == 1
    assert "was set aside as" in told.complaint
    assert (after.status, after.complaint) == (0, "tenx: no run is kept")
    assert ended.status == 0
    assert (await only_run(shop))["state"] == "finished"


async def test_what_cannot_be_kept_is_not_begun(shop: Shell, cloud: LocalCloud) -> None:
    """One call to one service needs no state, nor does a plan."""
    (shop.folder / "file").write_text("no folder")
    nowhere = {"TENX_STATE_DIR": "", "XDG_STATE_HOME": str(shop.folder / "file")}

    refused = await shop("restart", "web-*", *QUICK, *MANY, **nowhere)
    plain = await shop("restart", "web-a", **nowhere)
    dry = await shop("restart", "web-*", "--dry-run", *QUICK, **nowhere)

    assert refused.status == 1
    assert nowhere["XDG_STATE_HOME"] in refused.complaint
    assert (plain.status, plain.out) == (0, "web-a: restarted\n")
    assert dry.status == 0
    assert written(cloud) == ["restart web-a"]


async def test_a_state_directory_is_made(shop: Shell) -> None:
    """Its parents, too; only its owner sees what is in it."""
    state = shop.folder / "not" / "yet"
    empty = await shop("runs", TENX_STATE_DIR=str(state))
    ended = await shop("restart", "web-a", *QUICK, TENX_STATE_DIR=str(state))

    assert (empty.status, empty.complaint) == (0, "tenx: no run is kept")
    assert ended.status == 0
    assert (state / "runs.sqlite").stat().st_mode & 0o077 == 0


async def test_secrets_stay_out_of_everything(shop: Shell, cloud: LocalCloud) -> None:
    """What is shown, told and kept of a replacement, one that fails included."""
    declare(shop, declared("web-a", "shop/web:2"), declared("web-d"), declared("web-b"))
    cloud.faults = [Fault("error", operations=("create",), status=400)]
    other = {"PASSWORD": "another-secret"}

    told = [
        await shop("plan", "-f", "fleet.json", **other),
        await shop(*APPLY, "--dry-run", **other),
        await shop(*APPLY, *MANY, "--max-failures", "3", "--max-unavailable", "3", **other),
        await shop("resume", **other),
        await shop("runs", "-o", "json"),
    ]
    kept = [file.read_bytes() for file in (shop.folder / "state").iterdir()]

    assert told[2].status != 0
    texts = [*kept, *(one.out.encode() + one.err.encode() for one in told)]
    for secret in (PASSWORD, "another-secret", cloud.token):
        assert not [text for text in texts if secret.encode() in text]
