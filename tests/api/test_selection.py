"""Services by name."""

from __future__ import annotations

import pytest

from tenx_async import InvalidName
from tenx_async.api.selection import Selection

NAMES = ["db", "mysql", "web", "web-1", "web-2", "web-10"]


@pytest.mark.parametrize(
    ("patterns", "exclude", "expected"),
    [
        ([], [], NAMES),
        (["*"], [], NAMES),
        (["web"], [], ["web"]),
        (["web-*"], [], ["web-1", "web-2", "web-10"]),
        (["web-?"], [], ["web-1", "web-2"]),
        (["web-[12]"], [], ["web-1", "web-2"]),
        (["web-[!1]"], [], ["web-2"]),
        (["*sql", "db"], [], ["db", "mysql"]),
        ([], ["web*"], ["db", "mysql"]),
        (["web*"], ["web-1"], ["web", "web-2", "web-10"]),
        (["web"], ["web"], []),
        (["none", "x*"], [], []),
    ],
)
def test_patterns_select(patterns: list[str], exclude: list[str], expected: list[str]) -> None:
    """A service is meant if any pattern fits it, or there is none, and no exclusion does."""
    selection = Selection(patterns, exclude)

    assert expected == [name for name in NAMES if name in selection]


def test_names_without_a_wildcard_are_known() -> None:
    """What is named exactly can be waited for."""
    assert ["web", "db"] == Selection(["web", "mysql-*", "db", "[a]"]).exact
    assert [] == Selection().exact


@pytest.mark.parametrize("name", ["Web", "", "a/b", "web ", "../x", "-web"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """A pattern without a wildcard that can name no service is a slip, and told as one."""
    with pytest.raises(InvalidName):
        Selection([name])
    with pytest.raises(InvalidName):
        Selection(["*"], [name])


def test_a_single_string_is_refused() -> None:
    """Its letters would be patterns: to exclude `db` would exclude `d` and `b` alone."""
    with pytest.raises(InvalidName, match="not a list"):
        Selection(["*"], "db")
    with pytest.raises(InvalidName, match="not a list"):
        Selection("web-*")


def test_a_pattern_has_case() -> None:
    """Patterns are compared as they are written, on every platform."""
    assert "web" not in Selection(["WEB*"])
