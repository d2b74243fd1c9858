"""Where a client finds its settings, and which it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tenx_async import ConfigurationError, InvalidName
from tenx_async.settings import DEFAULT_ENDPOINT, Settings, check_endpoint, config_file, resolve

TOKEN = "s3cr3t-t0ken"
FULL: dict[str, Any] = {"username": "alice", "token": TOKEN, "region": "beijing1"}
KEYS = ("endpoint", "username", "token", "region")


def write(file: Path, text: str, mode: int = 0o600) -> Path:
    """Make a profile file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def table(name: str, **values: str) -> str:
    """A profile as TOML."""
    return "\n".join([f"[{name}]", *(f'{key} = "{value}"' for key, value in values.items()), ""])


def shown(settings: Settings) -> dict[str, str]:
    """Settings by their keys."""
    who = settings.credentials
    values = (settings.endpoint, who.username, who.token, settings.region)
    return dict(zip(KEYS, values, strict=True))


def complete(source: str) -> dict[str, str]:
    """All settings, such that each tells where it comes from."""
    return {
        "endpoint": f"https://{source}.example",
        "username": f"{source}-name",
        "token": f"{source}-token",
        "region": f"{source}-region",
    }


SOURCES = ("keyword", "environment", "profile")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("first", range(3))
def test_each_setting_comes_from_the_first_that_gives_it(
    tmp_path: Path, key: str, first: int
) -> None:
    """A keyword comes before the environment and that before the profile, for each by itself."""
    given: list[dict[str, Any]] = [complete(source) for source in SOURCES]
    for source in given[:first]:
        del source[key]
    keywords, environment, profile = given
    variables = {f"TENX_{name.upper()}": value for name, value in environment.items()}
    file = write(tmp_path / "config.toml", table("default", **profile))

    found = shown(resolve(**keywords, environment=variables, file=file))

    assert given[first][key] == found.pop(key)
    assert all(found[other] == complete("keyword")[other] for other in found)


def test_the_endpoint_has_a_default(tmp_path: Path) -> None:
    """Where nobody names an endpoint it is the vendor's."""
    found = resolve(**FULL, environment={}, file=tmp_path / "none.toml")

    assert {"endpoint": "https://api.tenxcloud.com", **FULL} == shown(found)
    assert DEFAULT_ENDPOINT == found.endpoint


def test_an_empty_setting_is_none(tmp_path: Path) -> None:
    """An empty variable is one that was not set."""
    environment = {"TENX_TOKEN": "", "TENX_REGION": "us", "TENX_PROFILE": ""}
    file = write(tmp_path / "config.toml", table("default", **complete("profile")))
    found = shown(resolve(username="", environment=environment, file=file))

    assert complete("profile") | {"region": "us"} == found


@pytest.mark.parametrize(
    ("profile", "environment"),
    [("staging", {}), (None, {"TENX_PROFILE": "staging"}), ("staging", {"TENX_PROFILE": "other"})],
)
def test_a_profile_can_be_chosen(
    tmp_path: Path, profile: str | None, environment: dict[str, str]
) -> None:
    """A profile is named by keyword, else by `TENX_PROFILE`."""
    text = table("default", **complete("wrong")) + table("staging", **complete("right"))
    file = write(tmp_path / "config.toml", text)

    found = resolve(profile=profile, environment=environment, file=file)

    assert complete("right") == shown(found)


def test_profiles_do_not_mix(tmp_path: Path) -> None:
    """What a chosen profile lacks is not taken from the default profile."""
    text = table("default", **complete("default")) + table("staging", username="bob")
    file = write(tmp_path / "config.toml", text)

    with pytest.raises(ConfigurationError, match="no token and no region given"):
        resolve(profile="staging", environment={}, file=file)


def test_the_profiles_are_in_the_platforms_directory() -> None:
    """Without another file named, the platform's is read."""
    write(config_file(), table("default", **complete("profile")))

    assert complete("profile") == shown(resolve(environment={}))


