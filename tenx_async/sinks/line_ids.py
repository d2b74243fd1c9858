"""Ids of lines that stay the same when a line is sent again after a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Protocol

from attrs import frozen

from tenx_async.logs.cursors import CursorStore
from tenx_async.logs.lines import LogBatch, LogLine


class KnownCursors(CursorStore, Protocol):
    """Cursors that tell what lines are sent after."""

    def salt(self) -> str:
        """Tell these cursors from all others, as long as they are kept.

        Raises:
            SinkUnavailable: it cannot be read now.
        """

    def committed(self, source: str) -> bytes:
        """The cursor of a source as it is kept; empty: there is none.

        Raises:
            SinkUnavailable: it cannot be read now.
        """


@frozen
class LineIds:
    """Makes the ids of a delivery.

    A line has no id of its own, and its position changes when others are inserted before it. But
    who was killed goes on from the cursor that was committed last, and reads the same lines again:
    so an id stands for what follows that cursor, and for how many equal lines came since.
    """

    salt: str
    after: dict[str, str]
    """Of each source, a digest of what was committed."""

    @classmethod
    def of(cls, cursors: KnownCursors, batches: Iterable[LogBatch]) -> LineIds:
        """See what batches are sent after.

        Raises:
            SinkUnavailable: that cannot be read now.
        """
        sources = {batch.source for batch in batches}
        return cls(cursors.salt(), {one: _digest(cursors.committed(one)) for one in sources})

    def each(self, batches: Sequence[LogBatch]) -> Iterator[tuple[LogLine, str]]:
        """Give each line of the whole delivery its id."""
        equal: Counter[tuple[str, ...]] = Counter()
        for batch in batches:
            for line in batch.lines:
                what = (line.service, f"{line.date}", line.instance_name, line.log)
                yield line, self._id(line.region, what, equal[what])
                equal[what] += 1

    def _id(self, region: str, what: tuple[str, ...], number: int) -> str:
        after = self.after[what[0]]
        text = "\0".join((self.salt, region, after, str(number), *what))
        return _digest(text.encode(errors="surrogatepass"))


def _digest(raw: bytes) -> str:
    return blake2b(raw, digest_size=16).hexdigest()
