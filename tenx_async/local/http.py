"""The API over HTTP: one thin function around the operations."""

from __future__ import annotations

import hmac
from collections import Counter

from aiohttp import web
from attrs import define, field

from tenx_async.local.operations import Call, Operations, Reply
from tenx_async.local.refusal import Refusal
from tenx_async.local.routes import UNKNOWN, Route, route

_OPEN = {"status"}


@define
class Door:
    """Lets requests in: counts them, knows their operation, asks for the token."""

    operations: Operations
    username: str
    token: str = field(repr=False)
    seen: Counter[str] = field(factory=Counter)

    async def serve(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        try:
            reply = await self._reply(request)
        except Refusal as refusal:
            reply = Reply.json({"message": refusal.message}, refusal.status)
        except web.HTTPException as error:
            reply = Reply.json({"message": error.reason}, error.status)
        return web.Response(
            body=reply.body, status=reply.status, content_type=reply.content_type, charset="utf-8"
        )

    async def _reply(self, request: web.BaseRequest) -> Reply:
        path, _, query = request.raw_path.partition("?")
        way = self._way(request.method, path)
        if way.operation not in _OPEN:
            self._admit(request)
        return self.operations.answer(way.operation, Call(way.names, query, await request.read()))

    def _way(self, method: str, path: str) -> Route:
        try:
            way = route(method, path)
        except Refusal:
            self.seen[UNKNOWN] += 1
            raise
        self.seen[way.operation] += 1
        return way

    def _admit(self, request: web.BaseRequest) -> None:
        username = request.headers.get("username", "")
        token = request.headers.get("Authorization", "")
        if not (_same(username, self.username) and _same(token, f"token {self.token}")):
            raise Refusal(401, "the headers username and 'Authorization: token …' do not fit")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode(errors="replace"))
