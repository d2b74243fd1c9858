"""Plain values out of nodes, and where each of them stands in the file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from attrs import define, field, frozen

from tenx_async.fleet.complaints import Complaints
from tenx_async.fleet.documents import TAG
from tenx_async.fleet.variables import has_variables, substitute

DEEPEST = 50
"""Levels of a service: deeper ones no server takes."""
MOST = 100_000
"""Values of a service: a text of a few lines can refer to itself a billion times."""


@frozen
class Mark:
    """Where a value stands."""

    line: int
    written: str | None = None
    """The text in the file, if the environment has put something into it."""


@define
class Values:
    """Reads one service's node, and marks each field by its name."""

    environ: Mapping[str, str]
    complaints: Complaints
    marks: dict[str, Mark] = field(factory=dict, init=False)
    _failed: set[str] = field(factory=set, init=False)
    _open: list[yaml.Node] = field(factory=list, init=False)
    _count: int = field(default=0, init=False)

    def complain(self, place: str, text: str) -> None:
        """Note what is wrong with a field, or with the nearest one around it that is there."""
        self._failed.add(place)
        self.complaints.add(self.line(place), place, text)

    def miss(self, place: str) -> None:
        """Note that a field is not there, unless it is there and could not be read."""
        if place not in self._failed:
            self.complain(place, "is missing")

    def line(self, place: str) -> int:
        """Where a field stands, or the nearest one around it that is there."""
        while place not in self.marks and place:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return self.marks[place].line if place in self.marks else 1

    def written(self, place: str) -> str | None:
        """What stands in the file instead of a value that is not to be shown."""
        mark = self.marks.get(place)
        return mark.written if mark else None

    def read(self, node: yaml.Node, place: str = "") -> Any:
        """Make a plain value of a node; where it cannot be one it is `None` and a complaint."""
        self.marks[place] = Mark(line_of(node))
        self._count += 1
        if self._count == MOST:
            self.complain("", f"more than {MOST:,} values")
        if self._count >= MOST or not self._may_enter(node, place):
            return None
        self._open.append(node)
        try:
            return self._value(node, place)
        finally:
            self._open.pop()

    def _may_enter(self, node: yaml.Node, place: str) -> bool:
        if any(node is outer for outer in self._open):
            self.complain(place, "refers to itself")
        elif len(self._open) >= DEEPEST:
            self.complain("", f"more than {DEEPEST} levels deep")
        else:
            return True
        return False

    def _value(self, node: yaml.Node, place: str) -> Any:
        kind = node.tag.removeprefix(TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.read(each, f"{place}[{i}]") for i, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in {"str", *_SCALARS}:
            return self._scalar(node, place, kind)
        return self.complain(place, f"values of the kind {kind} have no place here")

    def _mapping(self, node: yaml.MappingNode, place: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for source in reversed([*_merged(node)]):
            values |= self._defaults(source, place)
        self.marks[place] = Mark(line_of(node))
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag != f"{TAG}merge" and (name := self._key(key, own, place)) is not None:
                own[name] = self.read(value, joined(place, name))
        return values | own

    def _defaults(self, source: yaml.Node, place: str) -> dict[str, Any]:
        if isinstance(value := self.read(source, place), dict):
            return value
        self.complain(place, "`<<` takes an object, or a list of them")
        return {}

    def _key(self, key: yaml.Node, own: Mapping[str, Any], place: str) -> str | None:
        if key.tag != f"{TAG}str":
            self.complaints.add(line_of(key), place, "a key that is not a text")
            return None
        if key.value in own:
            self.complaints.add(line_of(key), joined(place, key.value), "given twice")
        return str(key.value)

    def _scalar(self, node: yaml.ScalarNode, place: str, kind: str) -> Any:
        if has_variables(node.value):
            self.marks[place] = Mark(line_of(node), node.value)
        try:
            if kind == "str":
                return substitute(node.value, self.environ)
            return _SCALARS[kind](node.value)
        except ValueError as error:
            return self.complain(place, str(error))


def line_of(node: yaml.Node) -> int:
    """The line where a node begins, from 1."""
    return int(node.start_mark.line) + 1


def joined(place: str, name: str) -> str:
    """The name of a field within another."""
    return f"{place}.{name}" if place else name


def _merged(node: yaml.MappingNode) -> Iterator[yaml.Node]:
    """What a `<<` brings in; of several the first one counts."""
    for key, value in node.value:
        if key.tag == f"{TAG}merge":
            yield from value.value if isinstance(value, yaml.SequenceNode) else [value]


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("not a number")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("not a whole number") from None


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "bool": lambda text: text.casefold() == "true",
    "int": _whole,
    "float": _finite,
}
"""What a plain value is read as, by its kind."""
