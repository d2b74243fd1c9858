"""Names that go into a path."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tenx_async import InvalidName
from tenx_async.api.names import instance_name, region_name, service_name


@pytest.mark.parametrize("name", ["a", "web", "web-2", "a0", "a--b", "a" * 63])
def test_a_service_name_is_returned(name: str) -> None:
    """A name that can name a service is taken as it is."""
    assert name == service_name(name)


ELSEWHERE = ["", ".", "..", "a/b", "a\\b", "web?x", "web#x", "a%2fb", "a\x00b"]
PADDED = ["web\n", "\nweb", " web", "web ", "web\r\n"]
MISSPELT = ["Web", "0web", "-web", "web-", "web_1", "a.b", "a" * 64, "web٣", "wéb"]


@pytest.mark.parametrize("name", [*ELSEWHERE, *PADDED, *MISSPELT])
def test_what_names_no_service_is_refused(name: str) -> None:
    """A name that could address something else, or nothing, is refused and shown."""
    with pytest.raises(InvalidName) as caught:
        service_name(name)

    assert f"{name!r} is not a service name" in str(caught.value)


@pytest.mark.parametrize("read", [region_name, instance_name])
@pytest.mark.parametrize("name", ["beijing1", "US-West_2", "北京", "a.b", "web-1-x7k", "a" * 253])
def test_a_token_is_returned(read: type[str], name: str) -> None:
    """Regions and instances may be named as the server likes."""
    assert name == read(name)


NO_PART = ["", ".", "..", "a..b", "a/b", "a\\b", "a?b", "a#b", "a%b", "a" * 254]
WITH_SPACE = ["a b", "us\n", "\tus", "a\x7fb", "a\u2028b", "a\xa0b"]


@pytest.mark.parametrize("read", [region_name, instance_name])
@pytest.mark.parametrize("name", [*NO_PART, *WITH_SPACE])
def test_what_is_no_token_is_refused(read: type[str], name: str) -> None:
    """What would end a part of a path, or mean another one, is refused."""
    with pytest.raises(InvalidName):
        read(name)


@pytest.mark.parametrize("read", [service_name, region_name, instance_name])
@pytest.mark.parametrize("name", [None, 5, b"web", ["web"]])
def test_a_name_is_a_text(read: type[str], name: object) -> None:
    """Something else than a text is an invalid name and no stranger error."""
    with pytest.raises(InvalidName):
        read(name)


@given(st.text(max_size=70))
def test_a_service_name_needs_no_encoding(name: str) -> None:
    """Whatever passes as a service's name is safe in a path as it stands."""
    try:
        service_name(name)
    except InvalidName:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
