"""How many services were away from work at once."""

from __future__ import annotations

from attrs import define, field


@define
class Absences:
    """Counts services from the moment a stop, restart or redeployment begins until they run."""

    most: int = 0
    """The most at one time."""
    _away: set[str] = field(factory=set, init=False)

    def began(self, uid: str) -> None:
        """A service has left its work."""
        self._away.add(uid)
        self.most = max(self.most, len(self._away))

    def ended(self, uid: str) -> None:
        """A service runs, or is no more."""
        self._away.discard(uid)
