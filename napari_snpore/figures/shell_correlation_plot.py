"""Fourier shell correlation of even and odd tilts: whole by method, and by direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.figures.numbers import number, plain_ticks
from napari_snpore.figures.page import letter_panels, new_figure, wrapped
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, GREY, HATCH, PRINT, SERIES_COLOURS, Look

if TYPE_CHECKING:
    from napari_snpore.tomography.even_odd import EvenOdd
    from napari_snpore.tomography.shell_correlation import ShellCorrelation

_DASHES = ("-", "--", "-.", ":")
_DIRECTIONS = {"x": "x, across the beam", "y": "y, along the axis", "z": "z, along the beam"}


def shell_correlation_plot(found: EvenOdd, *, look: Look = PRINT) -> Figure:
    """Draw the correlation of even and odd tilts against spatial frequency, with the half-bit curve.

    Parameters
    ----------
    found : EvenOdd
        Curves by method; those of iterative methods are marked as consistency.
    look : Look
        Width, type and letters.
    """
    first, last = found.slices
    about = (
        f"Even against odd tilts (each half has twice the tilt step), {last - first} slices, only frequencies that the tilts "
        "measured. Half-bit curve of van Heel and Schatz; circles mark where it is crossed."
    )
    with look.in_force():
        width = look.width(DOUBLE_COLUMN_MM)
        figure = new_figure(look, width_mm=width, height_mm=66, constrained=True)
        whole, sides = figure.subplots(1, 2, sharey=True)
        for index, (method, curve) in enumerate(found.curves.items()):
            meaning = "resolution" if method == "wbp" else "consistency"
            _curve(whole, curve, "all", index, f"{method.upper()}, {meaning}")
        _half_bit(whole, curve, "all")
        for index, (name, label) in enumerate(_DIRECTIONS.items()):
            _curve(sides, curve, name, index, label)
        whole.set_ylabel("Fourier shell correlation")
        sides.set_title(f"{method.upper()} by direction (within 30°)", fontsize=look.font_pt)
        whole.set_title("All directions", fontsize=look.font_pt)
        curves = [one.table["correlation"].min() for one in found.curves.values()]
        lowest = min(-0.1, 0.05 * math.floor(20 * min(curves)))
        for axes in (whole, sides):
            axes.set(xlabel="Spatial frequency (1/nm)", ylim=(lowest, 1.05))
            axes.set_xlim(0, float(curve.table["frequency_per_nm"].max()))
            axes.axhline(0, color=HATCH, linewidth=0.5, zorder=0)
            plain_ticks(axes.xaxis, at_most=6)
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=1, fontsize=look.small_pt)
        figure.suptitle(
            wrapped(about, width_mm=width - 4, size_pt=look.small_pt),
            fontsize=look.small_pt,
            color=GREY,
            x=0.02,
            ha="left",
        )
        letter_panels([whole, sides], look)
        return figure


def _curve(axes: Axes, curve: ShellCorrelation, direction: str, which: int, label: str) -> None:
    rows = curve.table[(curve.table["direction"] == direction) & curve.table["correlation"].notna()]
    if rows.empty:
        axes.plot([], [], linestyle="none", label=f"{label}: no data")
        return
    colour = SERIES_COLOURS[which]
    limit = curve.resolution_nm(direction)
    bound = "≤ " if curve.reaches_nyquist(direction) else ""
    words = "below half-bit" if math.isnan(limit) else f"{bound}{number(limit)} nm"
    axes.plot(
        rows["frequency_per_nm"],
        rows["correlation"],
        _DASHES[which],
        color=colour,
        linewidth=1.0,
        label=f"{label}: {words}",
    )
    if math.isfinite(limit) and not curve.reaches_nyquist(direction):
        height = float(rows["half_bit"].iloc[(rows["frequency_per_nm"] - 1 / limit).abs().argmin()])
        axes.plot([1 / limit], [height], "o", color=colour, markersize=4, markerfacecolor="white")


def _half_bit(axes: Axes, curve: ShellCorrelation, direction: str) -> None:
    rows = curve.table[(curve.table["direction"] == direction) & curve.table["correlation"].notna()]
    axes.plot(rows["frequency_per_nm"], rows["half_bit"], ":", color=GREY, linewidth=1.0, label="half-bit")
