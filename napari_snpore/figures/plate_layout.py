"""Layout of a plate: lettered panels in rows as wide as the page, every picture in its true aspect
ratio.

As on a printed page, the height of a row follows from the widths that its panels want for their
height.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from napari_snpore.errors import InputError
from napari_snpore.figures.page import Box, heading_at, new_figure, size_mm, title_at, title_lines
from napari_snpore.figures.page import wrapped as wrap
from napari_snpore.figures.panels import Panel, note_at, note_lines
from napari_snpore.figures.phase_colors import in_rows, legend_rows, phase_patches, shown_names
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, PRINT, FigureStyle
from napari_snpore.figures.table_panel import TablePanel
from napari_snpore.segmentation.phases import PhaseScheme

_MARGIN_MM = 1.0
_GAP_MM = 3.5
_TALLEST_MM = 75.0
_TALLEST_ALONE_MM = 200.0
"""Of a plate that is one row: it has the page for itself."""
_LOWEST_MM = 14.0
_PAGE_MM = 247.0
"""Height of the type area of an A4 page with margins of 25 mm."""
_EASE = 1.3
"""How much higher than they need the panels of a broken row are at most."""


def plate(
    rows: Sequence[Sequence[Panel]],
    *,
    title: str | None = None,
    style: FigureStyle = PRINT,
    legend: bool = True,
) -> Figure:
    """Draw panels in rows on one sheet.

    Parameters
    ----------
    rows : sequence of sequence of Panel
        From :mod:`~napari_snpore.figures.panels`; empty rows are left out, and a row with more
        panels than can be read at this width continues in the next, all its panels as high.
    title : str, optional
        Above all.
    style : FigureStyle
        Width in mm (180 by default), type in points, dots per inch; ``letters=True`` letters the
        panels.
    legend : bool
        Name the phases below, where a panel shows their colours.

    Returns
    -------
    Figure
        As wide as the style says, as high as the panels need.

    Raises
    ------
    InputError
        There is no panel, a row has so many that they become too small to read, or one needs a
        wider page.
    """
    filled = [list(row) for row in rows if len(row)]
    if not filled:
        raise InputError("There is no panel to draw; choose one.")
    with style.in_force():
        width = style.width(DOUBLE_COLUMN_MM)
        inner = width - 2 * _MARGIN_MM
        line = style.line_mm
        head = line + 1.6
        places: list[tuple[Panel, Box]] = []
        if sum(len(row) for row in filled) == 1:
            style = replace(style, letters=False)
        tallest = _TALLEST_ALONE_MM if len(filled) == 1 else _TALLEST_MM
        pieces = [piece for row in filled for piece in _pieces(row, inner, tallest, style)]
        lines = title_lines(title, width_mm=inner, style=style)
        top = _MARGIN_MM + len(lines) * line + (1.0 if lines else 0.0)
        for row, height in pieces:
            free_mm = inner - _GAP_MM * (len(row) - 1)
            alone = row[0] if len(row) == 1 and isinstance(row[0], TablePanel) else None
            if alone is not None:
                height = alone.height_mm(free_mm, style)
            elif height < _LOWEST_MM:
                raise InputError(
                    f"{len(row)} panels in one row of {width:g} mm are only {height:.0f} mm high; use more rows."
                )
            sizes = [free_mm] if alone is not None else [panel.aspect * height for panel in row]
            headings = max(
                len(_heading(panel, size, style).split("\n"))
                for panel, size in zip(row, sizes, strict=True)
            )
            top += head + (headings - 1) * line
            left = _MARGIN_MM
            for panel, size in zip(row, sizes, strict=True):
                places.append((panel, Box(left, top, size, height)))
                left += size + _GAP_MM
            notes = max(
                note_lines(panel, size, style) for panel, size in zip(row, sizes, strict=True)
            )
            top += height + 1.0 + notes * line
        handles = _legend([panel for panel, _ in places]) if legend else []
        names = [str(handle.get_label()) for handle in handles]
        lines_of_key = legend_rows(names, width_mm=inner, style=style) if handles else 0
        key = lines_of_key * line + 2.0 if handles else 0.0
        figure = new_figure(style, width_mm=width, height_mm=top + key + _MARGIN_MM)
        title_at(figure, _MARGIN_MM, _MARGIN_MM, lines)
        for index, (panel, box) in enumerate(places):
            words = _heading(panel, box.width, style)
            heading_at(figure, box.left, box.top - 1.2, words, index=index, style=style)
            panel.draw(figure, box, style)
            note_at(figure, box, panel, style)
        if handles:
            columns = -(-len(handles) // lines_of_key)
            anchor = (0.5, _MARGIN_MM / (top + key + _MARGIN_MM))
            figure.legend(
                handles=in_rows(handles, columns),
                ncols=columns,
                loc="lower center",
                bbox_to_anchor=anchor,
            )
        return figure


def too_high(figure: Figure) -> str:
    """Return a sentence where a figure is higher than a page, else nothing."""
    height = size_mm(figure)[1]
    if height <= _PAGE_MM:
        return ""
    return f"The plate is {height:.0f} mm high, more than a page ({_PAGE_MM:.0f} mm): make it wider, or show less."


def _legend(panels: Sequence[Panel]) -> list[Patch]:
    """Return an entry for every phase whose colour a panel shows, once for each colour, and for the
    exterior.
    """
    found: dict[tuple[str, tuple[float, ...]], str] = {}
    for panel in panels:
        if panel.scheme is not None:
            visible = shown_names(panel.scheme)
            for name, color in zip(panel.scheme.names, panel.scheme.colors, strict=True):
                if name in visible:
                    found.setdefault((name, to_rgb(color)), color)
    handles = [
        patch
        for (name, _), color in found.items()
        for patch in phase_patches(PhaseScheme((name,), (color,)))
    ]
    if any(panel.exterior for panel in panels):
        handles += phase_patches(PhaseScheme((), ()), exterior=True)
    return handles


def _pieces(
    row: list[Panel], width_mm: float, tallest_mm: float, style: FigureStyle
) -> list[tuple[list[Panel], float]]:
    """Break a row into the fewest parts whose panels are wide enough for their text; return them
    with their heights in mm.

    All parts are equally high, so that panels of a kind stay the same size, and not much higher
    than they need: a broken row makes the page long enough.
    """
    for count in range(1, len(row) + 1):
        each, more = divmod(len(row), count)
        ends = [k * each + min(k, more) for k in range(count + 1)]
        parts = [row[start:end] for start, end in pairwise(ends)]
        heights = [
            min(
                (width_mm - _GAP_MM * (len(part) - 1)) / sum(panel.aspect for panel in part),
                tallest_mm,
            )
            for part in parts
        ]
        needed = max(panel.least_mm(style) / panel.aspect for panel in row)
        height = min(heights) if count == 1 else min(*heights, _EASE * needed)
        if all(panel.aspect * height >= panel.least_mm(style) for panel in row):
            return [(part, height) for part in parts]
    return [([panel], _height_alone(panel, width_mm, tallest_mm, style)) for panel in row]


def _height_alone(panel: Panel, width_mm: float, tallest_mm: float, style: FigureStyle) -> float:
    """Return the height of a panel in a row of its own; a table breaks its words, others need their
    width.
    """
    least = panel.least_mm(style)
    if least > width_mm and not isinstance(panel, TablePanel):
        raise InputError(
            f"The panel '{panel.heading}' needs {least + 2 * _MARGIN_MM:.0f} mm at {style.font_pt:g} pt, and the figure is "
            f"{width_mm + 2 * _MARGIN_MM:g} mm wide; make it wider or the type smaller."
        )
    return min(width_mm / panel.aspect, max(tallest_mm, least / panel.aspect))


def panel_figure(panel: Panel, *, style: FigureStyle = PRINT) -> Figure:
    """Draw one panel alone, at the width of the style (88 mm by default).

    Raises
    ------
    InputError
        The panel refuses its data.
    """
    return plate([[panel]], style=FigureStyle(style.width(88.0), style.font_pt, style.dpi))


def _heading(panel: Panel, width_mm: float, style: FigureStyle) -> str:
    return wrap(
        panel.heading, width_mm=width_mm - (4.5 if style.letters else 0.0), size_pt=style.font_pt
    )
