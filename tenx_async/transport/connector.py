"""The connections that accounts share."""

from __future__ import annotations

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class Connector(aiohttp.TCPConnector):
    """Hands out no connection on which something came that nobody had asked for.

    Such as the second of two answers to one request: it would be taken for the answer to the next.
    """

    def __init__(self) -> None:
        super().__init__(limit=0)  # the gates bound what is under way

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # the overridden method's
    ) -> Connection:
        """Get a connection from the pool, or make one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()
