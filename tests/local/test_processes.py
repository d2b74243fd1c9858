from __future__ import annotations

import asyncio
import datetime as dt
import os
import shlex
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tenx_async.local import LocalCloud, processes
from tenx_async.local.services import REDEPLOY, RESTART, RUNNING

from .conftest import Caller, headers, until
from .processes import LINUX_ONLY, SLEEP, is_running, open_files, python, shell, status, texts

pytestmark = LINUX_ONLY

DAY = dt.datetime(2015, 12, 29, 12, tzinfo=dt.UTC)
LAST_WORDS = """
import signal, sys, time
def end(*_):
    for number in range(5000):
        print("bye", number)
    sys.stdout.write("end")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready")
while True:
    time.sleep(1)
"""
SHOW_ENVIRONMENT = """
import os, time
for name, value in os.environ.items():
    print(name, value, sep="=")
time.sleep(99)
"""
LAST_WORD = """
import signal, sys, time
def end(*_):
    time.sleep(0.2)
    print("late")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready")
while True:
    time.sleep(1)
"""
STUBBORN = "trap '' TERM; echo $$; while :; do sleep 0.05; done"
LISTEN = """
import os, socket
with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as server:
    print(os.environ["PORT"], os.environ["PORT_80"])
    while True:
        server.accept()[0].close()
"""


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    async with LocalCloud(
        runtime="process", crash_pause=0.05, stop_grace=5, clock=lambda: DAY
    ) as cloud:
        yield cloud


@pytest.fixture
async def call(cloud: LocalCloud) -> AsyncIterator[Caller]:
    async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
        yield Caller(session)


async def instances(call: Caller, name: str = "web") -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = (await call.service("GET", f"{name}/instances")).json
    return shown


async def test_what_a_process_writes_is_its_log(cloud: LocalCloud, call: Caller) -> None:
    """Both outputs become lines of the instance, the last one also without a newline."""
    script = (
        f"echo out; echo err >&2; echo; printf '\\377\\n'; printf last; {SLEEP} >/dev/null 2>&1"
    )
    cloud.add_service("web", containers=[shell(script)])
    await until(lambda: len(texts(cloud)) == 5)

    (instance,) = await instances(call)
    entries = (await call.service("GET", "web/logs?date=2015.12.29&from=0&size=9")).json

    assert ["out", "err", "", "\ufffd", "last"] == [entry["log"] for entry in entries]
    assert {instance["name"]} == {entry["instance_name"] for entry in entries}


async def test_a_created_service_runs(cloud: LocalCloud, call: Caller) -> None:
    """A service created over HTTP runs its command."""
    answer = await call.service("POST", "web", json={"containers": [shell("echo hi; sleep 99")]})

    assert 200 == answer.status
    await until(lambda: status(cloud) == "Running")
    assert ["hi"] == texts(cloud)


async def test_every_container_of_an_instance_runs(cloud: LocalCloud) -> None:
    """The containers of an instance share its log."""
    cloud.add_service("web", containers=[shell(f"echo {n}; {SLEEP}") for n in (1, 2)])

    await until(lambda: {"1", "2"} == set(texts(cloud)))


