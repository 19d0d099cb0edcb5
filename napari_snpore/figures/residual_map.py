"""Map of the discrete residual over two thresholds, or its curve over one: what the images
allow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import number, scaled_ticks
from napari_snpore.figures.page import message_figure, new_figure, wrapped
from napari_snpore.figures.style import (
    GRAY,
    INK,
    MARK,
    PALE,
    PRINT,
    SERIES_COLORS,
    SINGLE_COLUMN_MM,
    FigureStyle,
)

if TYPE_CHECKING:
    from napari_snpore.segmentation.residual_map import ResidualMap


_REACH = 10.0
"""Axes and colours show thresholds whose residual is at most so many Δ above the minimum; colours
by the logarithm, since a residual of twice the minimum and one of ten times are both wrong."""

_FINE = 400
"""Points a side of the drawn map: the grid of thresholds is uneven, an image is not."""


def residual_map_plot(
    found: ResidualMap,
    *,
    in_use: Sequence[float] | None = None,
    fractions: Sequence[tuple[str, tuple[float, float]]] = (),
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw the discrete residual over the thresholds with its minimum and the thresholds that the
    images allow.

    Parameters
    ----------
    found : ResidualMap
        From :func:`~napari_snpore.segmentation.projection_residual.projection_residual`.
    in_use : sequence of float, optional
        Thresholds in use, marked by a cross.
    fractions : sequence of (str, (float, float))
        Names of phases with the range of their fraction (%) that the images allow, written above.
    style : FigureStyle
        Width and type.

    Returns
    -------
    Figure
        A sentence in place of a map where no levels were found.
    """
    with style.in_force():
        width = style.width(SINGLE_COLUMN_MM)
        if not found.levels:
            return message_figure(
                found.suggestion.warning or "No levels were found.", style=style, width_mm=width
            )
        head = wrapped(_head(found, fractions), width_mm=width - 4, size_pt=style.small_pt)
        height = 0.86 * width + style.line_mm * (head.count("\n") + 4)
        figure = new_figure(style, width_mm=width, height_mm=height, constrained=True)
        axes = figure.subplots()
        draw_residual_map(axes, found, in_use=in_use, style=style)
        figure.suptitle(head, fontsize=style.small_pt, color=GRAY, x=0.02, ha="left")
        figure.legend(
            *axes.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=3 if width >= SINGLE_COLUMN_MM else 2,
            fontsize=style.small_pt,
        )
        return figure


def draw_residual_map(
    axes: Axes,
    found: ResidualMap,
    *,
    in_use: Sequence[float] | None = None,
    style: FigureStyle = PRINT,
) -> None:
    """Draw map or curve into axes: grey values below and left, shares of the way between the levels
    above and right.

    Raises
    ------
    InputError
        A map without levels, or fewer thresholds in use than the map has axes.
    """
    if not found.levels:
        raise InputError("The residual map has no levels: there is nothing to draw.")
    marked = None if in_use is None else [float(value) for value in in_use]
    if marked is not None and len(marked) < found.residual.ndim:
        raise InputError(f"in_use has {len(marked)} thresholds; the map has {found.residual.ndim}.")
    if found.residual.ndim == 1:
        _draw_curve(axes, found, marked)
    else:
        _draw_map(axes, found, marked)
    _share_axis(axes, found, "x", style)
    if found.residual.ndim == 2:
        _share_axis(axes, found, "y", style)


def _head(found: ResidualMap, fractions: Sequence[tuple[str, tuple[float, float]]]) -> str:
    levels = ", ".join(number(level, trim=True) for level in found.levels)
    text = (
        f"R = {number(found.minimum)} at the minimum, levels {levels}. "
        f"Allowed: R up to {number(100 * found.allowance / found.minimum, trim=True)} % above it."
        if found.minimum > 0
        else f"R = 0 at the minimum, levels {levels}."
    )
    ranges = "; ".join(
        f"{name} {number(low)} to {number(high)} %" for name, (low, high) in fractions
    )
    return f"{text} The images allow {ranges}." if ranges else text


