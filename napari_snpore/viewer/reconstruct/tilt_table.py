"""Table of the tilts: use, defects, alignment shift and residual of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_snpore.viewer.forms.form import CAVEAT, number, percent, signed

_COLUMNS = ("tilt (°)", "shift (px)", "error (px)", "residual", "defect")
_TIPS = (
    "Tick: this image takes part.",
    "Length of the shift that aligns the image.",
    "What alignment leaves across the axis: distance to the re-projection of the other images.",
    "Share of the image's norm that the volume does not explain.",
    "Seen in the image alone; nothing is left out unless you untick it.",
)
_ANGLE, _SHIFT, _LEFT, _RESIDUAL, _REASON = range(5)
_HEIGHT = 190


class TiltTable(QWidget):
    """Rows in the order of the series; unticking a tilt leaves it out."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.angles: NDArray[np.float64] = np.empty(0)
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        for column, tip in enumerate(_TIPS):
            item = self.table.horizontalHeaderItem(column)
            if item is not None:
                item.setToolTip(tip)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setFixedHeight(_HEIGHT)
        header, side = self.table.horizontalHeader(), self.table.verticalHeader()
        if header is not None and side is not None:
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            header.setStretchLastSection(True)
            header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
            side.setVisible(False)
            side.setDefaultSectionSize(20)
        self.table.itemChanged.connect(self._on_item)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    @property
    def left_out(self) -> list[int]:
        """Numbers of the tilts that are unticked; read and set."""
        return [row for row in range(self.table.rowCount()) if not self._ticked(row)]

    @left_out.setter
    def left_out(self, tilts: Sequence[int]) -> None:
        if self.left_out == sorted(tilts):
            return
        self.table.blockSignals(True)
        for row in range(self.table.rowCount()):
            state = Qt.CheckState.Unchecked if row in tilts else Qt.CheckState.Checked
            self._item(row, _ANGLE).setCheckState(state)
        self.table.blockSignals(False)
        self.changed.emit()

    @property
    def warnings_in_words(self) -> str:
        """How many of those that take part look bad, such as ``, ⚠ 2 look bad``; empty for none."""
        bad = [
            row
            for row in range(self.table.rowCount())
            if self._item(row, _REASON).text() and self._ticked(row)
        ]
        return f", {CAVEAT} {len(bad)} look{'s' * (len(bad) == 1)} bad" if bad else ""

    @property
    def in_words(self) -> str:
        """How many take part, such as ``75 of 77 used``."""
        count = self.table.rowCount()
        return f"{count - len(self.left_out)} of {count} used"

    def show_series(self, angles_deg: Any) -> None:
        """List the tilts, all ticked."""
        self.angles = np.asarray(angles_deg, np.float64)
        self.table.blockSignals(True)
        self.table.setRowCount(len(angles_deg))
        for row, angle in enumerate(angles_deg):
            for column in range(len(_COLUMNS)):
                item = QTableWidgetItem()
                if column != _REASON:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.table.setItem(row, column, item)
            first = self._item(row, _ANGLE)
            first.setText(signed(float(angle), 1))
            first.setCheckState(Qt.CheckState.Checked)
        self.table.blockSignals(False)

    def show_reasons(self, inspection: pd.DataFrame) -> None:
        """Say what looks bad (as ``inspect_tilts`` found it)."""
        for row, reason in enumerate(inspection["reason"]):
            self._write(row, _REASON, f"{CAVEAT} {reason}" if reason else "")

    def show_alignment(
        self, tilts: Sequence[int], shifts_px: NDArray[Any], left_px: NDArray[Any]
    ) -> None:
        """Show an alignment of some of the tilts."""
        self._empty(_SHIFT)
        self._empty(_LEFT)
        for row, shift, left in zip(tilts, shifts_px, left_px, strict=True):
            self._write(row, _SHIFT, f"{np.hypot(*shift):.1f}")
            self._write(row, _LEFT, number(float(left), 2))

    def show_residuals(self, tilts: Sequence[int], shares: Sequence[float]) -> None:
        """Show what the volume leaves of some of the tilts; far above the others is marked."""
        self._empty(_RESIDUAL)
        usual = float(np.nanmedian(shares)) if len(shares) else 0.0
        for row, share in zip(tilts, shares, strict=True):
            self._write(row, _RESIDUAL, percent(share))
            if share > 2 * usual:
                self._item(row, _RESIDUAL).setForeground(QColor("#e8590c"))

    def forget(self) -> None:
        """Empty what alignment and volume said."""
        for column in (_SHIFT, _LEFT, _RESIDUAL):
            self._empty(column)

    def _empty(self, column: int) -> None:
        for row in range(self.table.rowCount()):
            self._write(row, column, "")

    def _write(self, row: int, column: int, words: str) -> None:
        before = self.table.blockSignals(True)
        self._item(row, column).setText(words)
        self.table.blockSignals(before)
        view = self.table.viewport()
        if view is not None:
            view.update()

    def _item(self, row: int, column: int) -> QTableWidgetItem:
        item = self.table.item(row, column)
        assert item is not None
        return item

    def _ticked(self, row: int) -> bool:
        return bool(self._item(row, _ANGLE).checkState() == Qt.CheckState.Checked)

    def _on_item(self, item: QTableWidgetItem) -> None:
        if item.column() == _ANGLE:
            self.changed.emit()
