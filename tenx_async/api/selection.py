"""Which services are meant by some patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from attrs import field, frozen

from tenx_async.api.names import service_name
from tenx_async.errors import InvalidName

_GLOB = frozenset("*?[")


def _checked(patterns: Iterable[str]) -> tuple[str, ...]:
    if isinstance(patterns, str):
        raise InvalidName(f"{patterns!r} is one pattern, not a list: each letter would be another")
    checked = tuple(patterns)
    for pattern in checked:
        if not _GLOB & set(pattern):
            service_name(pattern)
    return checked


@frozen
class Selection:
    """Services by name: globs or exact names, less those that are excluded; none given: all.

    Raises:
        InvalidName: a pattern without a wildcard that names no service, or a single string.
    """

    patterns: Sequence[str] = field(default=(), converter=_checked)
    exclude: Sequence[str] = field(default=(), converter=_checked)

    def __contains__(self, name: str) -> bool:
        wanted = not self.patterns or _matches(name, self.patterns)
        return wanted and not _matches(name, self.exclude)

    @property
    def exact(self) -> list[str]:
        """The names that were given without a wildcard: they are waited for."""
        return [pattern for pattern in self.patterns if not _GLOB & set(pattern)]


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
