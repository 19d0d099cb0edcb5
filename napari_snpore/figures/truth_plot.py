"""Truth against measured values: one row per quantity, its relative bias as a point, the numbers
themselves beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import number, plain_ticks, power_of_ten
from napari_snpore.figures.page import (
    Box,
    axes_at,
    message_figure,
    new_figure,
    text_at,
    text_width_mm,
    wrapped,
)
from napari_snpore.figures.style import (
    DOUBLE_COLUMN_MM,
    GRAY,
    HATCH,
    INK,
    PALE,
    PRINT,
    SERIES_COLORS,
    SERIES_MARKERS,
    FigureStyle,
)
from napari_snpore.numerals import as_exact_as_interval

_DODGE_MM = 0.9
_LINEAR_UP_TO = 10.0
"""Percent: beyond a bias of 100 % the axis is linear to here and logarithmic outside."""


def truth_against_measured(
    frame: pd.DataFrame, *, stages: Sequence[str] | None = None, style: FigureStyle = PRINT
) -> Figure:
    """Draw how far measured numbers are from the planted truth.

    Parameters
    ----------
    frame : DataFrame
        One row a quantity: ``quantity, unit, truth, measured`` and, where known, ``error`` or the
        interval ``low_95, high_95`` of the last stage (in the unit of the quantity). The bias drawn
        is ``measured − truth``, whatever else a column says.
    stages : sequence of str, optional
        Columns to draw side by side in place of ``measured``, such as stages of the work. None
        takes every column X with a column ``X_bias`` beside it, else ``measured``.
    style : FigureStyle
        Width and type.

    Returns
    -------
    Figure
        The axis is the bias in % of the truth; a bias above 100 % turns it logarithmic outside ±10
        %. Errors above 100 % leave the axis. A truth of 0 has no relative bias: the row has its
        numbers and no point. An empty frame gives a figure that says so.

    Raises
    ------
    InputError
        A column that is missing.
    """
    if stages is None:
        stages = [name for name in frame.columns if f"{name}_bias" in frame.columns] or ["measured"]
    missing = [name for name in ("quantity", "unit", "truth", *stages) if name not in frame.columns]
    if missing:
        raise InputError(f"The truth table has no column {', '.join(missing)}.")
    with style.in_force():
        width = style.width(DOUBLE_COLUMN_MM)
        if frame.empty:
            return message_figure(
                "There is no quantity to compare with the truth.", style=style, width_mm=width
            )
        truth = frame["truth"].to_numpy(dtype=np.float64)
        found = np.stack([frame[name].to_numpy(dtype=np.float64) for name in stages])
        return _draw(frame, truth, found, list(stages), width_mm=width, style=style)


def _draw(
    frame: pd.DataFrame,
    truth: NDArray[np.float64],
    found: NDArray[np.float64],
    stages: list[str],
    *,
    width_mm: float,
    style: FigureStyle,
) -> Figure:
    """Lay out the sheet: names, points, columns of numbers."""
    ends = _ends(frame, found[-1])
    small = style.small_pt
    table = _columns(frame, truth, found, ends, stages)
    if sum(_column_mm(head, cells, small) for head, cells in table) > width_mm - 96.0:
        table = [table[0], table[-1]]
    columns = [_column_mm(head, cells, small) for head, cells in table]
    names = [
        wrapped(_name(quantity, unit), width_mm=min(66.0, 0.36 * width_mm), size_pt=style.font_pt)
        for quantity, unit in zip(frame["quantity"], frame["unit"], strict=True)
    ]
    left = _widest(names, style.font_pt) + 3.0
    heights = [style.line_mm * (name.count("\n") + 1) + 1.2 for name in names]
    head = style.line_mm * 1.2 + 0.8
    legend = 1.6 * style.line_mm if len(stages) > 1 else 0.0
    frame_box = Box(
        left, 1.0 + legend + head, max(width_mm - left - sum(columns) - 2.5, 16.0), sum(heights)
    )
    figure = new_figure(style, width_mm=width_mm, height_mm=frame_box.top + frame_box.height + 9.5)

    axes = axes_at(figure, frame_box)
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    middles = (edges[1:] + edges[:-1]) / 2
    for index in range(0, len(names), 2):
        axes.axhspan(edges[index], edges[index + 1], facecolor=PALE, linewidth=0, zorder=0)
    _points(axes, middles, truth, found, ends, stages, width_mm=frame_box.width, style=style)
    axes.set(ylim=(edges[-1], 0), xlabel="Bias (% of the truth)")
    axes.set_yticks(middles, names, fontsize=style.font_pt)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    right = frame_box.left + frame_box.width
    for (title, column), wide in zip(table, columns, strict=True):
        right += wide
        text_at(
            figure,
            right,
            frame_box.top - 0.8,
            title,
            ha="right",
            va="bottom",
            fontsize=small,
            color=GRAY,
        )
        for middle, cell in zip(middles, column, strict=True):
            text_at(
                figure,
                right,
                frame_box.top + middle,
                cell,
                ha="right",
                va="center_baseline",
                fontsize=small,
            )
    if len(stages) > 1:
        place = (frame_box.left / width_mm, 1 - 0.8 / (frame_box.top + frame_box.height + 9.5))
        axes.legend(
            loc="upper left",
            bbox_to_anchor=place,
            bbox_transform=figure.transFigure,
            ncols=len(stages),
        )
    return figure


def _columns(
    frame: pd.DataFrame,
    truth: NDArray[np.float64],
    found: NDArray[np.float64],
    ends: NDArray[np.float64],
    stages: list[str],
) -> list[tuple[str, list[str]]]:
    """Return heads and cells of the columns of numbers: the truth, then each stage, the last one
    with its interval.
    """
    counts = [str(unit) == "1" for unit in frame["unit"]]

    def cells(values: NDArray[np.float64]) -> list[str]:
        return [
            f"{value:.0f}" if count and np.isfinite(value) else number(value)
            for value, count in zip(values, counts, strict=True)
        ]

    table = [("truth", cells(truth))]
    table += [(name.replace("_", " "), cells(row)) for name, row in zip(stages, found, strict=True)]
    head, last = table[-1]
    table[-1] = (
        head,
        [
            as_exact_as_interval(value, *low_high)
            if np.isfinite([value, *low_high]).all()
            else cell
            for cell, value, low_high in zip(last, found[-1], ends.T, strict=True)
        ],
    )
    return table


def _ends(frame: pd.DataFrame, last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return both ends of the interval of each number in the last stage, nan where it is not known."""
    if {"low_95", "high_95"} <= set(frame):
        return frame[["low_95", "high_95"]].to_numpy(dtype=np.float64).T
    if "error" in frame:
        error = frame["error"].to_numpy(dtype=np.float64)
        return np.stack([last - error, last + error])
    return np.full((2, len(last)), np.nan)


