from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
import shlex
import signal
import string
import time

from tenx_async import LocalCloud
from tenx_async.local import Quirks

from .conftest import Shell, command, plain

NASTY = "a\x1b[31mred\x07 \x9b2J [bold]b[/bold]\ttab\u202eback"


async def test_what_is_there_is_read_and_the_command_ends(tenx: Shell, cloud: LocalCloud) -> None:
    """Data on standard output, the rest on standard error, the last ten lines."""
    cloud.add_service("web")
    cloud.append("web", *(f"line {number}" for number in range(15)), instance="web-x1")

    ended = await tenx("logs", "web")

    assert ended.out == "".join(f"web-x1 line {number}\n" for number in range(5, 15))
    assert (ended.status, ended.err) == (0, "tenx: reading 1 service: web\n")


async def test_all_services_but_the_excluded_are_read(tenx: Shell, cloud: LocalCloud) -> None:
    """Globs work on both sides; `-n all` is the whole day."""
    for name in ("web-a", "web-b", "web-c", "api"):
        cloud.add_service(name)
        cloud.append(name, *("same" for _ in range(12)), instance=f"{name}-1")

    ended = await tenx("logs", "web-*", "--exclude", "*-c", "-n", "all")

    assert sorted(ended.out.splitlines()) == ["web-a-1 same"] * 12 + ["web-b-1 same"] * 12


async def test_a_json_line_has_exactly_its_seven_keys(tenx: Shell, cloud: LocalCloud) -> None:
    """In this order; the text is as it was written, without its last newline."""
    cloud.add_service("web", region="us")
    cloud.append("web", "first", f"{NASTY}\n  more é\n", instance="web-x1", region="us")
    day = time.strftime("%Y-%m-%d", time.gmtime())

    ended = await tenx("logs", "web", "-o", "json", "--region", "us")

    first, second = ended.out.splitlines()
    assert first == (
        f'{{"region":"us","service":"web","instance_name":"web-x1","date":"{day}","late":false,'
        '"log":"first","position":0}'
    )
    assert json.loads(second)["log"] == f"{NASTY}\n  more é"
    assert json.loads(second)["position"] == 1


async def test_a_pipe_gets_the_text_as_it_is(tenx: Shell, cloud: LocalCloud) -> None:
    """No colours, no markup, nothing replaced; each line of an entry names its instance."""
    cloud.add_service("web")
    cloud.append("web", NASTY, "one\ntwo\n", instance="web-x1")

    ended = await tenx("logs", "web")

    assert ended.out == f"web-x1 {NASTY}\nweb-x1 one\nweb-x1 two\n"


async def test_lines_come_while_they_are_written(tenx: Shell, cloud: LocalCloud) -> None:
    """A reader does not wait for a buffer to fill."""
    cloud.add_service("web")
    running = await tenx.start("logs", "-f", "web", "-n", "0")
    await running.until("following 1 service: web", "err")
    await asyncio.sleep(0.5)

    for number in range(2):
        cloud.append("web", f"live {number}", instance="web-x1")
        await running.until(f"web-x1 live {number}\n")

    ended = await running.end(signal.SIGINT)
    assert ended.out == "web-x1 live 0\nweb-x1 live 1\n"


async def test_ctrl_c_ends_at_once(tenx: Shell, cloud: LocalCloud) -> None:
    """Status 130; no traceback, no warning, nothing on standard error that was not news."""
    cloud.add_service("web")
    running = await tenx.start("logs", "-f")
    await running.until("following", "err")

    before = time.monotonic()
    ended = await running.end(signal.SIGINT)

    assert (ended.status, ended.out, ended.err) == (130, "", "tenx: following 1 service: web\n")
    assert time.monotonic() - before < 2


async def test_ctrl_c_ends_while_nobody_reads(tenx: Shell, cloud: LocalCloud) -> None:
    """A pipe that is full holds nothing up."""
    cloud.add_service("web")
    cloud.append("web", *(f"{number} {'x' * 1000}" for number in range(2000)))
    running = await tenx.start("logs", "-f", "-n", "all")
    await running.until("x")
    await asyncio.sleep(0.2)

    running.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(5):
        while running.process.returncode is None:  # noqa: ASYNC110  # wait() waits for readers
            await asyncio.sleep(0.01)
    assert (await running.end()).status == 130


