"""What lets services run: a small protocol, and the runtime that only pretends."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol

from attrs import define, field, frozen

from tenx_async.local.absences import Absences
from tenx_async.local.calendar import Calendar
from tenx_async.local.quirks import Quirks
from tenx_async.local.services import DEPLOYING, RUNNING, STOPPED, UNDERWAY, Passage, Service

Save = Callable[[Service], None]
"""Is told of every change of a service that comes by itself."""


class Runtime(Protocol):
    """Carries services from one status to the next."""

    async def open(self) -> None:
        """Get ready."""

    async def close(self) -> None:
        """End all that runs."""

    def address(self, service_name: str, mapping: Mapping[str, Any]) -> str:
        """Choose where a mapped port is reached."""

    def begin(self, service: Service, passage: Passage) -> None:
        """Set out on a change; it may end later."""

    def drop(self, service: Service) -> None:
        """End what runs of a service that is no more."""

    def status(self, service: Service) -> str:
        """The status to show; what is due has happened."""

    def resumes(self, service: Service) -> Passage | None:
        """What a service that an earlier cloud has left goes through now."""

    @property
    def most_away(self) -> int:
        """The most services that were away from work at once."""


@frozen
class _Underway:
    service: Service
    passage: Passage
    due: dt.datetime


@define
class Scripted:
    """Services that run nothing: their status changes with the clock, their lines are given."""

    calendar: Calendar
    username: str
    save: Save
    absences: Absences = field(factory=Absences)
    _underway: dict[str, _Underway] = field(factory=dict, init=False)
    _dues: list[tuple[dt.datetime, str]] = field(factory=list, init=False)
    _ports: Iterator[int] = field(factory=lambda: itertools.count(50000), init=False)

    async def open(self) -> None:
        """Nothing to get ready."""

    async def close(self) -> None:
        """Nothing runs."""

    def address(self, service_name: str, mapping: Mapping[str, Any]) -> str:
        """What is declared, or a name in the vendor's style; that of a web service has no port."""
        if "service_url" in mapping:
            return str(mapping["service_url"])
        host = f"{service_name}-{self.username}.tenxapp.com"
        return host if mapping["protocol"].casefold() == "http" else f"{host}:{next(self._ports)}"

    def begin(self, service: Service, passage: Passage) -> None:
        """Take the status on the way, and the last one when the transition's time has passed."""
        self._settle()
        if underway := self._underway.pop(service.uid, None):
            self._arrive(underway)
        service.status = passage.through
        if passage.disrupts:
            self.absences.began(service.uid)
        due = self.calendar.now() + dt.timedelta(seconds=self._quirks.transition)
        self._underway[service.uid] = _Underway(service, passage, due)
        heapq.heappush(self._dues, (due, service.uid))
        self._settle()

    def drop(self, service: Service) -> None:
        """Forget where the service was going."""
        self._underway.pop(service.uid, None)
        self.absences.ended(service.uid)

    def status(self, service: Service) -> str:
        """The status at this time; `Deploying` for ever in a crash loop."""
        self._settle()
        if service.status != RUNNING:
            return service.status
        if self._crashes(service):
            return DEPLOYING
        self.absences.ended(service.uid)
        return RUNNING

    def resumes(self, service: Service) -> Passage | None:
        """What it was going through; what ran, still does."""
        return UNDERWAY.get(service.status)

    @property
    def most_away(self) -> int:
        """The most services that were away from work at once."""
        return self.absences.most

    @property
    def _quirks(self) -> Quirks:
        return self.calendar.conditions.quirks

    def _crashes(self, service: Service) -> bool:
        return any(fnmatchcase(service.name, glob) for glob in self._quirks.crash_loops)

    def _settle(self) -> None:
        """Let end what is due, in the order of the times."""
        while self._dues and self._dues[0][0] <= self.calendar.now():
            due, uid = heapq.heappop(self._dues)
            if (underway := self._underway.get(uid)) and underway.due == due:
                del self._underway[uid]
                self._arrive(underway)

    def _arrive(self, underway: _Underway) -> None:
        service, passage = underway.service, underway.passage
        kept = [] if passage.renews else service.instances
        count = 0 if passage.to == STOPPED else service.size
        service.instances = kept[:count]
        while len(service.instances) < count:
            service.instances.append(service.new_instance(self.calendar.now()))
        service.status = passage.to
        self.save(service)
        if service.status == RUNNING and not self._crashes(service):
            self.absences.ended(service.uid)
