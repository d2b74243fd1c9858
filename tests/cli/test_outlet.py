from __future__ import annotations

import asyncio
import signal
import stat
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from attrs import define, field

from tenx_async import LocalCloud

from .conftest import DEADLINE, Shell

logs_service_pb2 = pytest.importorskip(
    "opentelemetry.proto.collector.logs.v1.logs_service_pb2",
    reason="needs the extra otlp",
)


@define
class Receiver:
    """What takes OpenTelemetry logs."""

    url: str = ""
    texts: Counter[str] = field(factory=Counter)

    async def take(self, request: web.Request) -> web.Response:
        """Count the texts of records, however they are packed."""
        asked = logs_service_pb2.ExportLogsServiceRequest.FromString(await request.read())
        self.texts.update(
            record.body.string_value
            for resource in asked.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        )
        return web.Response()

    async def until(self, total: int) -> None:
        """Wait until so many came."""
        async with asyncio.timeout(DEADLINE):
            while self.texts.total() < total:  # noqa: ASYNC110  # another process sends
                await asyncio.sleep(0.05)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen for logs on this machine."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/v1/logs", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/logs"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def test_a_receiver_gets_each_line_once_while_nothing_is_killed(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """Where it was read to is kept by the command, in the state directory, for nobody else."""
    cloud.add_service("web")
    cloud.append("web", "one", "two")
    state = tenx.folder / "state"
    async with receiving() as receiver:
        for total, text in ((3, "three"), (4, "four")):
            cloud.append("web", text)
            running = await tenx.start(
                "ship", "--to", f"otlp:{receiver.url}", TENX_STATE_DIR=str(state)
            )
            await running.until("following 1 service: web", "err")
            await receiver.until(total)
            await asyncio.sleep(1)
            assert (await running.end(signal.SIGTERM)).status == 0

    assert receiver.texts == Counter(["one", "two", "three", "four"])
    (kept,) = (state / "ship").glob("*.sqlite")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_another_one_waits_for_the_first(tenx: Shell, cloud: LocalCloud) -> None:
    """As for files: it says which process it is, and goes on when that one ends."""
    cloud.add_service("web")
    async with receiving() as receiver:
        command = ("ship", "--to", f"otlp:{receiver.url}")
        first = await tenx.start(*command)
        await first.until("following 1 service: web", "err")
        second = await tenx.start(*command)
        await second.until(f"process {first.process.pid} has it", "err")
        await first.end(signal.SIGTERM)
        await second.until("following 1 service: web", "err")
        cloud.append("web", "one")
        await receiver.until(1)
        assert (await second.end(signal.SIGTERM)).status == 0


async def test_a_directory_for_cursors_that_cannot_be_made_is_waited_for(
    tenx: Shell, cloud: LocalCloud
) -> None:
    """As a directory for files is."""
    cloud.add_service("web")
    cloud.append("web", "one")
    state = tenx.folder / "state"
    state.mkdir()
    (state / "ship").write_text("in its way")
    async with receiving() as receiver:
        running = await tenx.start(
            "ship", "--to", f"otlp:{receiver.url}", TENX_STATE_DIR=str(state)
        )
        await running.until("paused: cannot write to", "err")
        (state / "ship").unlink()
        await receiver.until(1)
        assert (await running.end(signal.SIGTERM)).status == 0
