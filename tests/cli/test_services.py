from __future__ import annotations

import json
from pathlib import Path

import pytest

from tenx_async import LocalCloud

from .conftest import Shell, plain

QUICK = ("--stable", "0", "--tick", "0.1")
SPEC = {"containers": [{"image": "index.tenxcloud.com/demo/web:1", "command": ["run"]}]}


async def test_ls_shows_a_table_of_all_services(tenx: Shell, cloud: LocalCloud) -> None:
    """Without patterns all services are listed, by name."""
    cloud.add_service("web", instances=3)
    cloud.add_service("api", status="Stopped")

    ended = await tenx("ls")

    heading, api, web = ended.out.splitlines()
    assert heading.split() == ["NAME", "STATUS", "INSTANCES", "IMAGE", "ADDRESS", "CREATED"]
    assert api.split()[:3] == ["api", "Stopped", "1"]
    assert web.split()[:3] == ["web", "Running", "3"]
    assert (ended.status, ended.err) == (0, "")


async def test_ls_selects_by_patterns(tenx: Shell, cloud: LocalCloud) -> None:
    """Names and globs are both patterns."""
    for name in ("web-a", "web-b", "api", "mysql"):
        cloud.add_service(name)

    assert (await tenx("ls", "web-*", "api", "-o", "name")).out == "api\nweb-a\nweb-b\n"


async def test_ls_writes_services_as_the_api_does(tenx: Shell, cloud: LocalCloud) -> None:
    """JSON has the keys of the API's document."""
    cloud.add_service(
        "web", containers=[{"image": "a/b:1", "env": [{"name": "A", "value": "[b]"}]}]
    )

    (service,) = json.loads((await tenx("ls", "-o", "json")).out)

    assert service["containers"][0]["image"] == "a/b:1"
    assert service["containers"][0]["env"] == [{"name": "A", "value": "[b]"}]


async def test_nothing_to_list_is_said_on_standard_error(tenx: Shell, cloud: LocalCloud) -> None:
    """A pipe gets no heading over nothing."""
    cloud.add_service("web")

    ended = await tenx("ls", "zz*")

    assert (ended.status, ended.out, ended.err) == (0, "", "tenx: no service matches\n")


async def test_a_name_that_is_not_listed_is_an_error(tenx: Shell, cloud: LocalCloud) -> None:
    """Who names a service expects it; the others are shown all the same."""
    cloud.add_service("web")

    ended = await tenx("ls", "web", "nosuch", "-o", "name")

    assert (ended.status, ended.out) == (1, "web\n")
    assert "list nosuch: there is no such service" in ended.complaint


async def test_get_shows_no_values_of_the_environment(tenx: Shell, cloud: LocalCloud) -> None:
    """Passwords live there; JSON has them, for those who ask for all."""
    environment = [{"name": "PASSWORD", "value": "hunter2"}]
    cloud.add_service("web", containers=[{"image": "a/b:1", "env": environment}])

    table, whole = await tenx("get", "web"), await tenx("get", "web", "-o", "json")

    assert "PASSWORD" in table.out
    assert "hunter2" not in table.out
    assert json.loads(whole.out)["containers"][0]["env"] == environment


async def test_options_stand_before_or_behind_the_command(tenx: Shell, cloud: LocalCloud) -> None:
    """Nobody has to remember where an option belongs."""
    cloud.add_service("there", region="us")

    for arguments in (
        ("--region", "us", "ls", "-o", "name"),
        ("ls", "--region", "us", "-o", "name"),
        ("ls", "-o", "name", "--region=us"),
    ):
        assert (await tenx(*arguments)).out == "there\n"


async def test_create_sends_the_file(tenx: Shell, cloud: LocalCloud, tmp_path: Path) -> None:
    """A service is made as the file says."""
    (tmp_path / "web.json").write_text(json.dumps(SPEC))

    ended = await tenx("create", "web", "-f", "web.json")

    assert (ended.status, ended.out, ended.err) == (0, "web: created\n", "")
    assert cloud.service("web")["containers"][0]["command"] == ["run"]


async def test_create_warns_of_unknown_keys_and_sends_them(tenx: Shell, tmp_path: Path) -> None:
    """A key that the document does not have may be a slip, or newer than the document."""
    (tmp_path / "web.json").write_text(json.dumps({**SPEC, "colour": "red"}))

    ended = await tenx("create", "web", "-f", "web.json")

    assert (ended.status, ended.out) == (0, "web: created\n")
    assert "web.json: not in the API's document, but sent: colour" in ended.complaint


