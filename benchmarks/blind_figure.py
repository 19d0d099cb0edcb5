"""Figure of the blind test: truth, raw value, corrected value with its interval, on every phantom."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.blind_numbers import CONTRASTS
from napari_snpore.figures.page import new_figure
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, GRAY, INK, PRINT, SERIES_COLORS

PANELS = {
    "pore fraction, whole": "Pore, whole (%)",
    "pore fraction, centre cube": "Pore, center cube (%)",
    "pore fraction, edge cube": "Pore, edge cube (%)",
    "Sn fraction, whole": "Sn, whole (%)",
}


def draw_blind(rows: pd.DataFrame) -> Figure:
    """Draw each phantom at its truth: how far the raw value is off, and the corrected one with its 95 %
    interval.

    Parameters
    ----------
    rows : DataFrame
        As :func:`benchmarks.blind_report.with_limits` returns them.
    """
    contrasts = [name for name in CONTRASTS if name in set(rows["contrast"])]
    with PRINT.in_force():
        figure = new_figure(
            PRINT,
            width_mm=DOUBLE_COLUMN_MM,
            height_mm=16.0 + 44.0 * len(contrasts),
            constrained=True,
        )
        grid = figure.subplots(len(contrasts), len(PANELS), squeeze=False)
        for line, contrast in zip(grid, contrasts, strict=True):
            for axes, (quantity, title) in zip(line, PANELS.items(), strict=True):
                of_panel = rows[(rows["contrast"] == contrast) & (rows["quantity"] == quantity)]
                _panel(axes, of_panel)
                axes.set_title(title, color=INK)
            line[0].set_ylabel(f"{contrast}: value − truth (points)")
        for axes in grid[-1]:
            axes.set_xlabel("Truth (%)")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    made = rows[~rows["refused"] & rows["low_95"].notna()]
    truth = made["truth"].to_numpy(np.float64)
    center = made["corrected"].fillna(made["value"]).to_numpy(np.float64) - truth
    low, high = (made[name].to_numpy(np.float64) - truth for name in ("low_95", "high_95"))
    inside = (low <= 0) & (high >= 0)
    axes.axhline(0, color=INK, linewidth=0.6, zorder=1, label="truth")
    axes.plot(
        truth,
        made["value"] - truth,
        linestyle="none",
        marker="o",
        markersize=2.6,
        markerfacecolor="white",
        markeredgecolor=GRAY,
        markeredgewidth=0.6,
        zorder=2,
        label="raw",
    )
    for chosen, color, label in (
        (inside, SERIES_COLORS[0], "corrected, 95 % interval holds the truth"),
        (~inside, SERIES_COLORS[1], "does not hold it"),
    ):
        whiskers = np.clip([center - low, high - center], 0, None)[:, chosen]
        axes.errorbar(
            truth[chosen],
            center[chosen],
            yerr=whiskers,
            fmt="o",
            markersize=2.2,
            color=color,
            elinewidth=0.7,
            zorder=3,
            label=label,
        )
