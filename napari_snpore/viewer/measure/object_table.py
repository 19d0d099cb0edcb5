"""Table of objects below the picture: words and units in its head, sorted by a click on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableView, QVBoxLayout, QWidget

from napari_snpore.measurement.columns import column_of
from napari_snpore.viewer.forms.form import number

Index = QModelIndex | QPersistentModelIndex


class ObjectTableModel(QAbstractTableModel):
    """Rows of a table of objects that are shown, in an order."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._table = pd.DataFrame()
        self._rows: NDArray[np.intp] = np.arange(0)
        self._sorted: tuple[int, bool] | None = None
        self._columns: list[tuple[str, NDArray[Any]]] = []

    def show_table(self, table: pd.DataFrame, kept: NDArray[np.bool_]) -> None:
        """Show the rows of a table that are kept, in the order that is set."""
        self.beginResetModel()
        self._table = table
        self._columns = [(str(name), table[name].to_numpy()) for name in table.columns]
        self._rows = np.flatnonzero(kept)
        self._order()
        self.endResetModel()

    def label_of(self, row: int) -> int:
        """Return the number of the object in a row."""
        return int(self._table["label"].iloc[self._rows[row]])

    def row_of(self, label: int) -> int | None:
        """Return the row of an object; None where it is not shown."""
        if "label" not in self._table:
            return None
        found = np.flatnonzero(self._table["label"].to_numpy()[self._rows] == label)
        return int(found[0]) if len(found) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return how many rows are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return how many columns the table has."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a cell; numbers to the right."""
        if not index.isValid():
            return None
        values = self._columns[index.column()][1]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(values[self._rows[index.row()]])
        if role == Qt.ItemDataRole.TextAlignmentRole and values.dtype.kind in "iuf":
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the words of a column, and its meaning as a tooltip."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        called = column_of(self._columns[section][0])
        if role == Qt.ItemDataRole.DisplayRole:
            return called.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{called.meaning}\nIn files: {self._columns[section][0]}".strip()
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort the rows by a column; what is not known comes last."""
        self.layoutAboutToBeChanged.emit()
        self._sorted = (column, order == Qt.SortOrder.DescendingOrder)
        self._order()
        self.layoutChanged.emit()

    def _order(self) -> None:
        self._rows = np.sort(self._rows)
        if self._sorted is None or not 0 <= self._sorted[0] < len(self._columns):
            return
        column, descending = self._sorted
        values = pd.Series(self._columns[column][1][self._rows])
        places = values.sort_values(
            ascending=not descending, kind="stable", na_position="last"
        ).index.to_numpy()
        self._rows = self._rows[places]


class ObjectTable(QWidget):
    """The table of objects.

    Signals
    -------
    chosen : int
        Number of the object whose row was clicked.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("objects table")
        self.model = ObjectTableModel(self)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setToolTip("Click a row to find its object, and an object to find its row.")
        head, side = self.view.horizontalHeader(), self.view.verticalHeader()
        if head is not None and side is not None:
            head.setSortIndicatorClearable(True)
            head.setDefaultSectionSize(110)
            side.hide()
            side.setDefaultSectionSize(22)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.view.clicked.connect(self._on_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)

    def show_table(self, table: pd.DataFrame, kept: NDArray[np.bool_]) -> None:
        """Show the rows of a table that are kept."""
        another = self.model.columnCount() != len(table.columns)
        self.model.show_table(table, kept)
        head = self.view.horizontalHeader()
        if another and head is not None:
            for column in range(self.model.columnCount()):
                self.view.setColumnWidth(column, head.sectionSizeHint(column) + 8)

    def choose(self, label: int | None) -> None:
        """Select the row of an object and scroll to it; None, or an object that is not shown,
        selects none.
        """
        row = None if label is None else self.model.row_of(label)
        if row is None:
            self.view.clearSelection()
            return
        self.view.selectRow(row)
        self.view.scrollTo(self.model.index(row, 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _on_clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(self.model.label_of(index.row()))


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else number(float(value), 4).replace("-", "\N{MINUS SIGN}")
    return str(value)
