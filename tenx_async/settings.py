"""Where a client connects and as whom: keyword, else environment, else profile file, else default.

The profile file is `config.toml` in the platform's configuration directory:

    [default]
    username = "alice"
    token = "…"
    region = "beijing1"

    [staging]
    endpoint = "https://staging.example.com"
"""

from __future__ import annotations

import ipaddress
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
from attrs import field, frozen

from tenx_async.api.names import region_name
from tenx_async.errors import ConfigurationError

DEFAULT_ENDPOINT = "https://api.tenxcloud.com"

_KEYS = ("endpoint", "username", "token", "region")


@frozen
class Credentials:
    """Who calls; a part of every request's headers."""

    username: str
    token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """The headers that every request carries."""
        return {"username": self.username, "Authorization": f"token {self.token}"}


@frozen(kw_only=True)
class Settings:
    """Where to connect, and as whom."""

    endpoint: str
    """Scheme, host and port, without a path."""
    credentials: Credentials
    region: str
    state: Path | None = None
    """A directory for what is to survive the process."""


def config_file() -> Path:
    """The file that profiles are read from."""
    return Path(platformdirs.user_config_path("tenx")) / "config.toml"


def state_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """The directory for what is to survive a command: `TENX_STATE_DIR`, else the platform's."""
    given = _directory(environment.get("TENX_STATE_DIR"))
    return given or Path(platformdirs.user_state_path("tenx"))


def resolve(
    *,
    endpoint: str | None = None,
    username: str | None = None,
    token: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    state: Path | None = None,
    allow_plain_http: bool = False,
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Settings:
    """Find out where to connect, and as whom.

    Args:
        endpoint: scheme, host and port; `https://api.tenxcloud.com` if nobody says.
        username: the account's name; also `TENX_USERNAME`.
        token: its API token; also `TENX_TOKEN`.
        region: such as `beijing1`; also `TENX_REGION`.
        profile: a table of the profile file; also `TENX_PROFILE`, else `default`.
        state: a directory for what is to survive the process; also `TENX_STATE_DIR`.
        allow_plain_http: accept `http://` to other hosts than this one, where anybody on the
            way can read the token.
        environment: where the `TENX_…` variables are.
        file: the profile file, if not the platform's.

    Raises:
        ConfigurationError: something is missing, unsafe or not readable; says what to do.
    """
    given = {"endpoint": endpoint, "username": username, "token": token, "region": region}
    found = {key: value or environment.get(f"TENX_{key.upper()}") for key, value in given.items()}
    name = profile or environment.get("TENX_PROFILE")
    if name or not all(found.values()):
        saved = _read_profile(file or config_file(), name)
        found = {key: value or saved.get(key) for key, value in found.items()}
    missing = [key for key in _KEYS[1:] if not found[key]]
    if missing:
        raise ConfigurationError(_how_to_give(missing, file or config_file()))
    return Settings(
        endpoint=check_endpoint(found["endpoint"] or DEFAULT_ENDPOINT, allow_plain_http),
        credentials=Credentials(
            *(header_value(what, found[what] or "") for what in ("username", "token"))
        ),
        region=region_name(found["region"] or ""),
        state=state or _directory(environment.get("TENX_STATE_DIR")),
    )


def check_endpoint(endpoint: str, allow_plain_http: bool = False) -> str:
    """Return the endpoint without a trailing slash, if it is safe to send a token there.

    Raises:
        ConfigurationError: not a plain `scheme://host[:port]`, or http beyond this machine.
    """
    host = _host(endpoint)
    if not host:
        shown = "…" if "@" in endpoint else endpoint.partition("?")[0]  # there may be a secret
        raise ConfigurationError(f"endpoint {shown!r} is not of the form https://host[:port]")
    parts = urlsplit(endpoint)
    if parts.scheme == "http" and not allow_plain_http and not _is_loopback(host):
        raise ConfigurationError(
            f"endpoint {endpoint!r} would carry the token in the clear: use https, "
            "or say allow_plain_http"
        )
    return f"{parts.scheme}://{parts.netloc}"


def header_value(what: str, text: str) -> str:
    """Return the username or the token, if a header can carry it as it is.

    Raises:
        ConfigurationError: empty, or not plain printable ASCII.
    """
    if not text:
        raise ConfigurationError(f"the {what} is empty")
    if not text.isprintable() or not text.isascii() or text != text.strip():
        raise ConfigurationError(
            f"the {what} holds white space at its ends, control characters or non-ASCII ones; "
            "it may have been pasted with a line break"
        )
    return text


def _host(endpoint: str) -> str | None:
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    rest = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    is_plain = parts.scheme in {"http", "https"} and not rest and " " not in endpoint
    return host if is_plain else None


def _directory(path: str | None) -> Path | None:
    return Path(path).expanduser() if path else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _how_to_give(missing: list[str], file: Path) -> str:
    variables = ", ".join(f"TENX_{key.upper()}" for key in missing)
    return f"no {' and no '.join(missing)} given: pass it, set {variables}, or write it to {file}"


def _read_profile(file: Path, name: str | None) -> Mapping[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        profiles = tomllib.loads(text)
    except FileNotFoundError:
        if name:
            raise ConfigurationError(f"profile {name!r}: there is no file {file}") from None
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read the profiles in {file}: {error}") from None
    if name and name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(f"no profile {name!r} in {file}; there are: {known}")
    for key, profile in profiles.items():
        if not isinstance(profile, dict):
            raise ConfigurationError(f"{file}: {key!r} is in no profile; write it below [default]")
    return _check_profile(file, name or "default", profiles.get(name or "default", {}))


def _check_profile(file: Path, name: str, saved: Mapping[str, Any]) -> Mapping[str, Any]:
    wrong = [key for key in saved if key not in _KEYS or not isinstance(saved[key], str)]
    if wrong:
        raise ConfigurationError(
            f"{file}: [{name}] {wrong[0]!r} is not one of {', '.join(_KEYS)} with a text as value"
        )
    if "token" in saved and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"{file} holds a token and others can read it: chmod 600 {file}")
    return saved
