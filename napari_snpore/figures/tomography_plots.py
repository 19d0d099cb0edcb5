"""Quality of alignment and reconstruction: shifts and residuals against tilt, residual against
iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import number, plain_ticks
from napari_snpore.figures.page import letter_panels, new_figure, wrapped
from napari_snpore.figures.style import (
    GRAY,
    HATCH,
    PRINT,
    SERIES_COLORS,
    SERIES_MARKERS,
    SINGLE_COLUMN_MM,
    FigureStyle,
)
from napari_snpore.figures.tilts import angle_text

if TYPE_CHECKING:
    from napari_snpore.tomography.alignment import Alignment
    from napari_snpore.tomography.quality import Quality


def alignment_plot(
    alignment: Alignment, angles_deg: ArrayLike, *, style: FigureStyle = PRINT
) -> Figure:
    """Draw the shifts of each image and what the alignment left, against tilt.

    Parameters
    ----------
    alignment : Alignment
        Shifts and residual in px of the raw images.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees, in the order of the images.
    style : FigureStyle
        Width, type and letters.

    Raises
    ------
    InputError
        Another number of angles than tilts.
    """
    table = alignment.table(angles_deg).sort_values("angle_deg", kind="stable")
    angles = table["angle_deg"].to_numpy()
    about = (
        f"Axis {angle_text(alignment.tilt_axis_angle_deg)}, offset {number(alignment.tilt_axis_offset_px)} px; "
        f"handedness {alignment.handedness}; method {alignment.method}"
    )
    with style.in_force():
        width = style.width(SINGLE_COLUMN_MM)
        notes = wrapped(" ".join(alignment.notes), width_mm=width - 4, size_pt=style.small_pt)
        height = 66 + style.line_mm * (notes.count("\n") + 1 if notes else 0)
        figure = new_figure(style, width_mm=width, height_mm=height, constrained=True)
        shifts, residual = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        for column, name, which in (("shift_y_px", "y", 0), ("shift_x_px", "x", 1)):
            _points(shifts, angles, table[column].to_numpy(), which=which, label=name)
        shifts.axhline(0, color=HATCH, linewidth=0.5, zorder=0)
        shifts.set_ylabel("Shift (px)")
        shifts.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), title_fontsize=style.small_pt)
        _points(residual, angles, table["residual_px"].to_numpy(), which=2)
        residual.set(
            ylabel="Residual (px)",
            xlabel="Tilt (°)",
            ylim=(0, _above(table["residual_px"].to_numpy())),
        )
        for axes in (shifts, residual):
            plain_ticks(axes.xaxis, at_most=8)
            plain_ticks(axes.yaxis, at_most=5)
        figure.suptitle(
            wrapped(about, width_mm=width - 4, size_pt=style.font_pt),
            fontsize=style.font_pt,
            x=0.02,
            ha="left",
        )
        if notes:
            figure.supxlabel(notes, fontsize=style.small_pt, color=GRAY, x=0.02, ha="left")
        letter_panels([shifts, residual], style)
        return figure


def quality_plot(
    quality: Quality,
    angles_deg: ArrayLike,
    *,
    convergence: Sequence[float] | None = None,
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw how far the reconstruction's projections are from the images: against tilt, and against
    iteration.

    Parameters
    ----------
    quality : Quality
        Residuals as shares of the measured signal, with the guides to resolution that are written
        above the plot.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees, in the order of the images.
    convergence : sequence of float, optional
        Residual after each iteration, as a share.
    style : FigureStyle
        Width, type and letters.

    Raises
    ------
    InputError
        Another number of angles than residuals.
    """
    angles = np.asarray(angles_deg, dtype=np.float64).reshape(-1)
    per_tilt = 100 * np.asarray(quality.residual_per_tilt, dtype=np.float64)
    if len(angles) != len(per_tilt):
        raise InputError(
            f"angles_deg has {len(angles)} angles for {len(per_tilt)} residuals; one for each is needed."
        )
    about = (
        f"Residual {number(100 * quality.residual)} %; D·Δθ = {number(quality.crowther_nm)} nm for "
        f"D = {number(quality.thickness_nm, trim=True)} nm at steps of {number(quality.tilt_step_deg, trim=True)}°; "
        f"elongation along the beam {number(quality.wedge_elongation)}"
    )
    with style.in_force():
        width = style.width(SINGLE_COLUMN_MM)
        figure = new_figure(style, width_mm=width, height_mm=50, constrained=True)
        panels = list(figure.subplots(1, 1 if convergence is None else 2, squeeze=False)[0])
        order = np.argsort(angles, kind="stable")
        _points(panels[0], angles[order], per_tilt[order], which=0)
        panels[0].set(xlabel="Tilt (°)", ylabel="Residual (%)", ylim=(0, _above(per_tilt)))
        if convergence is not None:
            steps = 100 * np.asarray(convergence, dtype=np.float64)
            _points(panels[1], np.arange(1, len(steps) + 1, dtype=np.float64), steps, which=1)
            panels[1].set(xlabel="Iteration", ylabel="Residual (%)", ylim=(0, _above(steps)))
        for index, axes in enumerate(panels):
            plain_ticks(axes.xaxis, at_most=6, whole=index == 1)
            plain_ticks(axes.yaxis, at_most=5)
        figure.suptitle(
            wrapped(about, width_mm=width - 4, size_pt=style.font_pt),
            fontsize=style.font_pt,
            x=0.02,
            ha="left",
        )
        letter_panels(panels, style)
        return figure


def _points(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    which: int,
    label: str | None = None,
) -> None:
    """Draw points joined by a thin line, in a colour and marker of their own; smaller where there
    are many.
    """
    size = 2.5 if len(x) <= 80 else 1.5
    style = {"marker": SERIES_MARKERS[which], "color": SERIES_COLORS[which], "markersize": size}
    axes.plot(x, y, linewidth=0.6, label=label, **style)  # type: ignore[arg-type]


def _above(values: NDArray[np.float64]) -> float:
    """Return an upper end of an axis from 0 that leaves air over the largest value."""
    finite = values[np.isfinite(values)]
    return 1.1 * float(finite.max()) if finite.size and finite.max() > 0 else 1.0
