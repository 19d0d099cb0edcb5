"""Figure of the truth table: bias of each quantity, one point per phantom, before and after
polishing, for both simulators."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.truth_chain import SIMULATORS, STAGES
from napari_snpore.figures.page import new_figure
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, GRAY, INK, PALE, PRINT, SERIES_COLORS

AIM = {"points": (1.0, 2.5), "percent": (4.0, 5.0)}
"""Bias that is aimed at: median and worst of fractions, in points; and of length and count, in %."""

_SPREAD = 0.22
"""Height over which the points of one series are spread, in rows."""

_SERIES_HEIGHT = 0.2
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
        One row of panels per contrast: points of percentages at the left, % of the truth at the
        right. A vertical line through each series marks its median.
    """
    contrasts = list(dict.fromkeys(rows["contrast"]))
    units = list(dict.fromkeys(rows["in_unit"]))
    names = {unit: list(dict.fromkeys(rows.loc[rows["in_unit"] == unit, "name"])) for unit in units}
    with PRINT.in_force():
        tallest = max(map(len, names.values()))
        height = 16.0 + len(contrasts) * (14.0 + 11.0 * tallest)
        figure = new_figure(PRINT, width_mm=DOUBLE_COLUMN_MM, height_mm=height, constrained=True)
        grid = figure.subplots(len(contrasts), len(units), squeeze=False, sharex="col")
        for line, contrast in zip(grid, contrasts, strict=True):
            for axes, unit in zip(line, units, strict=True):
                chosen = rows[(rows["contrast"] == contrast) & (rows["in_unit"] == unit)]
                _panel(axes, chosen, names[unit], unit)
                axes.set_title(contrast, loc="left", color=INK)
        for axes, unit in zip(grid[-1], units, strict=True):
            axes.set_xlabel({"points": "Bias (points)", "percent": "Bias (% of the truth)"}[unit])
        figure.legend(handles=_legend(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, names: list[str], unit: str) -> None:
    """Draw the quantities of one unit."""
    inner, outer = AIM[unit]
    axes.axvspan(-outer, outer, facecolor=PALE, linewidth=0, zorder=0)
    axes.axvline(0, color=INK, linewidth=0.6, zorder=1)
    for edge in (-inner, inner):
        axes.axvline(edge, color=GRAY, linewidth=0.5, linestyle=(0, (4, 3)), zorder=1)
    series = [(simulator, stage) for simulator in SIMULATORS for stage in STAGES]
    for row, name in enumerate(names):
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
        "marker": "os"[index],
        "markersize": 3.0,
        "markeredgecolor": color,
        "markerfacecolor": color if stage == "polished" else "white",
        "markeredgewidth": 0.7,
    }


def _legend() -> list[Line2D]:
    words = {"model": "tilts by the model", "measured": "tilts outside the model"}
    stages = {"thresholds": "thresholds", "polished": "polished"}
    return [
        Line2D([], [], linestyle="none", label=f"{words[simulator]}, {stages[stage]}",
               **_marks(simulator, stage))
        for simulator in SIMULATORS
        for stage in STAGES
    ]  # fmt: skip
