"""List of the fibres that are compared: ticks, state names that can be edited, rows that are dragged
into another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import QModelIndex, QPoint, Qt, Signal
from qtpy.QtGui import QKeyEvent, QMouseEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_snpore.viewer.compare.fibres import ComparedFibre
from napari_snpore.viewer.compare.state_style import StateStyle

FIBRE, STATE, ERRORS = 0, 1, 2
_HEADS = ("Fibre", "State", "Errors")
_HEAD_TIPS = (
    "Specimens of this window with phases, and finished runs. Drag a row, or press Alt+↑ and Alt+↓, to order the\n"
    "states; untick a fibre to leave it out.",
    "Double-click to edit. Fibres with the same state name are several fibres of one state.",
    "Whether numbers have a 95 % interval. Of a specimen: Measure, Errors estimates them.",
)
_ROW_PX = 25
_FEWEST, _MOST = 3, 7
"""Rows that are high enough to be seen at once; more scroll."""
_STANDS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class FibreTable(QTableWidget):
    """Rows of fibres.

    Signals
    -------
    moved : int, int
        A row was dragged to the place of another.
    renamed : int, str
        The state of a row was edited.
    ticked : int, bool
        A row was ticked or not.
    removed : int
        Delete was pressed on a row.
    """

    moved = Signal(int, int)
    renamed = Signal(int, str)
    ticked = Signal(int, bool)
    removed = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, len(_HEADS))
        self._shows = False
        self._dragged: int | None = None
        self._pressed = QPoint()
        self.setHorizontalHeaderLabels(_HEADS)
        for column, tip in enumerate(_HEAD_TIPS):
            head = self.horizontalHeaderItem(column)
            if head is not None:
                head.setToolTip(tip)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setTabKeyNavigation(False)  # Tab goes on to the next field
        self.setWordWrap(False)
        self.setToolTip("Drag a row to order the states; double-click a state to rename it.")
        self.setItemDelegateForColumn(STATE, _StateNames(self))
        columns, rows = self.horizontalHeader(), self.verticalHeader()
        if columns is not None and rows is not None:
            columns.setSectionResizeMode(FIBRE, QHeaderView.ResizeMode.Stretch)
            columns.setSectionResizeMode(STATE, QHeaderView.ResizeMode.ResizeToContents)
            columns.setSectionResizeMode(ERRORS, QHeaderView.ResizeMode.ResizeToContents)
            rows.setVisible(False)
            rows.setDefaultSectionSize(_ROW_PX)
        self.itemChanged.connect(self._on_item)
        self._fit()

    def show_fibres(
        self, fibres: Sequence[ComparedFibre], styles: Mapping[str, StateStyle]
    ) -> None:
        """Show fibres in their order, each with the line of its state."""
        current = self.currentRow()
        self._shows = True
        self.setRowCount(len(fibres))
        for row, fibre in enumerate(fibres):
            self._show_row(row, fibre, styles.get(fibre.state))
        if 0 <= current < len(fibres) and self._dragged is None:
            self.setCurrentCell(current, FIBRE)
        self._shows = False
        self._fit()

    def _show_row(self, row: int, fibre: ComparedFibre, style: StateStyle | None) -> None:
        name = QTableWidgetItem(f"≡  {fibre.name}")
        name.setFlags(_STANDS | Qt.ItemFlag.ItemIsUserCheckable)
        on = Qt.CheckState.Checked if fibre.is_included else Qt.CheckState.Unchecked
        name.setCheckState(on)
        name.setToolTip(f"{fibre.name}: {fibre.source}. Drag the row to order the states.")
        state = QTableWidgetItem(fibre.state)
        state.setFlags(_STANDS | Qt.ItemFlag.ItemIsEditable)
        state.setToolTip(f"{fibre.state}: double-click to rename this state.")
        if style is not None and fibre.is_included:
            state.setIcon(style.icon())
        errors = QTableWidgetItem("95 %" if fibre.has_errors else "none")
        errors.setFlags(_STANDS)
        errors.setToolTip(
            "Its numbers have intervals of 95 %."
            if fibre.has_errors
            else "Its numbers have no interval, so that no error of a difference is known. Measure, Errors estimates them."
        )
        for column, item in ((FIBRE, name), (STATE, state), (ERRORS, errors)):
            self.setItem(row, column, item)

    def _fit(self) -> None:
        """Be as high as the rows, within limits."""
        head = self.horizontalHeader()
        above = 26 if head is None else head.sizeHint().height()
        rows = min(max(self.rowCount(), _FEWEST), _MOST)
        self.setFixedHeight(above + rows * _ROW_PX + 2 * self.frameWidth())

    def _on_item(self, item: QTableWidgetItem) -> None:
        if self._shows:
            return
        if item.column() == STATE:
            self.renamed.emit(item.row(), item.text())
        elif item.column() == FIBRE:
            self.ticked.emit(item.row(), item.checkState() == Qt.CheckState.Checked)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Note the row that may be dragged."""
        super().mousePressEvent(event)
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()
            row = self.rowAt(self._pressed.y())
            self._dragged = row if row >= 0 else None

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the row to where the mouse is, at once."""
        if event is None or self._dragged is None:
            super().mouseMoveEvent(event)
            return
        self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)  # type: ignore[union-attr]
        place = event.position().toPoint()
        row = self.rowAt(min(max(place.y(), 0), self._last_y()))
        if row >= 0 and row != self._dragged:
            self._move(self._dragged, row)
            self._dragged = row

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End the drag; a click on a box ticks it."""
        moved = self.viewport().cursor().shape() == Qt.CursorShape.ClosedHandCursor  # type: ignore[union-attr]
        self._dragged = None
        self.viewport().unsetCursor()  # type: ignore[union-attr]
        if not moved or (event is not None and self.rowAt(self._pressed.y()) == self.currentRow()):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Alt and an arrow move the row, Delete removes it; Enter belongs to the form."""
        row = self.currentRow()
        if event is not None and row >= 0:
            arrows = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
            step = arrows.get(Qt.Key(event.key()))
            if step is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
                if 0 <= row + step < self.rowCount():
                    self._move(row, row + step)
                return
            if event.key() == Qt.Key.Key_Delete:
                self.removed.emit(row)
                return
        super().keyPressEvent(event)

    def _move(self, row: int, place: int) -> None:
        self.moved.emit(row, place)
        self.setCurrentCell(place, FIBRE)

    def _last_y(self) -> int:
        """Return the last pixel of the last row that is in view."""
        last = self.rowCount() - 1
        end = self.rowViewportPosition(last) + self.rowHeight(last) - 1
        return max(min(end, self.viewport().height() - 1), 0)  # type: ignore[union-attr]


class _StateNames(QStyledItemDelegate):
    """Editor of a state name that offers those of the other rows."""

    def __init__(self, table: FibreTable) -> None:
        super().__init__(table)
        self._table = table

    def createEditor(
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget | None:
        """Return a line of text with the names that are there."""
        made = super().createEditor(parent, option, index)
        if isinstance(made, QLineEdit):
            items = (self._table.item(row, STATE) for row in range(self._table.rowCount()))
            names = dict.fromkeys(item.text() for item in items if item is not None)
            completer = QCompleter(list(names), made)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            made.setCompleter(completer)
        return made
