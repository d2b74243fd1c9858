"""The client: what each method sends and returns, and what it refuses to send."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aioresponses import aioresponses
from yarl import URL

from tenx_async import (
    ApiError,
    BadResponse,
    Client,
    ConfigurationError,
    Conflict,
    ContainerSpec,
    DeadlineExceeded,
    InvalidName,
    InvalidSpec,
    LocalCloud,
    LogEntry,
    Memory,
    NotFound,
    Redirected,
    Service,
    ServiceSpec,
    TenxError,
    Unauthorized,
)
from tests.api.examples import example, text
from tests.clock import ManualClock
from tests.conftest import client_of

TOKEN = "s3cr3t-t0ken"
SECRET = "hunter22"
HOST = "https://api.example"
SERVICES = f"{HOST}/v1/regions/beijing1/services"
DAY = dt.date(2015, 12, 29)
NGINX = ServiceSpec(containers=[ContainerSpec(image="nginx", env={"PASS": SECRET})])


@pytest.fixture
async def remote(replies: aioresponses, clock: ManualClock) -> AsyncIterator[Client]:
    """An open client of a server of which only the answers exist."""
    async with Client(
        endpoint=HOST, username="alice", token=TOKEN, region="beijing1", clock=clock
    ) as client:
        yield client


def sent(replies: aioresponses) -> list[tuple[str, str, Any]]:
    """What was asked of the server, with decoded bodies."""
    calls = []
    for (method, url), requests in replies.requests.items():
        for request in requests:
            body = request.kwargs.get("data")
            assert "alice" == request.kwargs["headers"]["username"]
            assert f"token {TOKEN}" == request.kwargs["headers"]["Authorization"]
            is_json = "application/json" == request.kwargs["headers"].get("Content-Type")
            assert (body is not None) == is_json
            assert request.kwargs["allow_redirects"] is False
            calls.append((method, str(url), body and json.loads(body)))
    return calls


async def test_services_are_listed(remote: Client, replies: aioresponses) -> None:
    """A list is one GET of all services."""
    replies.get(SERVICES, body=text("list"))

    (service,) = await remote.services.list()

    assert ("myblog-mysql", "beijing1") == (service.name, service.region)
    assert [("GET", SERVICES, None)] == sent(replies)


async def test_a_service_is_read(remote: Client, replies: aioresponses) -> None:
    """A service is one GET."""
    replies.get(f"{SERVICES}/myblog-mysql", body=text("get"))

    service = await remote.services.get("myblog-mysql")

    assert service.has_status("running")
    assert [("GET", f"{SERVICES}/myblog-mysql", None)] == sent(replies)


async def test_a_service_is_created(remote: Client, replies: aioresponses) -> None:
    """A create is one POST of the specification, and returns what the server shows."""
    replies.post(f"{SERVICES}/myblog-mysql", body=text("created"))

    created = await remote.services.create("myblog-mysql", NGINX)

    assert ("myblog-mysql", None) == (created.name, created.uid)
    env = [{"name": "PASS", "value": SECRET}]
    body = {"target_instance_size": 1, "containers": [{"image": "nginx", "env": env}]}
    assert [("POST", f"{SERVICES}/myblog-mysql", body)] == sent(replies)


async def test_what_was_created_is_looked_up_if_the_server_does_not_show_it(
    remote: Client, replies: aioresponses
) -> None:
    """A create without an answer that can be read is followed by a GET, not by an error."""
    replies.post(f"{SERVICES}/myblog-mysql", body="created")
    replies.get(f"{SERVICES}/myblog-mysql", body=text("get"))

    assert (await remote.services.create("myblog-mysql", NGINX)).uid


async def test_what_was_created_is_told_though_it_cannot_be_read(
    remote: Client, replies: aioresponses
) -> None:
    """A create that was answered is done: it is told as it was asked for, not as a failure."""
    replies.post(f"{SERVICES}/web", body="created")
    replies.get(f"{SERVICES}/web", status=404)

    created = await remote.services.create("web", NGINX)

    assert ("web", remote.region, 1) == (created.name, created.region, created.target_instance_size)
    assert ["nginx"] == [container.image for container in created.containers]


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"target_instance_size": 1, "memory": "512Mi"}, example("update")),
        ({"target_instance_size": 0}, {"target_instance_size": 0}),
        ({"binding_domain_name": []}, {"binding_domain_name": []}),
        ({"binding_domain_name": ["a.cn"]}, {"binding_domain_name": ["a.cn"]}),
        (
            {"memory": 512, "memory_key": "resources"},
            {"containers": [{"resources": {"limits": {"memory": "512Mi"}}}]},
        ),
    ],
)
async def test_a_service_is_updated(
    remote: Client, replies: aioresponses, changes: dict[str, Any], body: Any
) -> None:
    """An update is one PUT of what was asked to change."""
    replies.put(f"{SERVICES}/web")

    await remote.services.update("web", **changes)

    assert [("PUT", f"{SERVICES}/web", body)] == sent(replies)


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
async def test_a_service_is_acted_on(remote: Client, replies: aioresponses, verb: str) -> None:
    """Start, stop and restart are one PUT each, without a body; the answer may be anything."""
    replies.put(f"{SERVICES}/web/{verb}", body="<whatever>")

    await getattr(remote.services, verb)("web")

    assert [("PUT", f"{SERVICES}/web/{verb}", None)] == sent(replies)


async def test_a_service_is_deleted(remote: Client, replies: aioresponses) -> None:
    """A delete is one DELETE, answered by a text."""
    replies.delete(f"{SERVICES}/web", body="Service was deleted successfully")

    await remote.services.delete("web")

    assert [("DELETE", f"{SERVICES}/web", None)] == sent(replies)


async def test_instances_are_listed(remote: Client, replies: aioresponses) -> None:
    """The running copies of a service are one GET."""
    replies.get(f"{SERVICES}/web/instances", payload=[{"name": "web-1"}, {"name": "web-2"}])

    assert ["web-1", "web-2"] == [each.name for each in await remote.services.instances("web")]


async def test_a_page_of_a_log_is_read(remote: Client, replies: aioresponses) -> None:
    """A page is one GET with the documented parameters."""
    url = f"{SERVICES}/web/logs?date=2015.12.29&from=0&size=100"
    replies.get(url, body=text("logs"))

    page = await remote.logs.page("web", date=DAY)

    assert [LogEntry("instance1", "message1"), LogEntry("instance1", "message2")] == page
    assert {("GET", URL(url))} == replies.requests.keys()


async def test_pages_and_lines_of_a_log_are_read(remote: Client, replies: aioresponses) -> None:
    """Pages are read until one is empty; lines are the entries of the pages."""
    for start, body in [(0, '[{"log": "a\\n"}, {"log": "b"}]'), (2, '[{"log": "c"}]'), (3, "[]")]:
        url = f"{SERVICES}/web/logs?date=2015.12.29&from={start}&size=2"
        replies.get(url, body=body, repeat=True)

    whole = '[{"log": "a\\n"}, {"log": "b"}, {"log": "c"}]'
    for start, body in [(0, whole), (3, "[]")]:
        url = f"{SERVICES}/web/logs?date=2015.12.29&from={start}&size=100"
        replies.get(url, body=body, repeat=True)

    pages = [page async for page in remote.logs.pages("web", date=DAY, size=2)]
    lines = [
        line async for line in remote.logs.lines("web", date=DAY, size=100, order="oldest-first")
    ]

    assert [(0, 2), (2, 1)] == [(page.from_, len(page.entries)) for page in pages]
    assert [("a", 0), ("b", 1), ("c", 2)] == [(line.log, line.position) for line in lines]
    assert {("beijing1", "web", DAY)} == {(line.region, line.service, line.date) for line in lines}


async def test_the_account_and_its_regions_are_read(remote: Client, replies: aioresponses) -> None:
    """The neighbouring operations are there."""
    replies.get(f"{HOST}/v1/regions", payload={"regions": [{"name": "us"}]})
    replies.get(f"{HOST}/v1/auth", payload={"user_name": "alice"})
    replies.get(f"{HOST}/v1/status", body="all is well", content_type="text/plain")

    assert ["us"] == [region.name for region in await remote.regions()]
    assert "alice" == (await remote.identity()).user_name
    assert "all is well" == await remote.status()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ApiError), (401, Unauthorized), (404, NotFound), (409, Conflict), (418, ApiError)],
)
async def test_a_refusal_is_an_error_with_its_data(
    remote: Client, replies: aioresponses, status: int, kind: type[ApiError]
) -> None:
    """What the server refused is told with its words, its status and its body."""
    replies.put(f"{SERVICES}/web/stop", status=status, payload={"message": "not now"})

    with pytest.raises(kind) as caught:
        await remote.services.stop("web")

    assert f"stop web: not now [HTTP {status}]" == str(caught.value)
    shown = (caught.value.status, json.loads(caught.value.body))
    assert (status, {"message": "not now"}) == shown
    assert 1 == len(sent(replies))


# With a real server


async def test_every_operation_works(client: Client, cloud: LocalCloud) -> None:
    """All nine operations of the vendor's page do what they say."""
    services = client.services

    assert [] == await services.list()
    created = await services.create("web", NGINX)
    assert ("web", None) == (created.name, created.status)
    assert (await services.get("web")).has_status("Running")

    await services.update("web", target_instance_size=3, memory="1Gi", binding_domain_name="a.cn")
    service = await services.get("web")
    assert (3, ("a.cn",)) == (service.target_instance_size, service.binding_domain_name)
    assert Memory.parse("1024Mi") == service.containers[0].memory
    assert 3 == len(await services.instances("web"))

    await services.stop("web")
    assert not (await services.get("web")).has_status("Running")
    await services.start("web")
    await services.restart("web")
    assert ["web"] == [service.name for service in await services.list()]

    cloud.append("web", *map(str, range(250)), date=DAY)
    entries = await client.logs.page("web", date=DAY, from_=10, size=5)
    assert ["10", "11", "12", "13", "14"] == [entry.log for entry in entries]
    tail = [
        line.log
        async for line in client.logs.lines("web", order="oldest-first", date=DAY, tail=3, size=100)
    ]
    assert ["247", "248", "249"] == tail

    await services.delete("web")
    with pytest.raises(NotFound):
        await services.get("web")
    executed = [execution.operation for execution in cloud.executions]
    assert ["create", "update", "stop", "start", "restart", "delete"] == executed