@pytest.mark.parametrize(
    ("verb", "told", "after"),
    [
        ("start", "started", "Running"),
        ("stop", "stopped", "Stopped"),
        ("restart", "restarted", "Running"),
    ],
)
async def test_an_action_is_done_and_told(
    tenx: Shell, cloud: LocalCloud, verb: str, told: str, after: str
) -> None:
    """Each service is named with what became of it."""
    cloud.add_service("web", status="Stopped" if verb == "start" else "Running")

    ended = await tenx(verb, "web", "web")

    assert (ended.status, ended.out, ended.err) == (0, f"web: {told}\n", "")
    assert cloud.service("web")["status"] == after
    assert cloud.executed(verb, "web") == 1


async def test_scale_sets_the_size_of_each(tenx: Shell, cloud: LocalCloud) -> None:
    """One number for all that are named."""
    cloud.add_service("web")
    cloud.add_service("api")

    ended = await tenx("scale", "web", "api", "--to", "4", "--yes", *QUICK)

    assert sorted(ended.out.splitlines()) == ["api: scaled", "web: scaled"]
    assert cloud.service("web")["target_instance_size"] == 4


async def test_failures_among_several_are_grouped(tenx: Shell, cloud: LocalCloud) -> None:
    """One failure ends nothing; the status shows that there was one."""
    cloud.add_service("web")

    ended = await tenx("restart", "web", "gone-a", "gone-b", "--yes", *QUICK)

    assert ended.status == 3
    assert "web: restarted" in ended.out.splitlines()
    assert "2 of 3 failed, HTTP 404 NotFound (gone-a, gone-b)" in ended.err


async def test_outcomes_can_be_read_by_programs(tenx: Shell, cloud: LocalCloud) -> None:
    """A JSON object a line, before the summary."""
    cloud.add_service("web")

    ended = await tenx("stop", "web", "nosuch", "--yes", *QUICK, "-o", "json")

    *lines, _ = map(json.loads, ended.out.splitlines())
    outcomes = {line["service"]: line for line in lines}
    assert outcomes["web"]["result"] == "applied"
    assert outcomes["nosuch"]["result"] == "failed"
    assert "no such service" in outcomes["nosuch"]["error"]


async def test_delete_does_not_happen_unasked(tenx: Shell, cloud: LocalCloud) -> None:
    """Where nobody can be asked, it must be said."""
    cloud.add_service("web")

    ended = await tenx("delete", "web")

    assert ended.status == 2
    assert "--yes" in ended.err
    assert (await tenx("delete", "web", "--yes")).out == "web: deleted\n"
    assert cloud.executed("delete", "web") == 1


@pytest.mark.parametrize(
    ("answer", "status", "times"), [("n\n", 1, 0), ("\n", 1, 0), ("y\n", 0, 1)]
)
async def test_delete_asks_on_a_terminal(
    tenx: Shell, cloud: LocalCloud, answer: str, status: int, times: int
) -> None:
    """Only a yes is a yes."""
    cloud.add_service("web")

    async with tenx.terminal("delete", "web") as terminal:
        await terminal.until("Delete web, and what it has logged? [y/N]")
        terminal.type(answer)
        assert await terminal.end() == status

    assert cloud.executed("delete", "web") == times


async def test_deleting_what_is_not_there_is_told(tenx: Shell, cloud: LocalCloud) -> None:
    """A slip does not look like success; programs read that nothing was changed."""
    cloud.add_service("web")

    several = await tenx("delete", "-y", "web", "nosuch", *QUICK)
    alone = await tenx("delete", "-y", "nosuch", "-o", "json")

    assert several.status == 0
    assert sorted(several.out.splitlines()) == ["nosuch: there is no such service", "web: deleted"]
    assert "1 of 2 not deleted, there is no such service (nosuch)" in several.err
    assert (alone.status, json.loads(alone.out)["result"]) == (1, "unchanged")


async def test_what_the_terminal_cannot_show_is_escaped(tenx: Shell, cloud: LocalCloud) -> None:
    """An old locale is no reason to show nothing."""
    cloud.add_service("web", containers=[{"image": "a/é:1"}])

    ended = await tenx("get", "web", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert (ended.status, ended.err) == (0, "")
    assert "a/\\xe9:1" in ended.out


async def test_a_table_is_not_cut_by_a_narrow_terminal(tenx: Shell, cloud: LocalCloud) -> None:
    """What is shown is whole, markup in it is text."""
    image = f"index.tenxcloud.com/{'long' * 30}/[bold]web:latest"
    cloud.add_service("web", containers=[{"image": image}])

    async with tenx.terminal("ls") as terminal:
        await terminal.end()
        await terminal.until(image)

    assert image in plain(terminal.shown)
