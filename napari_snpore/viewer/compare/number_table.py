"""Table of numbers: one row per quantity, one column per state or difference; as narrow as its dock, or
wide below the picture. Where columns do not fit beside each other, the errors go below their values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_snpore.viewer.compare.number_rows import NumberCell, NumberRow
from napari_snpore.viewer.compare.state_style import StateStyle

DIFFERENCE = 3
"""Column of the difference beside the two states of its pair."""

Pair = tuple[str, str]

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STANDS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_ROW_PX, _LINE_PX = 34, 13
"""Height of two lines of text, and of each further one."""
_LOWEST_PX = 120
_FONT_PT = 8.0
_NARROWEST_QUANTITY = 84
_WIDEST_QUANTITY = 300
_MARK_PX = 12
"""Width of the piece of a state's line in its head."""
_WIDEST_ASKED = 388
"""Width that the table asks of its dock in a small window; a wider one scrolls sideways."""
_SHARE_OF_WINDOW = 1 / 3
"""Share of a larger window that it asks: of 1366 px enough for three states and a difference."""
_BELOW_ERROR = "#8c8c8c"
_IN_FULL, _STACKED = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
"""Where a cell keeps its words for a table that is wide enough, and for one that is not."""


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """One column: a state, or the difference of a pair.

    Parameters
    ----------
    head : str
    tip : str
    cells : sequence of NumberCell
    style : StateStyle, optional
        Of a state; None for a difference.
    """

    head: str
    tip: str
    cells: Sequence[NumberCell]
    style: StateStyle | None = None