def _column_mm(head: str, cells: list[str], size_pt: float) -> float:
    """Return the width of a column with the gap before it."""
    return _widest([head, *cells], size_pt) + 3.0


def _name(quantity: str, unit: str) -> str:
    """Return quantity and unit; a count (unit 1) has none."""
    return str(quantity) if str(unit) in ("", "1", "nan") else f"{quantity} ({unit})"


def _widest(texts: Sequence[str], size_pt: float) -> float:
    return max(text_width_mm(text, size_pt) for text in texts)


def _points(
    axes: Axes,
    rows: NDArray[np.float64],
    truth: NDArray[np.float64],
    found: NDArray[np.float64],
    ends: NDArray[np.float64],
    stages: list[str],
    *,
    width_mm: float,
    style: FigureStyle,
) -> None:
    """Draw the relative biases, stages of one quantity below each other, on an axis that suits the
    largest of them.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = 100 * (found - truth) / np.abs(truth)
        spread = 100 * np.clip([found[-1] - ends[0], ends[1] - found[-1]], 0, None) / np.abs(truth)
    bias[~np.isfinite(bias)] = np.nan
    spread[~np.isfinite(spread)] = 0.0
    axes.axvline(0, color=INK, linewidth=0.6, zorder=1)
    for index, (name, row) in enumerate(zip(stages, bias, strict=True)):
        which = index % len(SERIES_COLORS)
        marker: dict[str, Any] = {
            "color": SERIES_COLORS[which],
            "marker": SERIES_MARKERS[which],
            "markersize": 3.0,
        }
        whiskers = spread if index == len(stages) - 1 and spread.any() else None
        below = (index - (len(stages) - 1) / 2) * _DODGE_MM
        label = name.replace("_", " ")
        axes.errorbar(
            row,
            rows + below,
            xerr=whiskers,
            label=label,
            linestyle="none",
            elinewidth=0.7,
            capsize=1.5,
            **marker,
        )
    for middle, value in zip(rows, truth, strict=True):
        if value == 0:
            note = "truth is 0" if width_mm > 30 else "–"
            axes.annotate(
                note,
                (0, middle),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=style.small_pt,
                color=GRAY,
            )
    # an error of more than the truth itself would squeeze all others: its whisker leaves the axis
    reach = np.where(spread > 100, 0.0, spread)
    outer = np.concatenate([bias.ravel(), bias[-1] - reach[0], bias[-1] + reach[1], [0.0]])
    low, high = float(np.nanmin(outer)), float(np.nanmax(outer))
    if max(-low, high) > 100:
        _symmetric_log(axes, low, high, width_mm=width_mm, style=style)
    else:
        span = (high - low) or 1.0
        axes.set_xlim(low - 0.1 * span, high + 0.1 * span)
        plain_ticks(axes.xaxis, at_most=max(2, min(6, int(width_mm / 11))))
    axes.grid(axis="x", color=HATCH, linewidth=0.4)


def _symmetric_log(
    axes: Axes, low: float, high: float, *, width_mm: float, style: FigureStyle
) -> None:
    """Make the axis linear near 0 and logarithmic outside, with as many powers of ten as fit
    without overlap.
    """
    axes.set_xscale("symlog", linthresh=_LINEAR_UP_TO, linscale=0.6)
    left, right = min(1.6 * low, -_LINEAR_UP_TO), max(1.6 * high, _LINEAR_UP_TO)
    axes.set_xlim(left, right)
    top = int(math.log10(max(right, -left)))
    candidates = [
        0.0,
        100.0,
        -100.0,
        *(sign * 10.0**power for power in range(top, 0, -1) for sign in (1, -1)),
    ]
    transform = axes.xaxis.get_transform()
    ends = transform.transform(np.array([left, right]))
    taken: list[tuple[float, float, float]] = []
    for value in candidates:
        if not left <= value <= right:
            continue
        place = width_mm * float(
            (transform.transform(np.array([value]))[0] - ends[0]) / (ends[1] - ends[0])
        )
        half = text_width_mm(_tick(value), style.small_pt) / 2 + 0.8
        if all(place + half <= start or place - half >= end for start, end, _ in taken):
            taken.append((place - half, place + half, value))
    axes.xaxis.set_major_locator(FixedLocator(sorted(value for _, _, value in taken)))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _tick(value: float) -> str:
    return (
        number(value, trim=True)
        if abs(value) < 1e5
        else f"{'−' if value < 0 else ''}{power_of_ten(round(math.log10(abs(value))))}"
    )
