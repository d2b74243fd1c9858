"""How a command ends: its exit status, and one line about what went wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn

import typer

from tenx_async import errors
from tenx_async.cli.terminal import say


class Status(IntEnum):
    """What a command's exit status means; 2 is a command line that makes no sense as well."""

    WELL = 0
    ERROR = 1
    PENDING = 2
    """`plan --exit-code`: there is something to be done."""
    FAILED = 3
    """Some of several operations."""
    STOPPED = 4
    """A run, because too many failed."""
    UNKNOWN = 5
    """A write was sent, and may or may not have been executed."""
    INCOMPLETE = 6
    """Lines of a log may be missing or repeated; where was said."""
    INTERRUPTED = 130
    TERMINATED = 143


_ADVICE: tuple[tuple[type[errors.TenxError], str], ...] = (
    (errors.Unauthorized, "check TENX_USERNAME and TENX_TOKEN, or the profile"),
    (errors.Forbidden, "the account may not do this, or its calls for today are spent"),
    (errors.Throttled, "wait a while; the API takes only so many calls"),
    (errors.Conflict, "`tenx ls` shows the state it is in"),
    (errors.MethodNotAllowed, "check the endpoint: --endpoint or TENX_ENDPOINT"),
    (errors.Redirected, "check the endpoint: --endpoint or TENX_ENDPOINT"),
    (errors.ServerError, "the API is not well; try again later"),
    (errors.ConnectFailed, "check the endpoint: --endpoint or TENX_ENDPOINT"),
    (errors.BadResponse, "check the endpoint: --endpoint or TENX_ENDPOINT"),
    (errors.TransportError, "try again; if that does not help, check the network"),
)
"""The first class that fits says what to do."""


def explain(error: BaseException) -> str:
    """Say in one line what went wrong and what to do about it."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    advice = next((text for cls, text in _ADVICE if isinstance(error, cls)), "")
    if isinstance(error, errors.NotFound):
        about_a_service = len(error.operation.split()) > 1
        advice = (
            "`tenx ls` shows what there is; check --region" if about_a_service else "check --region"
        )
    return f"{error}; {advice}" if advice else str(error)


def run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Do a command's work, and end with its status; no error leaves a traceback.

    Raises:
        typer.Exit: always.
    """
    with ending():
        status = asyncio.run(_until_terminated(work)) or Status.WELL
        sys.stdout.flush()
        raise typer.Exit(status)


@contextmanager
def ending() -> Iterator[None]:
    """End with the status of what went wrong, if anything does.

    Raises:
        typer.Exit: something did.
    """
    try:
        yield
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    except asyncio.CancelledError:
        status = Status.TERMINATED
    except (errors.TenxError, OSError, BaseExceptionGroup) as error:
        status = _fail(_first(error))
    else:
        return
    raise typer.Exit(status)


async def _until_terminated(work: Coroutine[Any, Any, int | None]) -> int | None:
    """Let SIGTERM end the work in good order, as Ctrl-C does."""
    cancel_on_termination()
    return await work


def cancel_on_termination() -> None:
    """Let SIGTERM cancel this task."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _fail(error: BaseException) -> Status:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Status.WELL  # whoever reads has seen enough
    if not isinstance(error, errors.TenxError | OSError):
        raise error
    complaints = error.complaints if isinstance(error, errors.InvalidManifest) else ()
    for line in complaints or (explain(error),):
        say(line)
    return Status.UNKNOWN if isinstance(error, errors.OutcomeUnknown) else Status.ERROR
