"""`tenx start`, `stop`, `restart`, `delete`, `scale`, `update`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from attrs import evolve, frozen

from tenx_async.api.specs import ServiceUpdate
from tenx_async.cli.asked import Consent, How, Which
from tenx_async.cli.carry import carry_out
from tenx_async.cli.consent import can_ask
from tenx_async.cli.ending import Status, run
from tenx_async.cli.outcomes import OutcomeFormat
from tenx_async.cli.services import Told, operate
from tenx_async.cli.spread import spread
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import say
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.fleet import Fleet, Keywords
from tenx_async.fleet.run import Run

if TYPE_CHECKING:
    from tenx_async.transport.call import Call
    from tenx_async.transport.calls import ServiceCalls

MakeRun = Callable[[Fleet, Keywords], Run]
MakeCall = Callable[["ServiceCalls", str], "Call[Any]"]
_SIZE = re.compile(r"[+-]?\d{1,9}", re.ASCII)


class Mode(StrEnum):
    """How a service is restarted."""

    NATIVE = "native"
    VERIFIED = "verified"


@frozen(kw_only=True)
class Changes:
    """What an update changes.

    Raises:
        InvalidSpec: a value that no server would accept.
        ConfigurationError: nothing, or domains and none.
    """

    memory: Annotated[
        str | None, typer.Option(metavar="512Mi", help="Limit of every container.")
    ] = None
    domain: Annotated[
        list[str] | None,
        typer.Option(metavar="D", help="All domains that shall be bound; may be repeated."),
    ] = None
    no_domains: Annotated[bool, typer.Option("--no-domains", help="Unbind all domains.")] = False
    size: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Instances of each service.")
    ] = None

    def __attrs_post_init__(self) -> None:
        if self.memory is None and self.size is None and self.domains is None:
            raise ConfigurationError("nothing to change: --memory, --domain, --no-domains, --size")
        if self.domain and self.no_domains:
            raise ConfigurationError("--domain and --no-domains contradict each other")
        _ = self.update

    @property
    def domains(self) -> Sequence[str] | None:
        """All that shall be bound; `None`: they stay."""
        return () if self.no_domains else self.domain or None

    @property
    def update(self) -> ServiceUpdate:
        """The same as a value."""
        return ServiceUpdate(
            target_instance_size=self.size,
            memory=self.memory,
            binding_domain_name=self.domains,
        )


@frozen(kw_only=True)
class Asked:
    """One operation, as it was asked for."""

    which: Which
    how: How
    consent: Consent
    output: Told = OutcomeFormat.TEXT

    @property
    def one(self) -> str:
        """The service, if it is exactly one that is named."""
        return self.which.exact[0] if len(self.which.exact) == 1 else ""

    @property
    def is_plain(self) -> bool:
        """Whether it is one call to one service, and nothing that only a run has."""
        return bool(self.one) and not self.consent.dry_run and not self.how.terms

    def call(self, target: Target, make: MakeCall, *, called: str = "") -> NoReturn:
        """Do it by one call."""
        run(operate(target, self.one, make, self.output, called=called))

    def run(self, target: Target, make: MakeRun, *, asks: bool = False) -> NoReturn:
        """Do it as a run; `asks` for a single service, too."""
        is_sure = bool(self.one) and not asks
        run(self._run(target, make, evolve(self.consent, yes=self.consent.yes or is_sure)))

    async def _run(self, target: Target, make: MakeRun, consent: Consent) -> Status:
        which = self.which
        async with target.pool(keeps_runs=not consent.dry_run) as pool:
            fleet = pool.client().fleet(
                *which.patterns or (),
                status=which.status,
                image=which.image,
                regex=which.regex,
                exclude=which.exclude or (),
            )
            return await carry_out(
                make(fleet, self.how.terms),
                consent,
                self.output,
                names=which.exact,
                if_none=Status.WELL if which.everything or which.is_narrowed else Status.ERROR,
            )


@spread
def start(context: typer.Context, *, asked: Asked) -> None:
    """Start stopped services."""
    if asked.is_plain:
        asked.call(context.obj, lambda calls, name: calls.start(name))
    asked.run(context.obj, lambda fleet, terms: fleet.start(**terms))


@spread
def stop(context: typer.Context, *, asked: Asked) -> None:
    """Stop services; what their containers keep outside of volumes may be lost."""
    if asked.is_plain:
        asked.call(context.obj, lambda calls, name: calls.stop(name))
    asked.run(context.obj, lambda fleet, terms: fleet.stop(**terms))


@spread
def restart(
    context: typer.Context,
    *,
    asked: Asked,
    mode: Annotated[
        Mode,
        typer.Option(help="One call that leaves no trace, or a stop and a start to be verified."),
    ] = Mode.NATIVE,
    at_least_once: Annotated[
        bool,
        typer.Option(
            "--at-least-once", help="Send it again if its answer is lost: it may happen twice."
        ),
    ] = False,
) -> None:
    """Restart services; what their containers keep outside of volumes may be lost."""
    if asked.is_plain and mode is Mode.NATIVE:
        asked.call(
            context.obj, lambda calls, name: calls.restart(name, at_least_once=at_least_once)
        )
    asked.run(
        context.obj,
        lambda fleet, terms: fleet.restart(mode=mode.value, at_least_once=at_least_once, **terms),
    )


def _size(text: str) -> int | str:
    if not _SIZE.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is neither a number of instances nor like '+1'")
    return text if text[0] in "+-" else int(text)


@spread
def scale(
    context: typer.Context,
    *,
    asked: Asked,
    to: Annotated[
        Any,
        typer.Option(
            "--to", metavar="N|+N|-N", parser=_size, help="Instances, or so many more or fewer."
        ),
    ],
) -> None:
    """Let each service run N instances, or N more or fewer than it does when it is planned."""
    if asked.is_plain and isinstance(to, int):
        update = ServiceUpdate(target_instance_size=to)
        asked.call(context.obj, lambda calls, name: calls.update(name, update), called="scale")
    asked.run(context.obj, lambda fleet, terms: fleet.scale(to, **terms))


@spread
def update(context: typer.Context, *, asked: Asked, changes: Changes) -> None:
    """Change the memory, the domains or the size of services; what is not given stays."""
    if asked.is_plain:
        asked.call(context.obj, lambda calls, name: calls.update(name, changes.update))
    asked.run(
        context.obj,
        lambda fleet, terms: fleet.update(
            target_instance_size=changes.size,
            memory=changes.memory,
            binding_domain_name=changes.domains,
            **terms,
        ),
    )


@spread
def delete(context: typer.Context, *, asked: Asked) -> None:
    """Delete services and their logs."""
    if asked.is_plain:
        if not asked.consent.yes:
            _confirm(asked.one)
        asked.call(context.obj, lambda calls, name: calls.delete(name))
    asked.run(context.obj, lambda fleet, terms: fleet.delete(**terms), asks=True)


def _confirm(name: str) -> None:
    if not can_ask():
        raise typer.BadParameter("nobody can be asked here: say --yes to delete")
    try:
        agreed = typer.confirm(f"Delete {name}, and what it has logged?", err=True)
    except typer.Abort:
        raise typer.Exit(Status.INTERRUPTED) from None
    if not agreed:
        say("nothing was deleted")
        raise typer.Exit(Status.ERROR)
