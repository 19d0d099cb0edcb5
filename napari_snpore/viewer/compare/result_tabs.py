"""Results of a comparison in four tabs: numbers, sizes of objects, radial profiles, notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QTabWidget, QWidget

from napari_snpore.comparison.compare import Comparison
from napari_snpore.viewer.compare.number_panel import NumberPanel
from napari_snpore.viewer.compare.profile_panel import ProfilePanel
from napari_snpore.viewer.compare.size_panel import SizePanel
from napari_snpore.viewer.compare.state_style import StateStyle

_LOWEST_PX = 150
_TABS = (
    ("Numbers", "Value and interval of each state, and the difference of two of them."),
    ("Sizes", "Length, width, aspect ratio and volume of objects, overlaid."),
    ("Profile", "What lies how deep below the surface, all states in one plot."),
    ("Notes", "What differs between the states, and what the numbers do not hold."),
)


class ResultTabs(QTabWidget):
    """The four tabs; hidden until there is a comparison."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.numbers, self.sizes, self.profile = NumberPanel(viewer), SizePanel(), ProfilePanel()
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        self.notes.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.notes.setMargin(6)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for part, (name, tip) in zip(
            (self.numbers, self.sizes, self.profile, self.notes), _TABS, strict=True
        ):
            self.addTab(part if part is self.numbers else _scrolled(part), name)
            self.setTabToolTip(self.count() - 1, tip)
        bar = self.tabBar()
        if bar is not None:
            bar.setToolTip("Numbers, sizes of objects, radial profiles, notes.")
        self.numbers.pair_changed.connect(self.sizes.show_pair)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.hide()

    def minimumSizeHint(self) -> QSize:
        """Return the height of some rows, and the width that the table of numbers asks for."""
        return QSize(self.numbers.minimumSizeHint().width() + 8, _LOWEST_PX)

    def sizeHint(self) -> QSize:
        """Return the height of some rows: the form gives what it has."""
        return QSize(360, 360)

    def show_comparison(self, comparison: Comparison, styles: Mapping[str, StateStyle]) -> None:
        """Show a comparison in all tabs."""
        self.numbers.show_comparison(comparison, styles)
        self.sizes.show_comparison(comparison, styles, self.numbers.pair)
        self.profile.show_comparison(comparison, styles)
        self.notes.setText("\n\n".join(f"• {note}" for note in comparison.notes))
        self.setTabText(3, f"Notes ({len(comparison.notes)})" if comparison.notes else "Notes")
        self.show()
        self.updateGeometry()


def _scrolled(part: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(part)
    return area
