"""Which service has to be there before which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Sequence[str]]
"""Names, and what each depends on; each of them is a name as well."""


def find_circle(needs: Needs) -> list[str]:
    """Find services that wait for each other: each depends on the next; none: empty."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def in_order(needs: Needs) -> list[str]:
    """Put dependencies first; else the order stays."""
    place = {name: number for number, name in enumerate(needs)}
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    order: list[str] = []
    while ready := sorted(sorter.get_ready(), key=place.__getitem__):
        order += ready
        sorter.done(*ready)
    return order


def waits(needs: Needs, steps: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Tell for each service which of the `steps` come before it, looking through all others."""
    found: dict[str, tuple[str, ...]] = {}
    for name in in_order(needs):
        nearest = [[need] if need in steps else found[need] for need in needs[name]]
        found[name] = tuple(dict.fromkeys(each for group in nearest for each in group))
    return found
