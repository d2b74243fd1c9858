"""What the command line says of a bulk run: which services, how, and who agreed to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import attrs
import typer
from attrs import field, frozen

from tenx_async.api.selection import Selection
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.choice import Choice
from tenx_async.fleet.fleet import Keywords
from tenx_async.fleet.terms import Share, Terms

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def _option(flag: str, metavar: str, help_: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=help_)


def _given(values: Sequence[str] | None) -> Sequence[str]:
    return tuple(values or ())


def _share(text: str | None) -> Share | None:
    """Read a number of services, or a part such as `10%`."""
    return int(text) if text and _NUMBER.fullmatch(text) else text


Texts = list[str] | None


@frozen(kw_only=True)
class Which:
    """Which services are meant.

    Raises:
        ConfigurationError: none at all, or a regular expression that is none.
        InvalidName: a name that none can have.
    """

    patterns: Annotated[Texts, typer.Argument(help="Names or globs such as 'web-*'.")] = field(
        default=None, converter=_given
    )
    everything: Annotated[
        bool, typer.Option("--all", help="All services of the region, instead of patterns.")
    ] = False
    status: Annotated[Texts, _option("--status", "S", "Only with this status; any of several.")] = (
        field(default=None, converter=_given)
    )
    image: Annotated[Texts, _option("--image", "GLOB", "Only with such an image.")] = field(
        default=None, converter=_given
    )
    regex: Annotated[str | None, _option("--regex", "RE", "Only if it is found in the name.")] = (
        None
    )
    exclude: Annotated[
        Texts, _option("--exclude", "PATTERN", "Names or globs to leave out; may be repeated.")
    ] = field(default=None, converter=_given)

    def __attrs_post_init__(self) -> None:
        if bool(self.patterns) is self.everything:
            raise ConfigurationError("say which services: names, globs such as 'web-*', or --all")
        Choice(names=Selection(self.patterns or (), self.exclude or ()), regex=self.regex)

    @property
    def is_narrowed(self) -> bool:
        """Whether more than the name decides."""
        return bool(self.status or self.image or self.regex or self.exclude)

    @property
    def exact(self) -> Sequence[str]:
        """The names, if nothing but names was given."""
        patterns = dict.fromkeys(self.patterns or ())
        names = Selection(patterns).exact
        return names if len(names) == len(patterns) and not self.is_narrowed else ()


@frozen(kw_only=True)
class How:
    """How a run goes about its work; what is not given is as `Terms` has it.

    Raises:
        ConfigurationError: a number that makes no sense.
    """

    max_unavailable: Annotated[
        str | None,
        _option("--max-unavailable", "N|P%", "Services away at once at most; default 10%."),
    ] = field(default=None, converter=_share)
    canary: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Services in the first wave; default 1."),
    ] = None
    stable: Annotated[
        float | None,
        _option("--stable", "S", "Seconds for which it has to run to count as back; default 10."),
    ] = None
    tick: Annotated[
        float | None, _option("--tick", "S", "Seconds between two looks at all; default 2.")
    ] = None
    timeout: Annotated[
        float | None,
        _option("--timeout", "S", "Seconds after which one that is not back failed; default 300."),
    ] = None
    max_failures: Annotated[
        str | None,
        _option(
            "--max-failures",
            "N|P%",
            "Stop at more; default: one in the first wave, later 20, or 5% once 20 have ended.",
        ),
    ] = field(default=None, converter=_share)
    at_once: Annotated[
        int | None, _option("--at-once", "N", "Writes under way at once at most; default 16.")
    ] = None

    def __attrs_post_init__(self) -> None:
        Terms(**self.terms)

    @property
    def terms(self) -> Keywords:
        """What was given, as a run takes it."""
        given = attrs.asdict(self, filter=lambda _, value: value is not None)
        if canary := given.pop("canary", None):
            given["waves"] = (canary, "5%", "25%")
        return given  # type: ignore[return-value]  # the fields are its keys


@frozen(kw_only=True)
class Consent:
    """Who agreed to a run."""

    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; required without a terminal.")
    ] = False
    max_targets: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Refuse to begin with more services; with --yes the default is 1, or the number "
            "of names.",
        ),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and end.")] = False
