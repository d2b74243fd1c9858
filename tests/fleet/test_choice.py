"""Which services are chosen."""

from __future__ import annotations

from typing import Any

import pytest

from tenx_async.api.models import Container
from tenx_async.api.selection import Selection
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.choice import Choice
from tests.fleet.plans import service


def having(*images: str | None) -> dict[str, Any]:
    return {"containers": tuple(Container(image=image) for image in images)}


SERVICES = [
    service("web-b", **having("hub/nginx:1.9", "hub/log:2")),
    service("web-a", "Stopped", **having("hub/nginx:1.8")),
    service("db", "running", **having(None)),
    service("mute", None),
]


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (Choice(), "db mute web-a web-b"),
        (Choice(names=Selection(["web-*"])), "web-a web-b"),
        (Choice(names=Selection(["web-*", "db"], ["*-b"])), "db web-a"),
        (Choice(status="RUNNING"), "db web-b"),
        (Choice(status=["running", "stopped"]), "db web-a web-b"),
        (Choice(regex="^(db|m)"), "db mute"),
        (Choice(image="hub/nginx:*"), "web-a web-b"),
        (Choice(image=["*/log:*", "*:1.8"]), "web-a web-b"),
        (Choice(where=lambda service: not service.containers), "mute"),
        (Choice(names=Selection(["web-*"]), status="Running", regex="b$"), "web-b"),
        (Choice(names=Selection(["nobody"])), ""),
    ],
)
def test_all_conditions_hold_and_any_of_several_values(choice: Choice, chosen: str) -> None:
    """The chosen come by name."""
    assert chosen.split() == [one.name for one in choice.of(SERVICES)]


def test_a_service_that_a_list_shows_twice_is_chosen_once() -> None:
    """Else it would be written to twice."""
    assert ["web"] == [one.name for one in Choice().of([service("web"), service("web", "Stopped")])]


def test_names_that_are_not_there_are_told() -> None:
    """Globs that match nothing are none of them."""
    choice = Choice(names=Selection(["zoo", "db", "ape", "x-*"]))

    assert ["ape", "zoo"] == choice.missing(SERVICES)


def test_no_regular_expression_is_refused_at_once() -> None:
    """And not when the services are there."""
    with pytest.raises(ConfigurationError, match="regex"):
        Choice(regex="web-(")
