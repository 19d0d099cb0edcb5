"""Table of the numbers of all states, with the difference of a pair that is chosen."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_snpore.comparison.compare import Comparison
from napari_snpore.viewer.compare.number_rows import NumberCell, NumberRow, number_rows, pairs_of
from napari_snpore.viewer.compare.state_style import StateStyle

DIFFERENCE = 3
"""Column of the difference: after the two states of the pair, so that the three are seen together."""

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STANDS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_ROW_PX = 34
"""Two lines of text."""
_HIGHEST_PX = 760
_LOWEST_PX = 120
_FONT_PT = 8.0
_NARROWEST_QUANTITY = 88
_MARK_PX = 12
"""Width of the piece of a state's line in its head."""
_WIDEST_ASKED = 408
"""Width that the table asks of its dock; a wider one scrolls sideways."""


class NumberTable(QTableWidget):
    """Rows of numbers; as high as they need."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(True)
        font = QFont(self.font())
        font.setPointSizeF(_FONT_PT)
        self.setFont(font)
        rows, head = self.verticalHeader(), self.horizontalHeader()
        if rows is not None and head is not None:
            rows.setVisible(False)
            rows.setDefaultSectionSize(_ROW_PX)
            head.setFont(font)
            head.setIconSize(QSize(_MARK_PX, _MARK_PX))
        self.setToolTip(
            "Value and 95 % interval of each state; corrected by a digital twin where that is known. The tooltip of a\n"
            "number says where it comes from. See docs/compare.md."
        )

    def sizeHint(self) -> QSize:
        """Return the height of all rows, within limits."""
        high = 30 + _ROW_PX * self.rowCount() + 18
        return QSize(360, min(max(high, _LOWEST_PX), _HIGHEST_PX))

    def minimumSizeHint(self) -> QSize:
        """Return the height of some rows, and the width of all columns within limits."""
        head = self.horizontalHeader()
        numbers = range(1, self.columnCount())
        wide = 0 if head is None else sum(head.sectionSize(k) for k in numbers)
        around = 24  # frame and scroll bar
        return QSize(min(_NARROWEST_QUANTITY + wide + around, _WIDEST_ASKED), _LOWEST_PX)

    def show_rows(
        self,
        rows: list[NumberRow],
        names: tuple[str, ...],
        styles: Mapping[str, StateStyle],
        pair: tuple[str, str] | None,
    ) -> None:
        """Show rows: the two states of the pair, their difference, and then the other states."""
        self.setRowCount(0)
        self.setColumnCount(1 + len(names) + (pair is not None))
        self.setHorizontalHeaderItem(0, QTableWidgetItem("Quantity"))
        order = list(names if pair is None else (*pair, *(n for n in names if n not in pair)))
        columns = {name: 1 + k + (pair is not None and k > 1) for k, name in enumerate(order)}
        for name, column in columns.items():
            self.setHorizontalHeaderItem(column, _state_head(name, styles.get(name)))
        if pair is not None:
            self.setHorizontalHeaderItem(DIFFERENCE, _difference_head(pair))
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            first = QTableWidgetItem(row.short_words)
            first.setToolTip(row.words)
            first.setFlags(_STANDS)
            self.setItem(number, 0, first)
            for name, cell in zip(names, row.values, strict=True):
                self.setItem(number, columns[name], _item(cell))
            if pair is not None:
                self.setItem(number, DIFFERENCE, _difference_item(row.difference))
        self._fit_columns()
        self.updateGeometry()

    def _fit_columns(self) -> None:
        """Give numbers what they need and quantities the rest; more than fits scrolls sideways."""
        head = self.horizontalHeader()
        if head is None:
            return
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setMinimumSectionSize(40)
        for column in range(1, self.columnCount()):
            self.setColumnWidth(column, self._needed_by(column))
        self._fit_first()

    def _needed_by(self, column: int) -> int:
        """Return the width of the longest line of a column."""
        metrics, named = self.fontMetrics(), self.horizontalHeaderItem(column)
        lines = [line for row in range(self.rowCount()) for line in self._lines(row, column)]
        heads = [] if named is None else named.text().split("\n")
        mark = 0 if named is None or named.icon().isNull() else _MARK_PX + 4
        widest = max((metrics.horizontalAdvance(line) for line in lines), default=0)
        widest_head = max((metrics.horizontalAdvance(line) for line in heads), default=0)
        return max(widest + 10, widest_head + mark + 8)

    def _lines(self, row: int, column: int) -> list[str]:
        item = self.item(row, column)
        return [] if item is None else item.text().split("\n")

    def _fit_first(self) -> None:
        head, port = self.horizontalHeader(), self.viewport()
        if head is None or port is None or not self.columnCount():
            return
        others = sum(head.sectionSize(k) for k in range(1, self.columnCount()))
        self.setColumnWidth(0, max(_NARROWEST_QUANTITY, port.width() - others))

    def resizeEvent(self, event: object) -> None:
        """Give quantities the width that is left."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit_first()


