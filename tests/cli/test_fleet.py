from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import pytest

from tenx_async import LocalCloud
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks

from .conftest import Shell, plain, variables

QUICK = ("--stable", "0", "--tick", "0.1")
MANY = ("--yes", "--max-targets", "50")
WEBS = ("web-a", "web-b", "web-c")


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    """Three services that take a moment to restart, and five others."""
    async with LocalCloud(quirks=Quirks(transition=0.2)) as cloud:
        await _running(cloud, *WEBS, *(f"other-{number}" for number in range(5)))
        yield cloud


async def _running(cloud: LocalCloud, *names: str) -> None:
    """Add services, and wait until they run."""
    for name in names:
        cloud.add_service(name)
    async with asyncio.timeout(10):
        while cloud.service(names[-1])["status"] != "Running":  # noqa: ASYNC110  # tells nobody
            await asyncio.sleep(0.01)


def _executed(cloud: LocalCloud, verb: str) -> dict[str, int]:
    return {name: cloud.executed(verb, name) for name in WEBS}


async def test_a_glob_is_a_run_over_all_that_match(tenx: Shell, cloud: LocalCloud) -> None:
    """One line an outcome goes to standard output, waves and the summary to standard error."""
    ended = await tenx("restart", "web-*", "--stable", "0.5", "--tick", "0.1", *MANY)

    assert ended.status == 0
    assert ended.out == "web-a: restarted\nweb-b: restarted\nweb-c: restarted\n"
    assert "tenx: wave 3 of 3; 2 of 3 have ended\n" in ended.err
    assert "restart of 3 in 0:0" in ended.err.splitlines()[-1]
    assert dict.fromkeys(WEBS, 1) == _executed(cloud, "restart")


async def test_one_service_that_is_named_is_one_call(tenx: Shell, cloud: LocalCloud) -> None:
    """Nothing is asked, listed or waited for."""
    ended = await tenx("restart", "web-a")

    assert (ended.status, ended.out, ended.err) == (0, "web-a: restarted\n", "")
    assert cloud.requests == 1


async def test_one_service_is_looked_after_where_that_is_asked_for(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """A setting of a run makes it one, still without a question."""
    ended = await tenx("restart", "web-a", *QUICK)

    assert (ended.status, ended.out) == (0, "web-a: restarted\n")
    assert "restart of 1" in ended.complaint
    assert cloud.service("web-a")["status"] == "Running"


async def test_the_only_failure_is_an_error_with_its_advice(tenx: Shell) -> None:
    """A run of one is told as one call is."""
    ended = await tenx("restart", "nosuch", *QUICK)

    assert (ended.status, ended.out) == (1, "")
    assert "restart nosuch: there is no such service" in ended.complaint
    assert "`tenx ls` shows what there is" in ended.complaint


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["restart"], "or --all"),
        (["restart", "web-*", "--all"], "or --all"),
        (["restart", "--status", "Running"], "or --all"),
        (["restart", "web-*", "--regex", "("], "is no regular expression"),
        (["restart", "web-*", "--max-unavailable", "half"], "'half'"),
        (["restart", "web-*", "--max-failures", "101%"], "'101%'"),
        (["restart", "web-*", "--stable", "nan"], "stable"),
        (["restart", "web-*", "--at-once", "0"], "at_once"),
        (["restart", "web-*", "--canary", "0"], "canary"),
        (["restart", "web-*", "--mode", "gently"], "gently"),
        (["scale", "web-*"], "--to"),
        (["scale", "web-*", "--to", "+few"], "'+few'"),
        (["update", "web-*"], "nothing to change: --memory"),
        (["update", "web-*", "--memory", "lots"], "lots"),
        (["update", "web-*", "--domain", "a.cn", "--no-domains"], "contradict"),
        (["restart", "web-a", "web-b"], "say --yes"),
        (["delete", "web-*"], "say --yes"),
    ],
)
async def test_a_line_without_sense_is_refused_unsent(
    tenx: Shell, cloud: LocalCloud, arguments: list[str], words: str
) -> None:
    """It is told what to say instead, with status 2."""
    ended = await tenx(*arguments)

    assert (ended.status, ended.out) == (2, "")
    assert words in " ".join(ended.err.split())
    assert cloud.requests == 0


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["web-*", "--yes"], 1),
        (["web-*", "--yes", "--max-targets", "2"], 2),
        (["web-a", "web-b", "web-c", "--yes", "--max-targets", "2"], 2),
    ],
)
async def test_more_than_was_agreed_to_is_refused_before_anything_is_sent(
    tenx: Shell, cloud: LocalCloud, arguments: list[str], most: int
) -> None:
    """A glob that matches more than somebody thought does no harm."""
    ended = await tenx("delete", *arguments)

    assert (ended.status, ended.out) == (1, "")
    assert f"delete is for 3 services, and no more than {most} were agreed to" in ended.complaint
    assert "say --max-targets 3" in ended.complaint
    assert dict.fromkeys(WEBS, 0) == _executed(cloud, "delete")


