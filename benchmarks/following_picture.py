"""The picture of `benchmarks.following`; needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.scheduling_picture import machine

if TYPE_CHECKING:
    from benchmarks.following import Row

KEPT, SHORT = "#2f6fb0", "#d98f4e"
MOST = 2.0
"""What goes beyond so many times its goal is drawn no longer."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw how much of its goal each row reached."""
    mpl.use("agg")
    figure, axes = plt.subplots(figsize=(11, 0.42 * len(rows) + 1.2))
    for place, row in enumerate(reversed(rows)):
        reached = min(row.reached, MOST)
        axes.barh(place, reached, 0.6, color=KEPT if row.reached >= 1 else SHORT)
        said = f"{row.value:,.3g} ({'≤' if row.at_most else '≥'} {row.goal:g})"
        axes.text(0.02, place, f"{said}  {row.figures}", va="center", fontsize=8, color="white")
    axes.set_yticks(range(len(rows)), [row.what for row in reversed(rows)])
    axes.axvline(1, color="#404040", linewidth=0.8)
    axes.set_xlabel("share of the goal; 1 is reached")
    axes.set_xlim(0, MOST)
    axes.spines[["top", "right"]].set_visible(False)
    figure.text(0.01, 0.01, machine(), fontsize=8, color="#555555")
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
