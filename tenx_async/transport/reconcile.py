"""What became of a write whose answer was lost, told from what the service looks like after.

| operation | applied when | not applied, may be sent again, when | otherwise |
|---|---|---|---|
| create | there, as wanted, made since | absent, settled | conflict |
| update | as wanted | as before, settled | conflict |
| delete | absent, or another of the same name | the same one, settled | unknown |
| start, stop | there or on its way | as before, settled | unknown |
| restart | begins to restart, or is not running where it just ran | never | unknown |

Settled: two equal looks some time apart, long enough after the failure for a late landing.
Where it is not known what was before, or a look does not show it, nothing is as before: unknown.
"""

from __future__ import annotations

import datetime as dt
import enum
import random
from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from tenx_async.api.containment import contains, is_already
from tenx_async.api.models import Service
from tenx_async.api.operations import Operation
from tenx_async.api.specs import ServiceUpdate

_RESTARTING = frozenset({"restarting", "redeploying"})


class Finding(enum.StrEnum):
    """What became of a write."""

    APPLIED = "applied"
    UNDONE = "undone"
    """It was not executed and will not be any more; it may be sent again."""
    CONFLICT = "conflict"
    """Somebody else was at it."""
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class ReconcilePolicy:
    """When to look at a service after a write whose answer was lost, in seconds."""

    first: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    """Pauses before the first looks."""
    then: float = 5.0
    """Pause before every further look."""
    spread: float = 0.2
    """Share by which pauses are made longer or shorter, so that many do not come together."""
    settled_after: float = 5.0
    """How long after the failure a write may still land."""
    settled_apart: float = 2.0
    """How far apart two equal looks must be."""
    clock_skew: float = 5.0
    """How far the server's clock may be behind."""

    def pauses(self, chance: Callable[[], float] = random.random) -> Iterator[float]:
        """The pauses before each look, without end."""
        for pause in self.first:
            yield pause * (1 + self.spread * (2 * chance() - 1))
        while True:
            yield self.then * (1 + self.spread * (2 * chance() - 1))


@frozen
class Look:
    """What a service looked like at a time."""

    at: float
    """Seconds, by a monotonic clock."""
    service: Service | None
    """`None`: there was none."""

    @property
    def essence(self) -> object:
        """What tells a changed service from an unchanged one."""
        return self.service and (self.service.status, _values(self.service))


