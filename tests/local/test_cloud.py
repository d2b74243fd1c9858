from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import ClientSession

from tenx_async.errors import ConfigurationError, InvalidName
from tenx_async.local import Fault, LocalCloud

from .conftest import Caller, headers, until


@pytest.mark.parametrize("host", ["0.0.0.0", "example.cn", "192.168.0.1", "::", ""])
def test_only_loopback_is_listened_on(host: str) -> None:
    """The cloud runs what it is told to, so no other machine may reach it."""
    with pytest.raises(ConfigurationError, match="loopback"):
        LocalCloud(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "::1"])
async def test_any_loopback_address_will_do(host: str) -> None:
    """The endpoint is a URL that a client can use as it is."""
    async with LocalCloud(host=host) as cloud, ClientSession(cloud.endpoint) as session:
        assert 200 == (await Caller(session)("GET", "/v1/status")).status


def test_a_region_must_fit_into_a_path() -> None:
    """A region's name is checked before anything else."""
    with pytest.raises(InvalidName):
        LocalCloud(regions=("a/b",))


def test_repr_shows_the_endpoint_and_no_token() -> None:
    """A representation may be printed anywhere."""
    cloud = LocalCloud(token="secret-token", port=8080)

    assert "LocalCloud('http://127.0.0.1:8080', username='demo')" == repr(cloud)


def test_a_token_is_drawn_for_each_cloud() -> None:
    """Unless one is given, nobody can guess it."""
    assert LocalCloud().token != LocalCloud().token
    assert len(LocalCloud().token) > 20


async def test_a_stop_is_quick_with_idle_connections_open() -> None:
    """Nobody waits for a keep-alive connection; its port is free again."""
    cloud = LocalCloud()
    await cloud.start()
    async with ClientSession(cloud.endpoint, headers=headers(cloud)) as session:
        calls = [Caller(session)("GET", "/v1/regions") for _ in range(20)]
        assert {200} == {answer.status for answer in await asyncio.gather(*calls)}

        before = time.monotonic()
        await cloud.stop()

        assert time.monotonic() - before < 0.5
    async with LocalCloud(port=cloud.port) as again:
        assert cloud.port == again.port


async def test_a_stop_leaves_no_task() -> None:
    """What the cloud began has ended when it has stopped."""
    before = asyncio.all_tasks()
    async with LocalCloud() as cloud, ClientSession(cloud.endpoint) as session:
        await Caller(session)("GET", "/v1/status")

    assert before == asyncio.all_tasks()


async def test_a_taken_port_leaves_nothing_behind() -> None:
    """A start that fails has not half begun."""
    async with LocalCloud() as cloud:
        other = LocalCloud(port=cloud.port, runtime="process")
        with pytest.raises(OSError):
            await other.start()


async def test_a_cloud_that_runs_is_not_started_again() -> None:
    """The second start is refused, and the first goes on."""
    async with LocalCloud() as cloud:
        with pytest.raises(ConfigurationError, match="runs already"):
            await cloud.start()

        async with ClientSession(cloud.endpoint) as session:
            assert 200 == (await Caller(session)("GET", "/v1/status")).status


def test_a_cloud_may_run_in_one_loop_after_another() -> None:
    """Whatever it held up in the first one."""
    cloud = LocalCloud(faults=[Fault("stall")])

    async def run(count: int) -> bytes:
        async with cloud:
            reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
            writer.write(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: cloud.requests == count)
        answer = await reader.read()
        writer.close()
        return answer

    assert [b"", b""] == [asyncio.run(run(count)) for count in (1, 2)]


async def test_stopping_twice_is_stopping_once() -> None:
    """A stop that is repeated does nothing."""
    cloud = LocalCloud()
    await cloud.start()
    await cloud.stop()
    await cloud.stop()
