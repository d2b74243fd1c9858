"""Two multisets of lines of one service, compared."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from hashlib import blake2b

from attrs import define, field, frozen

FEW = 3
"""Lines that are shown of those that are missing or too many."""

Digest = int


@frozen
class Shown:
    """A line that is not where it should be, or there too often."""

    place: str
    instance_name: str
    log: str


@define
class Difference:
    """Lines that are in one place and not in the other; the first few of them are kept."""

    count: int = 0
    first: list[Shown] = field(factory=list)

    def add(self, line: Shown) -> None:
        """Count one."""
        self.count += 1
        if len(self.first) < FEW:
            self.first.append(line)


@define
class Copies:
    """A line's copies in the sink."""

    count: int = 0
    _last: deque[Shown] = field(factory=lambda: deque(maxlen=FEW))

    def add(self, line: Shown) -> None:
        """Note one more."""
        self.count += 1
        self._last.append(line)

    @property
    def last(self) -> list[Shown]:
        """The last few: the first one is where it belongs."""
        return list(self._last)


@define
class Comparison:
    """A service's lines: first those of the sink are taken in, then those of the server.

    If some are left then, the sink's are looked at once more.
    """

    service: str
    kept: int = 0
    served: int = 0
    missing: Difference = field(factory=Difference)
    """Lines of the server that the sink has not, or has less often."""
    repeated: Difference = field(factory=Difference)
    """Lines of the sink that the server has less often."""
    foreign: Difference = field(factory=Difference)
    """Lines of the sink that the server has not at all."""
    doubts: list[str] = field(factory=list)
    """Why what the server showed may not be all."""
    seals: list[str] = field(factory=list)
    """Digests of the day, as it was sealed."""
    _left: Counter[Digest] = field(factory=Counter, repr=False)
    _copies: dict[Digest, Copies] = field(factory=lambda: defaultdict(Copies), repr=False)

    @property
    def is_equal(self) -> bool:
        """Whether each line is there as often as it was written."""
        return not (self.missing.count or self.has_more or self.doubts)

    @property
    def has_more(self) -> bool:
        """Whether the sink has lines that the server did not show."""
        return self.kept + self.missing.count > self.served

    def keep(self, digest: Digest) -> None:
        """Take in a line of the sink."""
        self.kept += 1
        self._left[digest] += 1

    def serve(self, digest: Digest, line: Shown) -> None:
        """Take in a line of the server."""
        self.served += 1
        if self._left[digest] > 0:
            self._left[digest] -= 1
        else:
            self.missing.add(line)

    def look_again(self, digest: Digest, line: Shown) -> None:
        """Look at a line of the sink once more."""
        if self._left[digest] > 0:
            self._copies[digest].add(line)

    def conclude(self) -> None:
        """Tell those that are there too often from those that should not be there at all."""
        for digest, copies in self._copies.items():
            left = self._left[digest]
            difference = self.repeated if copies.count > left else self.foreign
            for line in copies.last[-left:]:
                difference.add(line)
            difference.count += left - len(copies.last[-left:])


def digest_of(instance: str, log: str) -> Digest:
    """Stand for a line, however long it is."""
    name, text = (word.encode(errors="backslashreplace") for word in (instance, log))
    digest = blake2b(b"%d:%b%b" % (len(name), name, text), digest_size=8)
    return int.from_bytes(digest.digest())