async def test_sigterm_ends_in_good_order(tenx: Shell, cloud: LocalCloud) -> None:
    """Whoever supervises the command gets the status that a shell would show."""
    running = await tenx.start("logs", "-f")
    await running.until("following", "err")

    ended = await running.end(signal.SIGTERM)

    assert (ended.status, ended.err) == (143, "tenx: following 0 services\n")


async def test_a_reader_that_has_seen_enough_is_no_error(tenx: Shell, cloud: LocalCloud) -> None:
    """As in `tenx logs -f | head`: it ends by itself, and quietly."""
    cloud.add_service("web")
    cloud.append("web", *(f"{number} {'x' * 100}" for number in range(5000)))
    script = (
        f"{shlex.join(command('logs', '-f', '-n', 'all'))} | head -n 3; echo ${{PIPESTATUS[0]}}"
    )

    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        env=tenx.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(15):
        out, err = await process.communicate()

    *lines, status = out.decode().splitlines()
    assert ([status], len(lines)) == (["0"], 3)
    assert err.decode() == "tenx: following 1 service: web\n"


async def test_a_name_that_does_not_exist_yet_is_waited_for(tenx: Shell) -> None:
    """With `-f` it may come; that it is missing is told."""
    running = await tenx.start("logs", "-f", "later")

    await running.until("tenx: later: waiting for it, there is none yet\n", "err")
    await running.end(signal.SIGINT)


async def test_patterns_that_match_nothing_are_an_error(tenx: Shell, cloud: LocalCloud) -> None:
    """Without `-f` nothing can come any more."""
    cloud.add_service("web")

    ended = await tenx("logs", "no*such*")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.endswith("tenx: no service matches\n")


