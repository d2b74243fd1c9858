"""What stands for entries where only their equality matters: eight bytes each, made when needed.

Who catches up with a long log forgets most of what it reads before anybody compares it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

from tenx_async.api.entries import LogEntry


def digests_of(entries: Iterable[LogEntry]) -> array[int]:
    """Eight bytes for each entry; equal entries have equal ones."""
    return array("q", list(map(hash, entries)))  # of a list it is made in one go


@define(eq=False)
class Digests:
    """The digests of a row of entries; those that nobody asks for in time are never made."""

    _made: array[int] = field(factory=lambda: array("q"), init=False)
    _waiting: list[Sequence[LogEntry]] = field(factory=list, init=False)
    """Entries that follow, in pages, whose digests are not made."""
    _waiting_count: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._made) + self._waiting_count

    def __iter__(self) -> Iterator[int]:
        return iter(self.made)

    @property
    def made(self) -> array[int]:
        """All of them."""
        while self._waiting:
            self._made += digests_of(self._waiting.pop(0))
        self._waiting_count = 0
        return self._made

    @property
    def last_page(self) -> Sequence[LogEntry]:
        """The entries that were put behind last, as long as their digests are not made."""
        return self._waiting[-1] if self._waiting else ()

    def put(self, entries: Sequence[LogEntry]) -> None:
        """Put entries behind."""
        self._waiting.append(entries)
        self._waiting_count += len(entries)

    def tail(self, count: int) -> array[int]:
        """The last so many."""
        if count <= len(self.last_page):
            return digests_of(self.last_page[len(self.last_page) - count :])
        return self.made[len(self) - count :]

    def drop_waiting(self, limit: float) -> int:
        """Drop what goes before as many as the limit, as far as none has to be made.

        Returns:
            how many were dropped.
        """
        if self._waiting_count < limit:
            return 0
        before = len(self)
        del self._made[:]
        while self._waiting_count - len(self._waiting[0]) >= limit:
            self._waiting_count -= len(self._waiting.pop(0))
        return before - len(self)
