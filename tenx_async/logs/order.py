"""Which request comes next, and what its reply says about where a day's log ends."""

from __future__ import annotations

from attrs import define, field, frozen


@frozen
class PageRequest:
    """What to ask of the log endpoint for one day."""

    from_: int
    size: int


@define
class EndSearch:
    """Finds the end of an oldest-first day by galloping, then bisecting.

    A page with nothing in it lies past the end, a full one before it, and a short one ends the
    search at once: a day of a million lines takes some twenty pages of a thousand.
    """

    size: int
    """Entries a page."""
    low: int = field(default=0, init=False)
    """There are at least this many entries."""
    high: int | None = field(default=None, init=False)
    """There are at most this many entries."""

    @property
    def found(self) -> int | None:
        """How many entries the day has, once that is known."""
        return self.low if self.high is not None and self.low >= self.high else None

    def request(self) -> PageRequest:
        """Choose the page whose length tells most."""
        if self.high is None:
            return PageRequest(2 * self.low if self.low else 0, self.size)
        pages = (self.high - self.low) // self.size
        return PageRequest(self.low + pages // 2 * self.size, self.size)

    def feed(self, request: PageRequest, count: int) -> None:
        """Note how many entries a page had."""
        end = request.from_ + count
        if count:
            self.low = max(self.low, end)
        if count < request.size:
            self.high = end if self.high is None else min(self.high, end)
