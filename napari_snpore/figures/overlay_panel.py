"""Panel of one size of the objects of all states: histograms over each other, with the interval of
each share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.distributions import Weighting
from napari_snpore.figures.numbers import log_ticks, number, plain_ticks
from napari_snpore.figures.page import Box, axes_at
from napari_snpore.figures.panels import least_of_heading
from napari_snpore.figures.plot_panels import left_of_plot, plot_frame
from napari_snpore.figures.state_series import legend_above, legend_lines, series_of
from napari_snpore.figures.style import FigureStyle
from napari_snpore.measurement.columns import column_of


@dataclass(frozen=True, eq=False)
class OverlayPanel:
    """Shares of objects in bins of one size, a line for each state.

    Parameters
    ----------
    comparison : Comparison
    objects : str
        The phase, such as ``"Sn"``.
    size : {"length_nm", "width_nm", "aspect_ratio", "volume_nm3"}
    weighting : {"number", "volume"}
    """

    comparison: Comparison
    objects: str
    size: str
    weighting: Weighting = "number"
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def heading(self) -> str:
        """What is counted of what."""
        return f"{self.objects}: {column_of(self.size).words}, by {self.weighting}"

    @property
    def aspect(self) -> float:
        """A little wider than high."""
        return 1.2

    @property
    def is_empty(self) -> bool:
        """Whether no state has such objects."""
        return bool(self._rows["share_percent"].isna().all())

    @property
    def _rows(self) -> pd.DataFrame:
        return self._of_this(self.comparison.shares)

    def _of_this(self, table: pd.DataFrame) -> pd.DataFrame:
        return table[
            (table["objects"] == self.objects)
            & (table["quantity"] == column_of(self.size).words)
            & (table["weighting"] == self.weighting)
        ]

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the name of its axis and its heading take."""
        return max(5.6 * style.font_pt, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return the Kolmogorov-Smirnov distances, which of them lie below the error, and what lies
        beyond the axis.
        """
        parts = []
        for row in self._of_this(self.comparison.distributions).to_dict("records"):
            if math.isfinite(row["ks_distance"]):
                below = " (below the error)" if row["below_error"] is True else ""
                parts.append(
                    f"{row['state_a']} and {row['state_b']} {number(row['ks_distance'], digits=2)}{below}"
                )
        words = ["bands: 95 % interval along the fibre"]
        if parts:
            words.append(f"KS distance: {', '.join(parts)}")
        if self.size == "aspect_ratio":
            words.append("resolved objects only")
        beyond = self._rows[np.isinf(self._rows["bin_to"]) & (self._rows["share_percent"] > 0)]
        if len(beyond):
            shares = ", ".join(
                f"{row['state']} {number(row['share_percent'], digits=2)} %"
                for row in beyond.to_dict("records")
            )
            words.append(f"beyond the last bin: {shares}")
        return "; ".join(words)

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the lines, their bands and the legend above them."""
        names = self.comparison.names
        width_mm = box.width - left_of_plot(style) - 2.0
        head = style.line_mm * legend_lines(names, width_mm=width_mm, style=style)
        axes = axes_at(figure, plot_frame(box, style, head_mm=head))
        rows = self._rows[np.isfinite(self._rows["bin_to"])]
        for name, series in series_of(names).items():
            part = rows[(rows["state"] == name) & rows["share_percent"].notna()]
            if not len(part):
                continue
            edges = np.append(part["bin_from"], part["bin_to"].iloc[-1])
            if self.size == "volume_nm3" and edges[0] == 0:
                edges[0] = edges[1] / 8  # the axis is logarithmic
            share, low, high = (
                part[column].to_numpy(np.float64)
                for column in ("share_percent", "low_95", "high_95")
            )
            axes.stairs(share, edges, linewidth=0.9, gid="shares", **series.line)
            if np.isfinite(low).all():
                axes.fill_between(
                    edges,
                    np.append(low, low[-1]),
                    np.append(high, high[-1]),
                    step="post",
                    color=series.color,
                    alpha=0.15,
                    linewidth=0,
                    gid="interval",
                )
        held = rows[rows["share_percent"] > 0]
        if len(held):
            last, first = float(held["bin_to"].max()), float(held["bin_from"].min())
            if self.size == "volume_nm3":
                axes.set_xscale("log")
                first = max(first, float(rows["bin_to"].min()) / 8)
                axes.set_xlim(first, last)
                log_ticks(axes.xaxis, decades=math.log10(last / first))
            else:
                axes.set_xlim(0, 1 if self.size == "aspect_ratio" else last)
                plain_ticks(axes.xaxis, at_most=6)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(column_of(self.size).axis)
        axes.set_ylabel(f"Share of {self.weighting} (%)")
        plain_ticks(axes.yaxis, at_most=5)
        legend_above(axes, names, width_mm=width_mm, style=style)
