"""Figure of the truth table: bias of each quantity, one point per phantom, before and after
polishing, for tilts of all kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.blind_run import SIMULATORS
from benchmarks.truth_chain import STAGES
from benchmarks.truth_report import SIMULATED_BY
from napari_snpore.figures.page import new_figure
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, HATCH, INK, PALE, PRINT, SERIES_COLORS

AIM = {
    "Sn clusters, count": 5.0,
    "Sn cluster length, median": 4.0,
    "Sn shorter than 2 nm, by volume": 7.0,
}
"""Bias that is aimed at, each in its unit."""

FRACTION_AIM = (1.0, 2.5)
"""The same of a fraction: median and worst, points."""

_SPREAD = 0.14
"""Height over which the points of one series are spread, in rows."""

_SERIES_HEIGHT = 0.15
"""Distance of two series within a row."""


def draw_truth(rows: pd.DataFrame) -> Figure:
    """Draw the biases of all cases.

    Parameters
    ----------
    rows : DataFrame
        As :func:`benchmarks.truth_report.biases` returns them.

    Returns
    -------
    Figure
        One row of panels per contrast: fractions at the left, Sn clusters at the right. A vertical
        line through each series marks its median; gray: the bias that is aimed at.
    """
    contrasts = list(dict.fromkeys(rows["contrast"]))
    all_names = list(dict.fromkeys(rows["name"]))
    names = {
        "Bias (points)": [name for name in all_names if name not in AIM],
        "Bias (% of the truth; share by volume: points)": [n for n in all_names if n in AIM],
    }
    with PRINT.in_force():
        tallest = max(map(len, names.values()))
        height = 16.0 + len(contrasts) * (14.0 + 14.0 * tallest)
        figure = new_figure(PRINT, width_mm=DOUBLE_COLUMN_MM, height_mm=height, constrained=True)
        grid = figure.subplots(len(contrasts), len(names), squeeze=False, sharex="col")
        for line, contrast in zip(grid, contrasts, strict=True):
            for axes, of_panel in zip(line, names.values(), strict=True):
                _panel(axes, rows[rows["contrast"] == contrast], of_panel)
                axes.set_title(contrast, loc="left", color=INK)
        for axes, label in zip(grid[-1], names, strict=True):
            axes.set_xlabel(label)
        figure.legend(
            handles=_legend(), loc="outside upper center", ncols=len(SIMULATORS), frameon=False
        )
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """Draw some quantities of one contrast."""
    axes.axvline(0, color=INK, linewidth=0.6, zorder=1)
    series = [(simulator, stage) for simulator in SIMULATORS for stage in STAGES]
    for row, name in enumerate(names):
        inner, outer = FRACTION_AIM if name not in AIM else (AIM[name], AIM[name])
        for edge, color in ((outer, PALE), (inner, HATCH)):
            axes.fill_betweenx(
                (row - 0.46, row + 0.46), -edge, edge, color=color, linewidth=0, zorder=0
            )
        for place, (simulator, stage) in enumerate(series):
            of_series = rows[(rows["name"] == name) & (rows["simulator"] == simulator)]
            values = of_series[f"{stage}_error"].to_numpy(np.float64)
            if len(values) == 0:
                continue
            middle = row + (place - (len(series) - 1) / 2) * _SERIES_HEIGHT
            heights = middle + np.linspace(-0.5, 0.5, len(values) + 2)[1:-1] * _SPREAD
            color = SERIES_COLORS[SIMULATORS.index(simulator)]
            axes.plot(values, heights, **_marks(simulator, stage), linestyle="none", zorder=3)
            median = float(np.nanmedian(values))
            ends = (middle - 0.45 * _SERIES_HEIGHT, middle + 0.45 * _SERIES_HEIGHT)
            axes.plot((median, median), ends, color=color, linewidth=1.6, zorder=2)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def _marks(simulator: str, stage: str) -> dict[str, object]:
    """Return color and marker of a series: filled after polishing, open before it."""
    index = SIMULATORS.index(simulator)
    color = SERIES_COLORS[index]
    return {
        "marker": "osD"[index],
        "markersize": 3.0,
        "markeredgecolor": color,
        "markerfacecolor": color if stage == "polished" else "white",
        "markeredgewidth": 0.7,
    }


def _legend() -> list[Line2D]:
    stages = {"thresholds": "thresholds", "polished": "polished"}
    return [
        Line2D([], [], linestyle="none", label=f"{SIMULATED_BY[simulator]}, {stages[stage]}",
               **_marks(simulator, stage))
        for stage in STAGES
        for simulator in SIMULATORS
    ]  # fmt: skip