async def test_a_process_sees_its_own_environment(
    cloud: LocalCloud, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process gets what it declares and little of its parent's, above all no token."""
    monkeypatch.setenv("TENX_TOKEN", "secret")
    env = [{"name": "cluster.name", "value": "a b"}, {"name": "HOME", "value": "/srv"}]
    mappings = [{"container_port": 80}, {"container_port": 443}]
    cloud.add_service("web", containers=[python(SHOW_ENVIRONMENT, env=env)], port_mappings=mappings)
    await until(lambda: status(cloud) == "Running")

    seen = dict(line.split("=", 1) for line in texts(cloud))

    first, second = (m["service_url"].split(":")[1] for m in cloud.service("web")["port_mappings"])
    assert ("a b", "/srv") == (seen["cluster.name"], seen["HOME"])
    assert (first, first, second) == (seen["PORT"], seen["PORT_80"], seen["PORT_443"])
    assert (await instances(call))[0]["name"] == seen["HOSTNAME"]
    assert "PATH" in seen
    assert not {"TENX_TOKEN", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & seen.keys()


async def test_a_mapped_port_is_reached_at_its_address(cloud: LocalCloud, call: Caller) -> None:
    """Each instance has a real port; the first one's is the service's address."""
    mapping = {"container_port": 80, "protocol": "http"}
    cloud.add_service("web", instances=2, containers=[python(LISTEN)], port_mappings=[mapping])
    await until(lambda: len(texts(cloud)) == 2)

    urls = [one["port_mappings"][0]["service_url"] for one in await instances(call)]

    assert cloud.service("web")["default_domain_name"] == urls[0]
    assert 2 == len(set(urls))
    for url in urls:
        host, _, port = url.partition(":")
        socket.create_connection((host, int(port)), timeout=5).close()


async def test_a_process_has_a_session_of_its_own(cloud: LocalCloud) -> None:
    """A Ctrl-C for the cloud is not one for its instances."""
    cloud.add_service("web", containers=[shell(f"echo $$; {SLEEP}")])
    await until(lambda: texts(cloud))

    pid = int(texts(cloud)[0])

    assert (pid, pid) == (os.getsid(pid), os.getpgid(pid))


async def test_memory_is_limited(cloud: LocalCloud, call: Caller) -> None:
    """What needs more memory than its limit fails; with more it runs, as a new instance."""
    limits = {"limits": {"memory": "128Mi"}}
    hungry = python("b = bytearray(256 << 20); print('fed'); import time; time.sleep(99)")
    cloud.add_service("web", containers=[hungry | {"resources": limits}])
    await until(lambda: "MemoryError" in texts(cloud))
    (before,) = await instances(call)

    more = {"resource": {"limits": {"memory": "1Gi"}}}
    assert 200 == (await call.service("PUT", "web", json={"containers": [more]})).status

    await until(lambda: "fed" in texts(cloud))
    (after,) = await instances(call)
    assert before["name"] != after["name"]


@pytest.fixture
def _deaf() -> Iterator[None]:
    """Ignore a signal, as a shell has it ignored by what it puts into the background."""
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGQUIT, before)


@pytest.mark.usefixtures("_deaf")
@pytest.mark.parametrize("resources", [{}, {"limits": {"memory": "512Mi"}}])
async def test_a_limit_changes_nothing_else(cloud: LocalCloud, resources: dict[str, Any]) -> None:
    """With and without a limit, a command begins with the signals and arguments it expects."""
    script = "grep SigIgn /proc/self/status; echo $$ '*' \"$HOSTNAME\"; exec sleep 99"
    cloud.add_service("web", containers=[shell(script, resources=resources)])
    await until(lambda: len(texts(cloud)) == 2)

    (instance,) = {line.instance_name for line in cloud.log("web")}
    ignored, arguments = texts(cloud)

    assert 0 == int(ignored.split()[1], 16)
    assert ["*", instance] == arguments.split()[1:]


async def test_an_exit_is_followed_by_a_new_start(cloud: LocalCloud, call: Caller) -> None:
    """A crash loop is a service that never gets ready; its instances tell why, its log does not."""
    cloud.add_service("web", containers=[shell("echo hi; exit 3")])
    await until(lambda: len(texts(cloud)) >= 3)

    (instance,) = await instances(call)

    assert "Deploying" == status(cloud)
    assert 2 <= instance["restarts"]
    assert {"hi"} == set(texts(cloud))
    await until(lambda: "exited with status 3, starting again in 0.4 s" in news(cloud))
    assert 200 == (await call.service("PUT", "web/stop")).status
    await until(lambda: status(cloud) == "Stopped")


def news(cloud: LocalCloud) -> list[str]:
    service, _ = cloud._operations.found("beijing1", "web")
    return [instance.message for instance in service.instances]


async def test_a_killed_process_is_started_again(cloud: LocalCloud, call: Caller) -> None:
    """A signal is a way to exit, too; afterwards the service recovers."""
    cloud.add_service("web", containers=[shell(f"echo $$; {SLEEP}")])
    await until(lambda: status(cloud) == "Running")

    os.kill(int(texts(cloud)[0]), signal.SIGKILL)

    await until(lambda: status(cloud) == "Deploying")
    await until(lambda: status(cloud) == "Running")
    (instance,) = await instances(call)
    assert (1, "Running", "") == tuple(instance[k] for k in ("restarts", "status", "message"))


@pytest.mark.parametrize("resources", [{}, {"limits": {"memory": "512Mi"}}])
@pytest.mark.parametrize(
    ("command", "reason"),
    [(["/no/such/file"], "/no/such/file"), (["/"], "cannot start /"), ([], "without a command")],
)
async def test_a_bad_command_is_a_crash_loop(
    cloud: LocalCloud,
    call: Caller,
    command: list[str],
    reason: str,
    resources: dict[str, Any],
) -> None:
    """What cannot be started is no error of the cloud's."""
    container = {"image": "local", "command": command, "resources": resources}
    body = {"containers": [container]}

    assert 200 == (await call.service("POST", "web", json=body)).status

    await until(lambda: any(reason in message for message in news(cloud)))
    assert "Deploying" == status(cloud)
    assert [] == texts(cloud)


async def test_last_words_are_heard(cloud: LocalCloud, call: Caller) -> None:
    """All that is written during the shutdown is in the log when the service is stopped."""
    cloud.add_service("web", containers=[python(LAST_WORDS)])
    await until(lambda: texts(cloud) == ["ready"])

    assert 200 == (await call.service("PUT", "web/stop")).status
    await until(lambda: status(cloud) == "Stopped")

    assert ["ready", *(f"bye {number}" for number in range(5000)), "end"] == texts(cloud)


async def test_last_words_of_children_are_heard(cloud: LocalCloud, call: Caller) -> None:
    """What an instance's own child writes at its end is heard, though its parent went first."""
    program = shlex.join(python(LAST_WORD)["command"])
    cloud.add_service("web", containers=[shell(f"{program} & wait")])
    await until(lambda: texts(cloud) == ["ready"])

    await call.service("PUT", "web/stop")
    await until(lambda: status(cloud) == "Stopped")

    assert ["ready", "late"] == texts(cloud)


async def test_what_does_not_end_is_killed() -> None:
    """After the grace nothing of the group is left; until then the service is stopping."""
    script = "trap '' TERM; sleep 1000 & echo $!; echo $$; while :; do sleep 0.05; done"
    async with LocalCloud(runtime="process", stop_grace=0.3) as cloud:
        cloud.add_service("web", containers=[shell(script)])
        await until(lambda: len(texts(cloud)) == 2)
        pids = [int(text) for text in texts(cloud)]
        async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
            await Caller(session).service("PUT", "web/stop")
            assert "Stopping" == status(cloud)
            assert 409 == (await Caller(session).service("PUT", "web/stop")).status

        await until(lambda: status(cloud) == "Stopped")

        assert [False, False] == [is_running(pid) for pid in pids]


async def test_a_restart_is_a_new_instance(cloud: LocalCloud, call: Caller) -> None:
    """The old process is gone before the new one begins; their lines share the day."""
    cloud.add_service("web", containers=[shell(f"echo $$; {SLEEP}")])
    await until(lambda: status(cloud) == "Running")
    (before,) = await instances(call)

    await call.service("PUT", "web/restart")
    assert "Restarting" == status(cloud)
    await until(lambda: status(cloud) == "Running")

    (after,) = await instances(call)
    old, new = (int(text) for text in texts(cloud))
    assert before["name"] != after["name"]
    assert [before["name"], after["name"]] == [line.instance_name for line in cloud.log("web")]
    assert (False, True) == (is_running(old), is_running(new))


async def test_scaling_starts_and_stops_instances(cloud: LocalCloud, call: Caller) -> None:
    """More instances are started, the last ones stopped; those that stay are not touched."""
    cloud.add_service("web", instances=2, containers=[shell(f"echo $$; {SLEEP}")])
    counts = []
    for size in (2, 3, 1, 0):
        await call.service("PUT", "web", json={"target_instance_size": size})
        await until(lambda: status(cloud) == "Running")
        counts.append(sum(is_running(int(text)) for text in texts(cloud)))

    assert [2, 3, 1, 0] == counts
    assert 3 == len(texts(cloud))


async def test_changes_follow_each_other(cloud: LocalCloud, call: Caller) -> None:
    """A change during a restart is carried out after it."""
    cloud.add_service("web", containers=[shell(f"echo $$; {SLEEP}")])
    await until(lambda: status(cloud) == "Running")

    await call.service("PUT", "web/restart")
    await call.service("PUT", "web", json={"target_instance_size": 3})
    await until(lambda: status(cloud) == "Running")

    assert [False, True, True, True] == [is_running(int(text)) for text in texts(cloud)]
    assert 3 == len(await instances(call))


async def test_a_service_is_underway_until_its_last_change(cloud: LocalCloud) -> None:
    """A change that waits for another one is not over when that is."""
    cloud.add_service("web", containers=[shell(SLEEP)])
    await until(lambda: status(cloud) == "Running")
    service, _ = cloud._operations.found("beijing1", "web")
    seen = {service.instances[0].name}

    for passage in (RESTART, REDEPLOY):
        cloud._runtime.begin(service, passage)
    while service.status != RUNNING:
        seen |= {instance.name for instance in service.instances}
        await asyncio.sleep(0)

    seen |= {instance.name for instance in service.instances}
    assert 3 == len(seen)


async def test_a_stopped_service_stays_stopped(cloud: LocalCloud, call: Caller) -> None:
    """Only a start brings processes back, with what was changed meanwhile."""
    cloud.add_service("web", status="Stopped", containers=[shell(f"echo $$; {SLEEP}")])

    await call.service("PUT", "web", json={"target_instance_size": 2})
    assert ("Stopped", []) == (status(cloud), await instances(call))

    await call.service("PUT", "web/start")
    await until(lambda: status(cloud) == "Running")
    assert 2 == len(texts(cloud))


async def test_a_deleted_service_ends(cloud: LocalCloud, call: Caller) -> None:
    """A deletion is answered at once and ends the processes; a namesake may come right after."""
    cloud.add_service("web", containers=[shell(f"echo $$; {SLEEP}")])
    await until(lambda: texts(cloud))
    pid = int(texts(cloud)[0])

    await call.service("DELETE", "web")
    cloud.add_service("web", containers=[shell(f"echo again; {SLEEP}")])

    await until(lambda: not is_running(pid))
    await until(lambda: status(cloud) == "Running")
    assert ["again"] == texts(cloud)


async def test_a_flood_neither_blocks_nor_fills_memory(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A process that writes without end goes on; its log keeps what fits."""
    monkeypatch.setattr(processes, "LOG_LIMIT", 1 << 20)
    done = tmp_path / "done"
    script = f"yes | head -c 5000000; touch {done}; {SLEEP}"
    cloud.add_service("web", containers=[shell(script)])

    await until(done.exists)

    service, _ = cloud._operations.found("beijing1", "web")
    await until(lambda: len(texts(cloud)) + service.logbook.dropped == 2_500_000)
    assert service.logbook.dropped > 2_000_000


async def test_a_daemon_does_not_hold_up_a_stop(cloud: LocalCloud, call: Caller) -> None:
    """What left the group and holds the output is told to end as well."""
    cloud.add_service("web", containers=[shell(f"setsid sleep 1000 & echo $!; {SLEEP}")])
    await until(lambda: texts(cloud))
    pid = int(texts(cloud)[0])
    await until(lambda: os.getsid(pid) == pid)
    before = time.monotonic()

    await call.service("PUT", "web/stop")
    await until(lambda: status(cloud) == "Stopped")

    assert not is_running(pid)
    assert time.monotonic() - before < 4


async def test_text_of_all_languages_reaches_a_process(cloud: LocalCloud) -> None:
    """Arguments and environment are what was declared, in UTF-8."""
    env = [{"name": "GREETING", "value": "早上好"}]
    cloud.add_service("web", containers=[shell(f'echo "$GREETING" grüß; {SLEEP}', env=env)])

    await until(lambda: texts(cloud))

    assert ["早上好 grüß"] == texts(cloud)


async def test_twenty_services_are_up_soon(cloud: LocalCloud) -> None:
    """A demonstration begins without a wait."""
    before = time.monotonic()
    limits = {"limits": {"memory": "512Mi"}}
    for number in range(20):
        cloud.add_service(f"s{number}", containers=[python(LAST_WORDS, resources=limits)])

    await until(lambda: all(texts(cloud, f"s{number}") for number in range(20)))

    assert time.monotonic() - before < 4


async def test_a_stop_ends_everything() -> None:
    """A stopped cloud leaves no process, no task and no open file."""
    tasks, files = asyncio.all_tasks(), open_files()
    async with LocalCloud(runtime="process", crash_pause=0.01) as cloud:
        cloud.add_service("web", instances=3, containers=[shell(f"echo $$; {SLEEP}")])
        cloud.add_service("loop", containers=[shell("exit 1")])
        cloud.add_service("bad", containers=[shell("")])
        await until(lambda: len(texts(cloud)) == 3)

    assert [False] * 3 == [is_running(int(text)) for text in texts(cloud)]
    assert tasks == asyncio.all_tasks()
    assert files == open_files()


async def test_a_cancelled_stop_ends_everything_as_well() -> None:
    """Who cannot wait for the grace cancels the stop; nothing is left then either."""
    cloud = LocalCloud(runtime="process", stop_grace=1000)
    await cloud.start()
    cloud.add_service("web", containers=[shell(STUBBORN)])
    await until(lambda: texts(cloud))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await cloud.stop()

    assert not is_running(int(texts(cloud)[0]))
