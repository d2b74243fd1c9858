"""Between the API's JSON and the classes of this package: one converter, at the edge.

Reading accepts every spelling that servers of this kind use and keeps what it does not know;
writing sends what the vendor's page shows. The tables below are the whole of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from tenx_async.api import models, specs
from tenx_async.api.dates import format_instant, parse_instant
from tenx_async.api.memory import Memory

T = TypeVar("T")
A = TypeVar("A", bound=attrs.AttrsInstance)

_CLASSES = (
    models.EnvVar,
    models.Port,
    models.VolumeMount,
    models.Limits,
    models.Resources,
    models.Container,
    models.PortMapping,
    models.Volume,
    models.Service,
    models.Instance,
    models.Region,
    models.Identity,
    specs.PortSpec,
    specs.ContainerSpec,
    specs.ServiceSpec,
)

_KEYS = {
    "volume_mounts": "volumeMounts",
    "mount_path": "mountPath",
    "fs_type": "fsType",
    "image_pull_policy": "imagePullPolicy",
}
"""Fields whose key is spelled differently."""

_SPELLINGS: dict[type, dict[str, str]] = {
    models.Port: {"port": "container_port", "containerPort": "container_port"},
    models.PortMapping: {"containerPort": "container_port", "port": "container_port"},
    models.Service: {"port_mapping": "port_mappings", "ports_mapping": "port_mappings"},
    models.Instance: {
        "port_mapping": "port_mappings",
        "ports_mapping": "port_mappings",
        "creationTimestamp": "create_time",
    },
    models.Volume: {"is_ready_only": "is_read_only", "readOnly": "is_read_only"},
    specs.PortSpec: {"container_port": "port", "containerPort": "port"},
    specs.ServiceSpec: {"port_mapping": "port_mappings", "ports_mapping": "port_mappings"},
}
"""Other keys that servers use, and the key that they stand for."""

_ALWAYS_SENT: dict[type, set[str]] = {
    models.EnvVar: {"value"},
    specs.PortSpec: {"protocol"},
    specs.ServiceSpec: {"target_instance_size"},
}
"""Fields that are written even when they have their default."""


def load(cls: type[T], raw: object) -> T:
    """Make a `cls` of decoded JSON.

    Raises:
        ValueError: the shape is wrong; the message says what and where.
    """
    try:
        return _converter(detailed=False, strict=_is_sent(cls)).structure(raw, cls)
    except Exception:  # noqa: BLE001  # any failure is told again, in detail
        return _load_explaining(cls, raw)


def _load_explaining(cls: type[T], raw: object) -> T:
    try:
        return _converter(detailed=True, strict=_is_sent(cls)).structure(raw, cls)
    except Exception as error:  # noqa: BLE001  # whatever a strange shape sets off
        places = transform_error(error, path=cls.__name__, format_exception=_explain)
        raise ValueError("; ".join(places)) from None


def _explain(error: BaseException, _: type | None) -> str:
    return f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)


def dump(value: object) -> Any:
    """Write a value of this package as the API would; the reverse of `load`."""
    return _converter(detailed=False, strict=False).unstructure(value)


@cache
def keys_of(cls: type) -> Mapping[str, attrs.Attribute[Any]]:
    """The keys of a class in JSON, in every spelling that `load` takes, with what they set."""
    own = {_KEYS.get(f.name, f.name): f for f in attrs.fields(attrs.resolve_types(cls))}
    del own["extra"]
    return own | {key: own[meant] for key, meant in _SPELLINGS.get(cls, {}).items()}


def unknown_keys(spec: specs.ServiceSpec) -> list[str]:
    """Name the keys of a loaded specification that the documented API does not have."""
    inner = [key for container in spec.containers for key in container.extra]
    return sorted({*spec.extra, *inner})


def _is_sent(cls: type) -> bool:
    """Whether users write it: then a text has to be one, and nothing is made of a number."""
    return cls.__module__ == specs.__name__


@cache
def _converter(*, detailed: bool, strict: bool) -> Converter:
    converter = Converter(detailed_validation=detailed)
    for kind, read in _OPEN_SCALARS.items():
        converter.register_structure_hook(kind, partial(_or_none, read))
    converter.register_structure_hook(int, lambda raw, _: _number(raw))
    text = _strict_text if strict else _text
    for kind in (str, str | None):
        converter.register_structure_hook(kind, text)
    converter.register_structure_hook_func(
        lambda kind: kind in {tuple[str, ...], tuple[str, ...] | None},
        lambda raw, _: _texts(raw, text),
    )
    if not detailed:
        converter.register_structure_hook_factory(_is_tuple_of_objects, _objects)
    converter.register_unstructure_hook(Memory, str)
    converter.register_unstructure_hook(dt.datetime, format_instant)
    for cls in _CLASSES:
        attrs.resolve_types(cls)
        converter.register_structure_hook(cls, _reader(cls, converter))
        converter.register_unstructure_hook(cls, _writer(cls, converter))
    return converter


def _is_tuple_of_objects(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[0] in _CLASSES


def _objects(kind: Any, converter: Converter) -> Callable[[Any, Any], tuple[Any, ...]]:
    """Read a list of objects as cattrs does, in half the time."""
    (cls, _) = get_args(kind)
    read = converter.get_structure_hook(cls)
    return lambda raw, _: tuple([read(each, cls) for each in raw])


def _without_nesting(raw: Any) -> Any:
    match raw:
        case {"resources": {"limits": {"memory": memory, **limits}, **resources}, **others}:
            rest = {**resources, "limits": limits} if limits else resources
            return {**others, "memory": memory, **({"resources": rest} if rest else {})}
    return raw


def _with_nesting(raw: dict[str, Any]) -> dict[str, Any]:
    match raw:
        case {"memory": memory, **others}:
            resources = _mapping(others.get("resources"))
            limits = {**_mapping(resources.get("limits")), "memory": memory}
            return {**others, "resources": {**resources, "limits": limits}}
    return raw


def _mapping(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _number(raw: object) -> int:
    if type(raw) is int:
        return raw
    if isinstance(raw, int | str) and not isinstance(raw, bool):
        with suppress(ValueError):
            return int(raw)
    raise ValueError(f"{raw!r} is not a whole number")


def _flag(raw: object) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[str(raw).casefold()]


def _text(raw: object, _: object = None) -> str:
    if type(raw) is str:
        return raw
    if isinstance(raw, dict | list):
        raise ValueError(f"expected a text, got {type(raw).__name__}")  # noqa: TRY004  # as all
    return str(raw).lower() if isinstance(raw, bool) else str(raw)


def _strict_text(raw: object, _: object = None) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"expected a text, got {type(raw).__name__}")  # noqa: TRY004  # as all
    return raw


_OPEN_SCALARS: dict[Any, Callable[[Any], Any]] = {
    int | None: _number,
    bool | None: _flag,
    Memory | None: Memory.parse,
    dt.datetime | None: parse_instant,
}
"""What a server may show in a way unknown here: the field is then `None`, the value in `extra`."""


def _or_none(read: Callable[[Any], Any], raw: object, _: object) -> Any:
    try:
        return read(raw)
    except (ValueError, TypeError, KeyError):
        return None


def _texts(raw: object, text: Callable[[object], str]) -> tuple[str, ...]:
    if isinstance(raw, str):
        return (raw,) if raw else ()
    if isinstance(raw, list | tuple):
        return tuple(text(each) for each in raw if each is not None)
    raise ValueError(f"expected a list of texts, got {type(raw).__name__}")


def _overrides(cls: type[A]) -> dict[str, Any]:
    names = {f.name for f in attrs.fields(cls)}
    overrides = {name: override(rename=_KEYS[name]) for name in names & _KEYS.keys()}
    always = {name: override(omit_if_default=False) for name in _ALWAYS_SENT.get(cls, ())}
    return {**overrides, **always, **_STRICT.get(cls, {}), "extra": override(omit=True)}


_STRICT: dict[type, dict[str, Any]] = {
    specs.ContainerSpec: {"memory": override(struct_hook=lambda raw, _: raw)}
}
"""A specification's own memory is checked by its class, never put aside."""


