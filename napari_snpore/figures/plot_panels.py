"""Plot panels of a plate: phase fractions as bars, sizes of objects as histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.figures.intervals import (
    FractionInterval,
    Intervals,
    interval_of,
    note_on,
)
from napari_snpore.figures.numbers import number, plain_ticks
from napari_snpore.figures.object_plots import (
    HistogramOptions,
    counted,
    length_edges,
    noun_color,
    shape_panel,
    size_panel,
)
from napari_snpore.figures.page import Box, axes_at, text_width_mm
from napari_snpore.figures.panels import least_of_heading
from napari_snpore.figures.style import GRAY, INK, OUTLINE, FigureStyle
from napari_snpore.measurement.columns import column_of
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.uncertainty.size_limit import SizeLimit

_FRACTION = "Volume fraction (%)"


@dataclass(frozen=True, eq=False)
class FractionPanel:
    """Phase fractions of regions as bars side by side, with their errors.

    Parameters
    ----------
    heading : str
        Above it.
    shares : mapping of str to mapping of str to float
        Percent of each phase by region, such as ``{"centre": {"pore": 38.1, …}, "edge": …}``.
    errors : mapping, optional
        Standard errors likewise, in percentage points.
    scheme : PhaseScheme
        Colours.
    intervals : mapping, optional
        Corrected values and intervals, drawn as points with whiskers on the bars of what was
        counted; those of other counted values are left out.
    """

    heading: str
    shares: Mapping[str, Mapping[str, float]]
    errors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    scheme: PhaseScheme = PORE_C_SN
    intervals: Intervals = field(default_factory=dict)
    exterior: ClassVar[bool] = False

    @property
    def aspect(self) -> float:
        """Wider with more regions."""
        return 0.85 + 0.25 * max(len(self.shares) - 1, 0)

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of the regions take, and the name of the upright axis."""
        names = (
            max((text_width_mm(_short(name), style.small_pt) for name in self.shares), default=0.0)
            + 1.5
        )
        across = left_of_plot(style) + 2.0 + names * len(self.shares)
        upright = (
            text_width_mm(_FRACTION, style.font_pt) + style.line_mm + 1.2
        )  # centred on the axis, under the heading
        return max(across, upright * self.aspect, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return which bar is which without its colour, what the shares are of, and what the
        whiskers are.
        """
        bars = f"bars from the left: {', '.join(self._names)}; " if len(self._names) > 1 else ""
        known = self._known()
        if known:
            return f"{bars}of the envelope; {note_on(list(known.values()))}"
        return bars + (
            "whiskers: standard error" if self.errors else "of the envelope; no error estimated"
        )

    def _known(self) -> dict[tuple[str, str], FractionInterval]:
        found = {
            (region, name): interval_of(self.intervals, region, name, value)
            for region, values in self.shares.items()
            for name, value in values.items()
        }
        return {place: one for place, one in found.items() if one is not None}

    @property
    def _names(self) -> list[str]:
        return [
            name for name in self.scheme.names if any(name in one for one in self.shares.values())
        ]

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw one group of bars a region."""
        axes = axes_at(figure, plot_frame(box, style, lines_below=1))
        names, known = self._names, self._known()
        width = 0.8 / max(len(names), 1)
        for k, (region, values) in enumerate(self.shares.items()):
            for j, name in enumerate(names):
                value = float(values.get(name, math.nan))
                error = float(self.errors.get(region, {}).get(name, math.nan))
                place = k + (j - (len(names) - 1) / 2) * width
                color = self.scheme.colors[self.scheme.names.index(name)]
                axes.bar(
                    place,
                    value,
                    width,
                    facecolor=color,
                    edgecolor=OUTLINE,
                    linewidth=0.5,
                    gid="fraction",
                )
                if math.isfinite(error):
                    axes.errorbar(
                        place,
                        value,
                        yerr=error,
                        color=INK,
                        elinewidth=0.7,
                        capsize=1.5,
                        capthick=0.7,
                    )
                if (region, name) in known:
                    _draw_interval(axes, place, known[region, name])
        axes.set_xticks(range(len(self.shares)), [_short(name) for name in self.shares])
        axes.set_xlim(-0.5, len(self.shares) - 0.5)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(_FRACTION)
        plain_ticks(axes.yaxis, at_most=5)


def _draw_interval(axes: Axes, place: float, known: FractionInterval) -> None:
    """Draw the corrected value as a point and its interval as whiskers."""
    ends = None
    if math.isfinite(known.low) and math.isfinite(known.high):
        ends = [[max(known.best - known.low, 0.0)], [max(known.high - known.best, 0.0)]]
    axes.errorbar(
        place,
        known.best,
        yerr=ends,
        fmt="o" if known.is_corrected else "none",
        markersize=2.2,
        markerfacecolor="white",
        markeredgewidth=0.7,
        color=INK,
        elinewidth=0.7,
        capsize=1.5,
        capthick=0.7,
        gid="interval",
    )


@dataclass(frozen=True, eq=False)
class HistogramPanel:
    """How many objects are how long, wide or elongated.

    Parameters
    ----------
    noun : str
        What the objects are, in the plural.
    table : DataFrame
        As ``measure_objects`` returns it.
    column : {"length_nm", "width_nm", "aspect_ratio"}
        What is counted.
    voxel_nm : float
        Largest edge of a voxel, marked.
    crowther_nm : float, optional
        D·Δθ, marked.
    size_limit : SizeLimit, optional
        The detection limit: lengths of which fewer than half are found are shaded.
    min_voxels : int
        Objects with fewer are unresolved: hatched, and left out of the aspect ratio.
    limit_nm : float
        The share below it is stated.
    """

    noun: str
    table: pd.DataFrame
    column: str
    voxel_nm: float
    crowther_nm: float | None = None
    size_limit: SizeLimit | None = None
    min_voxels: int = RESOLVED_VOXELS
    limit_nm: float = SHORT_BELOW_NM
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def heading(self) -> str:
        """What is counted of what."""
        return f"{self.noun[:1].upper()}{self.noun[1:]}, n = {len(counted(self.table, self.min_voxels).table):,}"

    @property
    def aspect(self) -> float:
        """A little wider than high."""
        return 1.15

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of its axes take."""
        return max(5.4 * style.font_pt, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return the legend of the marks, how many objects are unresolved and how many were left
        out.
        """
        objects = counted(self.table, self.min_voxels)
        cut = f"; {objects.cut:,} cut by the box left out" if objects.cut else ""
        if self.column == "aspect_ratio":
            return f"width / length of objects ≥ {self.min_voxels} voxels; dashed: median{cut}"
        share = (
            f" ({number(100 * float(np.mean(~objects.resolved)), trim=True)} %)"
            if len(objects.table)
            else ""
        )
        marks = f"dotted: voxel {number(self.voxel_nm, trim=True)} nm"
        if self.crowther_nm is not None:
            marks += f"; dash-dot: D·Δθ {number(self.crowther_nm, trim=True)} nm"
        if self.size_limit is not None and self.column == "length_nm":
            reads = number(self.size_limit.length_nm, trim=True)
            marks += f"; shaded: fewer than half are found, < {reads} nm"
        return f"hatched: < {self.min_voxels} voxels{share}; dashed: median; {marks}{cut}"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the bars, with the median and the share below the limit above them."""
        head_lines = 2 if box.width > 7.2 * style.font_pt else 3
        axes = axes_at(figure, plot_frame(box, style, head_mm=style.line_mm * head_lines))
        objects = counted(self.table, self.min_voxels)
        if objects.table.empty:
            axes.set(xticks=[], yticks=[])
            axes.text(
                0.5,
                0.5,
                "no object",
                ha="center",
                va="center",
                transform=axes.transAxes,
                color=GRAY,
            )
            return
        marks = {"voxel": self.voxel_nm} | (
            {} if self.crowther_nm is None else {"D·Δθ": self.crowther_nm}
        )
        heading_mm = box.width - left_of_plot(style) - 2.0
        options = HistogramOptions(
            noun_color(self.noun),
            marks,
            self.limit_nm,
            heading_mm,
            _plain(style),
            self.size_limit,
        )
        if self.column == "aspect_ratio":
            shape_panel(axes, objects, options)
        else:
            sizes = objects.table[["length_nm", "width_nm"]].to_numpy(dtype=np.float64)
            edges = length_edges(sizes, shortest_nm=self.limit_nm)
            size_panel(axes, objects, self.column, edges, options)
            axes.set_xlabel(column_of(self.column).axis)


def plot_frame(box: Box, style: FigureStyle, *, head_mm: float = 0.0, lines_below: int = 2) -> Box:
    """Return the box of a plot's axes: its panel less tick labels, axis names and heading."""
    left, below, head = left_of_plot(style), lines_below * style.line_mm + 1.6, head_mm + 0.6
    return Box(box.left + left, box.top + head, box.width - left - 2.0, box.height - head - below)


def left_of_plot(style: FigureStyle) -> float:
    """Return the width (mm) of the tick labels and the name of a vertical axis."""
    return 2.2 * style.line_mm + 3.6


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"


def _plain(style: FigureStyle) -> Any:
    return FigureStyle(style.width_mm, style.font_pt, style.dpi)
