"""Variables in a text: `${NAME}` stands for what the environment holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def has_variables(text: str) -> bool:
    """Whether any part of a text comes from elsewhere."""
    return any(found[0] != "$${" for found in _REFERENCE.finditer(text))


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Put in the values of the variables; `$${` stands for `${` itself.

    Raises:
        ValueError: a variable is not set, or has no name; the message shows no value.
    """
    return _REFERENCE.sub(lambda found: _value(found, environ), text)


def _value(found: re.Match[str], environ: Mapping[str, str]) -> str:
    if found[0] == "$${":
        return "${"
    name = found[1]
    if not found[2] or not _NAME.fullmatch(name):
        raise ValueError("not a variable such as ${NAME}; write $${ for the signs themselves")
    if name not in environ:
        raise ValueError(f"the variable {name} is not set in the environment")
    return environ[name]