def test_the_environment_is_the_processs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another environment named, the process's is read, when it is needed."""
    for key, value in complete("environment").items():
        monkeypatch.setenv(f"TENX_{key.upper()}", value)

    assert complete("environment") == shown(resolve())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no username and no token and no region given"),
        ({"username": "alice", "token": TOKEN}, "no region given: pass it, set TENX_REGION, or"),
        ({"username": "alice", "region": "us"}, "no token given: pass it, set TENX_TOKEN, or"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    """The message names what is missing and every place where it can be given."""
    file = tmp_path / "config.toml"
    with pytest.raises(ConfigurationError) as caught:
        resolve(**given, environment={}, file=file)

    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert TOKEN not in str(caught.value)


ENDPOINTS = [
    ("https://api.tenxcloud.com", "https://api.tenxcloud.com"),
    ("https://api.tenxcloud.com/", "https://api.tenxcloud.com"),
    ("https://api.example:8443//", "https://api.example:8443"),
    ("HTTPS://Api.Example", "https://Api.Example"),
    ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("http://127.9.9.9", "http://127.9.9.9"),
    ("http://[::1]:8080/", "http://[::1]:8080"),
    ("http://localhost:8080", "http://localhost:8080"),
    ("http://LOCALHOST", "http://LOCALHOST"),
]


@pytest.mark.parametrize(("endpoint", "expected"), ENDPOINTS)
def test_a_safe_endpoint_is_taken(endpoint: str, expected: str) -> None:
    """https may go anywhere, http only to this machine; a trailing slash is dropped."""
    assert expected == check_endpoint(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://api.tenxcloud.com",
        "HTTP://api.tenxcloud.com",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://10.0.0.1:80",
        "http://0.0.0.0",
        "http://[::]",
        "http://2130706433",
    ],
)
def test_a_token_is_not_sent_in_the_clear(endpoint: str) -> None:
    """Plain http beyond this machine is refused, unless it was asked for."""
    with pytest.raises(ConfigurationError, match="use https, or say allow_plain_http"):
        resolve(endpoint=endpoint, **FULL)

    asked = resolve(endpoint=endpoint, **FULL, allow_plain_http=True)
    assert endpoint.casefold() == asked.endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "api.tenxcloud.com",
        "ftp://api.tenxcloud.com",
        "//api.tenxcloud.com",
        "https://",
        "https://:443",
        "https:///v1",
        "https://api.tenxcloud.com/v1",
        "https://api.tenxcloud.com/?a=b",
        "https://api.tenxcloud.com#a",
        "https://api tenxcloud.com",
        "https://api.tenxcloud.com:99999",
        "https://api.tenxcloud.com:port",
        "https://[::1",
    ],
)
def test_an_endpoint_is_scheme_host_and_port(endpoint: str) -> None:
    """Anything else, a path above all, is refused and shown."""
    with pytest.raises(ConfigurationError) as caught:
        check_endpoint(endpoint, allow_plain_http=True)

    assert "is not of the form https://host[:port]" in str(caught.value)
    assert endpoint.partition("?")[0] in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        f"https://alice:{TOKEN}@api.tenxcloud.com",
        f"http://alice:{TOKEN}@127.0.0.1",
        f"https://{TOKEN}@api.tenxcloud.com",
        f"https://alice:{TOKEN}/x@api.tenxcloud.com",
        f"https://alice:{TOKEN}@[api",
        f"https//alice:{TOKEN}@api.tenxcloud.com",
        f"alice:{TOKEN}@api.tenxcloud.com",
        f"https://api.tenxcloud.com/?token={TOKEN}",
    ],
)
def test_a_secret_in_an_endpoint_is_not_shown(endpoint: str) -> None:
    """An endpoint with a name and a password is refused, and the message repeats neither."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(endpoint=endpoint, **FULL)

    shown = f"{caught.value} {caught.value!r} {caught.value.args} {caught.value.__cause__}"
    assert TOKEN not in shown
    assert "alice" not in shown


@pytest.mark.parametrize("key", ["username", "token"])
@pytest.mark.parametrize("ending", ["\n", " ", "\r\n", "\x00", "é", "\t", "\u200b", "\nX-Evil: 1"])
def test_a_header_holds_no_strange_characters(key: str, ending: str) -> None:
    """What was pasted with a line break is refused, and not shown."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(**FULL | {key: f"{TOKEN}{ending}"}, environment={})

    assert f"the {key} holds white space" in str(caught.value)
    assert "pasted with a line break" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_region_is_a_name() -> None:
    """A region that would address something else is refused at once."""
    with pytest.raises(InvalidName):
        resolve(**FULL | {"region": "us/../eu"}, environment={})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620, 0o601])
