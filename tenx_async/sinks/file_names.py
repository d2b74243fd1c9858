"""Which file a line goes to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from urllib.parse import quote

from attrs import frozen

from tenx_async.logs.lines import LogBatch

_ALL = "lines"
_LONGEST = 200
"""Of a service's name, in bytes: a file's may have 255."""
_OF_A_DAY = re.compile(r"\.\d{4}-\d\d-\d\d(\.\d+)?\.(jsonl|log)(\.zst)?$")


@frozen(kw_only=True)
class Naming:
    """Names files by service and day, as far as they are kept apart."""

    per_service: bool = True
    daily: bool = True
    ending: str = ".jsonl"

    def stem(self, batch: LogBatch) -> str:
        """What the name of the file begins with that a batch goes to."""
        return self.stem_of(batch.source, f"{batch.date}")

    def stem_of(self, service: str, date: str) -> str:
        """The same for a service and a day."""
        who = _quoted(service) if self.per_service else _ALL
        return f"{who}.{date}" if self.daily else who

    def name(self, stem: str, number: int) -> str:
        """The name of a file: the first one without a number, further ones with theirs."""
        return f"{stem}.{number}{self.ending}" if number else f"{stem}{self.ending}"

    def is_ours(self, name: str) -> bool:
        """Whether a file has a name as those have that are written, now or in another form."""
        return bool(_OF_A_DAY.search(name)) if self.daily else name.endswith(self.ending)

    def groups(self, batches: list[LogBatch]) -> Iterator[tuple[str, list[LogBatch]]]:
        """Batches by the file that they go to."""
        grouped: dict[str, list[LogBatch]] = {}
        for batch in batches:
            grouped.setdefault(self.stem(batch), []).append(batch)
        yield from grouped.items()


def _quoted(service: str) -> str:
    """A name without a dot, so that it is not taken for one with a day or a number behind it.

    One that is too long for a file is cut, and told from others by a digest.
    """
    name = quote(service, safe="").replace(".", "%2E")
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}~{blake2b(name.encode(), digest_size=8).hexdigest()}"
