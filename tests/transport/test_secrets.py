"""What a server echoes of a request, and how: no error shows a secret, or leads to one."""

from __future__ import annotations

import json
import time
from itertools import repeat
from urllib.parse import quote

import pytest

from tenx_async.api import operations
from tenx_async.api.redact import redact
from tenx_async.errors import BadResponse, NotFound, TenxError
from tests.transport.conftest import TOKEN, opened
from tests.transport.rawserver import RawServer, fails, saying, status

GET = operations.get_service("beijing1", "web")
SECRET = 'pässwörd-9\\x"q'


@pytest.mark.parametrize(
    "spelling",
    [
        quote(SECRET),
        quote(SECRET).replace("%C3%A4", "%c3%a4").replace("%C3%B6", "%c3%b6").replace("%5C", "%5c"),
        repr(SECRET.encode())[2:-1],
        repr(f"'{SECRET}")[3:-1],
        ascii(SECRET)[1:-1],
        SECRET.replace('"', "&quot;"),
    ],
    ids=["percent", "lower percent", "bytes", "repr", "ascii", "HTML"],
)
def test_a_secret_is_masked_however_it_is_spelled(spelling: str) -> None:
    """Locations are percent-encoded, pages are HTML, and what is not HTTP is told as bytes."""
    assert "it was *** !" == redact(f"it was {spelling} !", [SECRET])


@pytest.mark.parametrize("length", [4, 6, len(SECRET) - 1])
def test_a_secret_that_a_text_cuts_is_masked(length: int) -> None:
    """A text may end within a secret, or within a character of it."""
    assert "it was ***" == redact(f"it was {SECRET[:length]}", [SECRET])
    assert "it was ***" == redact(f"it was {SECRET[:length]}\ufffd", [SECRET])


def test_a_text_that_ends_like_a_secret_is_left() -> None:
    """A secret's first three characters are nobody's."""
    assert "the pas" == redact("the pas", ["password"])
    assert "sword" == redact("sword", ["password"])


ODD = {
    "an object": {"P": "hunter22"},
    "assignments": ["P=hunter22"],
    "values in lists": [{"name": "P", "value": ["hunter22"]}],
    "values in objects": [{"name": "P", "value": {"x": "hunter22"}}],
    "other keys": [{"P": "hunter22"}],
    "a text": "P=hunter22",
    "mixed": [{"name": "P", "value": "x"}, "Q=hunter22"],
}


@pytest.mark.parametrize("env", ODD.values(), ids=ODD)
async def test_no_value_of_a_variable_is_shown(server: RawServer, env: object) -> None:
    """An answer of another shape shows no environment, whatever is the shape of that."""
    service = {"name": ["web"], "containers": [{"image": "web:1", "env": env, "ports": []}]}
    server.do(reads=repeat(fails(status(200, json.dumps(service).encode()))))
    async with opened(server) as account:
        with pytest.raises(BadResponse) as told:
            await account.perform(GET)

    assert "hunter22" not in f"{told.value!r} {told.value}"
    assert '"ports": []' in told.value.body


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"env": {"P": "hunter2', '{"env": "***"'),
        ('{"env": [{"name": "P", "value": "x",}], "n": 1}', None),
        ('{"env": null, "n": 1}', '{"env": null, "n": 1}'),
        ('{"env": [], "n": 1}', '{"env": [], "n": 1}'),
        ('{"env": [{"name": "P"}]}', '{"env": [{"name": "P"}]}'),
        ('{"environment": {"n": 1}}', '{"environment": {"n": 1}}'),
    ],
)
def test_only_the_variables_are_masked(text: str, shown: str | None) -> None:
    """What is documented stays readable; what is broken is masked as far as need be."""
    assert (shown or text.replace('"x"', '"***"')) == redact(text)


@pytest.mark.parametrize("body", ['"env":[{"env":[{', '"env": {', '"value":[{"value":'])
def test_nested_variables_are_masked_in_no_time(body: str) -> None:
    """The time grows with the length of a body, not with its square."""
    began = time.process_time()
    redact(body * (1_000_000 // len(body)))
    assert time.process_time() - began < 1.0


async def test_a_secret_that_is_cut_is_masked(server: RawServer) -> None:
    """The bound of an error's body leaves no half of a secret behind."""
    body = b"x" * (64 * 1024 - 6) + TOKEN.encode()
    server.do(reads=[fails(status(400, body))])
    async with opened(server) as account:
        with pytest.raises(TenxError) as told:
            await account.perform(GET)

    assert TOKEN[:6] not in repr(told.value)


async def test_a_secret_is_masked_before_its_sentence_is_cut(server: RawServer) -> None:
    """A spelling that only decoding shows leaves no half of a secret behind either."""
    odd = "".join(f"\\u{ord(char):04x}" for char in TOKEN)
    body = f'{{"message": "{"x" * 292}{odd}"}}'.encode()
    server.do(reads=[fails(status(400, body))])
    async with opened(server) as account:
        with pytest.raises(TenxError) as told:
            await account.perform(GET)

    assert "x" * 292 + "***" == told.value.message


ECHOES = {
    "a head that is not HTTP": b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nX: " + TOKEN.encode(),
    "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + TOKEN.encode()
    + b"\r\n",
    "another shape": b'HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"name": ["s3cret-t0ken"]}',
}


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
async def test_no_error_leads_to_the_token(server: RawServer, answer: bytes) -> None:
    """Nothing that hangs on an error, shown or not, holds the token or the request's headers."""
    server.do(reads=repeat(fails(saying(answer))))
    async with opened(server, deadline=0.1) as account:
        with pytest.raises(TenxError) as told:
            await account.perform(GET)

    todo: list[BaseException | None] = [told.value]
    seen: list[BaseException] = []
    while todo:
        if (error := todo.pop()) is not None and error not in seen:
            seen.append(error)
            todo += [error.__cause__, error.__context__]
    assert len(seen) > 1
    assert TOKEN not in repr([(error, vars(error)) for error in seen])


async def test_a_message_can_be_written(server: RawServer) -> None:
    """Whatever bytes a server's reason has, a message is text that any stream takes."""
    server.do(reads=[fails(saying(b"HTTP/1.1 404 \xff\xfe\r\nContent-Length: 0\r\n\r\n"))])
    async with opened(server) as account:
        with pytest.raises(NotFound) as told:
            await account.perform(GET)

    assert str(told.value).encode()
