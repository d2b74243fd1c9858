"""The services of an account, in memory and, if wanted, in a file."""

from __future__ import annotations

import datetime as dt

from attrs import define, field

from tenx_async.local.refusal import Refusal
from tenx_async.local.services import Execution, Service
from tenx_async.local.state import State


@define
class Registry:
    """The services of one account, by region, and what was done to them."""

    regions: tuple[str, ...]
    state: State | None = None
    executions: list[Execution] = field(factory=list, init=False)
    _services: dict[str, dict[str, Service]] = field(init=False)
    _kept: State | None = field(default=None, init=False)
    """The state, while it is open."""

    def __attrs_post_init__(self) -> None:
        self._services = {region: {} for region in self.regions}

    def open(self) -> list[Service]:
        """Take up what an earlier cloud has left; tell its services.

        Raises:
            ConfigurationError: the file of the state cannot be used.
        """
        if not self.state:
            return []
        self.state.open()
        ours = self.all()
        with self.state.reading():
            theirs = [service for service in self.state.services() if self._is_new(service)]
            for service in theirs:
                service.logbook.days = self.state.days(service.uid)
            self.executions[:] = self.state.executions()
        self._kept = self.state
        for service in theirs:
            self._services[service.region][service.name] = service
        for service in [*ours, *theirs]:
            self._keep(service)
        for service in ours:
            for date in service.logbook.days:
                service.logbook.keep(date)
        return theirs

    def close(self) -> None:
        """Let the file of the state go."""
        if self._kept:
            for service in self.all():
                service.logbook.keeper = None
            self._kept.close()
            self._kept = None

    def save(self, service: Service) -> None:
        """Note that a service has changed."""
        if self._kept:
            self._kept.save(service)

    def commit(self) -> None:
        """Make sure that a restart keeps what has happened."""
        if self._kept:
            self._kept.commit()

    def executed(self, operation: str, service: Service, at: dt.datetime) -> None:
        """Note that a write was carried out."""
        execution = Execution(operation, service.name, service.region, at)
        self.executions.append(execution)
        if self._kept:
            self._kept.executed(execution)

    def region(self, region: str) -> dict[str, Service]:
        """The services of a region by their names."""
        try:
            return self._services[region]
        except KeyError:
            known = ", ".join(self.regions)
            raise Refusal(404, f"there is no region {region!r}, only {known}") from None

    def get(self, region: str, name: str) -> Service:
        """The service of that name."""
        try:
            return self.region(region)[name]
        except KeyError:
            raise Refusal(404, f"there is no service {name!r} in region {region!r}") from None

    def add(self, service: Service) -> None:
        """Take a new service in."""
        services = self.region(service.region)
        if service.name in services:
            raise Refusal(409, f"service {service.name!r} already exists")
        services[service.name] = service
        self._keep(service)

    def remove(self, region: str, name: str) -> Service:
        """Forget a service, with its log."""
        service = self.get(region, name)
        del self.region(region)[name]
        service.logbook.keeper = None
        if self._kept:
            self._kept.forget(service.uid)
        return service

    def all(self) -> list[Service]:
        """Every service of every region."""
        return [service for services in self._services.values() for service in services.values()]

    def _keep(self, service: Service) -> None:
        service.logbook.uid, service.logbook.keeper = service.uid, self._kept
        self.save(service)

    def _is_new(self, service: Service) -> bool:
        return service.name not in self._services.get(service.region, {service.name: service})
