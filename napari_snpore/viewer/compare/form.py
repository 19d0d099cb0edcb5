"""Fields of the Compare form, from the list of fibres to its buttons; :mod:`.widget` connects them."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_snpore.viewer.compare.fibre_table import FibreTable
from napari_snpore.viewer.compare.result_tabs import ResultTabs
from napari_snpore.viewer.forms.docked_form import DockedForm
from napari_snpore.viewer.forms.form import MainButton, ResultText
from napari_snpore.viewer.shared.drops import take_drops
from napari_snpore.viewer.shared.long_words import WrappingLabel

EMPTY = (
    "Make phases of two specimens or more in this window, or press Open runs … (folders can be dropped here as well). "
    "File > Open Sample > snpore > Three states fills this form."
)
_LIST_PX = 190
"""Most height (px) that the list of fibres keeps beside results; a longer one scrolls."""
_TABS_STRETCH = 3
"""Height of the tabs over that of the list of fibres, where there is more than both need."""


class CompareForm(DockedForm):
    """List of fibres, *Open runs*, *Save study*, headline and tabs of the result, *Compare*,
    *Tables*, *Figures*, *Report*.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(
            viewer,
            MainButton(
                "Compare",
                "Measures the specimens that are not measured yet, and puts the numbers of all states side by side.",
            ),
        )
        self.setAcceptDrops(True)
        self.hint = WrappingLabel(EMPTY)
        self.table = FibreTable()
        self.open_button = QPushButton("Open runs …")
        self.open_button.setToolTip(
            "Adds the finished run of a folder, or all runs of a study ('snpore run', 'snpore compare'). Folders can be\n"
            "dropped on this form as well."
        )
        self.study_button = QPushButton("Save study …")
        self.study_button.setToolTip(
            "Writes study.toml into a folder: the states in this order with their fibres, and beside it how each specimen of\n"
            "this window was made. 'snpore compare study.toml' repeats all of it without a window."
        )
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip(
            "Takes the chosen run out of the list (Delete); its folder stays."
        )
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.open_button, 1)
        line.addWidget(self.study_button)
        line.addWidget(self.remove_button)
        self.column.addWidget(self.hint)
        self.column.addWidget(self.table)
        self.column.addLayout(line)
        self.column.addStretch(1)
        self.headline = ResultText(
            "How many states and fibres were compared, and what lies beyond its error."
        )
        self.tabs = ResultTabs(self._viewer)
        self.tables_button = QPushButton("Tables …")
        self.tables_button.setToolTip(
            "Writes states.csv, differences.csv, distributions.csv and a summary into a folder, as 'snpore compare' does."
        )
        self.figures_button = QPushButton("Figures …")
        self.figures_button.setToolTip(
            "Draws the table of states, overlaid histograms, profiles and bars as figures for a plate (PDF and PNG)."
        )
        self.report_button = QPushButton("Report …")
        self.report_button.setToolTip(
            "Writes tables and figures into a folder, and beside it one page for readers without this program: HTML, PDF,\n"
            "and its references as BibTeX, with a methods paragraph."
        )
        buttons = QHBoxLayout()
        buttons.addWidget(self.main_button, 1)
        for button in (self.tables_button, self.figures_button, self.report_button):
            buttons.addWidget(button)
        self.footer.addLayout(buttons)
        self.footer.addWidget(self.status)
        outer = self.layout()
        assert isinstance(outer, QVBoxLayout)
        outer.insertWidget(outer.count() - 1, self._results(), _TABS_STRETCH)

    def _results(self) -> QWidget:
        """Return headline and tabs; not among the results that scroll, for the tabs do so themselves."""
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(8, 0, 8, 0)
        column.setSpacing(4)
        column.addWidget(self.headline)
        column.addWidget(self.tabs, 1)
        return made

    def keep_list_in_view(self) -> None:
        """Leave the list of fibres and its buttons the height that they need, within limits."""
        scroll = self.layout().itemAt(0).widget()  # type: ignore[union-attr]
        needed = self.column.sizeHint().height() + 2
        scroll.setMinimumHeight(min(needed, _LIST_PX))  # type: ignore[union-attr]

    def _on_docked(self) -> None:
        super()._on_docked()
        take_drops(self, self._viewer)
