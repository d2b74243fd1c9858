"""The runtime whose instances are child processes of this one."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from attrs import define, field

from tenx_async.api.memory import Memory
from tenx_async.local.absences import Absences
from tenx_async.local.calendar import Calendar
from tenx_async.local.guard import Guard
from tenx_async.local.runtime import Save
from tenx_async.local.services import (
    DEPLOYING,
    RUNNING,
    START,
    STOPPED,
    UNDERWAY,
    Instance,
    Passage,
    Service,
)
from tenx_async.local.worker import Terms, Worker

LOG_LIMIT = 128 << 20
"""Bytes of a service's log that are kept."""

_INHERITED = ("PATH", "HOME", "USER", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
_MARK = "TENX_LOCAL_CLOUD"

Hire = Callable[[Service, Instance], list[Worker]]


@define
class _Member:
    instance: Instance
    workers: list[Worker]
    work: asyncio.Future[Any]


@define(eq=False)
class _Crew:
    """The instances of one service; its changes are carried out one after the other."""

    service: Service
    calendar: Calendar
    absences: Absences
    save: Save
    hire: Hire
    turn: int = 0
    gone: bool = False
    _members: list[_Member] = field(factory=list, init=False)
    _order: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    @property
    def is_up(self) -> bool:
        return all(worker.is_up for member in self._members for worker in member.workers)

    async def carry_out(self, passage: Passage, turn: int) -> None:
        async with self._order:
            if passage.renews:
                await self._shrink(0)
            wanted = 0 if self.gone or passage.to == STOPPED else self.service.size
            await self._shrink(wanted)
            while len(self._members) < wanted:
                self._grow()
            if turn == self.turn:
                self.service.status = passage.to
                if passage.to == RUNNING:
                    self.absences.ended(self.service.uid)
            if not self.gone:
                self.save(self.service)

    async def _shrink(self, count: int) -> None:
        leaving = self._members[count:]
        for member in leaving:
            for worker in member.workers:
                worker.stop()
        await asyncio.gather(*(member.work for member in leaving))
        del self._members[count:], self.service.instances[count:]

    def _grow(self) -> None:
        instance = self.service.new_instance(self.calendar.now())
        instance.ports = _ports(self.service, is_first=not self._members)
        workers = self.hire(self.service, instance)
        work = asyncio.gather(*(worker.live() for worker in workers))
        self._members.append(_Member(instance, workers, work))
        self.service.instances.append(instance)


@define
class Processes:
    """Runs each container of an instance as a child process; its output is the instance's log."""

    calendar: Calendar
    terms: Terms
    save: Save
    absences: Absences = field(factory=Absences)
    _mark: str = field(factory=lambda: secrets.token_hex(16), init=False)
    _guard: Guard | None = field(default=None, init=False)
    _crews: dict[str, _Crew] = field(factory=dict, init=False)
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def open(self) -> None:
        """Post the guard."""
        self._guard = Guard(f"{_MARK}={self._mark}")
        self._guard.begin()

    async def close(self) -> None:
        """Stop every service; what does not end in time is killed."""
        for crew in list(self._crews.values()):
            self.drop(crew.service)
        try:
            await asyncio.gather(*self._tasks)
        finally:
            guard, self._guard = self._guard, None
            if guard:
                await guard.dismiss()

    def address(self, service_name: str, mapping: Mapping[str, Any]) -> str:
        """A free port of this machine."""
        del service_name, mapping
        return f"127.0.0.1:{_free_port()}"

    def begin(self, service: Service, passage: Passage) -> None:
        """Take the status on the way, and set out."""
        if not self._guard:
            raise RuntimeError("start the cloud before its services")
        service.status = passage.through
        service.logbook.limit = LOG_LIMIT
        crew = self._crews.setdefault(
            service.uid,
            _Crew(service, self.calendar, self.absences, self.save, self._hire),
        )
        if passage.disrupts:
            self.absences.began(service.uid)
        crew.turn += 1
        self._spawn(crew.carry_out(passage, crew.turn))

    def drop(self, service: Service) -> None:
        """Stop the instances of a service that is no more."""
        self.absences.ended(service.uid)
        if crew := self._crews.pop(service.uid, None):
            crew.gone = True
            self._spawn(crew.carry_out(Passage("", STOPPED), crew.turn))

    def status(self, service: Service) -> str:
        """The status; `Deploying` while an instance is not up, as in a crash loop."""
        crew = self._crews.get(service.uid)
        if service.status == RUNNING and crew and not crew.is_up:
            return DEPLOYING
        return service.status

    def resumes(self, service: Service) -> Passage | None:
        """What it was going through; what ran is started."""
        return UNDERWAY.get(service.status, START if service.status == RUNNING else None)

    @property
    def most_away(self) -> int:
        """The most services that were away from work at once."""
        return self.absences.most

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hire(self, service: Service, instance: Instance) -> list[Worker]:
        assert self._guard
        write = partial(self._write, service, instance)
        return [
            Worker(
                instance=instance,
                command=container.get("command", []),
                environment=self._environment(container, instance),
                memory=_memory(container),
                write=write,
                terms=self.terms,
                guard=self._guard,
            )
            for container in service.containers
        ]

    def _write(self, service: Service, instance: Instance, lines: list[str]) -> None:
        now = self.calendar.now()
        quirks = self.calendar.conditions.quirks
        service.logbook.append(self.calendar.day_of(now), instance.name, lines, now, quirks)

    def _environment(self, container: dict[str, Any], instance: Instance) -> dict[str, str]:
        ports = [(f"PORT_{inner}", str(outer)) for inner, outer in instance.ports.items()]
        first = [("PORT", port) for _, port in ports[:1]]
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "HOSTNAME": instance.name,
            **{pair["name"]: pair["value"] for pair in container.get("env") or []},
            **dict(ports + first),
            _MARK: self._mark,
        }


def _ports(service: Service, *, is_first: bool) -> dict[int, int]:
    """The first instance answers at the service's address; each other has ports of its own."""
    mappings = service.fields["port_mappings"]
    return {
        mapping["container_port"]: int(mapping["service_url"].rpartition(":")[2])
        if is_first
        else _free_port()
        for mapping in mappings
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _memory(container: dict[str, Any]) -> int | None:
    limits = (container.get("resources") or {}).get("limits") or {}
    return Memory.parse(limits["memory"]).bytes if "memory" in limits else None
