"""Whether somebody agreed to what a run is going to do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import typer

from tenx_async.cli.asked import Consent
from tenx_async.cli.outcomes import some
from tenx_async.cli.planned import services
from tenx_async.cli.terminal import tell
from tenx_async.errors import TenxError
from tenx_async.fleet.looks import Looks
from tenx_async.fleet.movement import moved
from tenx_async.fleet.plan import Plan

AGREED = Consent(yes=True, max_targets=10**9)
"""What was agreed to when it began, such as a run that goes on."""


def can_ask() -> bool:
    """Whether somebody is there who sees a question, and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def require_consent(consent: Consent) -> None:
    """Do nothing if somebody agreed or can be asked.

    Raises:
        typer.BadParameter: neither.
    """
    if not (consent.yes or consent.dry_run or can_ask()):
        raise typer.BadParameter(
            "nobody can be asked here: say --yes, and with globs --max-targets N; "
            "--dry-run shows the plan"
        )


def check_bound(plan: Plan, consent: Consent, names: Sequence[str]) -> None:
    """Do nothing if the plan is for no more services than were agreed to.

    Raises:
        TenxError: it is.
    """
    most = consent.max_targets
    if most is None and consent.yes:
        most = max(1, len(names))
    count = len(plan.steps)
    if most is not None and count > most:
        raise TenxError(
            f"{plan.operation} is for {services(count)}, and no more than {most:,} were agreed "
            f"to: nothing was sent; look with --dry-run, then say --max-targets {count}"
        )


async def check_unmoved(plan: Plan, looks: Looks) -> None:
    """Do nothing if the services are as they were when the plan was made.

    Raises:
        TenxError: they are not.
    """
    look = await looks.again()
    if changes := moved(plan, [*look.services.values()]):
        raise TenxError(
            f"it is not any more as it was planned: {some(changes)}; nothing was sent: plan it anew"
        )


async def is_agreed(plan: Plan) -> bool:
    """Ask; where much is at stake, the number of services has to be typed."""
    count = len(plan.steps)
    if needs_count(plan):
        typed = await _answer(f"Type {count} to {plan.operation} {services(count)}: ")
        return typed.replace(",", "") == str(count)
    answer = await _answer(f"{plan.operation.capitalize()} {services(count)}? [y/N]: ")
    return answer.casefold() in {"y", "yes"}


def needs_count(plan: Plan) -> bool:
    """Whether something is deleted, or more than a quarter of the fleet is touched."""
    deletes = any(write.verb == "delete" for step in plan.steps for write in step.writes)
    return deletes or len(plan.steps) * 4 > plan.fleet


async def _answer(question: str) -> str:
    """Ask on the terminal; a signal ends the waiting as it ends any other."""
    tell(question)
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sys.stdin, answered.set_result, None)
    try:
        await answered
    except asyncio.CancelledError:
        tell("\n")
        raise
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline().strip()
