"""How a comparison of a sink with the server is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import msgspec

from tenx_async.cli.comparison import Comparison, Difference
from tenx_async.cli.logs import LogFormat
from tenx_async.cli.terminal import visible, visible_json

Verdict = Callable[[Comparison], str]


def verdict_for(form: LogFormat) -> Verdict:
    """Choose how to tell it."""
    return _json if form is LogFormat.JSON else _text


def _differences(of: Comparison) -> dict[str, Difference]:
    return {
        "missing": of.missing,
        "repeated": of.repeated,
        "not on the server": of.foreign,
    }


def _text(comparison: Comparison) -> str:
    text = "".join(f"{row}\n" for row in _rows(comparison))
    return visible(text) if sys.stdout.isatty() else text


def _rows(comparison: Comparison) -> Iterator[str]:
    seals = f" (sealed as {', '.join(comparison.seals)})" if comparison.seals else ""
    yield f"{comparison.service}: {_summary(comparison)}{seals}"
    for doubt in comparison.doubts:
        yield f"  {doubt}"
    for what, difference in _differences(comparison).items():
        for line in difference.first:
            yield f"  {what}, {line.place}: {line.instance_name} {line.log}".replace("\n", "␊")
        if more := difference.count - len(difference.first):
            yield f"  {what}: {more:,} more"


def _summary(comparison: Comparison) -> str:
    count = f"{comparison.served:,} line{'s' * (comparison.served != 1)}"
    if comparison.is_equal:
        return f"{count}, all there once" if comparison.served else "no lines, none there"
    found = [
        f"{difference.count:,} {what}"
        for what, difference in _differences(comparison).items()
        if difference.count
    ]
    return f"{count}, {comparison.kept:,} kept: {', '.join(found) or 'not sure'}"


def _json(comparison: Comparison) -> str:
    text = msgspec.json.encode(
        {
            "service": comparison.service,
            "equal": comparison.is_equal,
            "lines": comparison.served,
            "kept": comparison.kept,
            **{what.replace(" ", "_"): told for what, told in _differences(comparison).items()},
            "doubts": comparison.doubts,
            "seals": comparison.seals,
        }
    ).decode()
    return f"{visible_json(text) if sys.stdout.isatty() else text}\n"
