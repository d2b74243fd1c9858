"""The client: one account in one region."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, get_args

from attrs import define, evolve, field

from tenx_async import settings
from tenx_async.api import operations
from tenx_async.api.models import Identity, Region, Service
from tenx_async.api.outcome import Outcome
from tenx_async.api.selection import Selection
from tenx_async.clock import Clock, SystemClock
from tenx_async.fleet.fleet import Means
from tenx_async.fleet.fleets import Fleets
from tenx_async.fleet.plan import Write
from tenx_async.logs.allowance import Allowance, Left
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import LIKELY_ZONES, Calendar
from tenx_async.logs.checks import check_choice, check_counts, check_days, check_pace, check_tail
from tenx_async.logs.consumer import CommitMode
from tenx_async.logs.cursors import CursorStore
from tenx_async.logs.daily import LogOrder, Logs
from tenx_async.logs.follow import Follower
from tenx_async.logs.order import Habits, Order
from tenx_async.logs.places import Places
from tenx_async.logs.schedule import Schedule
from tenx_async.telemetry.events import Listener
from tenx_async.telemetry.listeners import guarded
from tenx_async.telemetry.logging import log_event
from tenx_async.transport.account import Account, Limits, Usage
from tenx_async.transport.budgets import next_day
from tenx_async.transport.call import Call
from tenx_async.transport.calls import ServiceCalls
from tenx_async.transport.services import Services

WORTH_A_CALL = 1.0
"""Line-seconds of probable delay for which a follower spends a call before its longest interval."""


@define(init=False, eq=False)
class Client:
    """One account in one region; open while it is entered.

    Settings that are not given come from `TENX_…` variables, else from the profile file.

    Raises:
        ConfigurationError: a setting is missing or unsafe.
    """

    region: str
    services: Services = field(repr=False)
    logs: Logs = field(repr=False)
    fleet: Fleets = field(repr=False)
    _account: Account
    _owns_account: bool = field(repr=False)
    _listener: Listener = field(repr=False)

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        username: str | None = None,
        token: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        state: Path | None = None,
        allow_plain_http: bool = False,
        limits: Limits | None = None,
        clock: Clock | None = None,
        listener: Listener = log_event,
        account: Account | None = None,
    ) -> None:
        """Find the settings; nothing is sent before the client is entered and used.

        Args:
            endpoint: scheme, host and port; default `https://api.tenxcloud.com`.
            username: the account's name.
            token: its API token.
            region: such as `beijing1`.
            profile: a table of the profile file.
            state: a directory in which the calls of the day are counted beyond the life of the
                process; also `TENX_STATE_DIR`.
            allow_plain_http: let `http://` go to other hosts than this one.
            limits: timeouts, retries, deadline and size bounds.
            clock: what tells the time and waits; the machine's own by default.
            listener: is told of everything that happens; logs to `tenx_async` by default. What it
                raises is logged there once, and breaks nothing.
            account: one that somebody else opens and closes; then only the region is looked for.
        """
        found = settings.resolve(
            endpoint=account.endpoint if account else endpoint,
            username=account.credentials.username if account else username,
            token=account.credentials.token if account else token,
            region=region,
            profile=profile,
            state=state,
            allow_plain_http=allow_plain_http or account is not None,
        )
        self._owns_account = account is None
        self._account = account or Account(
            endpoint=found.endpoint,
            credentials=found.credentials,
            limits=limits or Limits(),
            clock=clock or SystemClock(),
            emit=listener,
            state=found.state,
        )
        self._listener = guarded(listener)
        self.region = found.region
        self.services = Services(ServiceCalls(self._account, self.region), self._account.clock)
        self.logs = Logs(self._account.perform, self.region, self._listener)
        self.fleet = self._fleets()

    async def __aenter__(self) -> Self:
        if self._owns_account:
            self._account.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._owns_account:
            await self._account.close()

    @property
    def usage(self) -> Usage:
        """The calls that the account has made today, and how it is held back."""
        return self._account.usage

    async def regions(self) -> list[Region]:
        """List the regions of the cloud."""
        return await self._account.perform(operations.list_regions())

    async def identity(self) -> Identity:
        """Tell whose credentials these are; the cheapest way to check them."""
        return await self._account.perform(operations.get_identity())

    async def status(self) -> str:
        """Ask the API how it is, in its own words."""
        return await self._account.perform(operations.get_status())

    def follow(
        self,
        *patterns: str,
        tail: int | None = 10,
        follow: bool = True,
        since: dt.date | None = None,
        until: dt.date | None = None,
        exclude: Sequence[str] = (),
        order: LogOrder = "auto",
        timezone: dt.tzinfo | None = None,
        page_size: int = 1000,
        interval: tuple[float, float] = (0.5, 10.0),
        calls_per_second: float | None = None,
        discover_every: float = 10.0,
        buffer: int = 20_000,
        remember: int = 20_000,
        cursors: CursorStore | None = None,
        mark_every: int = 0,
        commit: CommitMode = "after",
    ) -> Follower:
        """Follow the logs of services as they are written, each line once.

        Args:
            patterns: globs or names; none given: all services. A name without a wildcard that
                does not exist yet is waited for.
            tail: how many of the lines that are there already to begin with; `None`: the whole
                day; 0: only what is new.
            follow: go on for ever, or until the day after `until` is a while old; else end where
                the logs end.
            since: the first day to read, in the server's zone; without it those that are open
                now. Log entries have no time, so a day is the finest there is. `tail` still
                limits how many of the lines that are there are delivered.
            until: the last day to read.
            exclude: globs or names to leave out.
            order: what `from` counts and how a page's lines are ordered; found out by default.
            timezone: the zone in which the server begins a day; both likely ones without it.
            page_size: entries a call, at most.
            interval: seconds between two polls of one service, at least and at most.
            calls_per_second: the most calls in the long run, those that list services included.
                A day's budget of calls (`Limits.calls_per_day`) is spread over what is left of
                the day; ten calls may always be made at once.
            discover_every: seconds between two looks at which services there are.
            buffer: lines that may wait for the consumer; when it is full, polling pauses.
            remember: how many of a day's last lines are remembered, by 8 bytes each: so far back
                an insertion is found.
            cursors: keeps where each service was read to, for one following at a time; a later one
                with the same store goes on there, and delivers at least once what was not
                committed. A service that came to be since is read from its beginning, whatever
                `tail` is.
            mark_every: lines of a backlog, of all services together, between two places that can
                be committed, at most; half a second of them, and never more than a page where
                there is a budget of calls. So many may come again after a crash. 0: after every
                page.
            commit: when a batch is committed: `after`, when the next one is asked for; `before`
                it is given; or `manual`, by `await batch.commit()`: batches without lines come
                then, too, where only the place has changed.

        Returns:
            An asynchronous context manager; iterate it for lines, or its `batches()`. With a
            `tail`, entering waits until it is known where the logs end, at most 10 seconds: what
            is written from then on is new.

        Raises:
            ConfigurationError: a setting that makes no sense.
        """
        check_tail(tail)
        check_counts(1, page_size=page_size, buffer=buffer, remember=remember)
        check_counts(0, mark_every=mark_every)
        check_pace(
            interval=interval, discover_every=discover_every, calls_per_second=calls_per_second
        )
        check_choice("order", order, get_args(LogOrder))
        check_choice("commit", commit, get_args(CommitMode))
        check_days(since, until, timezone)
        shortest, longest = interval
        zones = LIKELY_ZONES if timezone is None else (timezone,)
        return Follower(
            region=self.region,
            selection=Selection(patterns, exclude),
            fetch=partial(self.logs.fetch, attempts=1 if follow else None),
            list_services=self.services.list,
            list_instances=self.services.instances,
            tail=tail,
            follow=follow,
            habits=Habits(page_size, None if order == "auto" else Order(order)),
            remember=remember,
            cursors=cursors,
            mark_every=mark_every,
            commit=commit,
            discover_every=discover_every,
            calendar=Calendar(zones=zones, since=since, until=until),
            schedule=Schedule(min_age=shortest, max_age=longest, price=WORTH_A_CALL),
            allowance=Allowance(per_second=calls_per_second or math.inf, left=self._calls_left),
            places=Places(self._account.has_room),
            buffer=Buffer(buffer),
            clock=self._account.clock,
            emit=self._listener,
        )

    def _fleets(self) -> Fleets:
        account = self._account
        return Fleets(
            Means(
                region=self.region,
                account=f"{account.credentials.username} at {account.endpoint}, {self.region}",
                list_services=self.services.list,
                do=self._do,
                settle=self._settle,
                clock=account.clock,
                state=account.state,
            )
        )

    async def _do(self, name: str, write: Write, seen: Service | None, deadline: float) -> Outcome:
        return await evolve(self._call(name, write, seen), deadline=deadline).outcome()

    async def _settle(
        self, name: str, write: Write, seen: Service | None, since: dt.datetime
    ) -> Outcome:
        return await self._call(name, write, seen).settle(since)

    def _call(self, name: str, write: Write, seen: Service | None) -> Call[Any]:
        return self.services.calls.write(
            write.verb,
            name,
            write.update or write.spec,
            at_least_once=write.at_least_once,
            seen=seen,
        )

    def _calls_left(self) -> Left | None:
        left = self._account.budget_left
        if left is None:
            return None
        now = self._account.clock.now()
        return Left(left, (next_day(now) - now).total_seconds())
