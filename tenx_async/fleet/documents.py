"""A text of YAML or JSON as nodes, which know where they stand."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tenx_async.fleet.complaints import Complaints

TAG = "tag:yaml.org,2002:"

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\t')
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB]..)\\u([dD][c-fC-F]..)")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a choice
    """Takes a plain `0512`, `yes`, `22:22` or `2015-12-29` for the text that it is.

    YAML 1.1 makes 330, true, 1342 and a date of them; YAML 1.2 and JSON know numbers alone.
    """

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  # as the base class has it


for _kind, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?", "-+.0123456789"),
    ("float", r"[-+]?[0-9]+[eE][-+]?[0-9]{1,2}", "-+0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _whole = re.compile(rf"(?:{_pattern})\Z")
    _Loader.add_implicit_resolver(f"{TAG}{_kind}", _whole, list(_first))


def documents(text: str, complaints: Complaints) -> list[yaml.Node]:
    """Read the documents of a text; what cannot be read is a complaint with its line."""
    try:
        return [*filter(_holds, yaml.compose_all(_as_yaml(text), Loader=_Loader))]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, _offset(text, error.position)) + 1
        complaints.add(line, "", f"a character that YAML does not allow: {error.reason}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.rstrip().count("\n") + 1  # the C parser may point behind the end
        complaints.add(min(mark.line + 1, lines) if mark else 1, "", _problem(error))
    except RecursionError:
        complaints.add(1, "", "nested too deeply")
    return []


def _holds(node: yaml.Node) -> bool:
    return node.tag != f"{TAG}null"


def _problem(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(filter(None, (error.context, error.problem))) or "this is not YAML"


def _offset(text: str, position: Any) -> int:
    """The C parser counts bytes."""
    data = text.encode(errors="surrogatepass")
    return len(data[: int(position)].decode(errors="ignore"))


def _as_yaml(text: str) -> str:
    """Write JSON, which may have tabs and pairs of surrogates, as YAML reads it; lines stay."""
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _JSON_TOKEN.sub(
        lambda token: _PAIR.sub(_joined, token[0]) if token[0][1:] else " ", text
    )


def _joined(pair: re.Match[str]) -> str:
    backslashes, high, low = pair.groups()
    code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00
    return f"{backslashes}\\U{code:08X}"
