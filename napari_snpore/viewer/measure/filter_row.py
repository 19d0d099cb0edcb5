"""Row of the Measure form that filters objects: conditions as text, how many are left, and their
rows as a file.
"""

from __future__ import annotations

from functools import partial

import pandas as pd
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from napari_snpore.errors import InputError
from napari_snpore.measurement.columns import column_of
from napari_snpore.measurement.filters import ObjectFilter, parse_filter
from napari_snpore.viewer.forms.form import TextBox

_TIP = """Keep the objects that meet all conditions; the others are hidden in the picture and in the table.
length > 2, resolved, not cut by the box, 2 <= width <= 5, volume 1..10
Columns by their words or their names; commas between conditions. Empty: all objects."""


class FilterRow(QWidget):
    """Conditions on the objects of a table.

    Signals
    -------
    changed : ObjectFilter
        Other conditions hold.
    wants_rows
        The rows that are left are asked for as a file.
    """

    changed = Signal(object)
    wants_rows = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = TextBox()
        self.text.setPlaceholderText("all objects · length > 2, resolved")
        self.text.setToolTip(_TIP)
        self.text.setClearButtonEnabled(True)
        self.text.editingFinished.connect(self._take)
        self.text.textChanged.connect(lambda words: None if words else self._take())
        self.add_button = QToolButton()
        self.add_button.setText("+")
        self.add_button.setToolTip("Add a condition on a column of the table.")
        self.add_button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.add_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self.add_button)
        self.add_button.setMenu(self._menu)
        self.rows_button = QToolButton()
        self.rows_button.setText("Rows …")
        self.rows_button.setToolTip(
            "Write the rows that are left as CSV; its column 'filter' says which these are."
        )
        self.rows_button.clicked.connect(self.wants_rows)
        self.count = QLabel()
        self.count.setWordWrap(True)
        self.count.setToolTip("Objects that meet the conditions, and all that were measured.")
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(QLabel("Filter"))
        line.addWidget(self.text, 1)
        line.addWidget(self.add_button)
        line.addWidget(self.rows_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(line)
        column.addWidget(self.count)
        self._table = pd.DataFrame()
        self._filter = ObjectFilter()
        self._later = ""

    @property
    def objects(self) -> ObjectFilter:
        """The conditions that hold."""
        return self._filter

    def show_table(self, table: pd.DataFrame) -> None:
        """Take another table; conditions on columns that it does not have are given up."""
        self._table = table
        self._menu.clear()
        for name in map(str, table.columns):
            if name == "label":
                continue
            kind = table[name].dtype.kind
            called = column_of(name)
            action = self._menu.addAction(called.title)
            if action is not None:
                action.setToolTip(called.meaning)
                start = {"b": called.words, "i": f"{name} >= ", "u": f"{name} >= "}.get(
                    kind, f"{called.words} > " if kind == "f" else f"{name} = "
                )
                action.triggered.connect(partial(self._add, start))
        words, self._later = self._later or str(self._filter), ""
        try:
            self._filter = parse_filter(words, table)
        except InputError:
            self._filter = ObjectFilter()
            self.text.clear()
        self._show_count()

    def set_text(self, words: str) -> None:
        """Set the conditions, as if they were typed."""
        self.text.setText(words)
        self._take()

    def set_later(self, words: str) -> None:
        """Take the conditions of a saved window: they hold from the next table on."""
        self._later = words
        self.text.setText(words)

    def _add(self, start: str, checked: bool = False) -> None:
        del checked
        earlier = self.text.text().strip().rstrip(",")
        self.text.setText(f"{earlier}, {start}" if earlier else start)
        self.text.setFocus()
        if not start.endswith(" "):
            self._take()

    def _take(self) -> None:
        try:
            found = parse_filter(self.text.text(), self._table)
        except InputError as error:
            self.count.setText(f"⚠ {error}")
            self.count.setVisible(True)
            return
        changed = found != self._filter
        self._filter = found
        self._show_count()
        if changed:
            self.changed.emit(found)

    def _show_count(self) -> None:
        total = len(self._table)
        noun = "object" if total == 1 else "objects"
        if not self._filter.conditions:
            self.count.setText("")
        else:
            kept = int(self._filter.mask(self._table).sum())
            self.count.setText(f"{kept:,} of {total:,} {noun} shown")
        self.count.setVisible(bool(self.count.text()))