async def test_the_neighbouring_operations_work(client: Client, cloud: LocalCloud) -> None:
    """Regions, identity and status can be asked for."""
    assert ["beijing1", "us"] == [region.name for region in await client.regions()]
    assert cloud.username == (await client.identity()).user_name
    assert await client.status()


async def test_a_domain_can_be_unbound(client: Client, cloud: LocalCloud) -> None:
    """An empty list unbinds, nothing at all leaves what is bound."""
    cloud.add_service("web", binding_domain_name=["a.cn"])

    await client.services.update("web", memory=512)
    assert ("a.cn",) == (await client.services.get("web")).binding_domain_name
    await client.services.update("web", binding_domain_name=[])
    assert not (await client.services.get("web")).binding_domain_name


async def test_a_bad_token_is_told(cloud: LocalCloud) -> None:
    """Wrong credentials are an error of their own, which shows no token."""
    async with Client(
        endpoint=cloud.endpoint, username=cloud.username, token=TOKEN, region="beijing1"
    ) as client:
        with pytest.raises(Unauthorized) as caught:
            await client.services.list()

    assert TOKEN not in f"{caught.value!s} {caught.value!r} {caught.value.args}"


BAD_NAMES = ["..", "", "a/b", "web?x", "Web", "web\n", "a" * 64]

