"""Size and shape of objects: histograms of length, width, volume and aspect ratio, with a note on
the objects left out.

All objects count for the sizes, those too small to resolve as hatched bars; the aspect ratio, a
statistic of shape, takes the resolved ones alone. Objects cut by the box are left out, and the
heading says how many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import log_ticks, number, plain_ticks
from napari_snpore.figures.page import (
    letter_panels,
    message_figure,
    new_figure,
    text_width_mm,
    wrapped,
)
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, GRAY, INK, OUTLINE, PRINT, FigureStyle
from napari_snpore.measurement.columns import column_of
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM
from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.uncertainty.size_limit import SizeLimit

_COLUMNS = ("voxel_count", "volume_nm3", "length_nm", "width_nm", "aspect_ratio")
_BINS = 25
_FAR = 3.0
"""An axis ends at the longest object unless that is so many times the 99th percentile: one network
is longer than all pores.
"""


@dataclass(frozen=True, eq=False)
class _Objects:
    """The objects that count, and what was left out."""

    table: pd.DataFrame
    resolved: NDArray[np.bool_]
    cut: int
    min_voxels: int

    def split(self, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a column of the resolved and of the unresolved objects."""
        values = self.table[column].to_numpy(dtype=np.float64)
        return values[self.resolved], values[~self.resolved]


@dataclass(frozen=True)
class HistogramOptions:
    """How the panels are drawn: colour of the bars, marked lengths, the limit stated, width of a
    heading, type, and the detection limit.
    """

    face: str
    marks: dict[str, float]
    limit_nm: float
    heading_mm: float
    style: FigureStyle
    size_limit: SizeLimit | None = None

    @property
    def shorter(self) -> str:
        """``< 2 nm``, never broken into lines."""
        return _tied(f"< {self.limit_nm:g} nm")

    @property
    def pale(self) -> dict[str, Any]:
        """Bars of unresolved objects: a pale tint of the colour, hatched."""
        tint = tuple(1 - 0.35 * (1 - part) for part in to_rgb(self.face))
        return {"facecolor": tint, "edgecolor": OUTLINE, "hatch": "////////"}


