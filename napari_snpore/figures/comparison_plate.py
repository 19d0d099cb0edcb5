"""Plate of a comparison: all states on one sheet, in their order.

Rows: a picture of each state, where given; fractions as bars and profiles; sizes of Sn clusters and of
pores over each other; curves; differences; the table. What there is no table for is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.distributions import Weighting
from napari_snpore.comparison.number_tables import Quantity
from napari_snpore.comparison.structure_numbers import NO_ERROR
from napari_snpore.errors import InputError
from napari_snpore.figures.comparison_table import comparison_table, remark_on_comparison
from napari_snpore.figures.cuts import Cut, cropped, cut, plane_named, voxel_at
from napari_snpore.figures.difference_panel import DifferencePanel
from napari_snpore.figures.overlay_panel import OverlayPanel
from napari_snpore.figures.panels import Panel, PhasePanel
from napari_snpore.figures.plate_layout import plate
from napari_snpore.figures.state_bars_panel import StateBarsPanel
from napari_snpore.figures.state_lines_panel import (
    CubeSizePanel,
    StateCorrelationPanel,
    StateProfilePanel,
)
from napari_snpore.figures.state_series import StateLegend
from napari_snpore.figures.style import FigureStyle
from napari_snpore.figures.table_panel import TablePanel
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.volume import Volume

ComparisonPart = Literal["bars", "sizes", "pores", "curves", "differences", "table"]

COMPARISON_PARTS: dict[ComparisonPart, str] = {
    "bars": "fractions and profiles of all states",
    "sizes": "sizes of Sn clusters, overlaid",
    "pores": "sizes of pores, overlaid",
    "curves": "Sn profile, correlation, volumes",
    "differences": "differences with intervals",
    "table": "table of states",
}
"""Parts of the plate of a comparison, and their names for people."""

DEFAULT_COMPARISON_PARTS: tuple[ComparisonPart, ...] = ("bars", "sizes", "differences", "table")
"""They fit a page."""

PARTS_BELOW_PICTURES: tuple[ComparisonPart, ...] = ("bars", "sizes", "differences")
"""What fits the page below a row of pictures; the table is a figure of its own then."""

_FRACTION_GROUPS = {
    "whole": ("pore fraction, whole", "%"),
    "centre cube": ("pore fraction, centre cube", "%"),
    "edge cube": ("pore fraction, edge cube", "%"),
}


def comparison_plate(
    comparison: Comparison,
    *,
    parts: Sequence[ComparisonPart] | None = None,
    pictures: Sequence[Panel] = (),
    title: str | None = None,
    style: FigureStyle | None = None,
) -> Figure:
    """Draw all states of a comparison on one sheet.

    Parameters
    ----------
    comparison : Comparison
    parts : sequence of str, optional
        Keys of :data:`COMPARISON_PARTS`; default: :data:`DEFAULT_COMPARISON_PARTS`, below pictures
        :data:`PARTS_BELOW_PICTURES`. What there is no table for is left out.
    pictures : sequence of Panel
        A picture of each state, such as those of :func:`state_slices`, above all else.
    title : str, optional
        Above all.
    style : FigureStyle, optional
        Default: 180 mm wide, 7 pt, panels lettered.

    Raises
    ------
    InputError
        An unknown part, or nothing that can be drawn.
    """
    if parts is None and pictures:
        parts = PARTS_BELOW_PICTURES
    rows = comparison_rows(comparison, parts=parts)
    if pictures:
        rows = [list(pictures), *rows]
    if not rows:
        raise InputError("There is nothing to draw: the states have no tables in common.")
    return plate(rows, title=title, style=style or FigureStyle(letters=True))


def comparison_rows(
    comparison: Comparison, *, parts: Sequence[ComparisonPart] | None = None
) -> list[list[Any]]:
    """Return the panels of a comparison in rows, those without data left out.

    Raises
    ------
    InputError
        An unknown part.
    """
    chosen = list(DEFAULT_COMPARISON_PARTS) if parts is None else list(parts)
    for part in chosen:
        if part not in COMPARISON_PARTS:
            raise InputError(f"parts names {part!r}; {', '.join(COMPARISON_PARTS)} are possible.")
    rows = []
    for part in chosen:
        panels = [panel for panel in _PANELS[part](comparison) if not panel.is_empty]
        if part == "table":
            rows.append([_table(comparison)])
        elif panels:
            rows.append(_with_one_legend(panels))
    return rows


_ROW_MM = 150.0
"""Free for the legend above a row of panels."""


def _with_one_legend(panels: list[Any]) -> list[Any]:
    """Return the panels of a row with the legend of the states above the first one alone."""
    if len(panels) == 1 or isinstance(panels[0], DifferencePanel):
        return panels
    first, *others = panels
    return [
        replace(first, legend=StateLegend(_ROW_MM)),
        *(replace(panel, legend=StateLegend(_ROW_MM, hidden=True)) for panel in others),
    ]


def _table(comparison: Comparison) -> TablePanel:
    """Return the table of the numbers that a paper reports; differences have panels of their own."""
    kept = key_quantities(comparison) or None
    table = comparison_table(comparison, differences=False, quantities=kept)
    return TablePanel("States", table, remark_on_comparison(comparison, differences=False))


def state_slices(
    phases: Mapping[str, Volume], *, plane: str = "XZ", scheme: PhaseScheme = PORE_C_SN
) -> list[PhasePanel]:
    """Return the middle slice of each state, all at one scale: pictures of a comparison's plate.

    Parameters
    ----------
    phases : mapping of str to Volume
        Labels of the phases by state, in the order of the states.
    plane : {"XZ", "XY", "YZ"}
        XZ: across the fibre.
    scheme : PhaseScheme
        Names and colors.

    Raises
    ------
    InputError
        A volume without a body.
    """
    cuts = {}
    for state, volume in phases.items():
        piece = cut(volume, plane_named(plane), voxel_at(volume, None))
        if not (piece.values > 0).any():
            raise InputError(
                f"The middle slice of '{state}' holds no phase; there is nothing to draw."
            )
        cuts[state] = piece
    spans = {state: [_span(piece, axis) for axis in (0, 1)] for state, piece in cuts.items()}
    side = _FRAME * max(high - low for both in spans.values() for low, high in both)
    panels = []
    for state, piece in cuts.items():
        down, right = ((low + high) / 2 for low, high in spans[state])
        shown = cropped(piece, middle_nm=(down, right), side_nm=side)
        panels.append(PhasePanel(f"{state}, {shown.plane.name}", shown, scheme))
    return panels


_FRAME = 1.06
"""Side of the field of view over the thickest fibre."""


def _span(piece: Cut, axis: int) -> tuple[float, float]:
    """Return where the body begins and ends along an axis of a slice, nm."""
    places = np.flatnonzero((piece.values > 0).any(axis=1 - axis))
    left, right, bottom, top = piece.extent_nm
    start, stop = (top, bottom) if axis == 0 else (left, right)
    step = (stop - start) / piece.values.shape[axis]
    return start + step * float(places[0]), start + step * float(places[-1] + 1)


def key_quantities(comparison: Comparison) -> list[Quantity]:
    """Return the numbers that a paper reports, in the order of the table of states; those without an
    estimate of their error are in the full table alone.
    """
    known = comparison.states[comparison.states["calibrated"] != NO_ERROR]
    table = known[["quantity", "unit"]].drop_duplicates()
    return [
        (quantity, unit)
        for quantity, unit in table.itertuples(index=False, name=None)
        if quantity in _KEY_FRACTIONS or unit != "%"
    ]


def key_differences(comparison: Comparison) -> list[DifferencePanel]:
    """Return panels of the differences of the numbers that a paper reports: percentages, and all
    others in percent of the first state.
    """
    kept = key_quantities(comparison)
    shares = [(quantity, unit) for quantity, unit in kept if unit.startswith("%")]
    shares = [one for one in shares if not one[0].startswith("dead")]
    others = [(quantity, unit) for quantity, unit in kept if not unit.startswith("%")]
    panels = [
        DifferencePanel("Differences of fractions and shares", comparison, shares),
        DifferencePanel("Differences of numbers and sizes", comparison, others, relative=True),
    ]
    slots = max(len(panel.shown) for panel in panels)
    return [replace(panel, slots=slots) for panel in panels]


_KEY_FRACTIONS = (
    "pore fraction, whole",
    "C fraction, whole",
    "Sn fraction, whole",
    "pore fraction, centre cube",
    "pore fraction, edge cube",
    "dead share of pore volume, connectivity 6",
)


def _bars(comparison: Comparison) -> list[Any]:
    panels: list[Any] = [
        StateBarsPanel("Pore fraction", comparison, _FRACTION_GROUPS, "Pore fraction (%)"),
        StateBarsPanel("Short objects", comparison, short_groups(comparison), "By number (%)"),
        StateProfilePanel(comparison),
    ]
    cubes = CubeSizePanel(comparison)
    tin = StateProfilePanel(comparison, "Sn_percent", "Sn fraction (%)")
    panels.append(tin if cubes.is_empty else cubes)
    return [panel for panel in panels if not isinstance(panel, StateBarsPanel) or panel.groups]


def short_groups(comparison: Comparison) -> dict[str, tuple[str, str]]:
    """Return the shares by number of objects below a limit, by a short name."""
    found = {}
    for quantity in dict.fromkeys(comparison.states["quantity"]):
        what, _, limit = str(quantity).partition(" shorter than ")
        if limit:
            bound = f"< {limit}".replace(" ", "\N{NO-BREAK SPACE}")
            found[f"{what} {bound}"] = (str(quantity), "% of number")
    return found


def _overlays(objects: str) -> Callable[[Comparison], list[Any]]:
    shown: tuple[tuple[str, Weighting], ...] = (
        ("length_nm", "number"),
        ("length_nm", "volume"),
        ("width_nm", "number"),
        ("aspect_ratio", "number"),
    )
    return lambda comparison: [
        OverlayPanel(comparison, objects, size, weighting) for size, weighting in shown
    ]


def _curves(comparison: Comparison) -> list[Any]:
    return [
        StateProfilePanel(comparison, "Sn_percent", "Sn fraction (%)"),
        StateCorrelationPanel(comparison),
        OverlayPanel(comparison, "Sn", "volume_nm3", "volume"),
    ]


_PANELS: dict[ComparisonPart, Callable[[Comparison], list[Any]]] = {
    "bars": _bars,
    "sizes": _overlays("Sn"),
    "pores": _overlays("pore"),
    "curves": _curves,
    "differences": lambda comparison: list(key_differences(comparison)),
    "table": lambda comparison: [],
}
