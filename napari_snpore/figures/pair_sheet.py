"""Sheet of two equal slices side by side, each with its key below."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.figures.cuts import Cut
from napari_snpore.figures.page import (
    Box,
    axes_at,
    frame_image,
    heading_at,
    new_figure,
    title_at,
    title_lines,
)
from napari_snpore.figures.style import FigureStyle

_MARGIN_MM = 1.0
_GAP_MM = 4.0
_TALLEST_MM = 120.0
_SMALL_MM = (14.0, 9.0)
_BAR_STRIP_MM = 8.0


@dataclass(frozen=True, eq=False)
class PairSheet:
    """A figure with two empty panels in place, places for their keys, and for a scale bar where the
    panels are too small.
    """

    figure: Figure
    panels: tuple[Axes, Axes]
    keys: tuple[Box, Box]
    key_columns: int
    spare: Box | None
    nm_per_mm: float


def pair_sheet(
    cut: Cut,
    *,
    entry_mm: float,
    entries: int,
    style: FigureStyle,
    width_mm: float,
    title: str | None = None,
) -> PairSheet:
    """Place two panels of the shape of a slice, grey values at the left and phases at the right.

    Parameters
    ----------
    cut : Cut
        The slice.
    entry_mm, entries : float, int
        Width of a legend entry and how many there are.
    style : FigureStyle
        Type size and letters.
    width_mm : float
        The sheet is at most so wide, unless a legend entry needs more.
    title : str, optional
        Above the panels.
    """
    line = style.line_mm
    down, right = cut.size_nm
    scale = min((width_mm - 2 * _MARGIN_MM - _GAP_MM) / (2 * right), _TALLEST_MM / down)
    panel_mm = (right * scale, down * scale)
    column = max(panel_mm[0], 0.5 * (min(width_mm, 70.0) - 2 * _MARGIN_MM - _GAP_MM), entry_mm)
    columns = 2 if 2 * entry_mm <= column else 1
    key_mm = max(6.0 + 2.4 * line, 1.1 * line * -(-entries // columns) + 3.0)
    width = 2 * (_MARGIN_MM + column) + _GAP_MM
    lines = title_lines(title, width_mm=width - 2 * _MARGIN_MM, style=style)
    top = _MARGIN_MM + len(lines) * line + (1.0 if lines else 0.0) + line + 0.6
    foot = top + panel_mm[1] + key_mm
    small = panel_mm[0] < _SMALL_MM[0] or panel_mm[1] < _SMALL_MM[1]
    figure = new_figure(style, width_mm=width, height_mm=foot + (_BAR_STRIP_MM if small else 0.0))
    title_at(figure, _MARGIN_MM, _MARGIN_MM, lines)

    def place(index: int, heading: str) -> tuple[Axes, Box]:
        left = _MARGIN_MM + index * (column + _GAP_MM)
        axes = axes_at(figure, Box(left + (column - panel_mm[0]) / 2, top, *panel_mm))
        frame_image(axes)
        heading_at(figure, left, top - 1.2, heading, index=index, style=style)
        return axes, Box(left, top + panel_mm[1] + 1.5, column, key_mm - 2.0)

    (gray, gray_key), (phases, phase_key) = place(0, cut.title), place(1, "phases")
    spare = Box(0.0, foot, width, _BAR_STRIP_MM) if small else None
    return PairSheet(figure, (gray, phases), (gray_key, phase_key), columns, spare, 1 / scale)
