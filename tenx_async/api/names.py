"""Names that go into a path: refused here or sent as they are, never repaired."""

from __future__ import annotations

import re

from tenx_async.errors import InvalidName

SERVICE_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_OPEN_TOKEN = re.compile(r"[^/?#%\\\s\x00-\x1f\x7f]{1,253}")


def service_name(name: str) -> str:
    """Return `name` if it can name a service.

    Raises:
        InvalidName: not `[a-z]([-a-z0-9]*[a-z0-9])?`, or over 63 characters.
    """
    if not isinstance(name, str) or not SERVICE_NAME.fullmatch(name):
        raise InvalidName(
            f"{name!r} is not a service name: 1 to 63 of a-z, 0-9 and '-', "
            "beginning with a letter and not ending with '-'"
        )
    return name


def region_name(name: str) -> str:
    """Return `name` if it can name a region (an open token such as `beijing1`)."""
    return _token(name, "region")


def instance_name(name: str) -> str:
    """Return `name` if it can name an instance of a service."""
    return _token(name, "instance")


def _token(name: str, what: str) -> str:
    if not isinstance(name, str) or not _OPEN_TOKEN.fullmatch(name) or ".." in name or name == ".":
        raise InvalidName(
            f"{name!r} is not a name of {what}: it may not be empty, longer than 253 characters, "
            "or hold '/', '?', '#', '%', '\\', '..' or white space"
        )
    return name