METHODS: list[Callable[[Client, str], Awaitable[object]]] = [
    lambda client, name: client.services.get(name),
    lambda client, name: client.services.create(name, NGINX),
    lambda client, name: client.services.update(name, memory=512),
    lambda client, name: client.services.delete(name),
    lambda client, name: client.services.start(name),
    lambda client, name: client.services.stop(name),
    lambda client, name: client.services.restart(name),
    lambda client, name: client.services.instances(name),
    lambda client, name: client.services.wait(name),
    lambda client, name: client.logs.page(name, date=DAY),
]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_no_byte_is_sent_about_a_name_that_is_none(
    client: Client, cloud: LocalCloud, name: str
) -> None:
    """A name that would address something else is refused by every method, here."""
    for method in METHODS:
        with pytest.raises(InvalidName):
            await method(client, name)

    assert 0 == cloud.requests


async def test_no_byte_is_sent_about_nothing(client: Client, cloud: LocalCloud) -> None:
    """An update that changes nothing is refused here."""
    with pytest.raises(InvalidSpec):
        await client.services.update("web")

    assert 0 == cloud.requests


async def test_a_client_has_to_be_open(cloud: LocalCloud) -> None:
    """A call before or after `async with` is told what it lacks, and sends nothing."""
    client = client_of(cloud)
    with pytest.raises(ConfigurationError, match="not open: use it inside `async with`"):
        await client.services.list()
    async with client:
        await client.services.list()
    with pytest.raises(ConfigurationError, match="not open: use it inside `async with`"):
        await client.services.list()

    assert 1 == cloud.requests


