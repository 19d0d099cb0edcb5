"""The thin bar above a slice: its plane, a slider of whole voxels, position, thickness and field."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from napari_snpore.viewer.slices.planes import OrthoPlane

_HEIGHT = 22
_DETAILS_FROM_PX = 330
"""Least width of a bar that has room for thickness and field of view beside the slider."""


class SliceBar(QWidget):
    """One line above a slice.

    Parameters
    ----------
    plane : OrthoPlane
        Of the slice.

    Signals
    -------
    stepped : int
        The voxel that the slider was moved to.
    maximize_asked
        The button at the end was pressed.
    """

    stepped = Signal(int)
    maximize_asked = Signal()

    def __init__(self, plane: OrthoPlane) -> None:
        super().__init__()
        name = QLabel(f"<span style='color:{plane.color}'>■</span> <b>{plane.name}</b>")
        name.setTextFormat(Qt.TextFormat.RichText)
        axis = "zyx"[plane.normal]
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip(f"Steps through the slices along {axis}, voxel by voxel.")
        self.slider.setAccessibleName(f"{plane.name} slice")
        self.slider.setMinimumWidth(36)
        self.slider.setEnabled(False)
        self.slider.valueChanged.connect(self.stepped)
        self.place = QLabel()
        self.details = QLabel()
        self.details.setEnabled(False)  # fainter than the position
        self.button = QToolButton()
        self.button.setText("□")
        self.button.setAutoRaise(True)
        self.button.setFixedSize(20, 20)
        self.button.setToolTip("This view alone, and back. Double-click on the view does the same.")
        self.button.setAccessibleName(f"{plane.name} alone")
        self.button.clicked.connect(self.maximize_asked)
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(name)
        line.addWidget(self.slider, 1)
        for part in (self.place, self.details, self.button):
            line.addWidget(part)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def words(self) -> str:
        """Position, thickness and field as they stand in the bar."""
        return " · ".join(text for text in (self.place.text(), self.details.text()) if text)

    def show_place(self, words: str, *, details: str = "", tip: str = "") -> None:
        """Write the position, and the details where the bar is wide enough."""
        self.place.setText(words)
        self.details.setText(details)
        for part in (self.place, self.details):
            part.setToolTip(tip)
        self._hide_what_does_not_fit()

    def show_step(self, index: int, first: int, last: int) -> None:
        """Put the slider onto a voxel without moving anything else."""
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(first, last)
        self.slider.setValue(index)
        self.slider.blockSignals(blocked)
        self.slider.setEnabled(last > first)

    def show_empty(self) -> None:
        """Show that there is no slice."""
        self.slider.setEnabled(False)
        self.show_place("")

    def sizeHint(self) -> QSize:
        """As narrow as its slice."""
        return QSize(120, _HEIGHT)

    def resizeEvent(self, event: Any) -> None:
        """Leave out what does not fit."""
        super().resizeEvent(event)
        self._hide_what_does_not_fit()

    def _hide_what_does_not_fit(self) -> None:
        self.details.setVisible(bool(self.details.text()) and self.width() >= _DETAILS_FROM_PX)
