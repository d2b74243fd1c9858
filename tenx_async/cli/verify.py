"""`tenx verify`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer
from attrs import field, frozen

from tenx_async.api.selection import Selection
from tenx_async.cli.comparison import Comparison, Shown, digest_of
from tenx_async.cli.ending import Status, ending, run
from tenx_async.cli.kept import Damage, Kept, kept_at
from tenx_async.cli.logs import LogFormat
from tenx_async.cli.services import Patterns
from tenx_async.cli.status import Following
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import emit, say
from tenx_async.cli.verdict import verdict_for
from tenx_async.errors import ConfigurationError
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.ledger import DayAccount
from tenx_async.logs.lines import LogBatch


def _date(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date like 2015-12-29") from None


def verify(
    context: typer.Context,
    *,
    patterns: Patterns = None,
    to: Annotated[
        str,
        typer.Option("--to", metavar="files:DIR|sqlite:FILE", help="Where `tenx ship` writes to."),
    ],
    date: Annotated[
        str,
        typer.Option(callback=_date, metavar="DATE", help="The day of the log, like 2015-12-29."),
    ],
    unsealed: Annotated[
        bool, typer.Option("--unsealed", help="Even if the day is not over and may get more lines.")
    ] = False,
    output: Annotated[LogFormat, typer.Option("--output", "-o", help="How to tell it.")] = (
        LogFormat.TEXT
    ),
) -> None:
    """Read a day again, and compare it line by line with what was shipped."""
    day = dt.date.fromisoformat(date)
    with ending():
        if not unsealed and not Calendar(until=day).is_over(dt.datetime.now(dt.UTC)):
            raise ConfigurationError(f"{day} is not over and may get more lines; see --unsealed")
        check = Check(kept=kept_at(to), date=day, selection=Selection(patterns or ()))
        check.take_in()
    for damage in check.damages:
        say(f"{damage}")
    run(_verify(context.obj, check, output))


async def _verify(target: Target, check: Check, output: LogFormat) -> Status:
    async with target.pool(Following(live=False)) as pool:
        client = pool.client()
        patterns, day = check.selection.patterns, check.date
        follower = client.follow(*patterns, since=day, until=day, tail=None, follow=False)
        async with follower as lines:
            there = {source.name for source in lines.sources}
            async for batch in lines.batches():
                check.compare(batch)
        found = check.conclude(client.region, there, list(lines.ledger))
    emit("".join(map(verdict_for(output), found)))
    if not found:
        say("no service matches")
        return Status.ERROR
    is_well = not check.damages and all(one.is_equal for one in found)
    return Status.WELL if is_well else Status.FAILED


Key = tuple[str, str]
"""A region and a service."""


@frozen(kw_only=True)
class Check:
    """A day of the sink's, compared with the same day of the server's."""

    kept: Kept
    date: dt.date
    selection: Selection
    damages: list[Damage] = field(factory=list, init=False)
    """What of the sink cannot be read."""
    _services: dict[Key, Comparison] = field(factory=dict, init=False, repr=False)

    def take_in(self) -> None:
        """Read what is in the sink."""
        for line in self.kept.lines(self.date):
            if isinstance(line, Damage):
                self.damages.append(line)
            elif line.service in self.selection:
                self._of(line.region, line.service).keep(digest_of(line.instance_name, line.log))

    def compare(self, batch: LogBatch) -> None:
        """Take in what the server shows."""
        comparison = self._of(batch.region, batch.source)
        for line in batch:
            shown = Shown(f"position {line.position:,}", line.instance_name, line.log)
            comparison.serve(digest_of(line.instance_name, line.log), shown)

    def conclude(
        self, region: str, there: set[str], accounts: Sequence[DayAccount]
    ) -> list[Comparison]:
        """Tell how each service of a region compares."""
        for name in there:
            self._of(region, name)
        found = {name: one for (where, name), one in self._services.items() if where == region}
        for account in accounts:
            _enter(account, found[account.source])
        for name, one in found.items():
            one.doubts += self._doubts(one, is_there=name in there)
        if any(one.has_more for one in found.values()):
            self._look_again(region, found)
        return sorted(found.values(), key=lambda one: one.service)

    def _doubts(self, comparison: Comparison, *, is_there: bool) -> Iterator[str]:
        if not is_there:
            yield "there is no such service any more to compare with"
        if comparison.missing.count:
            for file in self.kept.texts(comparison.service, self.date):
                yield f"{file}: texts alone cannot be compared; what is missing may be there"

    def _look_again(self, region: str, found: Mapping[str, Comparison]) -> None:
        for line in self.kept.lines(self.date):
            if isinstance(line, Damage) or line.service not in self.selection:
                continue
            if line.region == region and found[line.service].has_more:
                shown = Shown(line.place, line.instance_name, line.log)
                found[line.service].look_again(digest_of(line.instance_name, line.log), shown)
        for comparison in found.values():
            comparison.conclude()

    def _of(self, region: str, service: str) -> Comparison:
        return self._services.setdefault((region, service), Comparison(service))


def _enter(account: DayAccount, comparison: Comparison) -> None:
    """Take in what is known of how a day was read."""
    comparison.doubts += map(str, account.gaps)
    comparison.seals += (seal.digest for seal in account.seals)
