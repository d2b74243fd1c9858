"""The end of a day's account: how much there was, and what its last lines were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from attrs import frozen

from tenx_async.api.entries import LogEntry


@frozen
class Seal:
    """What a day's log held when its grace was over."""

    lines: int
    """How many lines the day had, as far as its beginning was read."""
    digest: str
    """Of the last lines, in the server's order; the same wherever and whenever it is computed."""
    covers: int
    """How many lines that is: those that were remembered, and so were read once more."""
    instance: str = ""
    """The instance whose own log it was; empty: the service's."""

    @classmethod
    def of(cls, lines: int, last: Sequence[LogEntry], instance: str = "") -> Seal:
        """Seal a log that ends with these entries."""
        return cls(lines, digest_of(last), len(last), instance)


def digest_of(entries: Iterable[LogEntry]) -> str:
    """Sixteen bytes, as hexadecimal text, that stand for these entries in this order."""
    digest = blake2b(digest_size=16)
    for entry in entries:
        for text in (entry.instance_name, entry.log):
            raw = text.encode(errors="surrogatepass")
            digest.update(b"%d:%b" % (len(raw), raw))
    return digest.hexdigest()