async def test_a_client_can_be_opened_again(cloud: LocalCloud) -> None:
    """A client that was closed works again when it is entered again."""
    client = client_of(cloud)
    for _ in range(2):
        async with client:
            assert [] == await client.services.list()


async def test_a_client_is_entered_once(cloud: LocalCloud) -> None:
    """A second entry is refused, and leaves the first one as it was."""
    client = client_of(cloud)
    async with client:
        with pytest.raises(ConfigurationError, match="open already"):
            await client.__aenter__()
        assert [] == await client.services.list()


def test_a_client_can_be_entered_in_one_loop_after_another() -> None:
    """What waited in a loop that is over does not bind the client to it."""
    clients: list[Client] = []

    async def use() -> list[list[Service]]:
        async with LocalCloud(username="alice", token=TOKEN) as cloud:
            clients.append(clients[0] if clients else client_of(cloud))
            clients[-1]._account.endpoint = cloud.endpoint
            async with clients[-1] as client:
                return await asyncio.gather(*(client.services.list() for _ in range(30)))

    assert [[]] * 30 == asyncio.run(use())
    assert [[]] * 30 == asyncio.run(use())


async def test_a_wait_ends_with_the_status(
    client: Client, cloud: LocalCloud, clock: ManualClock
) -> None:
    """A wait looks after 1, 2 and then every 5 seconds, until the service is as wanted."""
    cloud.add_service("web", status="Starting")
    looks = 0

    def running_at_the_fifth_look(service: Service) -> bool:
        nonlocal looks
        looks += 1
        return looks == 5

    assert "web" == (await client.services.wait("web", running_at_the_fifth_look)).name
    assert [1.0, 2.0, 5.0, 5.0] == clock.sleeps
    assert 5 == cloud.requests


@pytest.mark.parametrize("until", ["Running", "running", "RUNNING"])
async def test_a_wait_for_what_is_is_short(
    client: Client, cloud: LocalCloud, clock: ManualClock, until: str
) -> None:
    """A service that is as wanted is not waited for; case does not matter."""
    cloud.add_service("web")

    assert (await client.services.wait("web", until)).has_status("Running")
    assert ([], 1) == (clock.sleeps, cloud.requests)


async def test_every_wait_has_an_end(client: Client, cloud: LocalCloud, clock: ManualClock) -> None:
    """The API knows no failure, so a wait gives up, and says what it saw."""
    cloud.add_service("web", status="Deploying")

    with pytest.raises(DeadlineExceeded, match="wait web: still Deploying, not Running, after 60"):
        await client.services.wait("web", timeout=60)
    assert 60 >= clock.monotonic() >= 55


async def test_a_wait_for_nothing_is_told(client: Client) -> None:
    """A service that is not there is not waited for."""
    with pytest.raises(NotFound):
        await client.services.wait("web")


