"""CPU of one GET through the client, against the bare aiohttp session with `params=` and `json`.

    python -m benchmarks.get [ROUNDS]

A server in a process of its own answers a page of a log and a service from prepared bytes. The two
clients take turns, some hundred requests each, so that the machine's moods meet both alike; what is
compared is the median over the turns of this process's CPU time.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection

import aiohttp
import msgspec
from aiohttp import web

import tenx_async as tenx

DAY = dt.date(2015, 12, 29)
PAGE = msgspec.json.encode(
    [{"instance_name": "web-x7k2p", "log": f"GET /item/{n} 200 {n % 97} ms"} for n in range(100)]
)
SERVICE = msgspec.json.encode(
    {
        "region": "beijing1",
        "uid": "00144651-304e-11e5-97b5-525459f27fef",
        "name": "web",
        "created_at": "2015-11-27T08:51:08Z",
        "status": "Running",
        "target_instance_size": 1,
        "containers": [
            {
                "image": "index.tenxcloud.com/tenxcloud/mysql:latest",
                "command": ["/run.sh"],
                "env": [{"name": "MYSQL_USER", "value": "admin"}],
                "ports": [{"container_port": 3306, "protocol": "TCP"}],
                "resources": {"limits": {"memory": "512Mi"}},
            }
        ],
        "port_mappings": [{"container_port": 3306, "protocol": "tcp"}],
        "default_domain_name": "web.tenxapp.com:58767",
    }
)
TURN = 300


def serve(tell: Connection) -> None:
    """Answer from prepared bytes until killed."""

    async def main() -> None:
        app = web.Application()
        base = "/v1/regions/beijing1/services/web"
        app.router.add_get(f"{base}/logs", lambda _: _reply(PAGE))
        app.router.add_get(base, lambda _: _reply(SERVICE))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        tell.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def _reply(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def cpu_of(turn: Callable[[], Awaitable[object]]) -> float:
    """Microseconds of CPU for one request, over a turn of them."""
    began = time.process_time()
    for _ in range(TURN):
        await turn()
    return (time.process_time() - began) / TURN * 1e6


async def compare(endpoint: str, rounds: int) -> None:
    """Let both clients take turns, and print what each took."""
    async with (
        aiohttp.ClientSession(headers={"username": "alice", "Authorization": "token t"}) as session,
        tenx.Client(endpoint=endpoint, username="alice", token="t", region="beijing1") as client,
    ):
        base = f"{endpoint}/v1/regions/beijing1/services/web"

        async def bare_page() -> object:
            params: dict[str, str | int] = {"date": "2015.12.29", "from": 0, "size": 100}
            async with session.get(f"{base}/logs", params=params) as response:
                return await response.json()

        async def bare_service() -> object:
            async with session.get(base, params={}) as response:
                return await response.json()

        peers = {
            "a page of 100 entries": (bare_page, lambda: client.logs.page("web", date=DAY)),
            "a service": (bare_service, lambda: client.services.get("web")),
        }
        print(f"{'CPU of one GET, µs':<26}{'bare session':>14}{'client':>10}{'ratio':>8}")
        for what, (bare, ours) in peers.items():
            await cpu_of(bare)
            await cpu_of(ours)
            turns = [(await cpu_of(bare), await cpu_of(ours)) for _ in range(rounds)]
            ratio = statistics.median(ours / bare for bare, ours in turns)
            bare_cpu, our_cpu = (statistics.median(side) for side in zip(*turns, strict=True))
            print(f"{what:<26}{bare_cpu:>14.0f}{our_cpu:>10.0f}{ratio:>7.2f}x")


def main() -> None:
    """Start the server, compare, stop it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    context = get_context("spawn")
    hear, tell = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(tell,), daemon=True)
    server.start()
    try:
        asyncio.run(compare(f"http://127.0.0.1:{hear.recv()}", rounds))
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    main()