def _draw_map(axes: Axes, found: ResidualMap, marked: list[float] | None) -> None:
    """Colour the map by R on a log scale of the distance from the minimum, and draw the limit."""
    spans = _spans(found, marked)
    t1, t2 = (np.linspace(low, high, _FINE) for low, high in spans)
    residual = _resampled(found, t1, t2)
    scale = max(found.allowance, 1e-3 * found.minimum, 1e-300)
    above = np.maximum(residual - found.minimum, 0) / scale
    axes.set_facecolor(PALE)
    axes.imshow(
        np.log10(1 + above).T,
        origin="lower",
        extent=(*spans[0], *spans[1]),
        aspect="auto",
        cmap="cividis_r",
        vmin=0,
        vmax=math.log10(1 + _REACH),
        interpolation="nearest",
    )
    lines = [1.0, 3.0, 8.0]
    axes.contour(t1, t2, above.T, levels=lines, colors=[MARK, INK, INK], linewidths=[1.2, 0.4, 0.4])
    axes.plot([], [], "-", color=MARK, linewidth=1.2, label="allowed: R = minimum + Δ")
    axes.plot([], [], "-", color=INK, linewidth=0.4, label="minimum + 3 Δ, + 8 Δ")
    options: dict[str, Any] = {
        "linestyle": "none",
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
    }
    axes.plot(
        *found.best[:2], "o", color=MARK, markersize=5, label="minimum", **options, gid="minimum"
    )
    axes.plot(
        *found.suggestion.thresholds[:2],
        "D",
        color=SERIES_COLORS[0],
        markersize=4.5,
        label="suggested",
        gid="suggested",
        **options,
    )
    if marked is not None:
        axes.plot(
            *marked[:2],
            "x",
            color=INK,
            markersize=6,
            label="in use",
            gid="in use",
            linestyle="none",
        )
    axes.set(xlim=spans[0], ylim=spans[1])
    axes.set_xlabel("t1 (grey value)" + scaled_ticks(axes.xaxis, low=spans[0][0], high=spans[0][1]))
    axes.set_ylabel("t2 (grey value)" + scaled_ticks(axes.yaxis, low=spans[1][0], high=spans[1][1]))


def _draw_curve(axes: Axes, found: ResidualMap, marked: list[float] | None) -> None:
    """Draw R over one threshold with the allowed range shaded."""
    (span,) = _spans(found, marked)
    # the refined minimum is a point of the curve
    at = np.append(found.thresholds, found.best[0])
    order = np.argsort(at)
    heights = np.append(found.residual, found.minimum)
    axes.plot(at[order], heights[order], "-o", color=INK, markersize=2, linewidth=0.8)
    allowed = found.allowed_thresholds()[:, 0]
    axes.axvspan(allowed.min(), allowed.max(), color=MARK, alpha=0.2, linewidth=0, label="allowed")
    axes.plot(*found.best, found.minimum, "o", color=MARK, label="minimum", gid="minimum")
    axes.axvline(
        found.suggestion.thresholds[0],
        color=SERIES_COLORS[0],
        linestyle="--",
        label="suggested",
        gid="suggested",
    )
    if marked is not None:
        axes.axvline(marked[0], color=INK, linestyle=":", label="in use", gid="in use")
    top = found.minimum + _REACH * max(found.allowance, 1e-3 * found.minimum)
    axes.set(xlim=span, ylim=(0.98 * found.minimum, max(top, 1e-12)), ylabel="Residual R")
    axes.set_xlabel("t1 (grey value)" + scaled_ticks(axes.xaxis, low=span[0], high=span[1]))


def _spans(found: ResidualMap, marked: list[float] | None) -> list[tuple[float, float]]:
    """Return the range of each axis: where R is worth showing, with all marks inside."""
    limit = found.minimum + _REACH * max(found.allowance, 1e-3 * found.minimum)
    with np.errstate(invalid="ignore"):
        near = np.argwhere(found.residual <= limit)
    spans = []
    for axis in range(found.residual.ndim):
        values = [found.best[axis], found.suggestion.thresholds[axis]]
        values += [] if marked is None else [marked[axis]]
        values += found.thresholds[near[:, axis]].tolist()
        low, high = min(values), max(values)
        air = 0.06 * max(high - low, 0.2 * abs(high))
        spans.append((max(low - air, 0.0), high + air))
    return spans


def _resampled(
    found: ResidualMap, t1: NDArray[np.float64], t2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the map on even axes, interpolated linearly; nan outside the grid."""
    grid = found.thresholds
    cells, shares = [], []
    for values in (t1, t2):
        cell = np.clip(np.searchsorted(grid, values) - 1, 0, len(grid) - 2)
        share = (values - grid[cell]) / np.diff(grid)[cell]
        cells.append(cell)
        shares.append(np.where((share < 0) | (share > 1), np.nan, share))
    (i, j), (p, q) = cells, shares
    rows = found.residual[i] * (1 - p)[:, None] + found.residual[i + 1] * p[:, None]
    return np.asarray(rows[:, j] * (1 - q) + rows[:, j + 1] * q)


def _share_axis(axes: Axes, found: ResidualMap, which: str, style: FigureStyle) -> None:
    """Add the axis opposite with the share of the way from one level to the next."""
    k = 0 if which == "x" else 1
    low, high = found.levels[k], found.levels[k + 1]

    def to_share(value: ArrayLike) -> NDArray[np.float64]:
        return (np.asarray(value, np.float64) - low) / (high - low)

    def to_gray(share: ArrayLike) -> NDArray[np.float64]:
        return low + np.asarray(share, np.float64) * (high - low)

    other = (
        axes.secondary_xaxis("top", functions=(to_share, to_gray))
        if which == "x"
        else axes.secondary_yaxis("right", functions=(to_share, to_gray))
    )
    label = f"t{k + 1}, share of the way between its levels"
    (other.set_xlabel if which == "x" else other.set_ylabel)(label, fontsize=style.small_pt)
