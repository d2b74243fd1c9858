"""One day of one source's log: from a request to the lines that its reply brings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from attrs import define, field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.order import EndSearch, PageRequest


@frozen
class Delivery:
    """What a reply brought."""

    position: int
    """Index of the first new entry."""
    entries: Sequence[LogEntry] = ()
    more: bool = False
    """Whether more is certainly waiting."""


@define
class Day:
    """Reads one day to its end and goes on from there, every line once.

    Ask `request`, send it, `feed` the reply; what comes back is new.
    """

    date: dt.date
    size: int
    """Entries a page, at most."""
    tail: int | None = None
    """How many of the lines that are there already to deliver; `None`: all."""
    position: int = field(default=0, init=False)
    """Where the next new entry is expected."""
    delivered: int = field(default=0, init=False)
    _search: EndSearch | None = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._search = None if self.tail is None else EndSearch(self.size)

    @property
    def is_seeking(self) -> bool:
        """Whether the end is still searched for."""
        return self._search is not None

    def request(self) -> PageRequest:
        """Say which page to read next."""
        if self._search is not None:
            return self._search.request()
        return PageRequest(self.position, self.size)

    def feed(self, request: PageRequest, entries: Sequence[LogEntry]) -> Delivery:
        """Take the reply to a request and tell what is new in it."""
        if self._search is not None:
            return self._seek(self._search, request, entries)
        return self._advance(request, entries)

    def _seek(
        self, search: EndSearch, request: PageRequest, entries: Sequence[LogEntry]
    ) -> Delivery:
        search.feed(request, len(entries))
        if search.found is None:
            return Delivery(self.position, more=True)
        self._search = None
        self.position = max(0, search.found - (self.tail or 0))
        if self.position < request.from_:
            return Delivery(self.position, more=True)
        return self._advance(request, entries)

    def _advance(self, request: PageRequest, entries: Sequence[LogEntry]) -> Delivery:
        start, new = self.position, entries[self.position - request.from_ :]
        self.position += len(new)
        self.delivered += len(new)
        return Delivery(start, new, more=len(entries) >= request.size)
