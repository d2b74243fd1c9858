"""`tenx` and its commands."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tenx_async.cli.deferred import COMMANDS, Deferred, called


class OptionsAnywhere(TyperGroup):
    """Takes its own options behind the command as well, unless the command has one of that name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Bring the group's options to the front."""
        takes_value = {
            name: not getattr(option, "is_flag", False)
            for option in self.params
            for name in option.opts
            if not option.is_eager
        }
        front: list[str] = []
        rest: list[str] = []
        words = iter(args)
        for word in words:
            name, has_value, _ = word.partition("=")
            if name in takes_value:
                front.append(word)
                front += islice(words, 1 if takes_value[name] and not has_value else 0)
                continue
            if command := None if rest else self.get_command(ctx, word):
                own = {name for option in command.get_params(ctx) for name in option.opts}
                takes_value = {name: v for name, v in takes_value.items() if name not in own}
            rest += [word, *words] if word == "--" else [word]
        return super().parse_args(ctx, front + rest)


app = typer.Typer(
    cls=OptionsAnywhere,
    help="Follow the logs of TenxCloud services, and operate many of them at once.",
    epilog="Exit status: 0 all well, 1 error, 2 usage, or changes pending (plan --exit-code), "
    "3 some failed, 4 stopped since too many failed, 5 some unknown (which goes before 4, and 4 "
    "before 3), 6 lines missing or repeated, 130 interrupted, 143 terminated.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _name, (_, _summary) in COMMANDS.items():
    app.command(_name, cls=Deferred, help=_summary)(called)


def _version(wanted: bool) -> None:
    if wanted:
        from tenx_async import __version__  # noqa: PLC0415  # the package imports what needs this

        typer.echo(f"tenx {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="The API's address; also TENX_ENDPOINT.")
    ] = None,
    username: Annotated[
        str | None, typer.Option(metavar="NAME", help="The account; also TENX_USERNAME.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="NAME", help="Such as beijing1; also TENX_REGION.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A table of the profile file; also TENX_PROFILE."),
    ] = None,
    allow_plain_http: Annotated[
        bool,
        typer.Option(
            "--allow-plain-http",
            help="Let http:// go to other machines, where anybody on the way reads the token.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show it and end."),
    ] = False,
) -> None:
    """Note where to connect; the token comes from elsewhere, since `ps` shows a command line."""
    from tenx_async.cli.target import Target  # noqa: PLC0415  # `--help` needs none

    del version
    context.obj = Target(
        endpoint=endpoint,
        username=username,
        region=region,
        profile=profile,
        allow_plain_http=allow_plain_http,
    )
