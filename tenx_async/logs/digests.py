"""What stands for entries where only their equality matters: eight bytes each, made when needed.

Who catches up with a long log forgets most of what it reads before anybody compares it. Until
then the bytes of an answer take less room than its entries, and no time to let go of.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Self

from attrs import define, field
from xxhash import xxh3_64_intdigest

from tenx_async.api.entries import LogEntry, Reply


def digests_of(entries: Iterable[LogEntry]) -> array[int]:
    """Eight bytes for each entry: equal ones for equal entries, in every process."""
    digest = xxh3_64_intdigest  # called for every line that comes
    return array(
        "Q",
        [
            digest((e.instance_name + e.log).encode("utf-8", "surrogatepass"), len(e.instance_name))
            for e in entries
        ],
    )


@define(eq=False)
class Kept:
    """Entries that are kept for their digests, in case that these are asked for."""

    _count: int
    _start: int
    _page: Callable[[], Sequence[LogEntry]]
    """Gives the page that they are the end of."""
    _digests: array[int] | None = field(default=None, init=False)

    @classmethod
    def of(cls, page: Sequence[LogEntry], start: int = 0) -> Self:
        """Keep the entries of a page from an index on, by its bytes if it has them."""
        again = page.again if isinstance(page, Reply) else partial(tuple, page)
        return cls(len(page) - start, start, again)

    def __len__(self) -> int:
        return self._count

    def make(self, entries: Sequence[LogEntry]) -> None:
        """Make the digests while the entries are at hand."""
        if self._digests is None:
            self._digests, self._page = digests_of(entries), tuple

    @property
    def digests(self) -> array[int]:
        """The digests, made once for all who have kept the entries."""
        if self._digests is None:
            self._digests, self._page = digests_of(self._page()[self._start :]), tuple
        return self._digests


@define(eq=False)
class Digests:
    """The digests of a row of entries; those that nobody asks for in time are never made."""

    _made: array[int] = field(factory=lambda: array("Q"), init=False)
    _waiting: list[Kept] = field(factory=list, init=False)
    """Pages that follow, whose digests are not made."""
    _last: Sequence[LogEntry] = field(default=(), init=False)
    _waiting_count: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._made) + self._waiting_count

    def __iter__(self) -> Iterator[int]:
        return iter(self.made)

    @property
    def made(self) -> array[int]:
        """All of them."""
        if self._waiting and self._last:
            self._waiting[-1].make(self._last)
        while self._waiting:
            self._made += self._waiting.pop(0).digests
        self._waiting_count = 0
        return self._made

    @property
    def last_page(self) -> Sequence[LogEntry]:
        """The entries that were put behind last, if nothing has changed since."""
        return self._last

    def replace_from(self, index: int, digests: array[int]) -> None:
        """Put others in the place of all from an index on."""
        self.made[index:] = digests
        self._last = ()

    def put(self, entries: Sequence[LogEntry], kept: Kept | None = None) -> None:
        """Put entries behind, which may be kept already."""
        self.keep(kept or Kept.of(entries))
        self._last = entries

    def keep(self, kept: Kept) -> None:
        """Put entries behind that nobody looks at."""
        self._waiting.append(kept)
        self._waiting_count += len(kept)
        self._last = ()

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
