"""Panel of one size of the objects of all states: histograms over each other, with the interval of
each share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.distributions import Weighting
from napari_snpore.comparison.number_words import BELOW
from napari_snpore.figures.numbers import log_ticks, number, plain_ticks
from napari_snpore.figures.page import Box, axes_at
from napari_snpore.figures.panels import least_of_heading
from napari_snpore.figures.plot_panels import left_of_plot, plot_frame
from napari_snpore.figures.state_series import StateLegend, series_of
from napari_snpore.figures.style import FigureStyle
from napari_snpore.measurement.columns import column_of
from napari_snpore.numerals import signed


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
    legend : StateLegend
    """

    comparison: Comparison
    objects: str
    size: str
    weighting: Weighting = "number"
    legend: StateLegend = field(default_factory=StateLegend)
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def heading(self) -> str:
        """What is counted of what."""
        what = f"{self.objects}: {column_of(self.size).words}"
        if self.size == "aspect_ratio" and self.weighting == "number":
            return what
        return f"{what}, by {self.weighting}"

    @property
    def aspect(self) -> float:
        """Wider than high."""
        return 1.35

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
        """Return how many objects count, the Kolmogorov-Smirnov distances by the places of the states,
        and what lies beyond the axis.
        """
        distances = self._of_this(self.comparison.distributions)
        counts: dict[str, int] = {}
        words = ["bands: 95\N{NO-BREAK SPACE}%"]
        for row in distances.to_dict("records"):
            counts |= {row["state_a"]: row["objects_a"], row["state_b"]: row["objects_b"]}
        if counts:
            words.insert(0, "n = " + ", ".join(f"{count:,}" for count in counts.values()))
        known = [row for row in distances.to_dict("records") if math.isfinite(row["ks_distance"])]
        if known:
            words.append("KS " + ", ".join(map(self._distance_words, known)))
            if any(row["below_error"] is True for row in known):
                words.append(f"{BELOW}: below the error")
        if self.size == "aspect_ratio":
            words.append("resolved objects")
        beyond = self._rows[np.isinf(self._rows["bin_to"]) & (self._rows["share_percent"] >= 0.05)]
        if len(beyond):
            shares = ", ".join(
                f"{row['state']} {number(row['share_percent'], digits=2)} %"
                for row in beyond.to_dict("records")
            )
            words.append(f"beyond the axis: {shares}")
        return "; ".join(words)

    def _distance_words(self, row: Mapping[Any, Any]) -> str:
        """Return the distance of two states, named by their places."""
        places = [self.comparison.names.index(row[name]) + 1 for name in ("state_a", "state_b")]
        mark = BELOW if row["below_error"] is True else ""
        pair = "–".join(map(str, places)) + ": " if len(self.comparison.names) > 2 else ""
        return f"{pair}{mark}{signed(row['ks_distance'], 2)}".replace(" ", "\N{NO-BREAK SPACE}")

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the lines, their bands and the legend above them."""
        names = self.comparison.names
        width_mm = box.width - left_of_plot(style) - 2.0
        head = self.legend.height_mm(names, width_mm, style)
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
        axes.set_ylabel("Share (%)")
        plain_ticks(axes.yaxis, at_most=5)
        self.legend.draw(axes, names, width_mm, style)