@asynccontextmanager
async def serving(answer: Callable[[web.BaseRequest], web.StreamResponse]) -> AsyncIterator[str]:
    """A server that gives every request the same kind of answer; yields its endpoint."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return answer(request)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def visitor(endpoint: str) -> Client:
    """A client of any server, not yet open, that takes no time to wait."""
    return Client(
        endpoint=endpoint, username="alice", token=TOKEN, region="us", clock=ManualClock()
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_refused(status: int) -> None:
    """Whoever a server points to is sent nothing, the credentials least of all."""
    seen: list[str] = []

    def elsewhere(request: web.BaseRequest) -> web.Response:
        seen.append(request.path)
        return web.Response(text="{}")

    async with serving(elsewhere) as other:

        def redirect(request: web.BaseRequest) -> web.Response:
            return web.Response(status=status, headers={"Location": f"{other}{request.path}"})

        async with serving(redirect) as endpoint, visitor(endpoint) as client:
            for call in (client.services.list(), client.services.delete("web")):
                with pytest.raises(Redirected, match="redirects are refused") as caught:
                    await call
                assert status == caught.value.status

    assert [] == seen


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 500])
async def test_no_error_shows_a_secret(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """A server that repeats whatever it was sent makes no error and no log show secrets."""
    caplog.set_level(logging.DEBUG)

    def echo(request: web.BaseRequest) -> web.Response:
        env = '{"env": [{"name": "PASS", "value": "hunter22"}]}'
        said = f"token {TOKEN} sent {env} or {SECRET}"
        return web.json_response({"message": said, "name": [said]}, status=status, reason="No")

    errors: list[TenxError] = []
    async with serving(echo) as endpoint, visitor(endpoint) as client:
        for call in (
            client.services.get("web"),
            client.services.list(),
            client.services.create("web", NGINX),
            client.services.calls.create("web", NGINX).run(),
        ):
            try:
                await call
            except TenxError as error:
                errors.append(error)
        outcomes = [await client.services.calls.create("web", NGINX).outcome()]

    assert (2 if status == 200 else 4) <= len(errors)
    shown = "\n".join(
        [*(f"{error} {error!r} {vars(error)}" for error in errors), repr(outcomes), caplog.text]
    )
    assert TOKEN not in shown
    assert all(SECRET not in line for line in _of_creates(shown))


def _of_creates(shown: str) -> list[str]:
    return [line for line in shown.splitlines() if "create web" in line]


async def test_no_error_carries_a_secret_out_of_sight() -> None:
    """What an error carries for pickling is as clean as what it shows."""
    async with (
        serving(lambda _: web.Response(text=f"your token is {TOKEN}")) as endpoint,
        visitor(endpoint) as client,
    ):
        with pytest.raises(BadResponse) as caught:
            await client.services.list()

    assert TOKEN not in str(pickle.dumps(caught.value))


async def test_an_answer_that_is_no_json_is_shown(clock: ManualClock) -> None:
    """A proxy's page in place of the API's answer is told as what it is."""
    page = "<html><h1>Welcome to nginx!</h1></html>"
    async with (
        serving(lambda _: web.Response(text=page, content_type="text/html")) as endpoint,
        visitor(endpoint) as client,
    ):
        with pytest.raises(BadResponse, match="the server sent: <html><h1>Welcome") as caught:
            await client.services.list()

    assert page == caught.value.body


def test_a_client_shows_no_token() -> None:
    """A client can be logged."""
    shown = repr(visitor("http://127.0.0.1:1"))

    assert "alice" in shown
    assert "us" in shown
    assert TOKEN not in shown


def test_a_client_needs_settings() -> None:
    """A client that was told nothing says what it lacks when it is made."""
    with pytest.raises(ConfigurationError, match="no username and no token and no region given"):
        Client()


def test_a_client_opened_in_another_loop_says_so(monkeypatch):
    """A client belongs to the loop that opened it; elsewhere it is a clear error, not a hang."""
    client = Client(endpoint="http://127.0.0.1:9", username="alice", token=TOKEN, region="us")
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        first.run_until_complete(client.__aenter__())
        with pytest.raises(ConfigurationError, match="another event loop"):
            second.run_until_complete(client.services.list())
        first.run_until_complete(client.__aexit__())
    finally:
        first.close()
        second.close()