class NumberTable(QTableWidget):
    """Rows of numbers; Ctrl+C copies what is selected, tab between columns.

    Parameters
    ----------
    wide : bool
        Quantities in full, below the picture.
    """

    def __init__(self, *, wide: bool = False) -> None:
        super().__init__(0, 0)
        self._wide = wide
        self._is_stacked = False
        self._in_full_px: list[int] = []
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
            "number says where it comes from. Ctrl+C copies the selected rows. See docs/window.md, Compare."
        )

    def minimumSizeHint(self) -> QSize:
        """Return the height of some rows, and the width of all columns within limits."""
        if self._wide:  # below the picture: as narrow as the window makes it
            return QSize(200, _LOWEST_PX)
        wide = sum(self._in_full_px)
        around = 24  # frame and scroll bar
        window = self.window()
        third = 0 if window is None else round(_SHARE_OF_WINDOW * window.width())
        most = max(_WIDEST_ASKED, third)
        return QSize(min(_NARROWEST_QUANTITY + wide + around, most), _LOWEST_PX)

    def show_columns(self, rows: Sequence[NumberRow], columns: Sequence[NumberColumn]) -> None:
        """Show columns of as many cells as there are rows."""
        self.setRowCount(0)
        self.setColumnCount(1 + len(columns))
        self.setHorizontalHeaderItem(0, QTableWidgetItem("Quantity"))
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            words = row.words if self._wide else row.short_words
            first = QTableWidgetItem(words)
            first.setData(_IN_FULL, words)
            first.setData(_STACKED, row.short_words)
            first.setToolTip(row.words)
            first.setFlags(_STANDS)
            self.setItem(number, 0, first)
        for number, column in enumerate(columns, 1):
            self.setHorizontalHeaderItem(number, _head(column))
            for place, cell in enumerate(column.cells):
                is_difference = column.style is None
                self.setItem(place, number, _difference(cell) if is_difference else _value(cell))
        self._is_stacked = False
        self._in_full_px = [self._needed_by(k) for k in range(1, self.columnCount())]
        self._fit_columns()
        self.updateGeometry()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Copy the selected rows with their heads on Ctrl+C."""
        clipboard = QGuiApplication.clipboard()
        if event is not None and event.matches(QKeySequence.StandardKey.Copy) and clipboard:
            clipboard.setText(self.selected_text())
            return
        super().keyPressEvent(event)

    def selected_text(self) -> str:
        """Return heads and selected rows, tab between columns."""
        rows = sorted({index.row() for index in self.selectedIndexes()})
        columns = range(self.columnCount())
        heads = [self.horizontalHeaderItem(column) for column in columns]
        lines = [[_one_line(item) for item in heads]]
        lines += [[_one_line(self.item(row, column)) for column in columns] for row in rows]
        return "\n".join("\t".join(line) for line in lines)

    def resizeEvent(self, event: object) -> None:
        """Give quantities the width that is left, and ask for more in a larger window."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit_columns()
        self.updateGeometry()

    def _fit_columns(self) -> None:
        """Give numbers what they need, with their errors below them where they do not fit in one line,
        and quantities the rest; more than fits scrolls sideways.
        """
        head, port = self.horizontalHeader(), self.viewport()
        if head is None or port is None:
            return
        self._stack(_NARROWEST_QUANTITY + sum(self._in_full_px) > port.width())
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setMinimumSectionSize(40)
        for column in range(1, self.columnCount()):
            self.setColumnWidth(column, self._needed_by(column))
        self._fit_first()

    def _stack(self, stacked: bool) -> None:
        """Put errors below their values, or beside them again."""
        if stacked == self._is_stacked:
            return
        self._is_stacked = stacked
        for row in range(self.rowCount()):
            most = 2
            for column in range(self.columnCount()):
                item = self.item(row, column)
                if item is not None:
                    item.setText(str(item.data(_STACKED if stacked else _IN_FULL)))
                    most = max(most, item.text().count("\n") + 1)
            self.setRowHeight(row, _ROW_PX + (most - 2) * _LINE_PX)

    def _needed_by(self, column: int) -> int:
        """Return the width of the longest line of a column."""
        metrics, named = self.fontMetrics(), self.horizontalHeaderItem(column)
        widest = max((self._widest_line(row, column) for row in range(self.rowCount())), default=0)
        heads = [] if named is None else named.text().split("\n")
        mark = 0 if named is None or named.icon().isNull() else _MARK_PX + 4
        widest_head = max((metrics.horizontalAdvance(line) for line in heads), default=0)
        return max(widest + 10, widest_head + mark + 8)

    def _widest_line(self, row: int, column: int) -> int:
        item = self.item(row, column)
        if item is None:
            return 0
        own = item.data(Qt.ItemDataRole.FontRole)  # differences beyond the error are bold
        metrics = self.fontMetrics() if own is None else QFontMetrics(own)
        return max(metrics.horizontalAdvance(line) for line in item.text().split("\n"))

    def _fit_first(self) -> None:
        head, port = self.horizontalHeader(), self.viewport()
        if head is None or port is None or not self.columnCount():
            return
        left = port.width() - sum(head.sectionSize(k) for k in range(1, self.columnCount()))
        most = min(self._needed_by(0), _WIDEST_QUANTITY, port.width() // 3)
        wanted = min(most, left) if self._wide else left
        self.setColumnWidth(0, max(_NARROWEST_QUANTITY, wanted))


def columns_of_pair(
    rows: Sequence[NumberRow],
    names: Sequence[str],
    styles: Mapping[str, StateStyle],
    pair: Pair | None,
) -> list[NumberColumn]:
    """Return the two states of a pair, their difference, and then the other states: the three that
    belong together are seen together.
    """
    order = list(names if pair is None else (*pair, *(n for n in names if n not in pair)))
    found = [state_column(rows, list(names).index(name), name, styles) for name in order]
    if pair is not None:
        found.insert(DIFFERENCE - 1, difference_column(rows, pair))
    return found


def state_column(
    rows: Sequence[NumberRow], number: int, name: str, styles: Mapping[str, StateStyle]
) -> NumberColumn:
    """Return the column of one state."""
    tip = f"State '{name}': value with its 95 % interval."
    return NumberColumn(name, tip, [row.values[number] for row in rows], styles.get(name))


def difference_column(rows: Sequence[NumberRow], pair: Pair) -> NumberColumn:
    """Return the column of the difference that rows were made for."""
    tip = (
        "Difference with its 95 % interval, percentage points for per cent. Bold: beyond the error. ≈: below\n"
        "the error, its interval holds 0."
    )
    return NumberColumn(f"{pair[1]}\n− {pair[0]}", tip, [row.difference for row in rows])


def _head(column: NumberColumn) -> QTableWidgetItem:
    head = QTableWidgetItem(column.head)
    if column.style is not None:
        head.setIcon(column.style.icon(_MARK_PX))
    head.setToolTip(column.tip)
    return head


def _value(cell: NumberCell) -> QTableWidgetItem:
    item = QTableWidgetItem(cell.text)
    item.setData(_IN_FULL, cell.text)
    item.setData(_STACKED, cell.text.replace(" ± ", "\n± ").replace(" to ", " to\n"))
    item.setToolTip(cell.tip)
    item.setTextAlignment(_RIGHT)
    item.setFlags(_STANDS)
    return item


def _difference(cell: NumberCell) -> QTableWidgetItem:
    item = _value(cell)
    font = QFont(item.font())
    font.setPointSizeF(_FONT_PT)
    font.setBold(cell.is_beyond_error)
    item.setFont(font)
    if not cell.is_beyond_error:
        item.setForeground(QColor(_BELOW_ERROR))
    return item


def _one_line(item: QTableWidgetItem | None) -> str:
    return "" if item is None else str(item.data(_IN_FULL) or item.text()).replace("\n", " ")
