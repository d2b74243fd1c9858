"""How far a backlog is handed on between two places that may be committed."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

_LONGEST = 0.5
"""Seconds of a backlog that are read again, at most, by who goes on after a crash."""


@define(eq=False)
class Strides:
    """Chooses after which deliveries of a backlog a source may be committed.

    To note a place costs the digests of all that came since the last one, of which most are
    forgotten while far more is waiting.
    """

    lines: int = 0
    """How many may be handed on of all sources together; 0: each delivery may be committed."""
    _open: Counter[str] = field(factory=Counter, init=False, repr=False)
    """How many lines of each source were handed on since its last place."""
    _since: dict[str, float] = field(factory=dict, init=False, repr=False)

    def note(self, source: str, lines: int) -> None:
        """Note that so many lines are handed on."""
        self._open[source] += lines

    def ends(self, source: str, now: float, *, more: bool) -> bool:
        """Tell whether a source may be committed after what was handed on of it."""
        began = self._since.setdefault(source, now)
        if more and self._open.total() < self.lines and now - began < _LONGEST:
            return False
        self.close(source)
        return True

    def close(self, source: str) -> bool:
        """Note that a source may be committed now; tell whether that is news."""
        self._since.pop(source, None)
        return self._open.pop(source, 0) > 0
