"""What a server says in an error's body, whose shape is not documented."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tenx_async.api.decoding import decode

_KEYS = ("message", "error", "details", "msg", "reason")
_TAG = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_LONGEST = 300


def complaint(body: str, mask: Callable[[str], str] = str) -> str:
    """Find the sentence meant for people in JSON, a Kubernetes `Status`, text or a proxy's HTML.

    Args:
        body: what the server sent.
        mask: hides secrets in the sentence, before it is cut to a readable length.
    """
    text = _from_json(body)
    if text is None:
        text = _TAG.sub(" ", body)
    line = mask(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _from_json(body: str) -> str | None:
    try:
        raw = decode(body)
    except ValueError:
        return None
    if isinstance(raw, dict):
        found = (raw[key] for key in _KEYS if raw.get(key))
        raw = next(found, raw)
    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
