"""The API over HTTP: one thin function around the operations."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter

from aiohttp import web
from attrs import define, field

from tenx_async.errors import ConfigurationError
from tenx_async.local import breakage, reply as replying
from tenx_async.local.calendar import Conditions
from tenx_async.local.control import Control
from tenx_async.local.faults import Fault
from tenx_async.local.limits import Limits
from tenx_async.local.operations import Call, Operations
from tenx_async.local.refusal import Refusal
from tenx_async.local.reply import Reply
from tenx_async.local.routes import CONTROLS, UNKNOWN, Route, route

_OPEN = {"status", "openapi"}


@define
class Door:
    """Lets requests in: counts them, asks for the token, and lets faults strike."""

    operations: Operations
    username: str
    token: str = field(repr=False)
    seen: Counter[str] = field(factory=Counter, init=False)
    closing: asyncio.Event = field(factory=asyncio.Event, init=False)
    _limits: Limits = field(init=False)
    _control: Control = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._limits = Limits(self.operations.calendar)
        self._control = Control(self.operations, self.seen)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.partition("?")
        try:
            way = self._way(request.method, path)
        except Refusal as refusal:
            return self._response(self._refused(refusal))
        if way.operation in CONTROLS:
            return self._response(await self._answer(way, query, request))
        stroke = self._conditions.faults.strike(way.operation, path)
        if stroke.delay:
            await asyncio.sleep(stroke.delay)
        if stroke.fault:
            return await self._break(stroke.fault, way, query, request)
        return self._response(await self._answer(way, query, request))

    def _way(self, method: str, path: str) -> Route:
        try:
            way = route(method, path)
        except Refusal:
            self.seen[UNKNOWN] += 1
            raise
        if way.operation not in CONTROLS:
            self.seen[way.operation] += 1
        return way

    async def _answer(self, way: Route, query: str, request: web.BaseRequest) -> Reply:
        try:
            return await self._carry_out(way, query, request)
        except Refusal as refusal:
            return self._refused(refusal)
        except ConfigurationError as error:
            return self._refused(Refusal(400, str(error)))
        except web.HTTPException as error:
            return self._refused(Refusal(error.status, error.reason))
        except web.RequestPayloadError as error:
            return self._refused(Refusal(400, f"the body cannot be read: {error}"))
        finally:
            self.operations.registry.commit()

    async def _carry_out(self, way: Route, query: str, request: web.BaseRequest) -> Reply:
        if way.operation not in _OPEN:
            self._admit(request)
        call = Call(way.names, query, await _body(request))
        if way.operation in CONTROLS:
            return self._control.answer(way.operation, call)
        if way.operation not in _OPEN:
            self._limits.admit()
        return self.operations.answer(way.operation, call)

    async def _break(
        self, fault: Fault, way: Route, query: str, request: web.BaseRequest
    ) -> web.StreamResponse:
        carried_out = fault.spoils_the_answer
        reply = await self._answer(way, query, request) if carried_out else Reply()
        broken = await breakage.broken(fault, reply, request, self.closing)
        quirks = self._conditions.quirks
        return broken or self._response(breakage.spoilt(fault, reply, quirks))

    @property
    def _conditions(self) -> Conditions:
        return self.operations.calendar.conditions

    def _refused(self, refusal: Refusal) -> Reply:
        return replying.refused(refusal, self._conditions.quirks)

    def _response(self, reply: Reply) -> web.Response:
        headers = {"Content-Type": reply.content_type, **reply.headers}
        return web.Response(body=reply.body, status=reply.status, headers=headers)

    def _admit(self, request: web.BaseRequest) -> None:
        username = request.headers.get("username", "")
        token = request.headers.get("Authorization", "")
        if not (_same(username, self.username) and _same(token, f"token {self.token}")):
            raise Refusal(401, "the headers username and 'Authorization: token …' do not fit")


async def _body(request: web.BaseRequest) -> bytes:
    if request.headers.get("Expect", "").casefold() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun
    return await request.read()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode(errors="replace"))