def test_a_token_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """A file with a token that group or others may touch is refused, with what to do."""
    file = write(tmp_path / "config.toml", table("default", **complete("profile")), mode)
    with pytest.raises(ConfigurationError) as caught:
        resolve(environment={}, file=file)

    assert f"chmod 600 {file}" in str(caught.value)
    assert "profile-token" not in str(caught.value)


def test_a_file_without_a_token_may_be_read_by_all(tmp_path: Path) -> None:
    """Only tokens are secret."""
    file = write(tmp_path / "config.toml", table("default", username="alice", region="us"), 0o644)

    assert "us" == resolve(token=TOKEN, environment={}, file=file).region


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (table("default", username="a"), "no profile 'staging' in {file}; there are: default"),
        ("", "no profile 'staging' in {file}; there are: none"),
        (None, "profile 'staging': there is no file {file}"),
        ("[staging\n", "cannot read the profiles in {file}: "),
        ("[staging]\ntoken = s3cr3t-t0ken\n", "cannot read the profiles in {file}: "),
        ("[staging]\ntokn = 's3cr3t-t0ken'", "{file}: [staging] 'tokn' is not one of endpoint, "),
        ("[staging]\ntoken = ['s3cr3t-t0ken']", "{file}: [staging] 'token' is not one of"),
        ("[staging]\nregion = 5", "{file}: [staging] 'region' is not one of"),
        ("token = 's3cr3t-t0ken'\n[staging]", "{file}: 'token' is in no profile; write it below"),
        ("staging = 's3cr3t-t0ken'", "{file}: 'staging' is in no profile; write it below"),
    ],
)
def test_a_file_that_is_wrong_is_told(tmp_path: Path, text: str | None, message: str) -> None:
    """What is wrong with the profiles is told with the file's name, without its secrets."""
    file = tmp_path / "config.toml"
    if text is not None:
        write(file, text)
    with pytest.raises(ConfigurationError) as caught:
        resolve(profile="staging", environment={}, file=file)

    assert message.format(file=file) in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """A file that cannot be read at all is told, too."""
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    for file in (tmp_path / "config.toml", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot read the profiles"):
            resolve(environment={}, file=file)


def test_settings_show_no_token() -> None:
    """Settings and credentials can be logged."""
    settings = resolve(**FULL, environment={})

    assert "alice" in repr(settings)
    assert TOKEN not in f"{settings!r} {settings} {settings.credentials!r}"
    headers = {"username": "alice", "Authorization": f"token {TOKEN}"}
    assert headers == settings.credentials.headers()


def test_a_directory_for_state_can_be_given(tmp_path: Path) -> None:
    """Where counters live is given by keyword, else by `TENX_STATE_DIR`, else nowhere."""
    environment = {"TENX_STATE_DIR": "~/tenx"}

    assert tmp_path == resolve(**FULL, state=tmp_path, environment=environment).state
    assert Path.home() / "tenx" == resolve(**FULL, environment=environment).state
    assert resolve(**FULL, environment={}).state is None
