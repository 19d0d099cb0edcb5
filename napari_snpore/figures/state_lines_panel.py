"""Panels of curves of all states: radial profiles by depth below the surface, the fraction against
the size of a cube, the correlation of the pores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.comparison.compare import Comparison
from napari_snpore.figures.numbers import plain_ticks
from napari_snpore.figures.page import Box, axes_at
from napari_snpore.figures.panels import least_of_heading
from napari_snpore.figures.plot_panels import left_of_plot, plot_frame
from napari_snpore.figures.state_series import StateLegend, StateSeries, series_of
from napari_snpore.figures.style import GRAY, FigureStyle

_LEAST_SHARE = 0.005
"""Share of the fibre's volume below which a shell says nothing: the innermost one."""


@dataclass(frozen=True, eq=False)
class StateProfilePanel:
    """A column of the radial profiles, a line for each fibre of each state.

    Parameters
    ----------
    comparison : Comparison
    column : str
        Such as ``"pore_percent"``.
    label : str
        Of the upright axis, with the unit.
    """

    comparison: Comparison
    column: str = "pore_percent"
    label: str = "Pore fraction (%)"
    legend: StateLegend = field(default_factory=StateLegend)
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def heading(self) -> str:
        """What is drawn."""
        return f"{self.label.partition(' (')[0]}, radial"

    @property
    def aspect(self) -> float:
        """Wider than high."""
        return 1.35

    @property
    def is_empty(self) -> bool:
        """Whether no fibre has the profile."""
        table = self.comparison.table("profile")
        return self.column not in table or bool(table[self.column].isna().all())

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of its axes take."""
        return max(5.6 * style.font_pt, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return what one line is."""
        return "shells of equal depth; one line per fibre"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the lines, the legend above them."""
        axes = _axes_of_lines(figure, box, self, style)
        table = self.comparison.table("profile")
        deepest = 0.0
        for name, series in series_of(self.comparison.names).items():
            for _, rows in table[table["state"] == name].groupby("fibre", sort=False):
                part = _shells(rows)
                part = part[part[self.column].notna()]  # a fibre may have other phases
                if part.empty:
                    continue
                depth = (part["depth_from_nm"] + part["depth_to_nm"]) / 2
                _line(axes, depth, part[self.column], series)
                deepest = max(deepest, float(part["depth_to_nm"].max()))
        axes.set_xlim(0, deepest or 1.0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Depth below the surface (nm)")
        axes.set_ylabel(self.label)
        _ticks(axes)


@dataclass(frozen=True, eq=False)
class CubeSizePanel:
    """The pore fraction in cubes of growing edge, with its spread: what a cube of one size is worth.

    Parameters
    ----------
    comparison : Comparison
        Its fibres have tables ``"cube sizes"``.
    """

    comparison: Comparison
    legend: StateLegend = field(default_factory=StateLegend)
    heading: ClassVar[str] = "Pore fraction in cubes"
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def aspect(self) -> float:
        """Wider than high."""
        return 1.35

    @property
    def is_empty(self) -> bool:
        """Whether no fibre has the table."""
        return self.comparison.table("cube sizes").empty

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of its axes take."""
        return max(5.6 * style.font_pt, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return what the bands are."""
        return "bands: ± standard deviation between cubes"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the means and their spread, the legend above them."""
        axes = _axes_of_lines(figure, box, self, style)
        table = self.comparison.table("cube sizes")
        for name, series in series_of(self.comparison.names).items():
            for _, rows in table[table["state"] == name].groupby("fibre", sort=False):
                mean = rows[_MEAN].to_numpy(np.float64)
                spread = rows[_SPREAD].to_numpy(np.float64)  # nan for fewer than two cubes
                _line(axes, rows[_EDGE], rows[_MEAN], series)
                axes.fill_between(
                    rows[_EDGE],
                    np.maximum(mean - spread, 0),
                    np.minimum(mean + spread, 100),
                    color=series.color,
                    alpha=0.12,
                    linewidth=0,
                )
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Edge of the cube (nm)")
        axes.set_ylabel("Pore fraction (%)")
        _ticks(axes)


_EDGE, _MEAN, _SPREAD = "edge_nm", "mean_percent", "sd_percent"


@dataclass(frozen=True, eq=False)
class StateCorrelationPanel:
    """The two-point correlation of the pores, a line for each fibre of each state.

    Parameters
    ----------
    comparison : Comparison
        Its fibres have tables ``"correlation"``.
    """

    comparison: Comparison
    legend: StateLegend = field(default_factory=StateLegend)
    heading: ClassVar[str] = "Two-point correlation of the pores"
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def aspect(self) -> float:
        """Wider than high."""
        return 1.35

    @property
    def is_empty(self) -> bool:
        """Whether no fibre has the table."""
        return self.comparison.table("correlation").empty

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of its axes take."""
        return max(5.6 * style.font_pt, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return what one line is."""
        return "1: the same voxel, 0: no relation; mean of all directions; one line per fibre"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the lines, the legend above them."""
        axes = _axes_of_lines(figure, box, self, style)
        table = self.comparison.table("correlation")
        table = table[table["direction"] == "all"]
        axes.axhline(0, color=GRAY, linewidth=0.5)
        for name, series in series_of(self.comparison.names).items():
            for _, rows in table[table["state"] == name].groupby("fibre", sort=False):
                axes.plot(
                    rows["distance_nm"],
                    rows["correlation"],
                    linewidth=0.9,
                    gid="curve",
                    **series.line,
                )
        axes.set_xlim(left=0)
        axes.set_ylim(top=1)
        axes.set_xlabel("Distance (nm)")
        axes.set_ylabel("Correlation")
        _ticks(axes)


def _shells(profile: pd.DataFrame) -> pd.DataFrame:
    """Return the shells all around the fibre that hold enough of it."""
    rows = profile[profile["sector"] == "all"]
    return rows[rows["voxel_count"] >= _LEAST_SHARE * rows["voxel_count"].sum()]


def _axes_of_lines(
    figure: Figure,
    box: Box,
    panel: StateProfilePanel | CubeSizePanel | StateCorrelationPanel,
    style: FigureStyle,
) -> Axes:
    """Return axes below the legend of the states."""
    names, width_mm = panel.comparison.names, box.width - left_of_plot(style) - 2.0
    head = panel.legend.height_mm(names, width_mm, style)
    axes = axes_at(figure, plot_frame(box, style, head_mm=head))
    panel.legend.draw(axes, names, width_mm, style)
    return axes


def _line(axes: Axes, x: pd.Series, y: pd.Series, series: StateSeries) -> None:
    axes.plot(x, y, marker=series.marker, markersize=2.2, linewidth=0.9, gid="curve", **series.line)


def _ticks(axes: Axes) -> None:
    plain_ticks(axes.xaxis, at_most=5)
    plain_ticks(axes.yaxis, at_most=5)
