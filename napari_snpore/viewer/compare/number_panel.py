"""Numbers of all states: the table of a chosen pair, and the wide one below the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_snpore.comparison.compare import Comparison
from napari_snpore.viewer.compare.number_rows import number_rows, pairs_of
from napari_snpore.viewer.compare.number_table import (
    NumberTable,
    Pair,
    columns_of_pair,
    difference_column,
    state_column,
)
from napari_snpore.viewer.compare.state_style import StateStyle
from napari_snpore.viewer.shared.docking import place_below


class NumberPanel(QWidget):
    """The table, the choice of the pair whose difference it shows, and the button of the wide table.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        Whose window docks the wide table.

    Signals
    -------
    pair_changed : object
        (state_a, state_b) that was chosen.
    """

    pair_changed = Signal(object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._comparison: Comparison | None = None
        self._styles: Mapping[str, StateStyle] = {}
        self._wide: NumberTable | None = None
        self.pair_box = QComboBox()
        self.pair_box.setToolTip("Two states whose difference is shown beside them.")
        self.pair_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.pair_box.setMinimumContentsLength(12)
        self.pair_box.currentIndexChanged.connect(self._on_pair)
        self.wide_button = QPushButton("Table")
        self.wide_button.setToolTip(
            "Opens the table of all states and all their differences below the picture."
        )
        self.wide_button.setVisible(getattr(viewer, "window", None) is not None)
        self.wide_button.clicked.connect(self.open_table)
        self.table = NumberTable()
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        self._pair_label = QLabel("Difference")
        line.addWidget(self._pair_label)
        line.addWidget(self.pair_box, 1)
        line.addWidget(self.wide_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 4, 2, 2)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.table, 1)

    @property
    def pair(self) -> Pair | None:
        """The pair whose difference is shown; None for a single state."""
        found: Pair | None = self.pair_box.currentData()
        return None if found is None else (found[0], found[1])

    @pair.setter
    def pair(self, pair: Pair) -> None:
        for index in range(self.pair_box.count()):
            if tuple(self.pair_box.itemData(index)) == tuple(pair):
                self.pair_box.setCurrentIndex(index)

    @property
    def wide_table(self) -> NumberTable | None:
        """The table below the picture; None while it is not open."""
        is_open = self._wide is not None and isalive(self._wide)
        return self._wide if is_open else None

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
        for part in (self._pair_label, self.pair_box):
            part.setVisible(bool(pairs))
        self._show()
        self._show_wide()

    def open_table(self) -> None:
        """Dock the table of all states and differences below the picture."""
        window = getattr(self._viewer, "window", None)
        if window is None or self._comparison is None:
            return
        if self.wide_table is None or self.wide_table.parentWidget() is None:
            self._wide = NumberTable(wide=True)
            self._wide.setObjectName("states table")
            window.add_dock_widget(self._wide, name="Table of states", area="bottom")
        self._show_wide()
        assert self._wide is not None
        place_below(self._wide)

    def close_table(self) -> None:
        """Close the table below the picture."""
        window, wide = getattr(self._viewer, "window", None), self.wide_table
        if window is not None and wide is not None and wide.parentWidget() is not None:
            window.remove_dock_widget(wide)
        self._wide = None

    def _on_pair(self) -> None:
        self._show()
        self.pair_changed.emit(self.pair)

    def _show(self) -> None:
        if self._comparison is not None:
            rows = number_rows(self._comparison, self.pair)
            columns = columns_of_pair(rows, self._comparison.names, self._styles, self.pair)
            self.table.show_columns(rows, columns)

    def _show_wide(self) -> None:
        comparison, wide = self._comparison, self.wide_table
        if comparison is None or wide is None:
            return
        rows = number_rows(comparison, None)
        columns = [
            state_column(rows, number, name, self._styles)
            for number, name in enumerate(comparison.names)
        ]
        columns += [
            difference_column(number_rows(comparison, pair), pair) for pair in pairs_of(comparison)
        ]
        wide.show_columns(rows, columns)
