"""Lines in the order of their time, and which of them a page shows."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from attrs import define, field

SHARDS = 5
"""Parts of a day's log that are refreshed, and may be missed, each on its own."""

Row = tuple[int, int, bytes]
"""Time, number, entry."""


def _numbers() -> array[int]:
    return array("q")


@define
class Lines:
    """Encoded entries with the time of each and the number that says which shard holds it."""

    entries: list[bytes] = field(factory=list)
    times: array[int] = field(factory=_numbers)
    """Milliseconds."""
    numbers: array[int] = field(factory=_numbers)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Row]:
        return zip(self.times, self.numbers, self.entries, strict=True)

    def add(self, time: int, entries: Sequence[bytes], number: int) -> None:
        """Put entries of one moment where they belong by time and number."""
        place = len(self)
        if place and (self.times[-1], self.numbers[-1]) > (time, number):
            first, after = bisect_left(self.times, time), bisect_right(self.times, time)
            place = bisect_right(self.numbers, number, first, after)
        self.insert(place, time, entries, number)

    def append(self, time: int, entry: bytes, number: int) -> None:
        """Put one entry at the end."""
        self.entries.append(entry)
        self.times.append(time)
        self.numbers.append(number)

    def insert(self, place: int, time: int, entries: Sequence[bytes], number: int) -> None:
        """Put entries of one moment at a place."""
        self.entries[place:place] = entries
        self.times[place:place] = array("q", [time]) * len(entries)
        self.numbers[place:place] = array("q", range(number, number + len(entries)))

    def without_shard(self, shard: int) -> Lines:
        """What is left while a shard does not answer."""
        kept = [place for place, number in enumerate(self.numbers) if number % SHARDS != shard]
        return Lines(
            [self.entries[place] for place in kept],
            array("q", (self.times[place] for place in kept)),
            array("q", (self.numbers[place] for place in kept)),
        )

    def page(
        self, start: int, size: int, order: str = "oldest-first", *, swapped: bool = False
    ) -> list[bytes]:
        """The entries that a request gets; `swapped` as the other replica orders equal times."""
        newest = max(len(self) - start, 0)
        cut = (
            slice(start, start + size)
            if order == "oldest-first"
            else slice(max(newest - size, 0), newest)
        )
        page = self.entries[cut]
        if swapped:
            page = [self.entries[self._twin(place)] for place in range(*cut.indices(len(self)))]
        return page[::-1] if order == "newest-first" else page

    def _twin(self, place: int) -> int:
        """Which place the other replica shows here: it swaps the lines of a moment in pairs."""
        time = self.times[place]
        first = bisect_left(self.times, time)
        twin = first + ((place - first) ^ 1)
        return twin if twin < len(self) and self.times[twin] == time else place
