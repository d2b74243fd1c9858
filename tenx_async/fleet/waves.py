"""Which steps of a run may go out now, and whether it had better stop; it is told the time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice

from attrs import define, field

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.errors import TenxError
from tenx_async.fleet.failures import Failures
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
    """Those of this wave that have not gone out, or not with their next write."""
    _under_way: dict[int, Progress] = field(factory=dict, init=False, repr=False)
    """Those that are sent or watched, by their index."""
    _lost: dict[int, Progress] = field(factory=dict, init=False, repr=False)
    """Those that are over, and away."""
    _ended: list[Progress] = field(factory=list, init=False, repr=False)
    """Those that are over and were not taken yet."""
    _failures: Failures = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.steps = [Progress(index, step) for index, step in enumerate(self.plan.steps)]
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
        return not self._under_way and (bool(self.stopped) or (is_last and not self._waiting))

    @property
    def away(self) -> int:
        """Services that are not at work because of this run, for all that is known."""
        under_way = (progress for progress in self._under_way.values() if progress.is_away)
        return sum(1 for _ in under_way) + len(self._lost)

    @property
    def is_watching(self) -> bool:
        """Whether a look at the fleet would tell something."""
        is_watched = any(one.state is State.WATCHED for one in self._under_way.values())
        return is_watched or bool(self._lost)

    def ready(self) -> Iterator[Progress]:
        """Give the steps that may go out now, each with its next write; they are then sent."""
        self._turn()
        sent = sum(progress.state is State.SENT for progress in self._under_way.values())
        room = count_of(self.terms.max_unavailable, len(self.steps)) - self.away
        held: list[Progress] = []
        while self._waiting and not self.stopped and sent < self.terms.at_once:
            progress = self._waiting.popleft()
            takes_place = progress.step.is_disruptive and not progress.is_away
            if not self._may_follow(progress):
                held += [progress] if progress.state is State.WAITING else []
            elif takes_place and room < 1:
                held.append(progress)
                break
            else:
                room -= takes_place
                sent += 1
                progress.send()
                self._under_way[progress.index] = progress
                yield progress
        self._waiting.extendleft(reversed(held))

    def _turn(self) -> None:
        """Begin the next wave if all of this one is over."""
        while not (self._waiting or self._under_way) and self.wave + 1 < len(self.bounds):
            first = self.bounds[self.wave] if self.wave >= 0 else 0
            self.wave += 1
            steps = islice(self.steps, first, self.bounds[self.wave])
            self._waiting.extend(one for one in steps if one.state is State.WAITING)

    def _may_follow(self, progress: Progress) -> bool:
        """Tell whether all that has to go before has succeeded; where it failed, leave it out."""
        before = [self._by_name[name] for name in progress.step.after if name in self._by_name]
        if failed := next((one.step.service for one in before if one.has_failed), None):
            reason = TenxError(f"{failed}, which has to go before, did not succeed")
            progress.settle("skipped", reason)
            self._end(progress)
        return all(one.state is State.OVER and not one.has_failed for one in before)

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
        self._file(progress)

    def look(self, services: Mapping[str, Service], now: float, began: float) -> None:
        """Note what the fleet looks like; a look tells of what had been written when it began."""
        for progress in [*self._under_way.values(), *self._lost.values()]:
            if progress.since <= began:
                seen = services.get(progress.step.service)
                progress.look(seen, now, stable=self.terms.stable, timeout=self.terms.timeout)
                self._file(progress)

    def look_failed(self, error: TenxError, now: float) -> None:
        """Note that nobody could look at the fleet."""
        for progress in list(self._under_way.values()):
            progress.look_failed(error, now, self.terms.timeout)
            self._file(progress)

    def leave_out(self, progress: Progress, reason: TenxError) -> None:
        """Do not write to a service after all."""
        progress.settle("skipped", reason)
        self._file(progress)

    def stop(self, reason: str) -> None:
        """Let nothing more go out; what is under way comes to its end."""
        self.stopped = self.stopped or reason
        for progress in [one for one in self._waiting if one.write]:
            self._waiting.remove(progress)
            progress.settle("cancelled", TenxError(f"half done: {reason}"))
            self._end(progress)

    def take_ended(self) -> list[Progress]:
        """Take the steps that came to their end since this was asked for the last time."""
        ended, self._ended = self._ended, []
        return ended

    def _file(self, progress: Progress) -> None:
        """Put a step where it belongs now."""
        was_under_way = self._under_way.pop(progress.index, None)
        if progress.state is State.WAITING:
            self._waiting.appendleft(progress)
        elif progress.state is not State.OVER:
            self._under_way[progress.index] = progress
        elif was_under_way:
            self._end(progress)
        elif not progress.is_away:
            self._lost.pop(progress.index, None)

    def _end(self, progress: Progress) -> None:
        assert progress.outcome
        self._ended.append(progress)
        if progress.is_away:
            self._lost[progress.index] = progress
        is_first = self.wave == 0 and len(self.bounds) > 1
        if reason := self._failures.note(progress.outcome, is_first=is_first):
            self.stop(reason)
