"""The error tree."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from typing import Any

import pytest

from tenx_async import errors
from tenx_async.errors import (
    ApiError,
    BadRequest,
    BadResponse,
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    Disconnected,
    Forbidden,
    InvalidName,
    MethodNotAllowed,
    NotFound,
    OperationError,
    OutcomeUnknown,
    QuotaExceeded,
    Redirected,
    ServerError,
    TenxError,
    Throttled,
    TimedOut,
    TransportError,
    Unauthorized,
    WindowLimit,
    error_class,
    excerpt,
)


def family(error: type[TenxError]) -> list[type[TenxError]]:
    """An error and all that are more special."""
    return [error, *(member for child in error.__subclasses__() for member in family(child))]


ALL = [kind for kind in family(TenxError) if kind.__module__ == errors.__name__]


def filled(kind: type[TenxError]) -> TenxError:
    """An error with everything said that it can say."""
    more: dict[str, Any] = {}
    if issubclass(kind, OperationError):
        more |= {"operation": "get web", "attempts": 3}
    if issubclass(kind, ApiError):
        more |= {"status": 418, "body": "teapot", "retry_after": 1.5}
    if issubclass(kind, BadResponse):
        more |= {"body": "<html>"}
    if issubclass(kind, QuotaExceeded):
        more |= {"resumes_at": dt.datetime(2015, 12, 29, tzinfo=dt.UTC)}
    return kind("it broke", **more)


@pytest.mark.parametrize("kind", ALL)
def test_an_error_survives_pickling(kind: type[TenxError]) -> None:
    """Errors cross process borders, and copying, with all that they carry."""
    error = filled(kind)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(error) is type(twin)
        assert vars(error) == vars(twin)
        assert (str(error), repr(error)) == (str(twin), repr(twin))


@pytest.mark.parametrize("kind", ALL)
def test_an_error_tells_what_was_asked_for(kind: type[TenxError]) -> None:
    """A message is one line: the operation, what went wrong, and how often it was tried."""
    error = filled(kind)
    shown = str(error)

    assert "it broke" in shown
    assert "\n" not in shown
    if isinstance(error, OperationError):
        assert shown.startswith("get web: it broke (after 3 attempts)")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ConfigurationError("no token given"), "no token given"),
        (NotFound("no such service"), "no such service [HTTP 0]"),
        (
            NotFound("no such service", operation="get web", status=404),
            "get web: no such service [HTTP 404]",
        ),
        (
            ServerError("it broke", operation="stop web", status=503, attempts=5),
            "stop web: it broke (after 5 attempts) [HTTP 503]",
        ),
        (TimedOut("no answer", operation="get web"), "get web: no answer"),
        (BadResponse("no JSON", operation="list", body="<p>\n</p>"), "list: no JSON; the server "),
    ],
)
def test_a_message_reads_well(error: TenxError, shown: str) -> None:
    """A message is a sentence for people."""
    assert str(error).startswith(shown)


def test_attempts_are_noted_later() -> None:
    """How often something was tried is known at the end, and kept with the rest."""
    error = NotFound("gone", operation="get web", status=404).after(4)

    assert (4, 404) == (error.attempts, error.status)
    assert "get web: gone (after 4 attempts) [HTTP 404]" == str(error)
    assert str(error) == str(pickle.loads(pickle.dumps(error)))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, Redirected),
        (301, Redirected),
        (302, Redirected),
        (303, Redirected),
        (304, Redirected),
        (307, Redirected),
        (308, Redirected),
        (400, BadRequest),
        (401, Unauthorized),
        (402, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (405, MethodNotAllowed),
        (409, Conflict),
        (410, NotFound),
        (412, Conflict),
        (413, BadRequest),
        (418, ApiError),
        (422, BadRequest),
        (429, Throttled),
        (451, Forbidden),
        (500, ServerError),
        (502, ServerError),
        (503, ServerError),
        (504, ServerError),
        (599, ServerError),
    ],
)
def test_a_status_has_its_error(status: int, kind: type[ApiError]) -> None:
    """Each status means what the tree says."""
    assert kind is error_class(status, "some text")


def test_the_log_window_is_told_by_its_text() -> None:
    """The end of the log window is sent as 400 or 500, and known by what it says."""
    text = '{"error": "Result window is too large, from + size must be less than [10000]"}'

    assert [WindowLimit, WindowLimit] == [error_class(status, text) for status in (400, 500)]
    assert NotFound is error_class(404, text)


@pytest.mark.parametrize(
    ("kind", "wider"),
    [
        (WindowLimit, BadRequest),
        (BadRequest, ApiError),
        (ApiError, OperationError),
        (Disconnected, TransportError),
        (BadResponse, TransportError),
        (TransportError, OperationError),
        (OutcomeUnknown, OperationError),
        (DeadlineExceeded, OperationError),
        (OperationError, TenxError),
        (InvalidName, ValueError),
        (errors.InvalidSpec, ValueError),
    ],
)
def test_errors_can_be_caught_by_meaning(kind: type[Exception], wider: type[Exception]) -> None:
    """The tree is as it is drawn."""
    assert issubclass(kind, wider)
    assert not issubclass(TransportError, ApiError)


def test_the_tree_is_drawn_whole() -> None:
    """Every error stands in the drawing at the top of the module."""
    drawn = errors.__doc__ or ""

    assert [] == [kind.__name__ for kind in ALL if kind not in {OperationError, *_drawn(drawn)}]


def _drawn(drawing: str) -> set[type[TenxError]]:
    names = {line.lstrip("│├└─ ").split(" ")[0].strip() for line in drawing.splitlines()}
    return {kind for kind in ALL if kind.__name__ in names}


def test_a_body_is_shown_short() -> None:
    """A reply is shown as one line of readable length."""
    assert "a b c" == excerpt(" a\n\tb  c ")
    assert "x" * 500 + "… (2000 chars)" == excerpt("x" * 2000)
    assert 700 > len(str(BadResponse("no JSON", operation="list", body="x" * 2000)))