@frozen(kw_only=True)
class Doubt:
    """A write that may or may not have been executed."""

    operation: Operation[object]
    sent_at: dt.datetime
    """When it was first sent, by this machine's clock."""
    failed_at: float
    """When it failed, by the monotonic clock of the looks."""
    before: Service | None
    """What the service looked like before, if that is known."""
    is_fresh: bool = True
    """Whether the looks began as it was sent; later, a service may be down for any reason."""
    policy: ReconcilePolicy

    def resolve(self, looks: Sequence[Look]) -> Finding | None:
        """Tell what became of it; `None`: look again."""
        if not looks:
            return None
        verb = self.operation.verb
        judges = {"create": self._create, "update": self._update, "delete": self._delete}
        if verb == "restart":
            return self._restart(looks)
        return judges.get(verb, self._start_or_stop)(looks[-1].service, self._has_settled(looks))

    def _create(self, seen: Service | None, settled: bool) -> Finding | None:
        if seen is None:
            return Finding.UNDONE if settled else None
        mine = self._made_since(seen) is not False and self._is_as_wanted(seen)
        return Finding.APPLIED if mine else Finding.CONFLICT

    def _update(self, seen: Service | None, settled: bool) -> Finding | None:
        if seen is not None and self._is_as_wanted(seen):
            return Finding.APPLIED
        if not settled:
            return None
        if seen is None:
            return Finding.CONFLICT
        if self.before is None or not (self._shows(self.before) and self._shows(seen)):
            return Finding.UNKNOWN
        return Finding.UNDONE if _values(self.before) == _values(seen) else Finding.CONFLICT

    def _delete(self, seen: Service | None, settled: bool) -> Finding | None:
        if seen is None:
            return Finding.APPLIED
        is_the_same = self._is_the_same(seen)
        if is_the_same is False:
            return Finding.APPLIED
        if not settled or seen.has_status("terminating"):
            return None
        return Finding.UNDONE if is_the_same else Finding.UNKNOWN

    def _start_or_stop(self, seen: Service | None, settled: bool) -> Finding | None:
        if seen is not None and is_already(self.operation.verb)(seen):
            return Finding.APPLIED
        if not settled:
            return None
        return Finding.UNDONE if seen is not None and self._is_untouched(seen) else Finding.UNKNOWN

    def _restart(self, looks: Sequence[Look]) -> Finding | None:
        if any(look.service and self._shows_a_restart(look.service) for look in looks):
            return Finding.APPLIED
        return Finding.UNKNOWN if self._has_settled(looks) else None

    def _shows_a_restart(self, seen: Service) -> bool:
        is_the_same = self._is_the_same(seen)
        if is_the_same is False or (is_the_same is None and self._made_since(seen)):
            return False
        before, now = (_status(service) for service in (self.before, seen))
        if before == "running" and self.is_fresh:
            return now not in {"", "running"}
        return now in _RESTARTING and before not in _RESTARTING

    def _is_as_wanted(self, seen: Service) -> bool:
        wanted = self.operation.wanted
        return wanted is not None and contains(seen, wanted)

    def _is_untouched(self, seen: Service) -> bool:
        """Whether it is still in the state that a start or a stop was to end."""
        before = self.before
        if before is None or not before.status or not self._is_the_same(seen):
            return False
        stands = is_already("stop" if self.operation.verb == "start" else "start")
        return seen.has_status(before.status) or (stands(before) and stands(seen))

    def _shows(self, service: Service) -> bool:
        """Whether a service shows all that an update was to change."""
        wanted = self.operation.wanted
        return isinstance(wanted, ServiceUpdate) and all(
            shown is not None
            for value, shown in (
                (wanted.target_instance_size, service.target_instance_size),
                (wanted.memory, next((one.memory for one in service.containers), None)),
                (wanted.binding_domain_name, service.binding_domain_name),
            )
            if value is not None
        )

    def _is_the_same(self, seen: Service) -> bool | None:
        """Whether it is the one that was there before; `None`: that cannot be told."""
        if self.before is not None and self.before.uid and seen.uid:
            return seen.uid == self.before.uid
        return True if self._made_since(seen) is False else None

    def _made_since(self, seen: Service) -> bool | None:
        """Whether the service was made after the write was sent; `None`: it does not say."""
        if seen.created_at is None:
            return None
        return seen.created_at >= self.sent_at - dt.timedelta(seconds=self.policy.clock_skew)

    def _has_settled(self, looks: Sequence[Look]) -> bool:
        last = looks[-1]
        if last.at < self.failed_at + self.policy.settled_after:
            return False
        for earlier in reversed(looks[:-1]):
            if earlier.essence != last.essence:
                return False
            if last.at - earlier.at >= self.policy.settled_apart:
                return True
        return False


def _status(service: Service | None) -> str:
    return ((service and service.status) or "").casefold()


def _values(service: Service) -> object:
    """What an update can change, and whose it is."""
    memory = tuple(container.memory for container in service.containers)
    domains = tuple(sorted(service.binding_domain_name or ()))
    return service.uid, service.target_instance_size, memory, domains


def is_unchanged(operation: Operation[object], seen: Service) -> bool:
    """Tell whether a write has nothing to do, given what the service looks like."""
    if seen.name != operation.service:
        return False
    if operation.verb == "create" or isinstance(operation.wanted, ServiceUpdate):
        return operation.wanted is not None and contains(seen, operation.wanted)
    return is_already(operation.verb)(seen)