def _reader(cls: type[A], converter: Converter) -> Callable[[Any, Any], A]:
    fields = {_KEYS.get(f.name, f.name): f for f in attrs.fields(cls) if f.name != "extra"}
    open_fields = {key: f.name for key, f in fields.items() if f.type in _OPEN_SCALARS}
    spellings = _SPELLINGS.get(cls, {})
    read = make_dict_structure_fn(cls, converter, **_overrides(cls))

    def structure(raw: Any, _: Any) -> A:
        if not isinstance(raw, dict):
            raise ValueError(f"expected an object, got {type(raw).__name__}")  # noqa: TRY004  # as all
        if cls is specs.ContainerSpec:
            raw = _without_nesting(raw)
        if None in raw.values():
            raw = {key: value for key, value in raw.items() if value is not None}
        if not raw.keys().isdisjoint(spellings):
            raw = _respelled(raw, spellings)
        value = read(raw, cls)
        extra = {key: raw[key] for key in raw if key not in fields}
        for key, name in open_fields.items():
            if getattr(value, name) is None and key in raw:
                extra[key] = raw[key]
        if extra:
            object.__setattr__(value, "extra", extra)  # nobody has seen it yet
        return value

    return structure


def _respelled(raw: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
    others = {spellings[key]: value for key, value in raw.items() if key in spellings}
    return {**others, **{key: value for key, value in raw.items() if key not in spellings}}


def _writer(cls: type[A], converter: Converter) -> Callable[[A], dict[str, Any]]:
    write = make_dict_unstructure_fn(
        cls, converter, _cattrs_omit_if_default=True, **_overrides(cls)
    )
    if cls is specs.ContainerSpec:
        return lambda value: _with_nesting({**write(value), **value.extra})  # type: ignore[attr-defined]
    return lambda value: {**write(value), **value.extra}  # type: ignore[attr-defined]
