"""Which steps of a run may go out now, and whether it had better stop; it is told the time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice

from attrs import define, field

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.errors import QuotaExceeded, TenxError
from tenx_async.fleet.failures import SPENT, Failures
from tenx_async.fleet.plan import Plan
from tenx_async.fleet.progress import Progress, State
from tenx_async.fleet.terms import Terms, count_of


@define(eq=False)
class Waves:
    """The steps of a plan on their way, wave by wave."""

    plan: Plan
    terms: Terms
    steps: Sequence[Progress] = field(init=False)
    bounds: Sequence[int] = field(init=False)
    """How many steps the waves up to each one have."""
    wave: int = field(default=-1, init=False)
    """Which wave is under way; from 0."""
    stopped: str = field(default="", init=False)
    """Why no step goes out any more; empty: they do."""
    _by_name: Mapping[str, Progress] = field(init=False, repr=False)
    _waiting: deque[Progress] = field(factory=deque, init=False, repr=False)
    """Those of this wave that have not gone out."""
    _held: dict[str, list[Progress]] = field(factory=dict, init=False, repr=False)
    """Those of this wave that wait for the service of this name."""
    _halfway: deque[Progress] = field(factory=deque, init=False, repr=False)
    """Those whose next write has not gone out."""
    _turned_back: list[Progress] = field(factory=list, init=False, repr=False)
    """Those whose turn did not come; they try again after a while."""
    _under_way: dict[int, Progress] = field(factory=dict, init=False, repr=False)
    """Those that are sent or watched, by their index."""
    _sent: set[int] = field(factory=set, init=False, repr=False)
    _away: set[int] = field(factory=set, init=False, repr=False)
    _lost: dict[int, Progress] = field(factory=dict, init=False, repr=False)
    """Those that are over, and away."""
    _ended: list[Progress] = field(factory=list, init=False, repr=False)
    """Those that are over and were not taken yet."""
    _failures: Failures = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.steps = [
            Progress(index, step, region=self.plan.region)
            for index, step in enumerate(self.plan.steps)
        ]
        self._by_name = {progress.step.service: progress for progress in self.steps}
        self.bounds = self._bounds()
        self._failures = Failures(len(self.steps), self.terms.max_failures)

    def _bounds(self) -> list[int]:
        total = len(self.steps)
        if not any(progress.step.is_disruptive for progress in self.steps):
            return [total]
        sizes = (count_of(wave, total) for wave in self.terms.waves)
        return [*(bound for bound in accumulate(sizes) if bound < total), total]

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way, and nothing more goes out."""
        is_last = self.wave + 1 == len(self.bounds)
        return not self._is_busy and (bool(self.stopped) or (is_last and self._is_out))

    @property
    def _is_busy(self) -> bool:
        return bool(self._under_way or self._halfway or self._turned_back)

    @property
    def _is_out(self) -> bool:
        """Whether all of this wave has gone out."""
        return not (self._waiting or self._held)

    @property
    def away(self) -> int:
        """Services that are not at work because of this run, for all that is known."""
        return len(self._away)

    @property
    def is_watching(self) -> bool:
        """Whether a look at the fleet would tell something."""
        return len(self._under_way) > len(self._sent) or bool(self._lost)

    def ready(self) -> Iterator[Progress]:
        """Give the steps that may go out now, each with its next write; they are then sent."""
        self._turn()
        while self._halfway and self._has_turn:
            yield self._go(self._halfway.popleft())
        most = count_of(self.terms.max_unavailable, len(self.steps))
        while self._waiting and self._has_turn and not self.stopped:
            progress = self._waiting[0]
            if progress.step.is_disruptive and self.away >= most:
                break
            self._waiting.popleft()
            if self._may_follow(progress):
                yield self._go(progress)

    @property
    def _has_turn(self) -> bool:
        return len(self._sent) < self.terms.at_once

    def _go(self, progress: Progress) -> Progress:
        progress.send()
        self._file(progress)
        return progress

    def _turn(self) -> None:
        """Begin the next wave if all of this one is over."""
        while self._is_out and not self._is_busy and self.wave + 1 < len(self.bounds):
            first = self.bounds[self.wave] if self.wave >= 0 else 0
            self.wave += 1
            steps = islice(self.steps, first, self.bounds[self.wave])
            self._waiting.extend(one for one in steps if one.state is State.WAITING)

    def _may_follow(self, progress: Progress) -> bool:
        """Tell whether all that has to go before has succeeded.

        Else it is held back until that is known, or left out where it failed.
        """
        before = [self._by_name[name] for name in progress.step.after if name in self._by_name]
        if failed := next((one.step.service for one in before if one.has_failed), None):
            self.leave_out(
                progress, TenxError(f"{failed}, which has to go before, did not succeed")
            )
            return False
        if pending := next((one for one in before if one.state is not State.OVER), None):
            self._held.setdefault(pending.step.service, []).append(progress)
            return False
        return True

    def restore(self, progress: Progress, outcome: Outcome, *, is_away: bool) -> None:
        """Take a step for over that an earlier process brought to its end."""
        progress.restore(outcome, is_away=is_away)
        if is_away:
            self._lost[progress.index] = progress

    def rejoin(self, progress: Progress, write: int, outcome: Outcome, now: float) -> None:
        """Look after a step on, one of whose writes an earlier process sent."""
        progress.write = write
        progress.send()
        self._under_way[progress.index] = progress
        self.answered(progress, outcome, now)

    def answered(self, progress: Progress, outcome: Outcome, now: float) -> None:
        """Note what a write did."""
        progress.answered(outcome, now)
        if progress.state is State.WAITING and self.stopped and progress.write:
            progress.settle("cancelled", TenxError(f"half done: {self.stopped}"))
        self._file(progress)
        if progress.state is State.WAITING and not self.stopped:
            self._turned_back.append(progress)

    def try_again(self) -> None:
        """Give those another turn whose turn did not come."""
        turned_back, self._turned_back = self._turned_back, []
        self._halfway.extend(one for one in turned_back if one.write)
        self._waiting.extendleft(one for one in reversed(turned_back) if not one.write)

    def look(self, services: Mapping[str, Service], now: float, began: float) -> None:
        """Note what the fleet looks like; a look tells of what had been written when it began."""
        for progress in [*self._under_way.values(), *self._lost.values()]:
            if progress.state is not State.SENT and progress.since <= began:
                seen = services.get(progress.step.service)
                progress.look(seen, now, stable=self.terms.stable, timeout=self.terms.timeout)
                self._file(progress)
                if progress.state is State.WAITING:
                    self._halfway.append(progress)

    def look_failed(self, error: TenxError, now: float) -> None:
        """Note that nobody could look at the fleet."""
        if isinstance(error, QuotaExceeded):
            self.stop(SPENT)
        for progress in list(self._under_way.values()):
            progress.look_failed(error, now, self.terms.timeout)
            self._file(progress)

    def leave_out(self, progress: Progress, reason: TenxError) -> None:
        """Do not write to a service after all."""
        progress.settle("skipped", reason)
        self._file(progress)

    def stop(self, reason: str) -> None:
        """Let no step begin any more; what is under way or half done comes to its end."""
        self.stopped = self.stopped or reason
        self._turned_back = [progress for progress in self._turned_back if progress.write]

    def take_ended(self) -> list[Progress]:
        """Take the steps that came to their end since this was asked for the last time."""
        ended, self._ended = self._ended, []
        return ended

    def _file(self, progress: Progress) -> None:
        """Put a step where it belongs now."""
        index, state = progress.index, progress.state
        _keep(self._sent, index, progress.state is State.SENT)
        _keep(self._away, index, progress.is_away)
        if state in {State.SENT, State.WATCHED}:
            self._under_way[index] = progress
            return
        self._under_way.pop(index, None)
        was_lost = self._lost.pop(index, None)
        if state is State.OVER and progress.is_away:
            self._lost[index] = progress
        if state is State.OVER and not was_lost:
            self._end(progress)

    def _end(self, progress: Progress) -> None:
        assert progress.outcome
        self._ended.append(progress)
        self._waiting.extendleft(reversed(self._held.pop(progress.step.service, [])))
        is_first = self.wave == 0 and len(self.bounds) > 1
        if reason := self._failures.note(progress.outcome, is_first=is_first):
            self.stop(reason)


def _keep(indices: set[int], index: int, is_in: bool) -> None:
    if is_in:
        indices.add(index)
    else:
        indices.discard(index)
