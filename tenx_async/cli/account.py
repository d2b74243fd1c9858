"""The closing account: what was delivered against what the processes say they wrote."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Self

from attrs import field, frozen

from tenx_async.cli.terminal import visible

Written = Counter[tuple[str, str]]
"""How often each service wrote each text."""
MOST_SHOWN = 20


def read_tallies(directory: Path) -> Written:
    """Count what the processes noted, each in a file `SERVICE.PROCESS`."""
    written: Written = Counter()
    for file in directory.iterdir():
        service = file.name.partition(".")[0]
        lines = file.read_text(encoding="utf-8").splitlines()
        written.update((service, line) for line in lines)
    return written


@frozen
class Account:
    """Two multisets of lines, compared."""

    written: int
    delivered: int
    lost: Written = field(repr=False)
    repeated: Written = field(repr=False)

    @classmethod
    def compare(cls, written: Written, delivered: Written) -> Self:
        """Compare what was delivered with what was written."""
        return cls(written.total(), delivered.total(), written - delivered, delivered - written)

    @property
    def is_exact(self) -> bool:
        """Whether every line was delivered as often as it was written."""
        return not self.lost and not self.repeated

    def shown(self) -> str:
        """Write the account out, with the lines that are wrong."""
        counts = {
            "written": self.written,
            "delivered": self.delivered,
            "lost": self.lost.total(),
            "repeated": self.repeated.total(),
        }
        rows = [f"{what:<10}{count:>8,}\n" for what, count in counts.items()]
        for what, lines in (("lost", self.lost), ("repeated", self.repeated)):
            for (service, text), times in lines.most_common(MOST_SHOWN):
                rows.append(f"  {what} {times} times, {service}: {visible(text)}\n")
        return "".join(rows)
