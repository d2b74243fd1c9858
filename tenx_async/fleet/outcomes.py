"""Outcomes as plain data, and back: what is kept of one, and never a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from tenx_async.api.outcome import Outcome
from tenx_async.errors import OperationError, TenxError

_KEPT = ("message", "operation", "attempts", "status")
"""What is kept of an error: its message has no secrets, the body of a reply may be long."""


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """Write an outcome as plain data, without the value that it has."""
    error = outcome.error and _error_record(outcome.error)
    return {
        "operation": outcome.operation,
        "service": outcome.service,
        "region": outcome.region,
        "result": outcome.result,
        "attempts": outcome.attempts,
        **({"error": error} if error else {}),
    }


def outcome_of(record: Mapping[str, Any]) -> Outcome:
    """Read an outcome; its error is of the class that it was of."""
    error = record.get("error")
    return Outcome(**{**record, "error": _error_of(error) if error else None})


def _error_record(error: TenxError) -> dict[str, Any]:
    kept = {name: getattr(error, name) for name in _KEPT if hasattr(error, name)}
    message = error.message.encode(errors="replace").decode()
    return {"class": type(error).__name__, **kept, "message": message}


def _error_of(record: Mapping[str, Any]) -> TenxError:
    classes = {cls.__name__: cls for cls in _errors(TenxError)}
    cls = classes.get(record["class"], OperationError)
    known = attrs.fields_dict(cls)
    return cls(**{name: record[name] for name in _KEPT if name in record and name in known})


def _errors(cls: type[TenxError]) -> Iterator[type[TenxError]]:
    yield cls
    for one in cls.__subclasses__():
        yield from _errors(one)