async def test_names_are_agreed_to_by_their_number(tenx: Shell, cloud: LocalCloud) -> None:
    """Who spells them out need not count them."""
    ended = await tenx("stop", *WEBS, "--yes", "--max-unavailable", "3", *QUICK)

    assert ended.status == 0
    assert dict.fromkeys(WEBS, 1) == _executed(cloud, "stop")


async def test_a_dry_run_shows_the_plan_and_sends_nothing(tenx: Shell, cloud: LocalCloud) -> None:
    """The plan is what was asked for: it is data."""
    cloud.add_service("web-d", status="Stopped")

    ended = await tenx("restart", "web-[bcd]", "--dry-run", "--max-unavailable", "2")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (
        "restart 2 services of 9 in beijing1\n"
        "  first     web-b, web-c\n"
        "  waves     1, 1; at most 2 away at once, 10 s stable\n"
        "  left out  1 skipped: it is stopped: there is nothing to restart (web-d)\n"
    )
    assert dict.fromkeys(WEBS, 0) == _executed(cloud, "restart")


async def test_a_plan_can_be_read_by_programs(tenx: Shell) -> None:
    """A line a service, then one for all."""
    ended = await tenx("restart", "web-*", "--mode", "verified", "--dry-run", "-o", "json")

    *steps, last = map(json.loads, ended.out.splitlines())
    assert list(WEBS) == [step["service"] for step in steps]
    assert {"planned"} == {step["result"] for step in steps}
    assert ["stop", "start"] == steps[0]["writes"]
    assert (last["plan"]["services"], last["plan"]["fleet"]) == (3, 8)


async def test_services_are_chosen_by_what_they_are(tenx: Shell, cloud: LocalCloud) -> None:
    """All conditions have to hold."""
    cloud.add_service("web-d", containers=[{"image": "mine/db:1"}])
    cloud.add_service("web-e", status="Stopped")

    async def chosen(*arguments: str) -> list[str]:
        ended = await tenx("delete", *arguments, "--dry-run", "-o", "json")
        return [line.get("service") for line in map(json.loads, ended.out.splitlines())][:-1]

    assert await chosen("web-*", "--status", "stopped") == ["web-e"]
    assert await chosen("--all", "--image", "mine/*") == ["web-d"]
    assert await chosen("--all", "--regex", "^web-[ab]$") == ["web-a", "web-b"]
    assert await chosen("web-*", "--exclude", "web-[a-c]") == ["web-d", "web-e"]


@pytest.mark.parametrize(
    ("arguments", "status"), [(["wbe-*"], 1), (["--all", "--status", "Stopped"], 0)]
)
async def test_nothing_to_do_is_said(tenx: Shell, arguments: list[str], status: int) -> None:
    """A pattern that matches nothing may be a slip; a condition that nothing meets is none."""
    ended = await tenx("start", *arguments, *MANY)

    assert (ended.status, ended.out, ended.err) == (status, "", "tenx: no service matches\n")


async def test_a_relative_size_is_settled_for_each(tenx: Shell, cloud: LocalCloud) -> None:
    """Each service gets so many more than it has."""
    cloud.add_service("web-d", instances=4)

    ended = await tenx("scale", "web-[ad]", "--to", "+2", *QUICK, *MANY)
    alone = await tenx("scale", "web-d", "--to", "-1", *QUICK)

    assert ended.out == "web-a: scaled\nweb-d: scaled\n"
    assert alone.status == 0
    sizes = {name: cloud.service(name)["target_instance_size"] for name in ("web-a", "web-d")}
    assert sizes == {"web-a": 3, "web-d": 5}


async def test_an_update_changes_what_is_given(tenx: Shell, cloud: LocalCloud) -> None:
    """One service by one call, several as a run; who has the values is left alone."""
    first = await tenx("update", "web-a", "--domain", "a.cn", "--domain", "b.cn")
    second = await tenx("update", "web-[ab]", "--domain", "a.cn", "--domain", "b.cn", *QUICK, *MANY)
    third = await tenx("update", "web-a", "--no-domains", *QUICK)

    assert first.out == "web-a: updated\n"
    assert sorted(second.out.splitlines()) == ["web-a: unchanged", "web-b: updated"]
    assert third.out == "web-a: updated\n"
    assert cloud.service("web-a")["binding_domain_name"] == []
    assert {"web-a": 2, "web-b": 1, "web-c": 0} == _executed(cloud, "update")


