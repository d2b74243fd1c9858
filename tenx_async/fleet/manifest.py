"""A manifest, read from a file: the services that there shall be."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from attrs import define, field, frozen

from tenx_async.api import wire
from tenx_async.api.names import region_name, service_name
from tenx_async.api.redact import redact
from tenx_async.api.specs import ServiceSpec
from tenx_async.errors import InvalidName
from tenx_async.fleet.complaints import Complaint, Complaints
from tenx_async.fleet.declared import Declared, Manifest
from tenx_async.fleet.dependencies import find_circle
from tenx_async.fleet.documents import documents
from tenx_async.fleet.shapes import Shapes, given
from tenx_async.fleet.values import Values, line_of

_OWN_KEYS = ("name", "depends_on", "region")


def read_manifest(path: Path | str, environ: Mapping[str, str] | None = None) -> Manifest:
    """Read a file of declared services, YAML or JSON; `-` is standard input.

    Args:
        path: one or more documents, each a list of services, an object with `services`, or one
            service: the keys of the API's document, `name`, and `depends_on`, a list of names.
        environ: what `${NAME}` within a text stands for; the process's own environment without it.

    Raises:
        InvalidManifest: with every place that is wrong.
        OSError: the file cannot be read.
    """
    is_input = str(path) == "-"
    data = sys.stdin.buffer.read() if is_input else Path(path).read_bytes()
    return parse_manifest(data, "standard input" if is_input else str(path), environ)


def parse_manifest(
    data: bytes | str, source: str, environ: Mapping[str, str] | None = None
) -> Manifest:
    """Read declared services from what a file holds; see `read_manifest`."""
    reading = _Reading(Complaints(source), os.environ if environ is None else environ)
    return reading.read(reading.decoded(data))


@frozen
class _Need:
    """That a service depends on another, and where this is written."""

    name: str
    written: str
    place: str
    line: int


@define
class _Reading:
    complaints: Complaints
    environ: Mapping[str, str]
    _services: list[Declared] = field(factory=list, init=False)
    _lines: dict[str, int] = field(factory=dict, init=False)
    """Where each name is declared, also of a service that is wrong."""
    _needs: list[tuple[str, list[_Need]]] = field(factory=list, init=False)
    """Of each service its name, which may be empty or repeated, and its dependencies."""
    _warnings: list[str] = field(factory=list, init=False)
    _removed: set[str] = field(factory=set, init=False)

    def decoded(self, data: bytes | str) -> str:
        try:
            return data if isinstance(data, str) else data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1 if isinstance(data, bytes) else 1
            self.complaints.add(line, "", "not text in UTF-8")
            self.complaints.close()
            raise

    def read(self, text: str) -> Manifest:
        nodes = documents(text, self.complaints)
        if not nodes:
            self.complaints.add(1, "", "there is nothing in it; `services: []` declares none")
            self.complaints.found = self.complaints.found[:1]
        for node in nodes:
            for service, region in self._listed(node):
                self._service(service, region)
        self._check_needs()
        self.complaints.close()
        if self._removed:
            keys = ", ".join(sorted(self._removed))
            self._warnings.append(f"{self.complaints.source}: set by the server, not sent: {keys}")
        return Manifest(
            source=self.complaints.source,
            services=tuple(self._services),
            warnings=tuple(self._warnings),
        )

    def _listed(self, node: yaml.Node) -> Iterator[tuple[yaml.Node, str | None]]:
        """The services of a document, each with the region that is declared around it."""
        if isinstance(node, yaml.SequenceNode):
            yield from ((each, None) for each in node.value)
            return
        parts = _parts(node)
        services = parts.get("services")
        if isinstance(services, yaml.SequenceNode):
            region = self._frame(node)
            yield from ((each, region) for each in services.value)
        elif services is None and "name" in parts:
            yield node, None
        else:
            expected = "expected a list of services, or `services: [...]`"
            self.complaints.add(line_of(services or node), "", expected)

    def _frame(self, node: yaml.Node) -> str | None:
        """Look at what stands beside `services`; tell the region."""
        region = None
        lines: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in lines:
                self.complaints.add(line_of(key), name, "given twice")
            lines[name] = line_of(key)
            if name == "region":
                values = Values(self.environ, self.complaints)
                region = self._region(values.read(value, "region"), values)
        for name in lines.keys() - {"services", "region"}:
            if not name.startswith("x-"):
                self._warn(lines[name], name, "not known here, left out")
        return region

    def _warn(self, line: int, place: str, text: str) -> None:
        self._warnings.append(Complaint(line, place, text).at(self.complaints.source))

    def _service(self, node: yaml.Node, region: str | None) -> None:
        values = Values(self.environ, self.complaints)
        before = len(self.complaints.found)
        raw = values.read(node)
        if not isinstance(raw, dict):
            if len(self.complaints.found) == before:
                values.complain("", "expected a service: an object with `name` and `containers`")
            return
        own = {key: raw.pop(key, None) for key in _OWN_KEYS}
        name = self._name(own["name"], values)
        region = self._region(own["region"], values) or region
        needs = self._depends_on(own["depends_on"], values)
        self._needs.append((name, needs))
        self._check_shape(raw, values, before)
        if len(self.complaints.found) == before and (spec := _spec(raw, values)):
            declared = Declared(
                name=name,
                spec=spec,
                depends_on=tuple(dict.fromkeys(need.name for need in needs)),
                region=region,
                given=frozenset(given(raw)),
                hidden=frozenset(_hidden(values)),
                line=line_of(node),
            )
            self._services.append(declared)

    def _name(self, name: Any, values: Values) -> str:
        if name is None:
            values.miss("name")
            return ""
        try:
            service_name(name)
        except InvalidName as error:
            is_hidden = values.written("name") is not None
            text = "what it stands for is no name of a service" if is_hidden else str(error)
            values.complain("name", text)
            return ""
        if name in self._lines:
            values.complain("name", f"{name!r} is declared already, in line {self._lines[name]}")
        self._lines.setdefault(name, values.line("name"))
        return str(name)

    def _depends_on(self, needs: Any, values: Values) -> list[_Need]:
        if isinstance(needs, list) and all(isinstance(need, str) for need in needs):
            places = [f"depends_on[{index}]" for index in range(len(needs))]
            return [
                _Need(need, values.written(place) or need, place, values.line(place))
                for place, need in zip(places, needs, strict=True)
            ]
        if needs is not None:
            values.complain("depends_on", "expected a list of names")
        return []

    def _region(self, region: Any, values: Values) -> str | None:
        try:
            return None if region is None else region_name(region)
        except InvalidName:
            values.complain("region", "not a name of a region")
            return None

    def _check_shape(self, raw: dict[str, Any], values: Values, before: int) -> None:
        shapes = Shapes(values)
        shapes.check(ServiceSpec, raw)
        self._removed |= shapes.removed
        for place, meant in shapes.unknown:
            hint = f"; did you mean {meant}?" if meant else ""
            line, text = values.line(place), f"not in the API's document, but sent{hint}"
            self._warn(line, place, text)
            if meant and len(self.complaints.found) > before:
                self.complaints.add(line, place, f"not in the API's document{hint}")

    def _check_needs(self) -> None:
        known: dict[str, dict[str, _Need]] = {}
        for name, needs in self._needs:
            for need in needs:
                if need.name not in self._lines:
                    self.complaints.add(need.line, need.place, self._undeclared(need))
            if name:
                known.setdefault(name, {n.name: n for n in needs if n.name in self._lines})
        if circle := find_circle({name: [*needs] for name, needs in known.items()}):
            need = known[circle[0]][circle[1]]
            text = f"goes in a circle: {' -> '.join(circle)}"
            self.complaints.add(need.line, need.place, text)

    def _undeclared(self, need: _Need) -> str:
        close = get_close_matches(need.name, self._lines, 1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        return f"no service {need.written!r} is declared{meant}"


def _parts(node: yaml.Node) -> dict[str, yaml.Node]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return {str(key.value): value for key, value in pairs}


def _spec(raw: dict[str, Any], values: Values) -> ServiceSpec | None:
    try:
        return wire.load(ServiceSpec, raw)
    except ValueError as error:
        values.complain("", redact(str(error), _texts(raw)))
        return None


def _hidden(values: Values) -> Iterator[str]:
    for place, mark in values.marks.items():
        if mark.written is not None and ".command" in place:
            yield place[: place.index(".command") + len(".command")]


def _texts(raw: Any) -> Iterator[str]:
    if isinstance(raw, dict | list):
        for each in raw.values() if isinstance(raw, dict) else raw:
            yield from _texts(each)
    elif isinstance(raw, str):
        yield raw
