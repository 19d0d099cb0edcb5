"""Figures of the blind test: truth, raw value, corrected value with its interval, on every phantom; and
how often a difference between two of them is found.
"""

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


def draw_power(found: pd.DataFrame) -> Figure:
    """Draw the share of pairs whose difference is found against its true size, a line per contrast.

    Parameters
    ----------
    found : DataFrame
        As :func:`benchmarks.blind_pairs.power` returns it.
    """
    quantities = list(dict.fromkeys(found["quantity"]))
    with PRINT.in_force():
        figure = new_figure(PRINT, width_mm=DOUBLE_COLUMN_MM, height_mm=58.0, constrained=True)
        (line,) = figure.subplots(1, len(quantities), squeeze=False)
        for axes, quantity in zip(line, quantities, strict=True):
            part = found[found["quantity"] == quantity]
            ends = sorted({(row["from"], row["to"]) for row in part.to_dict("records")})
            for contrast, color, marker in zip(CONTRASTS, SERIES_COLORS, "os", strict=False):
                rows = part[part["contrast"] == contrast]
                places = [ends.index(pair) for pair in zip(rows["from"], rows["to"], strict=True)]
                axes.plot(
                    places,
                    rows["found_percent"],
                    color=color,
                    marker=marker,
                    markersize=3,
                    linewidth=0.9,
                    label=contrast,
                )
            names = [f"{low:g}–{high:g}" if high < 100 else f"≥ {low:g}" for low, high in ends]
            axes.set_xticks(range(len(ends)), names)
            axes.set_ylim(-3, 103)
            axes.set_title(quantity, color=INK)
            axes.set_xlabel(f"True difference ({part['unit'].iloc[0]})")
        line[0].set_ylabel("Found beyond the error (%)")
        line[0].legend(frameon=False)
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
