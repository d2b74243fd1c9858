"""Whether a declared service has the shape of the API's document; all that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import attrs
from attrs import define, field

from tenx_async.api import models, specs, wire
from tenx_async.api.memory import Memory
from tenx_async.fleet.values import Values, joined

_MORE_KEYS: Mapping[type, Mapping[str, Any]] = {
    specs.ContainerSpec: {"resources": models.Resources, "imagePullPolicy": str},
}
"""Documented keys that the classes take in another way."""

_SERVER_OWNED: Mapping[type, frozenset[str]] = {
    specs.ServiceSpec: frozenset({"uid", "created_at", "status", "default_domain_name"}),
    specs.ContainerSpec: frozenset({"name"}),
    models.PortMapping: frozenset({"service_url", "service_port"}),
}
"""Keys that the server alone sets: they come with what was listed, and are not sent."""

_NEEDED: Mapping[type, frozenset[str]] = {
    models.PortMapping: frozenset({"container_port"}),
    models.Volume: frozenset({"name"}),
    models.VolumeMount: frozenset({"name", "mount_path"}),
}
"""Fields that a reply may lack and a create may not: a replacement that is refused loses data."""

_INDEX = re.compile(r"\[\d+\]")
_RANGES = {"port": (1, 65535), "container_port": (1, 65535), "target_instance_size": (0, 10**9)}


@define
class Shapes:
    """Looks at the values of one service, and takes out what is not to be sent."""

    values: Values
    unknown: list[tuple[str, str]] = field(factory=list, init=False)
    """Keys that the document does not have, each with the key that may be meant."""
    removed: set[str] = field(factory=set, init=False)
    """Keys that the server alone sets."""

    def check(self, cls: type, raw: Any, place: str = "") -> None:
        """Complain of all that is wrong with what shall become a `cls`."""
        if not isinstance(raw, dict):
            self.values.complain(place, f"expected an object, got {_kind(raw)}")
            return
        keys = wire.keys_of(cls)
        kinds = {key: f.type for key, f in keys.items()} | dict(_MORE_KEYS.get(cls, {}))
        self._take_out(_SERVER_OWNED.get(cls, frozenset()), raw, place)
        for key, value in raw.items():
            if key not in kinds:
                self._note_unknown(key, [*kinds], place)
            elif value is not None:
                self._check_value(kinds[key], value, joined(place, key))
        self._check_fields(cls, raw, place)

    def _take_out(self, owned: frozenset[str], raw: dict[str, Any], place: str) -> None:
        for key in owned & raw.keys():
            self.removed.add(joined(_INDEX.sub("[]", place), key))
            del raw[key]

    def _note_unknown(self, key: str, known: list[str], place: str) -> None:
        meant = get_close_matches(key, known, 1)
        self.unknown.append((joined(place, key), meant[0] if meant else ""))

    def _check_fields(self, cls: type, raw: dict[str, Any], place: str) -> None:
        spellings: dict[attrs.Attribute[Any], list[str]] = {}
        for key, f in wire.keys_of(cls).items():
            spellings.setdefault(f, []).append(key)
        for f, keys in spellings.items():
            names = [key for key in keys if raw.get(key) is not None]
            if len(names) > 1:
                self.values.complain(joined(place, names[1]), f"given twice, also as {names[0]}")
            is_needed = f.default is attrs.NOTHING or f.name in _NEEDED.get(cls, ())
            if is_needed and not names:
                self.values.miss(joined(place, keys[0]))
        if raw.get("memory") is not None and raw.get("resources") is not None:
            self.values.complain(joined(place, "memory"), "given twice, also within resources")
        if cls is models.EnvVar and "=" in str(raw.get("name")):
            self.values.complain(joined(place, "name"), "holds a '='")

    def _check_value(self, kind: Any, value: Any, place: str) -> None:
        if get_origin(kind) is not tuple and any(get_origin(k) is tuple for k in get_args(kind)):
            kind = next(k for k in get_args(kind) if get_origin(k) is tuple)
        if get_origin(kind) is tuple:
            self._check_list(get_args(kind)[0], value, place)
        elif attrs.has(kind) and kind is not Memory:
            self.check(kind, value, place)
        else:
            self._check_scalar(kind, value, place)

    def _check_list(self, kind: Any, value: Any, place: str) -> None:
        if kind is str and isinstance(value, str):
            self._check_scalar(kind, value, place)
        elif not isinstance(value, list):
            self.values.complain(place, f"expected a list, got {_kind(value)}")
        else:
            for index, each in enumerate(value):
                self._check_value(kind, each, f"{place}[{index}]")
            if kind is specs.ContainerSpec and not value:
                self.values.complain(place, "a service needs at least one")

    def _check_scalar(self, kind: Any, value: Any, place: str) -> None:
        for each, complaint in _SCALARS.items():
            if each is kind or each in get_args(kind):
                if trouble := complaint(value, place.rpartition(".")[2]):
                    self.values.complain(place, self._told(value, trouble, place))
                return

    def _told(self, value: Any, trouble: str, place: str) -> str:
        """Show the value as it is written: what a variable holds may be a secret."""
        written = self.values.written(place)
        return trouble.replace("{}", repr(value if written is None else written))


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else "a text" if isinstance(value, str) else "a number"


def _text_trouble(value: Any, name: str) -> str | None:
    if isinstance(value, dict | list):
        return f"expected a text, got {_kind(value)}"
    if not isinstance(value, str):
        return "expected a text: write it in quotes"
    if not value and not _may_be_empty(name):
        return "is empty"
    if "\0" in value:
        return "holds a NUL character"
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        return "holds half a character (a lone surrogate)"
    return None


def _may_be_empty(name: str) -> bool:
    return name == "value" or name.startswith("command")


def _number_trouble(value: Any, name: str) -> str | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and value.isascii() and value.isdigit()):
        return f"{_shown(value)} is not a whole number"
    least, most = _RANGES.get(name, (-(10**9), 10**9))
    if len(str(value)) > 10 or not least <= int(value) <= most:
        return f"{{}} is not from {least} to {most}"
    return None


def _flag_trouble(value: Any, _: str) -> str | None:
    is_flag = isinstance(value, bool) or (isinstance(value, str) and value in {"true", "false"})
    return None if is_flag else f"{_shown(value)} is neither true nor false"


def _memory_trouble(value: Any, _: str) -> str | None:
    try:
        Memory.parse(value)
    except ValueError:
        return f"{_shown(value)} is not an amount of memory such as 512, '512Mi' or '1Gi'"
    return None


def _shown(value: Any) -> str:
    return _kind(value) if isinstance(value, dict | list) else "{}"


_SCALARS: Mapping[Any, Callable[[Any, str], str | None]] = {
    str: _text_trouble,
    int: _number_trouble,
    bool: _flag_trouble,
    Memory: _memory_trouble,
}
"""What is wrong with a value, by what it shall be; `{}` stands for the value as it is written."""


def given(raw: Mapping[str, Any]) -> Iterator[str]:
    """Name the fields that a service declares, `containers[0].env` say, empty lists as well."""
    for key, f in wire.keys_of(specs.ServiceSpec).items():
        if raw.get(key) is not None:
            yield f.name
    for index, container in enumerate(raw.get("containers") or ()):
        for key, f in wire.keys_of(specs.ContainerSpec).items():
            if container.get(key) is not None:
                yield f"containers[{index}].{f.name}"
