"""What came of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from attrs import field, frozen

from tenx_async.api.outcome import Outcome, Result
from tenx_async.errors import ApiError, RunFailed, TenxError
from tenx_async.fleet.plan import Plan


@frozen
class Group:
    """Outcomes that did not come to what was asked, for one reason."""

    result: Result
    reason: str
    """The error's class, with its HTTP status if it has one; its text if the class says nothing."""
    outcomes: Sequence[Outcome] = field(repr=False)

    def __str__(self) -> str:
        return f"{len(self.outcomes)} {self.result}, {self.reason}"


def groups_of(outcomes: Iterable[Outcome]) -> list[Group]:
    """Group what did not succeed by its reason, the largest group first."""
    groups: dict[tuple[Result, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.error is not None:
            groups[outcome.result, _reason(outcome.error)].append(outcome)
    made = [Group(result, reason, alike) for (result, reason), alike in groups.items()]
    return sorted(made, key=lambda group: -len(group.outcomes))


def _reason(error: Exception) -> str:
    if type(error) is TenxError:
        return str(error)
    status = f"HTTP {error.status} " if isinstance(error, ApiError) else ""
    return f"{status}{type(error).__name__}"


@frozen(kw_only=True, slots=False)
class Report:
    """What came of a run."""

    run_id: str = ""
    """What it is resumed and undone by; empty: no journal was kept."""
    plan: Plan = field(repr=False)
    outcomes: Sequence[Outcome] = field(repr=False)
    """One for each service that was chosen, in the order in which they ended."""
    stopped: str = ""
    """Why it did not go on to its end; empty: it did."""

    @property
    def ok(self) -> bool:
        """Whether everything is as it was asked to be."""
        return all(outcome.ok for outcome in self.outcomes)

    @cached_property
    def groups(self) -> list[Group]:
        """What did not succeed, by its reason."""
        return groups_of(self.outcomes)

    def raise_for_failures(self) -> None:
        """Do nothing if all is well.

        Raises:
            RunFailed: something is not as it was asked to be.
        """
        if self.ok:
            return
        failed = [outcome for outcome in self.outcomes if not outcome.ok]
        why = f", stopped: {self.stopped}" if self.stopped else ""
        kinds = "; ".join(map(str, self.groups))
        raise RunFailed(f"{len(failed)} of {len(self.outcomes)} did not succeed{why}: {kinds}")
