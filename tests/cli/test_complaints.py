from __future__ import annotations

import asyncio
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tenx_async import LocalCloud, errors
from tenx_async.api.outcome import Outcome
from tenx_async.cli.app import app
from tenx_async.cli.ending import Status, explain, run
from tenx_async.cli.outcomes import Tally
from tenx_async.local.faults import Fault

from .conftest import Shell, command, variables


@pytest.mark.parametrize(
    ("arguments", "changes", "words"),
    [
        (["ls"], {"TENX_TOKEN": "", "TENX_USERNAME": ""}, "set TENX_USERNAME, TENX_TOKEN"),
        (["ls"], {"TENX_TOKEN": "wrong"}, "[HTTP 401]; check TENX_USERNAME and TENX_TOKEN"),
        (["ls"], {"TENX_TOKEN": "two\nlines"}, "the token holds"),
        (["ls"], {"TENX_REGION": "nowhere"}, "no region 'nowhere'"),
        (["ls", "--region", "a/b"], {}, "'a/b' is not a name of region"),
        (["ls"], {"TENX_ENDPOINT": "http://127.0.0.1:1"}, "--endpoint or TENX_ENDPOINT"),
        (["ls"], {"TENX_ENDPOINT": "http://example.com"}, "use https"),
        (["ls", "--profile", "none"], {}, "profile 'none': there is no file"),
        (["get", "nosuch"], {}, "`tenx ls` shows what there is"),
        (["get", "web", "--region", "nowhere"], {}, "check --region"),
        (["delete", "-y", "nosuch"], {}, "delete nosuch: there is no such service"),
        (["get", "../nosuch"], {}, "'../nosuch' is not a service name"),
        (["restart", "nosuch"], {}, "no service 'nosuch'"),
        (["logs", "nosuch"], {}, "logs nosuch: there is no such service"),
        (["create", "web", "-f", "missing.json"], {}, "missing.json: No such file"),
        (["create", "web", "-f", "."], {}, ".: Is a directory"),
    ],
)
async def test_a_failure_is_one_line_that_says_what_to_do(
    tenx: Shell, arguments: list[str], changes: dict[str, str], words: str
) -> None:
    """No traceback, nothing on standard output, status 1."""
    ended = await tenx(*arguments, **changes)

    assert (ended.status, ended.out) == (1, "")
    assert ended.complaint.startswith("tenx: ")
    assert words in ended.complaint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"containers": [\n {"image": "x",}]}', "line 2, column 16"),
        ("", "line 1, column 1"),
        ("[1]", "expected an object, got list"),
        ('{"containers": []}', "a service needs at least one"),
        ('{"containers": [{"imag": "x"}]}', "`image` is missing"),
        ('{"containers": [{"image": "x", "memory": "lots"}]}', "memory"),
        ("\udcff", "can't decode byte"),
        ("[" * 100_000, "nested too deeply"),
        ('{"containers": [{"image": "\\ud800"}]}', "image: holds half a character"),
        (
            '{"containers": [{"image": 5}]}',
            "expected a text, got int @ ServiceSpec.containers[0].image",
        ),
        ('{"containers": [{"image": "x", "env": [{"name": "A", "value": 5}]}]}', "env[0].value"),
        ('{"containers": [{"image": "x", "x": ["\\ud800"]}]}', "x[0]"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    """File, line, column, and what is wrong; nothing is sent."""
    file = tmp_path / "web.json"
    file.write_bytes(text.encode(errors="surrogateescape"))

    ended = CliRunner().invoke(app, ["create", "web", "-f", str(file)])

    (complaint,) = ended.stderr.splitlines()
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert complaint.startswith(f"tenx: {file}")
    assert words in complaint


@pytest.mark.parametrize(
    "arguments",
    [
        ["frob"],
        ["get"],
        ["ls", "--frob"],
        ["ls", "-o", "yaml"],
        ["scale", "web"],
        ["scale", "web", "--to", "1.5"],
        ["logs", "-n", "few"],
        ["logs", "-n", "٣"],
        ["logs", "-n", "9" * 5000],
        ["local", "--port", "99999"],
        ["local", "--port", "-1"],
        ["local", "--username", "é"],
        ["local", "--username", "two\nlines"],
        ["local", "--token", ""],
        ["demo", "--seconds", "inf"],
        ["demo", "--seconds", "nan"],
        ["demo", "--seconds", "-1"],
        ["local", "--demo", "--runtime", "scripted"],
        ["ls", "--region"],
    ],
)
def test_a_line_without_sense_ends_with_2(arguments: list[str]) -> None:
    """Usage is what the parser says."""
    ended = CliRunner().invoke(app, arguments)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "Error: " in ended.stderr


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (errors.Unauthorized("no", status=401), "TENX_TOKEN"),
        (errors.Forbidden("no", status=403), "may not do this"),
        (errors.Throttled("no", status=429), "wait a while"),
        (errors.ServerError("no", status=500), "try again later"),
        (errors.NotFound("no", operation="list", status=404), "check --region"),
        (errors.TimedOut("no"), "check the network"),
        (errors.BadResponse("no", body="<html>"), "check the endpoint"),
        (FileNotFoundError(2, "No such file", "a.json"), "a.json: No such file"),
    ],
)
def test_advice_depends_on_the_class_of_error(error: Exception, advice: str) -> None:
    """Who fails is told what to look at."""
    assert advice in explain(error)


