"""Fourier shell correlation of even and odd tilts: whole by method, and by direction."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.figures.numbers import number, scaled_ticks
from napari_snpore.figures.page import letter_panels, new_figure, wrapped
from napari_snpore.figures.style import (
    DOUBLE_COLUMN_MM,
    GRAY,
    HATCH,
    PRINT,
    SERIES_COLORS,
    FigureStyle,
)
from napari_snpore.tomography.even_odd import EvenOdd, meaning_of
from napari_snpore.tomography.shell_correlation import CONE_DEG, ShellCorrelation

_DASHES = ("-", "--", "-.")
_DIRECTIONS = {"x": "x, across the beam", "y": "y, along the axis", "z": "z, along the beam"}
_FIRST_SIDE = 2  # directions take other colours than methods


def shell_correlation_plot(found: EvenOdd, *, style: FigureStyle = PRINT) -> Figure:
    """Draw the correlation of even and odd tilts against spatial frequency, with the half-bit
    curve.

    Left the whole of each method, right weighted backprojection by direction, each against the
    half-bit curve (dotted) of its own number of coefficients. A drop line marks the crossing, a
    grey line Nyquist's frequency.

    Parameters
    ----------
    found : EvenOdd
        Curves by method; those of iterative methods are marked as consistency.
    style : FigureStyle
        Width, type and letters.
    """
    first, last = found.slices
    about = (
        f"Even against odd tilts, each half at twice the tilt step; {last - first} slices; frequencies that the tilts measured. "
        f"Directions: cones of {CONE_DEG:g}° half-angle. Dotted: half-bit curve (van Heel and Schatz)."
    )
    method, linear = list(found.curves.items())[-1]
    with style.in_force():
        width = style.width(DOUBLE_COLUMN_MM)
        about = wrapped(about, width_mm=width - 4, size_pt=style.small_pt)
        height = 50 + style.line_mm * (about.count("\n") + 8)
        figure = new_figure(style, width_mm=width, height_mm=height, constrained=True)
        whole, sides = figure.subplots(1, 2, sharey=True)
        for index, (name, curve) in enumerate(found.curves.items()):
            _curve(whole, curve, "all", index, index, f"{name.upper()}, {meaning_of(name)}")
        for index, (name, label) in enumerate(_DIRECTIONS.items()):
            _curve(sides, linear, name, _FIRST_SIDE + index, index, label)
        whole.set_title("All directions", fontsize=style.font_pt)
        sides.set_title(f"{method.upper()} by direction", fontsize=style.font_pt)
        whole.set_ylabel("Fourier shell correlation")
        lowest = min(float(one.table["correlation"].min()) for one in found.curves.values())
        for axes in (whole, sides):
            _frame(axes, linear, lowest, style)
        figure.suptitle(about, fontsize=style.small_pt, color=GRAY, x=0.02, ha="left")
        letter_panels([whole, sides], style)
        return figure


def _curve(
    axes: Axes,
    curve: ShellCorrelation,
    direction: str,
    color_index: int,
    dash_index: int,
    label: str,
) -> None:
    """Draw a curve, its half-bit curve and a drop line at their crossing; the legend holds the
    number.
    """
    color = SERIES_COLORS[color_index]
    limit = curve.resolution_nm(direction)
    words = {
        "crossed": f"{number(limit)} nm",
        "not crossed": f"≤ {number(curve.finest_nm)} nm",
        "begins below": "below half-bit",
        "no data": "no data",
    }[curve.outcome(direction)]
    rows = curve.rows(direction)
    frequency = rows["frequency_per_nm"]
    dash, label = _DASHES[dash_index], f"{label}: {words}"
    axes.plot(frequency, rows["correlation"], dash, color=color, linewidth=1.0, label=label)
    axes.plot(frequency, rows["half_bit"], ":", color=color, linewidth=0.7)
    if math.isfinite(limit):
        height = float(np.interp(1 / limit, frequency, rows["half_bit"]))
        axes.plot([1 / limit] * 2, [0, height], color=color, linewidth=0.7)
        axes.plot([1 / limit], [height], "o", color=color, markersize=3.5, markerfacecolor="white")


def _frame(axes: Axes, curve: ShellCorrelation, lowest: float, style: FigureStyle) -> None:
    """Set limits, ticks, labels and the marks that both panels share."""
    nyquist = float(curve.table["frequency_per_nm"].max())
    bottom = min(-0.1, 0.05 * math.floor(20 * lowest)) if math.isfinite(lowest) else -0.1
    axes.set(xlim=(0, 1.02 * nyquist), ylim=(bottom, 1.05))
    axes.axhline(0, color=HATCH, linewidth=0.5, zorder=0)
    axes.axvline(
        nyquist,
        color=GRAY,
        linewidth=0.7,
        zorder=0,
        label=f"Nyquist: {number(curve.finest_nm)} nm (two voxels)",
    )
    factor = scaled_ticks(axes.xaxis, low=0, high=nyquist)
    axes.set_xlabel(f"Spatial frequency (1/nm{factor})")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=1, fontsize=style.small_pt)
