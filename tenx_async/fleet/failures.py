"""When a run has failed too often to go on."""

from __future__ import annotations

from attrs import define, field

from tenx_async.api.outcome import Outcome
from tenx_async.errors import ConnectFailed, Forbidden, QuotaExceeded, Unauthorized
from tenx_async.fleet.terms import Share, most_of

SAMPLE = 20
"""So many have to have ended before a part of them says something."""
MOST_FAILURES = 20
MOST_FAILED = "5%"
IN_A_ROW = 3
SPENT = "the calls of the day are spent"
_SYSTEMIC = (Unauthorized, Forbidden, ConnectFailed)
"""What would befall all the others, too."""


@define(eq=False)
class Failures:
    """Counts the failures among so many steps."""

    total: int
    tolerated: Share | None
    """`None`: none in the first wave, later up to 20, and up to 5 % once 20 have ended."""
    count: int = field(default=0, init=False)
    ended: int = field(default=0, init=False)
    _in_a_row: int = field(default=0, init=False)

    def note(self, outcome: Outcome, *, is_first: bool) -> str:
        """Note how a step ended; tell why the run had better stop, if it had."""
        self.ended += 1
        is_systemic = isinstance(outcome.error, _SYSTEMIC)
        self._in_a_row = self._in_a_row + 1 if is_systemic else 0
        if outcome.ok or outcome.result in {"skipped", "cancelled"}:
            return ""
        self.count += 1
        return self._systemic(outcome) or self._too_many(is_first=is_first)

    def _systemic(self, outcome: Outcome) -> str:
        if isinstance(outcome.error, QuotaExceeded):
            return SPENT
        alike = self._in_a_row >= IN_A_ROW
        return f"{self._in_a_row} in a row failed alike: {outcome.error}" if alike else ""

    def _too_many(self, *, is_first: bool) -> str:
        if self.tolerated is not None:
            most = most_of(self.tolerated, self.total)
            return self._beyond(most, f"more than {self.tolerated}")
        if is_first:
            return "the first wave did not go well"
        if self.ended >= SAMPLE and (
            reason := self._beyond(most_of(MOST_FAILED, self.total), f"more than {MOST_FAILED}")
        ):
            return reason
        return self._beyond(MOST_FAILURES, f"more than {MOST_FAILURES}")

    def _beyond(self, most: int, what: str) -> str:
        return f"{self.count} of {self.total} failed, {what}" if self.count > most else ""
