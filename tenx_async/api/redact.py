"""Keep secrets out of what is shown of a reply: servers echo requests in their errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

_ENV_VALUE = re.compile(r'("value"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[-\w.]+)')
_QUOTED_VALUE = re.compile(  # within a text of JSON, which escapes its quotes
    r'((\\(?:\\\\)?)"value\2"\s*:\s*\2")(?:.*?(?<!\\)(\2")|.*)'
)
_NESTED_VALUE = re.compile(r'"(?:env"\s*:\s*(?=[^\s])|value"\s*:\s*(?=[\[{]))')
_LOOKS_DOCUMENTED = re.compile(r"null|\[\s*[{\]]")
_PERCENT = re.compile("%..")
_SHORTEST = 4


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask the known secrets in a text, and every value of an environment variable.

    Secrets of fewer than four characters are left, they would mask half the text.
    """
    masked = _ENV_VALUE.sub(rf'\1"{MASK}"', _without_nested_values(text))
    masked = _QUOTED_VALUE.sub(rf"\1{MASK}\3", masked)
    known = [secret for secret in secrets if len(secret) >= _SHORTEST]
    spellings = {spelling for secret in known for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        masked = _without_half(masked.replace(spelling, MASK), spelling)
    return masked


def _spellings(secret: str) -> Iterator[str]:
    """The secret as it is, and as JSON, URLs, HTML and Python show it."""
    yield secret
    yield escape(secret)
    for ascii_ in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_)[1:-1]
    data = secret.encode(errors="surrogatepass")
    for quoted in (quote(data), quote(data, safe=""), quote_plus(data)):
        yield quoted
        yield _PERCENT.sub(lambda found: found[0].lower(), quoted)
    for shown in (repr(secret)[1:-1], ascii(secret)[1:-1], repr(data)[2:-1]):
        yield (plain := shown.replace("\\'", "'"))
        yield plain.replace("'", "\\'")  # as beside a double quote


def _without_half(text: str, spelling: str) -> str:
    """Mask a secret that is cut by the end of the text, maybe within a character."""
    at = max(0, len(text) - len(spelling))
    while (at := text.find(spelling[:_SHORTEST], at)) >= 0:
        if spelling.startswith(text[at:].rstrip("\ufffd")):
            return text[:at] + MASK
        at += 1
    return text


def _without_nested_values(text: str) -> str:
    """Mask environment variables that are not written as documented."""
    pieces, at, done = [], 0, 0
    value: Any = None
    while found := _NESTED_VALUE.search(text, at):
        at = found.end()
        value, end = _decode(text, at) if value is not ... else (..., len(text))
        if not (_LOOKS_DOCUMENTED.match(text, at) if value is ... else _is_documented(value)):
            pieces += [text[done:at], f'"{MASK}"']
            at = done = end
    return "".join([*pieces, text[done:]])


def _decode(text: str, at: int) -> tuple[Any, int]:
    """Decode the JSON that begins there, and tell where it ends; `...` if it is none."""
    try:
        return json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return ..., len(text)


def _is_documented(env: Any) -> bool:
    """Whether these are variables whose values are masked one by one."""
    return env is None or (isinstance(env, list) and all(map(_is_variable, env)))


def _is_variable(raw: Any) -> bool:
    return (
        isinstance(raw, dict)
        and raw.keys() <= {"name", "value"}
        and not any(isinstance(value, list | dict) for value in raw.values())
    )