async def test_a_terminal_shows_control_characters_and_obeys_none(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """A log line cannot clear the screen, ring, or write over another line."""
    cloud.add_service("web")
    cloud.append("web", NASTY, "over\rwritten", "windows\r\n", instance="web-x1")

    async with tenx.terminal("logs", "web", NO_COLOR="1") as terminal:
        assert await terminal.end() == 0
        await terminal.until("windows\n")

    assert "web-x1 a␛[31mred␇ \\x9b2J [bold]b[/bold]\ttab\\u202eback\n" in terminal.shown.replace(
        " " * 6, "\t"
    )
    assert "web-x1 over␍written\nweb-x1 windows\n" in terminal.shown
    assert "\x1b" not in terminal.shown


async def test_json_on_a_terminal_is_safe_and_means_the_same(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """What would command the terminal is escaped as JSON escapes."""
    cloud.add_service("web")
    cloud.append("web", "a\x9b2J\u202e", instance="web-x1")

    async with tenx.terminal("logs", "web", "-o", "json", NO_COLOR="1") as terminal:
        await terminal.end()
        await terminal.until('"position":0}\n')

    assert '"log":"a\\u009b2J\\u202e"' in terminal.shown


async def test_each_service_has_its_colour_on_a_terminal(tenx: Shell, cloud: LocalCloud) -> None:
    """Always the same one, whatever else is shown; names stand in columns."""
    for name in ("web", "worker"):
        cloud.add_service(name)
        cloud.append(name, "hello", instance=f"{name}-1")

    shown = []
    for arguments in (["logs", "web", "worker"], ["logs", "web"]):
        async with tenx.terminal(*arguments) as terminal:
            await terminal.end()
            await terminal.until("web-1")
            shown.append(terminal.shown)

    both, alone = (next(line for line in text.splitlines() if "web-1" in line) for text in shown)
    assert "\x1b[38;5;" in both
    assert both.partition("web-1")[0] == alone.partition("web-1")[0]
    worker = next(line for line in shown[0].splitlines() if "worker-1" in line)
    assert worker.partition("worker")[0] != both.partition("web")[0]
    assert plain(worker) == "worker-1 hello"


async def test_no_color_is_honoured(tenx: Shell, cloud: LocalCloud) -> None:
    """Whoever sets NO_COLOR, or has a dumb terminal, sees no escape."""
    cloud.add_service("web")
    cloud.append("web", "hello", instance="web-1")

    for changes in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        async with tenx.terminal("logs", "web", **changes) as terminal:
            await terminal.end()
            await terminal.until("web-1 hello\n")
        assert "\x1b" not in terminal.shown


async def test_a_log_past_the_window_is_told_in_one_line(tenx: Shell, cloud: LocalCloud) -> None:
    """What was gone around is news; nothing is missing, so the status is 0."""
    cloud.quirks = Quirks(window_limit=1500)
    cloud.add_service("web")
    for name in ("web-x1", "web-x2"):
        cloud.append("web", *(f"line {number}" for number in range(1000)), instance=name)

    ended = await tenx("logs", "web", "-n", "all")

    assert ended.status == 0
    wanted = [f"{name} line {n}" for name in ("web-x1", "web-x2") for n in range(1000)]
    assert sorted(ended.out.splitlines()) == sorted(wanted)
    assert "the server gives no lines past 1,500; reading on in the logs of" in ended.err


async def test_lines_that_may_be_missing_show_in_the_status(tenx: Shell, cloud: LocalCloud) -> None:
    """It is said where, also when the user ends it."""
    cloud.quirks = Quirks(window_limit=50, log_order="newest-first")
    cloud.add_service("web")
    cloud.append("web", *(f"line {number}" for number in range(40)), instance="web-x1")
    running = await tenx.start("logs", "-f", "web", "-n", "20")
    await running.until("line 39\n")
    cloud.append("web", *(f"more {number}" for number in range(200)), instance="web-x1")
    await running.until("more 199\n")

    ended = await running.end(signal.SIGINT)

    assert ended.status == 6
    assert "not read before 40" in ended.err
    assert ended.err.splitlines()[-1].startswith("tenx: lines may be missing or repeated: web of ")


async def test_an_order_that_nothing_shows_is_told_and_can_be_given(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """A still log without numbers has two ends."""
    cloud.quirks = Quirks(log_order="newest-first")
    cloud.add_service("web")
    letters = string.ascii_lowercase
    texts = [f"{one}{two}" for one, two in itertools.product(letters, letters)] * 2
    cloud.append("web", *texts, instance="web-x1")

    guessed = await tenx("logs", "web", "-n", "2")
    given = await tenx("logs", "web", "-n", "2", "--order", "newest-first")

    assert "nothing shows in what order" in guessed.err
    assert ("web-x1 zy\nweb-x1 zz\n", 0) == (given.out, given.status)
    assert "order" not in given.err


async def test_days_are_chosen_by_their_date(tenx: Shell, cloud: LocalCloud) -> None:
    """Whole days, unless the number of lines is given as well."""
    today = dt.datetime.now(dt.UTC).date()
    first, last = today - dt.timedelta(days=3), today - dt.timedelta(days=2)
    cloud.add_service("web")
    for days in range(5):
        texts = (f"day -{days} line {number}" for number in range(20))
        cloud.append("web", *texts, date=today - dt.timedelta(days=days), instance="web-x1")
    span = ("--since", str(first), "--until", str(last))

    whole, tail = await tenx("logs", "web", *span), await tenx("logs", "web", *span, "-n", "5")

    wanted = [f"web-x1 day -{days} line {number}" for days in (3, 2) for number in range(20)]
    assert sorted(whole.out.splitlines()) == sorted(wanted)
    assert tail.out.splitlines() == wanted[-5:]


async def test_a_time_of_day_is_refused_with_the_reason(tenx: Shell) -> None:
    """Log lines have no time, whatever other tools offer."""
    ended = await tenx("logs", "web", "--since", "10m")

    assert ended.status == 2
    assert "log lines have no time, only a day" in " ".join(ended.err.split())
