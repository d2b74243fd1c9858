"""What lets services run: a small protocol, and the runtime that only pretends."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Protocol

from attrs import define, field

from tenx_async.local.calendar import Calendar
from tenx_async.local.services import STOPPED, Passage, Service


class Runtime(Protocol):
    """Carries services from one status to the next."""

    async def open(self) -> None:
        """Get ready."""

    async def close(self) -> None:
        """End all that runs."""

    def address(self, service_name: str, protocol: str) -> str:
        """Choose where a mapped port is reached."""

    def begin(self, service: Service, passage: Passage) -> None:
        """Set out on a change; it may end later."""

    def drop(self, service: Service) -> None:
        """End what runs of a service that is no more."""

    def status(self, service: Service) -> str:
        """The status to show; what is due has happened."""


@define
class Scripted:
    """Services that run nothing: their status changes with the clock, their lines are given."""

    calendar: Calendar
    username: str
    transition: dt.timedelta = dt.timedelta(0)
    _underway: dict[str, tuple[Passage, dt.datetime]] = field(factory=dict, init=False)
    _ports: Iterator[int] = field(factory=lambda: itertools.count(50000), init=False)

    async def open(self) -> None:
        """Nothing to get ready."""

    async def close(self) -> None:
        """Nothing runs."""

    def address(self, service_name: str, protocol: str) -> str:
        """A name in the vendor's style; web services are reached without a port."""
        host = f"{service_name}-{self.username}.tenxapp.com"
        return host if protocol.casefold() == "http" else f"{host}:{next(self._ports)}"

    def begin(self, service: Service, passage: Passage) -> None:
        """Take the status on the way, and the last one when the transition's time has passed."""
        if service.uid in self._underway:
            self._arrive(service, self._underway[service.uid][0])
        service.status = passage.through
        self._underway[service.uid] = passage, self.calendar.now() + self.transition
        self.status(service)

    def drop(self, service: Service) -> None:
        """Forget where the service was going."""
        self._underway.pop(service.uid, None)

    def status(self, service: Service) -> str:
        """The status at this time."""
        passage, due = self._underway.get(service.uid, (None, None))
        if passage and due and self.calendar.now() >= due:
            del self._underway[service.uid]
            self._arrive(service, passage)
        return service.status

    def _arrive(self, service: Service, passage: Passage) -> None:
        kept = [] if passage.renews else service.instances
        count = 0 if passage.to == STOPPED else service.size
        service.instances = kept[:count]
        while len(service.instances) < count:
            service.instances.append(service.new_instance(self.calendar.now()))
        service.status = passage.to
