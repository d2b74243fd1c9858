"""A documented service is decoded in one go, as `wire` would have it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given, strategies as st

from tenx_async.api import documented, models, operations, wire
from tenx_async.api.decoding import decode

from .examples import example

GET = operations.get_service("beijing1", "web")

PAIRS = [
    (documented._EnvVar, models.EnvVar),
    (documented._Port, models.Port),
    (documented._VolumeMount, models.VolumeMount),
    (documented._Limits, models.Limits),
    (documented._Resources, models.Resources),
    (documented._Container, models.Container),
    (documented._PortMapping, models.PortMapping),
    (documented._Volume, models.Volume),
    (documented._Service, models.Service),
]


@pytest.mark.parametrize(("shape", "cls"), PAIRS)
def test_no_field_is_forgotten(shape: type[msgspec.Struct], cls: Any) -> None:
    """Each field of a model is in the documented shape, under the key that is written."""
    names = {name: wire._KEYS.get(name, name) for name in attrs.fields_dict(cls) if name != "extra"}

    assert names == dict(zip(shape.__struct_fields__, shape.__struct_encode_fields__, strict=True))


@pytest.mark.parametrize("name", ["get", "list"])
def test_what_is_documented_is_decoded_in_one_go(name: str) -> None:
    """The vendor's examples need nothing else."""
    shown = example(name)
    raw = shown["services"][0] if name == "list" else shown

    expected = wire.load(models.Service, {"region": "beijing1", **raw})
    assert expected == documented.read_service(json.dumps(raw).encode(), "beijing1")


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, 3, -1, 3.0, 2.5, 10**30, "", "3", "x", "512Mi", "1e3", "0", "-1Gi"),
        *("2015-11-27T08:51:08Z", "2015-11-27T08:51:08", "2015-11-27 08:51+08:00", "2015-11-27"),
        *(
            "2015-11-27T08:51:08.1234567Z",
            [],
            ["a"],
            ["a", None],
            [3],
            [{}],
            [None],
            {},
            {"name": "n"},
        ),
    ]
)
KEYS = st.sampled_from(["name", "region", "port", "port_mapping", "readOnly", "extra", "labels"])


def _places(raw: Any) -> list[tuple[Any, Any]]:
    """Every object or list within decoded JSON, with each of its keys."""
    keys = list(raw) if isinstance(raw, dict) else range(len(raw)) if isinstance(raw, list) else []
    return [(raw, key) for key in keys] + [place for key in keys for place in _places(raw[key])]


@given(st.data())
def test_both_ways_read_the_same(data: st.DataObject) -> None:
    """Whatever a server shows, decoding in one go makes what decoding by parts does, or nothing."""
    raw = example("get")
    for _ in range(data.draw(st.integers(1, 4))):
        where, key = data.draw(st.sampled_from(_places(raw)))
        match data.draw(st.sampled_from(["replace", "drop", "add"])):
            case "replace":
                where[key] = deepcopy(data.draw(ODD))
            case "drop":
                del where[key]
            case _ if isinstance(where, dict):
                where[data.draw(KEYS)] = deepcopy(data.draw(ODD))
        if not raw:
            break
    body = json.dumps(raw).encode()

    try:
        seen = documented.read_service(body, "beijing1")
    except ValueError:
        return
    by_parts = decode(body)
    region = by_parts.get("region")
    expected = {**by_parts, "region": "beijing1" if region is None else region}
    assert wire.load(models.Service, expected) == seen
