"""Search for the blur of the tilt images: discrete residual against the trial values of σ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from napari_snpore.figures.numbers import number, plain_ticks
from napari_snpore.figures.page import message_figure, new_figure, wrapped
from napari_snpore.figures.style import GRAY, INK, MARK, PRINT, SINGLE_COLUMN_MM, FigureStyle

if TYPE_CHECKING:
    from napari_snpore.tomography.discrete.blur_search import BlurEstimate

_TOP = 3.0
"""The axis ends at so many times the least residual: far from the minimum R grows by tens."""


def blur_curve_plot(found: BlurEstimate, *, style: FigureStyle = PRINT) -> Figure:
    """Draw the residual of each trial, the blur that was found, and its 95 % interval.

    Parameters
    ----------
    found : BlurEstimate
        From :func:`~napari_snpore.tomography.discrete.blur_search.find_blur`.
    style : FigureStyle
        Width and type.

    Returns
    -------
    Figure
        A sentence in place of a curve where no trial gave a residual.
    """
    usable = np.array([point for point in found.curve if math.isfinite(point[1])])
    with style.in_force():
        width = style.width(SINGLE_COLUMN_MM)
        if not len(usable):
            text = found.reason or "No trial of the blur gave a residual."
            return message_figure(text, style=style, width_mm=width)
        figure = new_figure(style, width_mm=width, height_mm=60, constrained=True)
        axes = figure.subplots()
        sigma, residual = usable.T
        axes.plot(sigma, residual, "-o", color=INK, linewidth=0.7, markersize=3, gid="trials")
        axes.set_xscale("log")
        if math.isfinite(found.sigma_px):
            label = f"found: {number(found.sigma_px)} px"
            axes.axvline(found.sigma_px, color=MARK, linewidth=1.0, label=label, gid="found")
            if math.isfinite(found.low_95):
                axes.axvspan(
                    max(found.low_95, 1e-3),
                    found.high_95,
                    color=MARK,
                    alpha=0.2,
                    linewidth=0,
                    label="95 % interval",
                )
            figure.legend(loc="outside lower center", ncols=2, fontsize=style.small_pt)
        least, most = float(residual.min()), float(residual.max())
        top = min(most, _TOP * least) if least > 0 else most
        air = 0.08 * max(top - least, 0.01 * abs(least), 1e-12)
        axes.set_ylim(least - air, top + air)
        axes.set(xlabel="Blur σ (px, log scale)", ylabel="Residual R of the phases")
        axes.set_xticks(_spread(sigma))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, digits=2)))
        plain_ticks(axes.yaxis, at_most=5)
        head = _head(found)
        figure.suptitle(
            wrapped(head, width_mm=width - 4, size_pt=style.small_pt),
            fontsize=style.small_pt,
            color=GRAY,
            x=0.02,
            ha="left",
        )
        return figure


def _head(found: BlurEstimate) -> str:
    if not found.reliable:
        return f"Not reliable. {found.reason or ''}".strip()
    interval = f"{number(found.low_95)} to {number(found.high_95)} px"
    levels = ", ".join(number(level) for level in found.levels)
    return f"Blur {number(found.sigma_px)} px (95 %: {interval}); grey levels {levels}"


def _spread(sigma: NDArray[np.float64]) -> list[float]:
    """Return trial values as ticks, those left out that would overlap a smaller one."""
    ticks: list[float] = []
    for value in sorted(sigma.tolist()):
        if not ticks or value > 1.2 * ticks[-1]:
            ticks.append(value)
    return ticks