async def test_a_verified_restart_is_a_stop_and_a_start(tenx: Shell, cloud: LocalCloud) -> None:
    """Both can be checked."""
    ended = await tenx("restart", "web-a", "--mode", "verified", *QUICK)

    assert ended.out == "web-a: restarted\n"
    done = [cloud.executed(verb, "web-a") for verb in ("stop", "start", "restart")]
    assert done == [1, 1, 0]


async def test_programs_get_a_summary_behind_the_outcomes(tenx: Shell) -> None:
    """The last object says how many came to what."""
    ended = await tenx("restart", "web-a", "nosuch", "--yes", *QUICK, "-o", "json")

    *outcomes, last = map(json.loads, ended.out.splitlines())
    assert {"web-a": "applied", "nosuch": "failed"} == {o["service"]: o["result"] for o in outcomes}
    assert last["summary"]["results"] == {"failed": 1, "applied": 1}
    assert (last["summary"]["services"], last["summary"]["stopped"]) == (2, None)
    assert ended.status == 3


async def test_too_many_failures_stop_a_run(stranger: Shell) -> None:
    """The first wave is there to fail; the others are not touched."""
    async with LocalCloud(faults=[Fault("error", operations=("restart",), status=400)]) as cloud:
        await _running(cloud, *WEBS)

        ended = await stranger("restart", "web-*", *QUICK, *MANY, **variables(cloud))

        assert ended.status == 4
        assert cloud.requests_by_operation["restart"] == 1
    assert "2 of 3 cancelled, the first wave did not go well (web-b, web-c)" in ended.err
    *_, stopped, to_go_on = ended.err.splitlines()
    assert "tenx: stopped: the first wave did not go well" == stopped
    assert to_go_on.startswith("tenx: to go on: tenx resume ")


async def test_failures_that_are_tolerated_stop_nothing(stranger: Shell) -> None:
    """Then it is known what failed, and that the rest did not."""
    fault = Fault("error", operations=("restart",), status=400, path="*/web-a/*")
    async with LocalCloud(faults=[fault]) as cloud:
        await _running(cloud, *WEBS)

        ended = await stranger(
            "restart", "web-*", "--max-failures", "1", *QUICK, *MANY, **variables(cloud)
        )

    assert ended.status == 3
    assert "web-b: restarted\nweb-c: restarted\n" in ended.out
    assert "1 of 3 failed, HTTP 400 BadRequest (web-a)" in ended.err


async def test_the_first_ctrl_c_lets_what_is_under_way_end(
    stranger: Shell,
) -> None:
    """It is looked after until it is back; nothing more goes out."""
    async with LocalCloud(quirks=Quirks(transition=1.5)) as cloud:
        await _running(cloud, *WEBS)
        running = await stranger.start("restart", "web-*", *QUICK, *MANY, **variables(cloud))
        await _requests(cloud, "restart")

        ended = await running.end(signal.SIGINT)

        assert {"web-a": 1, "web-b": 0, "web-c": 0} == _executed(cloud, "restart")
    assert ended.status == 130
    assert ended.out == (
        "web-a: restarted\n"
        "web-b: cancelled: it was interrupted\n"
        "web-c: cancelled: it was interrupted\n"
    )
    assert "Ctrl-C once more breaks it off" in ended.err
    assert "restart of 3 in 0:0" in ended.err


async def test_the_second_ctrl_c_breaks_off(stranger: Shell) -> None:
    """What nobody has answered may be done or not."""
    async with LocalCloud(faults=[Fault("stall", operations=("restart",))]) as cloud:
        await _running(cloud, *WEBS)
        running = await stranger.start("restart", "web-*", *QUICK, *MANY, **variables(cloud))
        await _requests(cloud, "restart")
        running.process.send_signal(signal.SIGINT)
        await running.until("Ctrl-C once more", "err")

        ended = await running.end(signal.SIGINT)

    assert ended.status == 130
    assert ended.out == "web-a: unknown: restart web-a: broken off; it may be done or not\n"
    assert "1 of 3 unknown, OutcomeUnknown (web-a)" in ended.err
    assert "Traceback" not in ended.err


async def test_a_termination_is_one_ctrl_c_with_its_own_status(stranger: Shell) -> None:
    """Whoever shuts the machine down finds everything in good order."""
    async with LocalCloud(quirks=Quirks(transition=0.5)) as cloud:
        await _running(cloud, *WEBS)
        running = await stranger.start("restart", "web-*", *QUICK, *MANY, **variables(cloud))
        await _requests(cloud, "restart")

        ended = await running.end(signal.SIGTERM)

    assert ended.status == 143
    assert ended.out.startswith("web-a: restarted\n")


async def _requests(cloud: LocalCloud, operation: str) -> None:
    async with asyncio.timeout(10):
        while not cloud.requests_by_operation[operation]:  # noqa: ASYNC110  # a counter
            await asyncio.sleep(0.01)


