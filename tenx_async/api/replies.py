"""What the bodies of replies say; each reader raises `ValueError` for another shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tenx_async.api import documented, wire
from tenx_async.api.decoding import decode
from tenx_async.api.models import Identity, Instance, Region, Service


class _Group(msgspec.Struct):
    """The services of a region."""

    services: list[msgspec.Raw] | None
    region: str | None = None


_listing = msgspec.json.Decoder(_Group | list[_Group])


def read_nothing(_: bytes) -> None:
    """The body of this answer is not specified, so it is not looked at."""


def read_text(body: bytes) -> str:
    """Take a body for text, even where its bytes are not."""
    return body.decode(errors="replace")


def read_service(body: bytes | msgspec.Raw, region: str) -> Service:
    """Read a service, which is in `region` if it does not say where it is."""
    try:
        return documented.read_service(body, region)
    except (ValueError, RecursionError):
        return _located(decode(bytes(body)), region)


def read_services(body: bytes, region: str) -> list[Service]:
    """Read the services of a region; older servers show those of all."""
    try:
        listing = _listing.decode(body)
    except (ValueError, RecursionError):
        return list(_read_loosely(body, region))
    groups = listing if isinstance(listing, list) else [_Group(listing.services)]
    return [
        read_service(raw, region)
        for group in groups
        if group.region in {None, region}
        for raw in group.services or ()
    ]


def read_created(body: bytes, region: str) -> Service | None:
    """Read what was created; that it was is certain even where the answer cannot be read."""
    try:
        return read_service(body, region)
    except ValueError:
        return None


def read_instances(body: bytes) -> list[Instance]:
    """Read the running copies of a service."""
    return [wire.load(Instance, raw) for raw in _list(decode(body))]


def read_regions(body: bytes) -> list[Region]:
    """Read the regions of the cloud."""
    regions = _mapping(decode(body), "regions")["regions"]
    return [wire.load(Region, region) for region in _list(regions or [])]


def read_identity(body: bytes) -> Identity:
    """Read whose credentials these are."""
    return wire.load(Identity, decode(body))


def _read_loosely(body: bytes, region: str) -> Iterator[Service]:
    listing = decode(body)
    if not isinstance(listing, list):
        listing = [_mapping(listing, "services") | {"region": region}]
    for group in listing:
        services = _list(_mapping(group, "services")["services"] or [])
        if group.get("region") in (None, region):
            yield from (_located(raw, region) for raw in services)


def _located(raw: Any, region: str) -> Service:
    if isinstance(raw, dict) and raw.get("region") is None:
        raw["region"] = region
    return wire.load(Service, raw)


def _list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError(f"expected a list, got {type(raw).__name__}")  # noqa: TRY004  # as all
    return raw


def _mapping(raw: Any, key: str) -> dict[str, Any]:
    if not isinstance(raw, dict) or key not in raw:
        raise ValueError(f"expected an object with `{key}`")
    return raw
