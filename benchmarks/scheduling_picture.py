"""The picture of `benchmarks.scheduling`; needs matplotlib."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from benchmarks.scheduling import Table

COLOURS = {
    "equal polling": "#b0b0b0",
    "backoff": "#d98f4e",
    "schedule": "#2f6fb0",
    "oracle": "#7fae7a",
}
RATIO = 0.2


def draw(table: Table, path: Path) -> None:
    """Draw what was played: all sizes and budgets, and one of them by workload."""
    mpl.use("agg")
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.8), sharey=True)
    sizes = [(size, ratio) for size in table.sizes for ratio in (0.05, 0.2, 1.0)]
    bars(
        left,
        [f"{size:,}\n{ratio:g}" for size, ratio in sizes],
        {name: [table.mean(name, *one) for one in sizes] for name in COLOURS},
    )
    left.set_title("all workloads, by N and calls a second and source")
    left.set_ylabel("mean delay of a line, equal polling = 1")
    left.set_ylim(0, 1.3)
    left.legend(loc="upper left", ncols=len(COLOURS), frameon=False)
    means = {n: [table.mean(n, 1_000, RATIO, w) for w in WORKLOADS] for n in COLOURS}
    bars(right, list(WORKLOADS), means)
    right.set_title(f"N = 1,000, B/N = {RATIO}, by workload")
    figure.text(0.01, 0.01, machine(), fontsize=8, color="#555555")
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def bars(axes: Axes, labels: list[str], heights: dict[str, list[float]]) -> None:
    """Draw a group of bars for each label."""
    width = 0.8 / len(heights)
    for number, (name, values) in enumerate(heights.items()):
        places = [place + (number - 1.5) * width for place in range(len(values))]
        axes.bar(places, values, width, label=name, color=COLOURS[name])
    axes.set_xticks(range(len(labels)), labels)
    axes.axhline(1, color="#b0b0b0", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def machine() -> str:
    """Describe where this ran."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = models[0] if models else platform.processor() or platform.machine()
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}"