async def test_a_reader_that_leaves_stops_the_run_in_good_order(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """What was sent is still looked after: it is no reason to know nothing of it."""
    running = await tenx.start("restart", "web-*", *QUICK, *MANY)
    assert running.process.stdout
    running.process.stdout._transport.close()  # type: ignore[attr-defined]  # as `| head` does

    async with asyncio.timeout(20):
        assert running.process.stderr
        told = (await running.process.stderr.read()).decode()
        status = await running.process.wait()

    assert status == 4
    assert "stopped: nobody reads its outcomes any more" in told
    assert sum(_executed(cloud, "restart").values()) < 3


@pytest.mark.parametrize(
    ("answer", "status", "times"), [("3\n", 0, 1), ("y\n", 1, 0), ("\n", 1, 0)]
)
async def test_much_at_once_is_agreed_to_by_its_number(
    tenx: Shell, cloud: LocalCloud, answer: str, status: int, times: int
) -> None:
    """More than a quarter of the fleet takes more than a yes."""
    async with tenx.terminal("restart", "web-*", *QUICK) as terminal:
        await terminal.until("Type 3 to restart 3 services: ")
        terminal.type(answer)
        assert await terminal.end() == status

    assert "restart 3 services of 8 in beijing1" in terminal.shown
    assert dict.fromkeys(WEBS, times) == _executed(cloud, "restart")


@pytest.mark.parametrize(
    ("answer", "status", "times"), [("y\n", 0, 1), ("n\n", 1, 0), ("\n", 1, 0)]
)
async def test_a_little_is_agreed_to_by_a_yes(
    tenx: Shell, cloud: LocalCloud, answer: str, status: int, times: int
) -> None:
    """Only a yes is a yes."""
    async with tenx.terminal("restart", "web-[ab]", *QUICK) as terminal:
        await terminal.until("Restart 2 services? [y/N]: ")
        terminal.type(answer)
        assert await terminal.end() == status

    assert {"web-a": times, "web-b": times, "web-c": 0} == _executed(cloud, "restart")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_question_can_be_broken_off(
    tenx: Shell, cloud: LocalCloud, number: int, status: int
) -> None:
    """The first Ctrl-C is a no, and not one that has to be confirmed."""
    async with tenx.terminal("delete", "web-*") as terminal:
        await terminal.until("Type 3 to delete 3 services: ")
        assert await terminal.end(number) == status

    assert dict.fromkeys(WEBS, 0) == _executed(cloud, "delete")
    assert "Traceback" not in terminal.shown


async def test_the_plan_that_was_shown_is_the_plan_that_runs(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """What was made meanwhile was not agreed to."""
    async with tenx.terminal("restart", "web-*", *QUICK) as terminal:
        await terminal.until("Type 3 to restart 3 services: ")
        cloud.add_service("web-d")
        terminal.type("3\n")
        assert await terminal.end() == 0

    assert cloud.executed("restart", "web-d") == 0
    assert dict.fromkeys(WEBS, 1) == _executed(cloud, "restart")


async def test_the_screen_keeps_what_failed_and_the_summary(stranger: Shell) -> None:
    """The block that showed the run is gone in the end."""
    fault = Fault("error", operations=("restart",), status=400, path="*/web-a/*")
    slow = Fault("latency", operations=("restart",), seconds=1.5, path="*/web-c/*")
    async with LocalCloud(faults=[fault, slow], quirks=Quirks(transition=0.2)) as cloud:
        await _running(cloud, *WEBS)
        arguments = ("restart", "web-*", "--max-failures", "1", *QUICK, *MANY)
        async with stranger.terminal(*arguments, **variables(cloud)) as terminal:
            assert await terminal.end() == 3
            await terminal.until("restart of 3 in 0:0")

    _, _, kept = plain(terminal.shown).rpartition("\x1b[J")
    assert kept.startswith("web-a: failed: restart web-a: ")
    assert "web-b: restarted" not in kept
    assert "web-b: restarted" in terminal.shown
    assert "restart wave " in plain(terminal.shown)


async def test_the_screen_has_no_colours_for_who_wants_none(tenx: Shell) -> None:
    """NO_COLOR is honoured while it runs, too."""
    async with tenx.terminal("restart", "web-*", *QUICK, *MANY, NO_COLOR="1") as terminal:
        assert await terminal.end() == 0
        await terminal.until("restart of 3 in 0:0")

    assert "restart wave " in terminal.shown
    assert terminal.shown == plain(terminal.shown)


async def test_a_dumb_terminal_gets_plain_lines(tenx: Shell) -> None:
    """What cannot move its cursor is written to line by line."""
    async with tenx.terminal("restart", "web-*", *QUICK, *MANY, TERM="dumb") as terminal:
        assert await terminal.end() == 0
        await terminal.until("restart of 3 in 0:0")

    assert "\x1b" not in terminal.shown
    assert "web-a: restarted\n" in terminal.shown