def object_histograms(
    table: pd.DataFrame,
    *,
    noun: str = "Sn clusters",
    voxel_nm: float,
    crowther_nm: float | None = None,
    size_limit: SizeLimit | None = None,
    min_voxels: int = RESOLVED_VOXELS,
    limit_nm: float = SHORT_BELOW_NM,
    color: str | None = None,
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw how many objects are how long, wide, large and elongated, as a share of their number.

    Parameters
    ----------
    table : DataFrame
        One row an object, as ``measure_objects`` returns it: ``voxel_count, volume_nm3, length_nm,
        width_nm, aspect_ratio``, and ``touches_border, convention, objects_from`` where known.
    noun : str
        What the objects are, in the plural.
    voxel_nm : float
        Largest edge of a voxel, marked in the plots of length and width.
    crowther_nm : float, optional
        The resolution guide ``D·Δθ``, marked likewise.
    size_limit : SizeLimit, optional
        The detection limit: lengths and volumes of which fewer than half are found are shaded.
    min_voxels : int
        Objects with fewer voxels count as unresolved.
    limit_nm : float
        The share of objects shorter than this is stated.
    color : str, optional
        Of the bars; None takes that of the phase whose name begins the noun, else grey.
    style : FigureStyle
        Width, type and letters.

    Returns
    -------
    Figure
        Without objects, a figure that says so.

    Raises
    ------
    InputError
        A column is missing, or a voxel size that is not positive.
    """
    if not (math.isfinite(voxel_nm) and voxel_nm > 0):
        raise InputError(f"voxel_nm is {voxel_nm}; a positive number in nm is needed.")
    objects = counted(table, min_voxels)
    with style.in_force():
        width = style.width(DOUBLE_COLUMN_MM)
        if objects.table.empty:
            cut = f": all {objects.cut:,} are cut by the box" if objects.cut else ""
            return message_figure(
                f"There are no {noun} to measure{cut}.", style=style, width_mm=width
            )
        narrow = width < 130
        heading = wrapped(_heading(objects, noun), width_mm=width - 4, size_pt=style.font_pt)
        height = (132.0 if narrow else 92.0) + style.line_mm * heading.count("\n")
        figure = new_figure(style, width_mm=width, height_mm=height, constrained=True)
        figure.set_layout_engine("constrained", h_pad=0.05, w_pad=0.05, hspace=0.04, wspace=0.03)
        panels = list(figure.subplots(2, 2).flat)
        marks = {"voxel": voxel_nm} | ({} if crowther_nm is None else {"D·Δθ": float(crowther_nm)})
        face = noun_color(noun) if color is None else color
        options = HistogramOptions(face, marks, limit_nm, width / 2 - 14, style, size_limit)
        sizes = objects.table[["length_nm", "width_nm"]].to_numpy(dtype=np.float64)
        edges = length_edges(sizes, shortest_nm=limit_nm)
        size_panel(panels[0], objects, "length_nm", edges, options).set_xlabel(
            column_of("length_nm").axis
        )
        size_panel(panels[1], objects, "width_nm", edges, options).set_xlabel(
            column_of("width_nm").axis
        )
        _volume_panel(panels[2], objects, options)
        shape_panel(panels[3], objects, options)
        figure.suptitle(heading, x=0.01, ha="left", fontsize=style.font_pt)
        handles = _handles(objects, options)
        figure.legend(
            handles=handles, loc="outside lower center", ncols=2 if narrow else len(handles)
        )
        letter_panels(panels, style)
        return figure


def length_edges(values_nm: NDArray[np.float64], *, shortest_nm: float) -> NDArray[np.float64]:
    """Return bin edges from 0 in steps of 1, 2, 2.5 or 5 times a power of ten, with an edge at
    ``shortest_nm`` if it can.
    """
    finite = values_nm[np.isfinite(values_nm)]
    longest, usual = float(finite.max()), float(np.percentile(finite, 99))
    end = max(usual * 1.5 if longest > _FAR * usual else longest, shortest_nm * 1.25)
    wanted = end / _BINS
    exponent = math.floor(math.log10(wanted))
    step = next(
        m * 10.0**exponent for m in (1, 2, 2.5, 5, 10) if m * 10.0**exponent >= wanted * (1 - 1e-9)
    )
    edges: NDArray[np.float64] = np.arange(math.floor(end / step) + 2, dtype=np.float64) * step
    return edges


def counted(table: pd.DataFrame, min_voxels: int) -> _Objects:
    """Leave out the objects that the box cuts, and mark which of the others are resolved."""
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise InputError(
            f"table has no column {', '.join(missing)}; a table from measure_objects is needed."
        )
    whole = table
    if "touches_border" in table.columns:
        whole = table[~table["touches_border"].astype(bool)]
    resolved = whole["voxel_count"].to_numpy() >= min_voxels
    return _Objects(whole, resolved, len(table) - len(whole), min_voxels)


def _heading(objects: _Objects, noun: str) -> str:
    """Say how many objects there are, how they were made and measured, and what was left out."""
    count = len(objects.table)
    left_out = f" ({objects.cut:,} cut by the box left out)" if objects.cut else ""
    share = 100 * float(np.mean(~objects.resolved))
    parts = [
        f"{noun[:1].upper()}{noun[1:]}: {_tied(f'n = {count:,}')}{left_out}",
        f"{number(share, trim=True)} % unresolved (< {objects.min_voxels} voxels)",
    ]
    for column, what in (("objects_from", "objects"), ("convention", "Feret convention")):
        if column in objects.table.columns:
            parts.append(f"{what}: {', '.join(sorted(set(objects.table[column].astype(str))))}")
    return "; ".join(parts)


def noun_color(noun: str) -> str:
    """Return the colour of the phase whose name begins the noun."""
    for name, color in zip(PORE_C_SN.names, PORE_C_SN.colors, strict=True):
        if noun.lower().split(" ")[0].rstrip("s") == name.lower():
            return color
    return "#b0b0b0"


def _bars(
    axes: Axes,
    objects: _Objects,
    column: str,
    edges: NDArray[np.float64],
    options: HistogramOptions,
) -> int:
    """Draw shares of all objects: resolved ones filled, the others hatched on top; return how many
    lie beyond the edges.
    """
    total = len(objects.table)
    counts = [np.histogram(values, edges)[0] for values in objects.split(column)]
    low, high = (100 * count / total for count in counts)
    places: dict[str, Any] = {
        "x": edges[:-1],
        "width": np.diff(edges),
        "align": "edge",
        "linewidth": 0.4,
    }
    axes.bar(height=low, facecolor=options.face, edgecolor=OUTLINE, gid="resolved", **places)
    axes.bar(height=high, bottom=low, gid="unresolved", **places, **options.pale)
    tallest = float((low + high).max())
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.08 * tallest if tallest > 0 else 1.0))
    axes.set_ylabel("Share of number (%)")
    plain_ticks(axes.yaxis, at_most=5)
    return total - int(sum(count.sum() for count in counts))


def _median(axes: Axes, value: float) -> None:
    axes.axvline(value, color=INK, linestyle=(0, (4, 2)), linewidth=0.9, gid="median")


def _title(axes: Axes, text: str, options: HistogramOptions) -> None:
    """Write a panel's heading, wrapped; aligned right where a panel letter is at the left."""
    letters = options.style.letters
    width_mm = options.heading_mm - (5 if letters else 0)
    heading = wrapped(text, width_mm=width_mm, size_pt=options.style.font_pt)
    axes.set_title(heading, loc="right" if letters else "left")


def _tied(text: str) -> str:
    """Join words that belong on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def size_panel(
    axes: Axes,
    objects: _Objects,
    column: str,
    edges: NDArray[np.float64],
    options: HistogramOptions,
) -> Axes:
    """Draw length or width with its median, its share below the limit, the voxel size and the
    resolution guide.
    """
    beyond = _bars(axes, objects, column, edges, options)
    values = objects.table[column].to_numpy(dtype=np.float64)
    for (label, place), dashes in zip(options.marks.items(), _MARK_DASHES, strict=False):
        if place <= edges[-1]:
            axes.axvline(place, color=GRAY, linestyle=dashes, linewidth=0.9, gid=label)
    if column == "length_nm" and options.size_limit is not None:
        _shade(axes, options.size_limit.length_nm)
    _median(axes, float(np.median(values)))
    below = _tied(
        f"{number(100 * float(np.mean(values < options.limit_nm)), trim=True)} % {options.shorter}"
    )
    text = f"Median {_tied(number(float(np.median(values))) + ' nm')}; {below}"
    if beyond:
        text += f"; {beyond:,} beyond the axis"
    _title(axes, text, options)
    plain_ticks(axes.xaxis, at_most=7)
    return axes


def _shade(axes: Axes, end: float) -> None:
    """Shade the sizes below the detection limit, behind the bars."""
    start, last = axes.get_xlim()
    if end > start:
        axes.axvspan(start, min(end, last), gid="below detection limit", zorder=0, **_SHADE)


_SHADE: dict[str, Any] = {"facecolor": "#e4e4e4", "edgecolor": "none"}

_MARK_DASHES = ((0, (1, 1.5)), (0, (5, 1.2, 1, 1.2)))


def _volume_panel(axes: Axes, objects: _Objects, options: HistogramOptions) -> None:
    """Draw volumes on a log axis, with the share of the volume that short objects hold."""
    volumes = objects.table["volume_nm3"].to_numpy(dtype=np.float64)
    low, high = math.log10(volumes.min()), math.log10(volumes.max())
    low, high = (low - 0.5, high + 0.5) if high - low < 0.2 else (low, high)
    edges = 10.0 ** np.linspace(low, high, 21)
    edges[0], edges[-1] = min(edges[0], volumes.min()), max(edges[-1], volumes.max())
    axes.set_xscale("log")
    _bars(axes, objects, "volume_nm3", edges, options)
    log_ticks(axes.xaxis, decades=high - low)
    if options.size_limit is not None:
        _shade(axes, options.size_limit.volume_nm3)
    _median(axes, float(np.median(volumes)))
    short = objects.table["length_nm"].to_numpy() < options.limit_nm
    share = number(100 * float(volumes[short].sum() / volumes.sum()), trim=True)
    text = f"Median {_tied(number(float(np.median(volumes))) + ' nm³')}; {share} % of volume in lengths {options.shorter}"
    _title(axes, text, options)
    axes.set_xlabel(column_of("volume_nm3").axis)


def shape_panel(axes: Axes, objects: _Objects, options: HistogramOptions) -> None:
    """Draw the aspect ratio of the resolved objects in bins of 0.05."""
    ratios, unresolved = objects.split("aspect_ratio")
    words = column_of("aspect_ratio").axis
    label = f"{words} (width / length)"
    # the label may be a little wider than the axis
    fits = text_width_mm(label, options.style.font_pt) <= options.heading_mm + 4.0
    axes.set_xlabel(label if fits else words)
    axes.set_xlim(0, 1)
    plain_ticks(axes.xaxis, at_most=6)
    if not len(ratios):
        axes.set_yticks([])
        axes.text(
            0.5,
            0.5,
            "none is resolved",
            ha="center",
            va="center",
            transform=axes.transAxes,
            color=GRAY,
        )
        return
    left_out = f"; {len(unresolved):,} unresolved left out" if len(unresolved) else ""
    only = _Objects(
        objects.table[objects.resolved], np.ones(len(ratios), dtype=np.bool_), 0, objects.min_voxels
    )
    _bars(axes, only, "aspect_ratio", np.arange(21) / 20, options)
    _median(axes, float(np.median(ratios)))
    _title(
        axes,
        f"Median {number(float(np.median(ratios)))}; {_tied(f'n = {len(ratios):,}')}{left_out}",
        options,
    )


def _handles(objects: _Objects, options: HistogramOptions) -> list[Patch | Line2D]:
    """Return the legend entries of what was drawn."""
    handles: list[Patch | Line2D] = [
        Patch(facecolor=options.face, edgecolor=OUTLINE, label=f"≥ {objects.min_voxels} voxels"),
    ]
    if not objects.resolved.all():
        handles.append(Patch(label=f"< {objects.min_voxels} voxels (unresolved)", **options.pale))
    handles.append(Line2D([], [], color=INK, linestyle=(0, (4, 2)), label="median"))
    for (label, place), dashes in zip(options.marks.items(), _MARK_DASHES, strict=False):
        text = f"{label} {number(place, trim=True)} nm"
        handles.append(Line2D([], [], color=GRAY, linestyle=dashes, label=text))
    if options.size_limit is not None:
        reads = number(options.size_limit.length_nm, trim=True)
        handles.append(Patch(label=f"fewer than half are found (< {reads} nm)", **_SHADE))
    return handles
