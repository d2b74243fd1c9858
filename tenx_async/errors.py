"""Every error that this package raises, by meaning.

TenxError
├── ConfigurationError      settings are missing, contradictory or unsafe
├── InvalidName             a service, region or instance name; refused before a byte is sent
├── InvalidSpec             a specification that no server would accept
│   └── InvalidManifest     a file of declared services, with every place that is wrong
├── TransportError          no usable answer
│   ├── ConnectFailed       no byte left this machine
│   ├── TimedOut            nothing came for too long
│   ├── Disconnected        the connection ended before the answer did
│   ├── BadResponse         an answer that is not what the API promises
│   └── ResponseTooLarge    an answer over the size limit, after decompression
├── ApiError                the server answered with an error status
│   ├── Redirected          3xx
│   ├── BadRequest          400, 413, 422
│   │   └── WindowLimit     from + size is past what the server's log index reaches
│   ├── Unauthorized        401
│   ├── Forbidden           402, 403, 451
│   ├── NotFound            404, 410
│   ├── MethodNotAllowed    405
│   ├── Conflict            409, 412
│   ├── Throttled           429
│   └── ServerError         5xx
├── OutcomeUnknown          a write was sent; whether it was executed cannot be told
├── DeadlineExceeded        the caller's deadline passed
├── QuotaExceeded           the caller's own call budget is spent
├── DamagedCursor           what was kept of where a log was read to cannot be trusted
├── SinkUnavailable         where lines go cannot take them now: full, read-only, locked, gone
└── RunFailed               some services of a run are not as they were asked to be
"""

from __future__ import annotations

import datetime as dt
from typing import Self

from attrs import define

EXCERPT_LENGTH = 500
"""Characters of a reply's body that a message shows."""


def excerpt(body: str) -> str:
    """Shorten a reply's body to one readable line."""
    line = " ".join(body.split())
    return line if len(line) <= EXCERPT_LENGTH else f"{line[:EXCERPT_LENGTH]}… ({len(body)} chars)"


@define(slots=False, eq=False, str=False)
class TenxError(Exception):
    """Any error of this package."""

    message: str
    """What went wrong, where, and what to do about it."""

    def __str__(self) -> str:
        return self.message


class ConfigurationError(TenxError):
    """Settings are missing, contradictory or unsafe."""


class InvalidName(TenxError, ValueError):
    """A service, region or instance name that would address another resource."""


class InvalidSpec(TenxError, ValueError):
    """A specification that no server would accept."""


@define(slots=False, eq=False, str=False)
class InvalidManifest(InvalidSpec):
    """A file of declared services cannot be taken as it is; nothing was done."""

    complaints: tuple[str, ...] = ()
    """Each place that is wrong: `fleet.yaml:12: containers[0].memory: …`."""


@define(slots=False, eq=False, str=False)
class OperationError(TenxError):
    """An operation that did not succeed."""

    operation: str = ""
    """What was asked for, as `verb service`."""
    attempts: int = 1
    """How often the request was sent, or tried to be."""

    def __str__(self) -> str:
        tries = f" (after {self.attempts} attempts)" if self.attempts > 1 else ""
        return f"{self.operation}: {self.message}{tries}" if self.operation else self.message

    def after(self, attempts: int) -> Self:
        """Note how many attempts were made, for the message."""
        self.attempts = attempts
        self.args = (*self.args[:2], attempts, *self.args[3:])
        return self


class TransportError(OperationError):
    """No usable answer came back."""


class ConnectFailed(TransportError):
    """No connection could be made; no byte of the request left this machine."""


class TimedOut(TransportError):
    """Nothing came for longer than the timeout."""


class Disconnected(TransportError):
    """The connection ended before the answer did."""


@define(slots=False, eq=False, str=False)
class BadResponse(TransportError):
    """An answer that is not what the API promises; `body` is what came."""

    body: str = ""

    def __str__(self) -> str:
        said = f"; the server sent: {excerpt(self.body)}" if self.body else ""
        return super().__str__() + said


class ResponseTooLarge(TransportError):
    """An answer over the size limit, counted after decompression."""


@define(slots=False, eq=False, str=False)
class ApiError(OperationError):
    """The server answered with an error status."""

    status: int = 0
    """HTTP status."""
    body: str = ""
    """The reply's text as it came, without secrets."""
    retry_after: float | None = None
    """Seconds the server asked to wait, if it did."""

    def __str__(self) -> str:
        return f"{super().__str__()} [HTTP {self.status}]"


class Redirected(ApiError):
    """The server pointed elsewhere; redirects are never followed, they would leak credentials."""


class BadRequest(ApiError):
    """The server found the request wrong."""


class WindowLimit(BadRequest):
    """`from + size` reaches past the server's log window; this is not the end of the log."""


class Unauthorized(ApiError):
    """The token is invalid or expired."""


class Forbidden(ApiError):
    """The account may not do this, or its quota is spent."""


class NotFound(ApiError):
    """No such service, instance or region."""


class MethodNotAllowed(ApiError):
    """The server does not know this operation."""


class Conflict(ApiError):
    """The resource's state does not allow the operation."""


class Throttled(ApiError):
    """The server asks for fewer calls; it did nothing."""


class ServerError(ApiError):
    """The server, or a proxy before it, failed."""


class OutcomeUnknown(OperationError):
    """A write was sent and its answer lost: it may or may not have been executed."""


class DeadlineExceeded(OperationError):
    """The caller's deadline passed before the operation ended."""


@define(slots=False, eq=False, str=False)
class QuotaExceeded(OperationError):
    """The caller's own call budget is spent."""

    resumes_at: dt.datetime | None = None
    """When there will be calls again."""


class DamagedCursor(TenxError):
    """What was kept of where a log was read to is not whole, and cannot be trusted."""


class SinkUnavailable(TenxError):
    """Where lines go cannot take them now; none was kept, and they may be given again."""


class RunFailed(TenxError):
    """Some services of a run are not as they were asked to be; the report says which."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: Forbidden,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    413: BadRequest,
    422: BadRequest,
    429: Throttled,
    451: Forbidden,
}

_WINDOW_TEXT = "result window is too large"


def error_class(status: int, body: str = "") -> type[ApiError]:
    """Tell which error an answer stands for.

    The log window's refusal is known by its text, since servers send it as 400 or as 500.
    """
    if status in {400, 500} and _WINDOW_TEXT in body.casefold():
        return WindowLimit
    if status in range(300, 400):
        return Redirected
    return _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
