"""Radial profiles of all states in one plot: what lies how deep below the surface of the fibre."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_snpore.comparison.compare import Comparison
from napari_snpore.numerals import round_length
from napari_snpore.viewer.compare.overlaid_plot import OverlaidCurve, OverlaidPlot
from napari_snpore.viewer.compare.state_style import StateStyle
from napari_snpore.viewer.forms.form import ResultText

_WORDS = {
    "object_density_per_nm3": "objects per volume (nm⁻³)",
    "object_mean_length_nm": "mean length of objects (nm)",
}
_SECTORS = {"all": "all around"}
_DEPTH = "depth below the surface (nm)"


class ProfilePanel(QWidget):
    """One plot, and what it shows of which part of the fibre."""

    def __init__(self) -> None:
        super().__init__()
        self._table = pd.DataFrame()
        self._names: tuple[str, ...] = ()
        self._styles: Mapping[str, StateStyle] = {}
        self.quantity_box = QComboBox()
        self.quantity_box.setToolTip(
            "What is shown in shells of equal depth below the fibre's surface."
        )
        self.sector_box = QComboBox()
        self.sector_box.setToolTip(
            "All around the fibre, or the parts that face the beam or lie across it: where these differ, the missing\n"
            "wedge does it."
        )
        for box in (self.quantity_box, self.sector_box):
            box.currentIndexChanged.connect(self._show)
        self.plot = OverlaidPlot(_DEPTH, height=220)
        self.words = ResultText("Which fibres have no profile.")
        choices = QHBoxLayout()
        choices.setContentsMargins(0, 0, 0, 0)
        choices.addWidget(self.quantity_box, 1)
        choices.addWidget(self.sector_box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 4, 2, 2)
        column.setSpacing(4)
        column.addLayout(choices)
        column.addWidget(self.plot)
        column.addWidget(self.words)
        column.addStretch(1)

    def show_comparison(self, comparison: Comparison, styles: Mapping[str, StateStyle]) -> None:
        """Show the profiles of a comparison; what is chosen stays where it is there."""
        self._table, self._names = comparison.table("profile"), comparison.names
        self._styles = dict(styles)
        columns = [
            name
            for name in map(str, self._table.columns)
            if name.endswith("_percent") or name in _WORDS
        ]
        _fill(self.quantity_box, [(_words(name), name) for name in columns])
        sectors = list(dict.fromkeys(self._table.get("sector", [])))
        _fill(self.sector_box, [(_SECTORS.get(one, str(one)), str(one)) for one in sectors])
        missing = [
            fibre.name
            for fibres in comparison.results.values()
            for fibre in fibres
            if fibre.profile is None
        ]
        self.words.show_lines(
            [f"Without a profile (no exterior, or not measured): {', '.join(missing)}"]
            if missing
            else []
        )
        self._show()

    def _show(self) -> None:
        quantity, sector = self.quantity_box.currentData(), self.sector_box.currentData()
        curves: list[OverlaidCurve] = []
        deepest = 1.0
        if quantity is not None and len(self._table):
            rows = self._table[self._table["sector"] == sector]
            for (state, fibre), own in rows.groupby(["state", "fibre"], sort=False):
                if state not in self._styles:
                    continue
                depth = own[["depth_from_nm", "depth_to_nm"]].to_numpy(np.float64).mean(axis=1)
                none = np.full(len(own), np.nan)
                values = own[quantity].to_numpy(np.float64)
                curves.append(
                    OverlaidCurve(f"{fibre}", self._styles[state], values, none, none, depth)
                )
                deepest = max(deepest, float(own["depth_to_nm"].max()))
        title = self.quantity_box.currentText()
        self.plot.show_curves(
            curves,
            ends=(0.0, deepest),
            ticks=_ticks(deepest),
            up=title,
            across=_DEPTH,
            tip=f"{title} against the depth below the surface, one curve per fibre in the line of its state.",
            empty="no profile: phases with an exterior are needed",
        )


def _ticks(deepest: float) -> list[tuple[float, str]]:
    """Return marks at round depths, four at most."""
    step = round_length(deepest / 2.5)
    return [(k * step, f"{k * step:.3g}") for k in range(int(deepest / step) + 1)]


def _words(column: str) -> str:
    return _WORDS.get(column) or f"{re.sub('_percent$', '', column)} fraction (%)"


def _fill(box: QComboBox, entries: list[tuple[str, str]]) -> None:
    """Give a list its entries; the chosen one stays where it is there."""
    before = box.currentData()
    blocked = box.blockSignals(True)
    box.clear()
    for words, key in entries:
        box.addItem(words, key)
    keys = [key for _, key in entries]
    if before in keys:
        box.setCurrentIndex(keys.index(before))
    box.blockSignals(blocked)
    box.setEnabled(bool(entries))