def _tally(*outcomes: Outcome) -> Tally:
    tally = Tally([outcome.service for outcome in outcomes])
    for outcome in outcomes:
        tally.add(outcome)
    return tally


def test_unknown_is_worse_than_stopped_and_stopped_than_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What may or may not have happened has a status of its own."""
    lost = errors.OutcomeUnknown("answer lost", operation="restart b")
    done = Outcome(operation="restart", service="a", result="applied")
    unknown = Outcome(operation="restart", service="b", result="unknown", error=lost)
    failed = Outcome(operation="restart", service="c", result="failed", error=errors.TimedOut("x"))

    assert Status.WELL == _tally(done).close()
    assert Status.FAILED == _tally(done, failed).close()
    assert Status.UNKNOWN == _tally(done, failed, unknown).close()
    assert Status.UNKNOWN == _tally(done, failed, unknown).close(stopped="too many failed")
    assert Status.STOPPED == _tally(done, failed).close(stopped="too many failed")
    assert "1 of 3 unknown, OutcomeUnknown (b)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.TimedOut("slow"), 1),
        (errors.OutcomeUnknown("answer lost"), 5),
        (OSError(98, "in use"), 1),
        (ExceptionGroup("several", [ExceptionGroup("", [errors.NotFound("gone")])]), 1),
        (KeyboardInterrupt(), 130),
        (asyncio.CancelledError(), 143),
        (None, 0),
    ],
)
def test_the_exit_status_tells_how_it_ended(error: BaseException | None, status: int) -> None:
    """A script can act on it without reading."""

    async def work() -> None:
        if error:
            raise error

    with pytest.raises(typer.Exit) as ended:
        run(work())

    assert status == ended.value.exit_code


def test_a_mistake_of_this_package_is_not_hidden() -> None:
    """Only errors that users can do something about are one line."""

    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run(work())


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("verb", ["ls", "logs"])
async def test_a_stream_that_is_missing_leaves_no_traceback(
    tenx: Shell, cloud: LocalCloud, verb: str, closed: str
) -> None:
    """A standard output that is closed is one that nobody reads."""
    cloud.add_service("web")
    cloud.append("web", "hello")

    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f"{shlex.join(command(verb))} {closed}"),
        env=tenx.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 15)

    assert process.returncode == 0
    assert (b"web" in out or b"hello" in out) is (">&-" not in closed.replace("2>&-", ""))
    assert b"Traceback" not in err


@pytest.mark.parametrize("module", ["tenx_async.cli.app", "asyncio", "aiohttp"])
def test_ctrl_c_while_it_starts_is_an_interruption(module: str) -> None:
    """What is imported first takes a while; whoever gives up then sees no traceback."""
    script = (
        "import builtins, sys\n"
        "load = builtins.__import__\n"
        "def give_up(name, *rest):\n"
        f"    if name == {module!r}:\n"
        "        raise KeyboardInterrupt\n"
        "    return load(name, *rest)\n"
        "from tenx_async.cli import main\n"
        "builtins.__import__ = give_up\n"
        "sys.argv = ['tenx', 'ls']\n"
        "main()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=15
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


async def test_the_first_ctrl_c_ends_the_wait_for_a_file(stranger: Shell) -> None:
    """A specification that is typed in can be given up."""
    async with stranger.terminal("create", "web", "-f", "-", TENX_REGION="us") as terminal:
        await asyncio.sleep(1.5)
        terminal.process.send_signal(signal.SIGINT)

        assert await asyncio.wait_for(terminal.process.wait(), 5) == 130

    assert "Traceback" not in terminal.shown


async def test_an_interrupted_call_says_what_is_open(stranger: Shell) -> None:
    """What was asked for and not answered may have been done."""
    async with LocalCloud(faults=[Fault("stall", operations=("restart",))]) as cloud:
        cloud.add_service("web")
        running = await stranger.start("restart", "web", **variables(cloud))
        async with asyncio.timeout(10):
            while not cloud.requests_by_operation["restart"]:  # noqa: ASYNC110  # a counter
                await asyncio.sleep(0.01)

        ended = await running.end(signal.SIGINT)

    assert (ended.status, ended.out) == (130, "")
    assert "interrupted; done or not, look with `tenx ls`: web" in ended.complaint


def test_an_interruption_names_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    """Who stops a run learns what nobody knows."""
    tally = Tally(["a", "b"])
    tally.add(Outcome(operation="stop", service="a", result="applied"))
    tally.interrupted()

    assert "tenx: interrupted; done or not, look with `tenx ls`: b\n" == capsys.readouterr().err
