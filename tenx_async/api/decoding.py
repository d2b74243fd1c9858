"""Decoding the JSON of a reply: strictly, save for characters that were cut in half."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec


def decode(body: bytes | str) -> Any:
    """Decode JSON; half a character in a text becomes U+FFFD, as servers cut texts by length.

    Raises:
        ValueError: not JSON, or nested too deep.
    """
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return _decode_mending(body if isinstance(body, str) else body.decode(errors="replace"))


def _decode_mending(text: str) -> Any:
    try:
        raw = json.loads(text, parse_constant=_refuse)
        halves = json.dumps(raw, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return json.loads(halves.decode("utf-16", "replace"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
