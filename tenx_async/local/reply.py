"""Answers, and how they are worded: every quirk of a body is applied here."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from attrs import field, frozen

from tenx_async.local.quirks import Quirks
from tenx_async.local.refusal import Refusal
from tenx_async.local.spelling import spell

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@frozen
class Reply:
    """One answer, as it is sent."""

    body: bytes = b""
    content_type: str = TEXT
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class Done:
    """A write that was carried out, and the text that is documented for it."""

    text: str = ""


@frozen
class Shown:
    """Services or instances, in the API's notation."""

    value: Any


def as_json(value: Any) -> Reply:
    """A value as JSON."""
    return Reply(msgspec.json.encode(value), JSON)


def as_text(text: str) -> Reply:
    """A plain text."""
    return Reply(text.encode())


def worded(result: Reply | Done | Shown, quirks: Quirks) -> Reply:
    """The answer to what was carried out."""
    match result:
        case Done(text):
            return _SUCCESS[quirks.success_body](text)
        case Shown(value):
            return as_json(spell(value, quirks))
    return result


def refused(refusal: Refusal, quirks: Quirks) -> Reply:
    """The answer to what was not."""
    reply = _ERROR[quirks.error_body](refusal.status, refusal.message)
    headers = {"Allow": refusal.allow} if refusal.allow else {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = f"{refusal.retry_after:.15g}"
    return Reply(reply.body, reply.content_type, refusal.status, headers)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"


def _kubernetes_status(status: int, message: str) -> Reply:
    return as_json(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": _phrase(status).replace(" ", ""),
            "code": status,
        }
    )


def _page(status: int, message: str) -> Reply:
    title = f"{status} {_phrase(status)}"
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<!-- {html.escape(message)} -->\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(text.encode(), HTML)


_SUCCESS: dict[str, Callable[[str], Reply]] = {
    "documented": as_text,
    "text": lambda text: as_text(text or "OK"),
    "json": lambda text: as_json({"message": text or "OK"}),
    "empty": lambda _: as_text(""),
}
_ERROR: dict[str, Callable[[int, str], Reply]] = {
    "message": lambda _, message: as_json({"message": message}),
    "error": lambda status, message: as_json({"error": _phrase(status), "details": message}),
    "status": _kubernetes_status,
    "text": lambda _, message: as_text(message),
    "html": _page,
}
