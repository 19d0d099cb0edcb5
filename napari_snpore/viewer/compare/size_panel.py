"""Overlaid histograms of the sizes of objects, by number or by volume, in the bins of the paper."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from napari_snpore.comparison.compare import Comparison
from napari_snpore.measurement.columns import column_of
from napari_snpore.numerals import signed
from napari_snpore.viewer.compare.overlaid_plot import OverlaidCurve, OverlaidPlot
from napari_snpore.viewer.compare.state_style import StateStyle
from napari_snpore.viewer.forms.form import ResultText

SIZES = ("length_nm", "width_nm", "aspect_ratio", "volume_nm3")
_MARKS = 4
"""Marks of the axis between its ends, at most."""


class SizePanel(QWidget):
    """Four histograms, and the distance of the distributions of a pair of states."""

    def __init__(self) -> None:
        super().__init__()
        self._comparison: Comparison | None = None
        self._styles: Mapping[str, StateStyle] = {}
        self._pair: tuple[str, str] | None = None
        self.objects_box = QComboBox()
        self.objects_box.setToolTip(
            "Phase whose objects are shown; those that the box cuts are left out."
        )
        self.weight_box = QComboBox()
        self.weight_box.addItem("by number", "number")
        self.weight_box.addItem("by volume", "volume")
        self.weight_box.setToolTip(
            "Each object counts once, or with its volume. Shares of the objects of each state, in the bins of the paper."
        )
        for box in (self.objects_box, self.weight_box):
            box.currentIndexChanged.connect(self._show)
        self.plots = {size: OverlaidPlot(_title(size)) for size in SIZES}
        self.distances = ResultText(
            "Greatest distance between two cumulative distributions (Kolmogorov and Smirnov), with an interval from\n"
            "slabs across the fibres: how much they vary along themselves. ≈: below it."
        )
        choices = QHBoxLayout()
        choices.setContentsMargins(0, 0, 0, 0)
        choices.addWidget(self.objects_box, 1)
        choices.addWidget(self.weight_box, 1)
        grid = QGridLayout()
        grid.setSpacing(4)
        for k, plot in enumerate(self.plots.values()):
            grid.addWidget(plot, k // 2, k % 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 4, 2, 2)
        column.setSpacing(4)
        column.addLayout(choices)
        column.addLayout(grid)
        column.addWidget(self.distances)
        column.addStretch(1)

    @property
    def is_by_volume(self) -> bool:
        """Whether objects count with their volume."""
        return bool(self.weight_box.currentData() == "volume")

    def show_comparison(
        self,
        comparison: Comparison,
        styles: Mapping[str, StateStyle],
        pair: tuple[str, str] | None,
    ) -> None:
        """Show the sizes of a comparison; the phase stays where it has objects."""
        before = self.objects_box.currentData()
        self._comparison, self._styles, self._pair = comparison, dict(styles), pair
        phases = list(dict.fromkeys(comparison.shares["objects"]))
        phases.sort(key=lambda phase: phase != "Sn")  # clusters first
        blocked = self.objects_box.blockSignals(True)
        self.objects_box.clear()
        for phase in phases:
            self.objects_box.addItem(_noun(phase), phase)
        if before in phases:
            self.objects_box.setCurrentIndex(phases.index(before))
        self.objects_box.blockSignals(blocked)
        self._show()

    def show_pair(self, pair: tuple[str, str] | None) -> None:
        """Show the distances of another pair of states."""
        self._pair = pair
        self._show()

    def _show(self) -> None:
        if self._comparison is None:
            return
        phase, weighting = self.objects_box.currentData(), self.weight_box.currentData()
        shares = self._comparison.shares
        shares = shares[(shares["objects"] == phase) & (shares["weighting"] == weighting)]
        for size, plot in self.plots.items():
            rows = shares[
                (shares["quantity"] == column_of(size).words)
                & (shares["unit"] == column_of(size).unit)
            ]
            self._show_plot(plot, size, rows)
        self.distances.show_lines(self._distance_lines(phase, weighting))

    def _show_plot(self, plot: OverlaidPlot, size: str, rows: pd.DataFrame) -> None:
        assert self._comparison is not None
        curves, edges = [], np.zeros(0)
        for state in self._comparison.names:
            own = rows[rows["state"] == state]
            if own.empty or state not in self._styles:
                continue
            edges = np.append(own["bin_from"].to_numpy(), own["bin_to"].iloc[-1])
            values = (
                own[name].to_numpy(np.float64) for name in ("share_percent", "low_95", "high_95")
            )
            curves.append(OverlaidCurve(state, self._styles[state], *values))
        count = max(len(edges) - 1, 1)
        weighting = self.weight_box.currentText()
        plot.show_curves(
            curves,
            ends=(0.0, float(count)),
            ticks=_ticks(edges),
            up=f"share of the objects {weighting} (%)",
            tip=_tip(_title(size), rows, weighting),
            empty="no objects",
        )

    def _distance_lines(self, phase: str, weighting: str) -> list[str]:
        assert self._comparison is not None
        table = self._comparison.distributions
        if self._pair is None or table.empty:
            return []
        rows = table[
            (table["objects"] == phase)
            & (table["weighting"] == weighting)
            & (table["state_a"] == self._pair[0])
            & (table["state_b"] == self._pair[1])
        ]
        parts = []
        for row in rows.to_dict("records"):
            if not math.isfinite(row["ks_distance"]):
                continue
            mark = "≈ " if row["below_error"] is True else ""
            between = (
                f" ({_share(row['low_95'])} to {_share(row['high_95'])})"
                if math.isfinite(row["low_95"])
                else ""
            )
            parts.append(f"{row['quantity']} <b>{mark}{_share(row['ks_distance'])}</b>{between}")
        if not parts:
            return []
        return [f"Distance of {self._pair[1]} from {self._pair[0]}: {', '.join(parts)}"]


def _share(value: float) -> str:
    """Write a distance between distributions, 0 to 1: as many decimals for each."""
    return signed(value, 2)


def _title(size: str) -> str:
    called = column_of(size)
    return called.words if called.unit in ("", "1") else f"{called.words} ({called.unit})"


def _noun(phase: str) -> str:
    return {"Sn": "Sn clusters", "pore": "pores"}.get(phase, f"{phase} objects")


def _ticks(edges: np.ndarray) -> list[tuple[float, str]]:
    """Return marks at bins, whose ends may be unevenly spaced; the last bin may have no end."""
    count = len(edges) - 1
    if count < 1:
        return []
    open_end = not math.isfinite(edges[-1])
    last = count - open_end
    step = max(last // _MARKS, 1)
    marks = [(float(k), f"{edges[k]:.3g}") for k in range(0, last + 1, step)]
    return [*marks, (count - 0.25, "more")] if open_end and marks[-1][0] < last - 1 else marks


def _tip(title: str, rows: pd.DataFrame, weighting: str) -> str:
    if rows.empty:
        return f"{title}: no state has such objects."
    counts = ", ".join(f"{state}" for state in dict.fromkeys(rows["state"]))
    return (
        f"{title}: share of the objects of each state {weighting}, in the bins of the paper ({counts}). Bands: 95 %\n"
        "interval of how the fibres vary along themselves. The last step holds everything larger."
    )
