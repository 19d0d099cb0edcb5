"""Panels of curves of all states: radial profiles by depth below the surface, the fraction against
the size of a cube, the correlation of the pores.
"""

from __future__ import annotations

from collections.abc import Iterator
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
class _StateLines:
    """What panels of lines share: a line for each fibre of each state, the legend of the states above.

    Parameters
    ----------
    comparison : Comparison
    legend : StateLegend
    """

    comparison: Comparison
    legend: StateLegend = field(default_factory=StateLegend, kw_only=True)
    table_name: ClassVar[str]
    """Of the table of a fibre that is drawn."""
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def heading(self) -> str:
        """What is drawn."""
        raise NotImplementedError

    @property
    def aspect(self) -> float:
        """Wider than high."""
        return 1.35

    @property
    def is_empty(self) -> bool:
        """Whether no fibre has the table."""
        return self.comparison.table(self.table_name).empty

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of its axes take."""
        return max(5.6 * style.font_pt, least_of_heading(self.heading, style))

    def _axes(self, figure: Figure, box: Box, style: FigureStyle, x: str, y: str) -> Axes:
        """Return axes with their labels, below the legend of the states."""
        names, width_mm = self.comparison.names, box.width - left_of_plot(style) - 2.0
        head = self.legend.height_mm(names, width_mm, style)
        axes = axes_at(figure, plot_frame(box, style, head_mm=head))
        self.legend.draw(axes, names, width_mm, style)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        return axes

    def _fibres(self) -> Iterator[tuple[StateSeries, pd.DataFrame]]:
        """Yield the rows of each fibre, and how its state is drawn."""
        table = self.comparison.table(self.table_name)
        for name, series in series_of(self.comparison.names).items():
            for _, rows in table[table["state"] == name].groupby("fibre", sort=False):
                yield series, rows


@dataclass(frozen=True, eq=False)
class StateProfilePanel(_StateLines):
    """A column of the radial profiles, a line for each fibre of each state.

    Parameters
    ----------
    comparison : Comparison
    column : str
        Such as ``"pore_percent"``.
    label : str
        Of the upright axis, with the unit.
    """

    column: str = "pore_percent"
    label: str = "Pore fraction (%)"
    table_name: ClassVar[str] = "profile"

    @property
    def heading(self) -> str:
        """What is drawn."""
        return f"{self.label.partition(' (')[0]}, radial"

    @property
    def is_empty(self) -> bool:
        """Whether no fibre has the profile."""
        table = self.comparison.table("profile")
        return self.column not in table or bool(table[self.column].isna().all())

    def note(self) -> str:
        """Return what one line is."""
        return "shells of equal depth; one line per fibre"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the lines, the legend above them."""
        axes = self._axes(figure, box, style, "Depth below the surface (nm)", self.label)
        deepest = 0.0
        for series, rows in self._fibres():
            part = _shells(rows)
            part = part[part[self.column].notna()]  # a fibre may have other phases
            if part.empty:
                continue
            depth = (part["depth_from_nm"] + part["depth_to_nm"]) / 2
            _line(axes, depth, part[self.column], series)
            deepest = max(deepest, float(part["depth_to_nm"].max()))
        axes.set_xlim(0, deepest or 1.0)
        axes.set_ylim(bottom=0)
        _ticks(axes)


@dataclass(frozen=True, eq=False)
class CubeSizePanel(_StateLines):
    """The pore fraction in cubes of growing edge, with its spread: what a cube of one size is worth.

    Parameters
    ----------
    comparison : Comparison
        Its fibres have tables ``"cube sizes"``.
    """

    table_name: ClassVar[str] = "cube sizes"

    @property
    def heading(self) -> str:
        """What is drawn."""
        return "Pore fraction in cubes"

    def note(self) -> str:
        """Return what the bands are."""
        return "bands: ± standard deviation between cubes"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the means and their spread, the legend above them."""
        axes = self._axes(figure, box, style, "Edge of the cube (nm)", "Pore fraction (%)")
        for series, rows in self._fibres():
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
        _ticks(axes)


_EDGE, _MEAN, _SPREAD = "edge_nm", "mean_percent", "sd_percent"


@dataclass(frozen=True, eq=False)
class StateCorrelationPanel(_StateLines):
    """The two-point correlation of the pores, a line for each fibre of each state.

    Parameters
    ----------
    comparison : Comparison
        Its fibres have tables ``"correlation"``.
    """

    table_name: ClassVar[str] = "correlation"

    @property
    def heading(self) -> str:
        """What is drawn."""
        return "Two-point correlation of the pores"

    def note(self) -> str:
        """Return what one line is."""
        return "1: the same voxel, 0: no relation; mean of all directions; one line per fibre"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the lines, the legend above them."""
        axes = self._axes(figure, box, style, "Distance (nm)", "Correlation")
        axes.axhline(0, color=GRAY, linewidth=0.5)
        for series, rows in self._fibres():
            part = rows[rows["direction"] == "all"]
            axes.plot(
                part["distance_nm"],
                part["correlation"],
                linewidth=0.9,
                gid="curve",
                **series.line,
            )
        axes.set_xlim(left=0)
        axes.set_ylim(top=1)
        _ticks(axes)


def _shells(profile: pd.DataFrame) -> pd.DataFrame:
    """Return the shells all around the fibre that hold enough of it."""
    rows = profile[profile["sector"] == "all"]
    return rows[rows["voxel_count"] >= _LEAST_SHARE * rows["voxel_count"].sum()]


def _line(axes: Axes, x: pd.Series, y: pd.Series, series: StateSeries) -> None:
    axes.plot(x, y, marker=series.marker, markersize=2.2, linewidth=0.9, gid="curve", **series.line)


def _ticks(axes: Axes) -> None:
    plain_ticks(axes.xaxis, at_most=5)
    plain_ticks(axes.yaxis, at_most=5)
