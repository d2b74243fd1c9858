"""How a fault looks on the wire."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

from aiohttp import web

from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks
from tenx_async.local.refusal import Refusal
from tenx_async.local.reply import JSON, Reply, refused

_RESET = struct.pack("ii", 1, 0)


def spoilt(fault: Fault, reply: Reply, quirks: Quirks) -> Reply:
    """The answer that comes instead of `reply`, for faults that answer at all."""
    match fault.kind:
        case "throttle":
            refusal = Refusal(fault.status or 429, "too many calls", fault.retry_after)
            return refused(refusal, quirks)
        case "error":
            refusal = Refusal(fault.status or 500, "something broke", fault.retry_after)
            return refused(refusal, quirks)
        case "html":
            page = quirks.changed({"error_body": "html"})
            return refused(Refusal(fault.status or 502, "upstream", fault.retry_after), page)
        case "garbage":
            return Reply(random.Random(0).randbytes(max(len(reply.body), 64)), JSON)
    return reply


async def broken(
    fault: Fault, reply: Reply, request: web.BaseRequest, closing: asyncio.Event
) -> web.StreamResponse | None:
    """What comes of a connection; `None` where an answer is to be sent."""
    match fault.kind:
        case "close" | "reset":
            _hang_up(request, reset=fault.kind == "reset")
            return web.Response()
        case "truncate":
            response = await _begun(reply, request)
            _hang_up(request, reset=False)
            return response
        case "stall":
            response = await _begun(reply, request) if fault.after else web.Response()
            await closing.wait()
            _hang_up(request, reset=False)
            return response
    return None


async def _begun(reply: Reply, request: web.BaseRequest) -> web.StreamResponse:
    body = reply.body or b"  "
    headers = {"Content-Type": reply.content_type, "Content-Length": str(len(body))}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    return response


def _hang_up(request: web.BaseRequest, *, reset: bool) -> None:
    if not (transport := request.transport):
        return
    connection = transport.get_extra_info("socket")
    if reset and connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    else:
        transport.close()