class NumberPanel(QWidget):
    """The table and the choice of the pair whose difference it shows.

    Signals
    -------
    pair_changed : object
        (state_a, state_b) that was chosen.
    """

    pair_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._comparison: Comparison | None = None
        self._styles: Mapping[str, StateStyle] = {}
        self.pair_box = QComboBox()
        self.pair_box.setToolTip("Two states whose difference the last column shows.")
        self.pair_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.pair_box.setMinimumContentsLength(16)
        self.pair_box.currentIndexChanged.connect(self._on_pair)
        self.table = NumberTable()
        self._pair_row = QWidget()
        line = QHBoxLayout(self._pair_row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(QLabel("Difference"))
        line.addWidget(self.pair_box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 4, 2, 2)
        column.setSpacing(4)
        column.addWidget(self._pair_row)
        column.addWidget(self.table, 1)

    @property
    def pair(self) -> tuple[str, str] | None:
        """The pair whose difference is shown; None for a single state."""
        found: tuple[str, str] | None = self.pair_box.currentData()
        return None if found is None else (found[0], found[1])

    @pair.setter
    def pair(self, pair: tuple[str, str]) -> None:
        for index in range(self.pair_box.count()):
            if tuple(self.pair_box.itemData(index)) == tuple(pair):
                self.pair_box.setCurrentIndex(index)

    def show_comparison(self, comparison: Comparison, styles: Mapping[str, StateStyle]) -> None:
        """Show the numbers of a comparison; the pair stays where it is there."""
        before, pairs = self.pair, pairs_of(comparison)
        self._comparison, self._styles = comparison, dict(styles)
        blocked = self.pair_box.blockSignals(True)
        self.pair_box.clear()
        for a, b in pairs:
            self.pair_box.addItem(f"{b} − {a}", (a, b))
        if before in pairs:
            self.pair_box.setCurrentIndex(pairs.index(before))
        self.pair_box.blockSignals(blocked)
        self._pair_row.setVisible(len(pairs) > 1)
        self._show()

    def _on_pair(self) -> None:
        self._show()
        self.pair_changed.emit(self.pair)

    def _show(self) -> None:
        if self._comparison is not None:
            rows = number_rows(self._comparison, self.pair)
            self.table.show_rows(rows, self._comparison.names, self._styles, self.pair)


def _state_head(name: str, style: StateStyle | None) -> QTableWidgetItem:
    head = QTableWidgetItem(name)
    if style is not None:
        head.setIcon(style.icon(_MARK_PX))
    head.setToolTip(f"State '{name}': value with its 95 % interval.")
    return head


def _difference_head(pair: tuple[str, str]) -> QTableWidgetItem:
    head = QTableWidgetItem(f"{pair[1]}\n− {pair[0]}")
    head.setToolTip(
        "Difference with its 95 % interval, percentage points for per cent. Bold: beyond the error. ≈: below\n"
        "the error, its interval holds 0."
    )
    return head


def _item(cell: NumberCell) -> QTableWidgetItem:
    item = QTableWidgetItem(cell.text)
    item.setToolTip(cell.tip)
    item.setTextAlignment(_RIGHT)
    item.setFlags(_STANDS)
    return item


def _difference_item(cell: NumberCell) -> QTableWidgetItem:
    item = _item(cell)
    font = QFont(item.font())
    font.setPointSizeF(_FONT_PT)
    font.setBold(cell.is_beyond_error)
    item.setFont(font)
    if not cell.is_beyond_error:
        item.setForeground(QColor("#8c8c8c"))
    return item
