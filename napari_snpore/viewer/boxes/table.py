"""Table of the boxes: one row per box and layer with the share of each phase; a row selects its
box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_snpore.figures.intervals import Intervals
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.boxes.fractions import NO_SHARE, Share, fraction_row
from napari_snpore.viewer.forms.form import number
from napari_snpore.viewer.shared.boxes import color_of

_SQUARE_PX = 12
_LOWEST, _HIGHEST = 150, 270
"""Pixels; more rows scroll."""
_WIDEST = 120
"""Width of a layer's column in pixels; longer names are shortened and complete in the tooltip."""
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STANDS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class BoxTable(QTableWidget):
    """Boxes and their fractions in one or several layers of phases.

    Signals
    -------
    picked : int
        The index of the box whose row a user picked.
    """

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, 0)
        self._boxes: list[str] = []
        self._layers: list[str] = []
        self._names: list[str] = []
        self._showing = False
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setToolTip(
            "Share of each phase in the part of the envelope that lies in the box: pore / (pore + C + Sn). Choose a row to\n"
            "edit its box. Shares are counts of voxels; where errors were estimated (Measure, Errors) they are corrected,\n"
            "with the 95 % interval. Cubes that were placed before the estimate have errors."
        )
        self.itemSelectionChanged.connect(self._on_selection)
        rows_header = self.verticalHeader()
        if rows_header is not None:
            rows_header.setVisible(False)
        self.setWordWrap(False)
        self.setFixedHeight(_LOWEST)
        self._set_heads()

    @property
    def heads(self) -> list[str]:
        """The present headings."""
        items = (self.horizontalHeaderItem(column) for column in range(self.columnCount()))
        return ["" if item is None else item.text() for item in items]

    def show_boxes(self, boxes: Sequence[NamedBox], layers: Sequence[str], selected: int) -> None:
        """Show names and sizes as they are now; shares of the same rows stay until they are counted
        again.
        """
        names = [box.name for box in boxes]
        self._showing = True
        if names != self._boxes or list(layers) != self._layers:
            self._boxes, self._layers = names, list(layers)
            self._set_heads()
            self.setRowCount(len(boxes) * self._each)
            self.setFixedHeight(min(max(_LOWEST, 52 + 30 * self.rowCount()), _HIGHEST))
            self._write_shares(None, {})
        for row in range(self.rowCount()):
            box = boxes[row // self._each]
            self._write(row, 0, box.name).setIcon(_square(color_of(row // self._each)))
            if len(self._layers) > 1:
                self._write(row, 1, self._layers[row % self._each]).setToolTip(
                    self._layers[row % self._each]
                )
            self._write(row, self._first - 1, _size_words(box.size_nm))
        if selected < 0:
            self.clearSelection()
        elif self.currentRow() // self._each != selected or not self.selectedItems():
            self.selectRow(selected * self._each)
        self._showing = False

    def show_shares(
        self,
        table: pd.DataFrame | None,
        phases: Sequence[str] = (),
        intervals: Mapping[str, Intervals] | None = None,
    ) -> list[tuple[str, str, str]]:
        """Show what was counted, and nothing where there is no number.

        Parameters
        ----------
        table : DataFrame, optional
            As ``box_fractions`` returns it, of all layers; None: nothing is known.
        phases : sequence of str
            The names of all phases, one a column.
        intervals : mapping of str to intervals, optional
            Errors of the fractions by layer.

        Returns
        -------
        list of (str, str, str)
            Box, layer and what is to be said of that row.
        """
        if list(phases) != self._names:
            self._names = list(phases)
            self._set_heads()
        notes = self._write_shares(table, intervals or {})
        self._pick_again()
        return notes

    def _pick_again(self) -> None:
        """Pick the whole row once more: columns that came later are not in it yet."""
        if self.selectedItems():
            before, self._showing = self._showing, True
            self.selectRow(self.currentRow())
            self._showing = before

    @property
    def _each(self) -> int:
        """Rows of one box."""
        return max(1, len(self._layers))

    @property
    def _first(self) -> int:
        """The column of the first phase."""
        return 3 if len(self._layers) > 1 else 2

    def _set_heads(self) -> None:
        several = ["layer"] if len(self._layers) > 1 else []
        heads = ["box", *several, "size (nm)\nz × y × x", *(f"{name} %" for name in self._names)]
        if heads == self.heads:
            return
        self.setColumnCount(len(heads))
        self.setHorizontalHeaderLabels(heads)
        header = self.horizontalHeader()
        if header is not None:
            header.setMaximumSectionSize(_WIDEST)
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            if len(self._layers) <= 1:
                header.setMaximumSectionSize(-1)
                header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def _write_shares(
        self, table: pd.DataFrame | None, intervals: Mapping[str, Intervals]
    ) -> list[tuple[str, str, str]]:
        notes = []
        for row in range(self.rowCount()):
            box = self._boxes[row // self._each]
            layer = self._layers[row % self._each] if self._layers else ""
            known = intervals.get(layer, {})
            shares, note = fraction_row(table, box, layer, self._names, known)
            for column, share in enumerate(shares or [NO_SHARE] * len(self._names), self._first):
                self._write_share(row, column, share)
            if note:
                notes.append((box, layer, note))
        return notes

    def _write_share(self, row: int, column: int, share: Share) -> None:
        item = self._write(row, column, share.words)
        item.setTextAlignment(_RIGHT)
        item.setToolTip(share.tip)

    def _write(self, row: int, column: int, words: str) -> QTableWidgetItem:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setFlags(_STANDS)
            self.setItem(row, column, item)
        if item.text() != words:
            item.setText(words)
        return item

    def _on_selection(self) -> None:
        rows = {index.row() for index in self.selectedIndexes()}
        if rows and not self._showing:
            self.picked.emit(rows.pop() // self._each)


def _size_words(size_nm: Sequence[float]) -> str:
    """Write the edges of a box, of a cube one of them: shares with errors need the room.

    Examples
    --------
    >>> _size_words((7.2, 7.2, 7.2)), _size_words((7.2, 5.0, 7.2))
    ('7.2³', '7.2 × 5 × 7.2')
    """
    edges = [_short(one) for one in size_nm]
    return f"{edges[0]}³" if len(set(edges)) == 1 else " × ".join(edges)


def _short(size_nm: float) -> str:
    """Write a size with three digits at most: 7.2, not 7.20."""
    words = number(size_nm)
    return words.rstrip("0").rstrip(".") if "." in words and "e" not in words else words


def _square(color: str) -> QIcon:
    """Return a square of a box's colour, the same when its row is picked."""
    picture = QPixmap(_SQUARE_PX, _SQUARE_PX)
    picture.fill(QColor(color))
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(picture, mode)
    return icon
