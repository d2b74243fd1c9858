"""Ask for the pages of logs: keep account of every call, and ask once more where that helps."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.clock import Clock
from tenx_async.errors import (
    ApiError,
    NotFound,
    OperationError,
    ResponseTooLarge,
    ServerError,
    Throttled,
    TransportError,
)
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.lines import FetchPage
from tenx_async.logs.order import PageRequest

FIRST_PAUSE = 0.1
"""Seconds before a page is asked for once more; twice as long each time."""

_NO_INDEX = re.compile(r"(no such|missing) index|\bindex.*(missing|not.found)")

Page = Awaitable[Sequence[LogEntry]]
Ask = Callable[[PageRequest], Page]


class NoSuchDay(Exception):
    """The server says that it has no log of a day; stays within this room."""

    def __init__(self, error: OperationError) -> None:
        super().__init__(str(error))
        self.error = error


@define(kw_only=True, eq=False)
class Pages:
    """Asks for pages."""

    fetch: FetchPage = field(repr=False)
    ledger: Ledger = field(repr=False)
    allowance: Allowance = field(repr=False)
    clock: Clock = field(repr=False)
    retries: int = 0
    """How often to ask once more for a page without which others would have been read in vain."""

    async def page(
        self, source: str, date: dt.date, instance: str, request: PageRequest
    ) -> Sequence[LogEntry]:
        """Ask once for a page.

        Raises:
            NoSuchDay: there is no log of that day, or not for now.
            OperationError: it did not come.
        """
        account = self.ledger.day(source, date)
        account.calls += 1
        self.allowance.spend(self.clock.monotonic())
        try:
            page = await self.fetch(
                source, date=date, from_=request.from_, size=request.size, instance=instance
            )
        except Throttled as error:
            account.throttled += 1
            self.allowance.hold_back(self.clock.monotonic(), error.retry_after)
            raise
        except OperationError as error:
            if _means_no_such_day(error):
                raise NoSuchDay(error) from error
            account.failures += 1
            raise
        self.allowance.let_go()
        account.fetched += len(page.entries)
        account.bytes += page.bytes
        account.last_success = self.clock.now()
        return page.entries

    async def insist(self, request: PageRequest, ask: Ask, again: Ask) -> Sequence[LogEntry]:
        """Ask for a page, and a few times again if it does not come.

        Raises:
            OperationError: it did not come, or would not.
        """
        for retry in itertools.count():
            try:
                return await ask(request)
            except OperationError as error:
                if retry >= self.retries or not _may_come(error):
                    raise
            await self.clock.sleep(self._pause(retry))
            ask = again
        raise AssertionError  # pragma: no cover  # counting has no end

    def _pause(self, retry: int) -> float:
        return max(FIRST_PAUSE * 2.0**retry, self.allowance.held_back(self.clock.monotonic()))


def _may_come(error: OperationError) -> bool:
    """Tell whether a page that did not come may come if it is asked for once more."""
    is_passing = isinstance(error, TransportError | ServerError | Throttled)
    return is_passing and not isinstance(error, ResponseTooLarge)


def _means_no_such_day(error: OperationError) -> bool:
    """Tell whether an error says only that the day has no line so far.

    Servers of this kind answer 404, or a server error that tells of a missing index; a proxy's
    page tells nothing of the kind. Whether the service itself is gone is for discovery to find out.
    """
    if isinstance(error, NotFound):
        return True
    if not isinstance(error, ApiError) or error.status < 500:
        return False
    said = error.body.casefold()
    is_page = said.lstrip().startswith("<")
    return not is_page and _NO_INDEX.search(said) is not None
