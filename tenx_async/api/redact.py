"""Keep secrets out of what is shown of a reply: servers echo requests in their errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

MASK = "***"

_ENV_VALUE = re.compile(r'("value"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[-\w.]+)')
_QUOTED_VALUE = re.compile(  # within a text of JSON, which escapes its quotes
    r'((\\(?:\\\\)?)"value\2"\s*:\s*\2")(?:.*?(?<!\\)(\2")|.*)'
)
_SHORTEST = 4


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask the known secrets in a text, and every value of an environment variable.

    Secrets of fewer than four characters are left, they would mask half the text.
    """
    masked = _ENV_VALUE.sub(rf'\1"{MASK}"', text)
    masked = _QUOTED_VALUE.sub(rf"\1{MASK}\3", masked)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            for spelling in _spellings(secret):
                masked = masked.replace(spelling, MASK)
    return masked


def _spellings(secret: str) -> tuple[str, ...]:
    """The secret as it is, and as either way of writing JSON shows it."""
    return secret, *(json.dumps(secret, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False))
