"""The thin bar above a slice: its plane, a slider of whole voxels, position, thickness and field."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from napari_snpore.viewer.slices.planes import OrthoPlane

_HEIGHT = 22
_DETAILS_FROM_PX = 330
"""Least width of a bar that has room for thickness and field of view beside the slider."""
_PLAY_MS = 100
"""Interval between two slices that are played (ms), that of napari's own sliders."""
_SLIDER_FROM_PX = 190
"""Least width of a bar that has room for a slider beside name and position."""


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
        self._plane, self._words = plane, ""
        self._name = name = QLabel()
        name.setTextFormat(Qt.TextFormat.RichText)
        axis = "zyx"[plane.normal]
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip(f"Steps through the slices along {axis}, voxel by voxel.")
        self.slider.setAccessibleName(f"{plane.name} slice")
        self.slider.setMinimumWidth(36)
        self.slider.setEnabled(False)
        self.slider.valueChanged.connect(self.stepped)
        self.play_button = QToolButton()
        self.play_button.setText("▸")
        self.play_button.setCheckable(True)
        self.play_button.setAutoRaise(True)
        self.play_button.setFixedSize(20, 20)
        self.play_button.setToolTip("Go through all slices, over and over, until pressed again.")
        self.play_button.setAccessibleName(f"Play {plane.name}")
        self.play_button.setEnabled(False)
        self.play_button.toggled.connect(self._on_play)
        self._clock = QTimer(self)
        self._clock.setInterval(_PLAY_MS)
        self._clock.timeout.connect(self._play_on)
        self.slider.sliderPressed.connect(self.stop)
        self.place = QLabel()
        self.details = QLabel()
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
        line.addWidget(self.play_button)
        line.addWidget(self.slider, 1)
        line.addStretch(0)
        for part in (self.place, self.details, self.button):
            line.addWidget(part)
        self.setFixedHeight(_HEIGHT)
        self._hide_what_does_not_fit()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def words(self) -> str:
        """Position, thickness and field, also where the bar is too narrow for them."""
        return " · ".join(text for text in (self._words, self.details.text()) if text)

    def show_place(self, words: str, *, details: str = "", tip: str = "") -> None:
        """Write the position, and the details where the bar is wide enough."""
        self._words = words
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
        self._let_step(last > first)

    def show_empty(self) -> None:
        """Show that there is no slice."""
        self.show_unstepped("")

    def show_unstepped(self, words: str) -> None:
        """Show a position where there are no voxels to step through."""
        self._let_step(False)
        self.show_place(words)

    def stop(self) -> None:
        """Play no more slices."""
        self.play_button.setChecked(False)

    def hideEvent(self, event: Any) -> None:
        """Play nothing that is not seen."""
        super().hideEvent(event)
        self.stop()

    def sizeHint(self) -> QSize:
        """As narrow as its slice."""
        return QSize(120, _HEIGHT)

    def resizeEvent(self, event: Any) -> None:
        """Leave out what does not fit."""
        super().resizeEvent(event)
        self._hide_what_does_not_fit()

    def _hide_what_does_not_fit(self) -> None:
        self.details.setVisible(bool(self.details.text()) and self.width() >= _DETAILS_FROM_PX)
        wide = self.width() >= _SLIDER_FROM_PX
        for part in (self.slider, self.play_button):
            part.setVisible(wide)
        mark = f"<span style='color:{self._plane.color}'>■</span> " if wide else ""
        self.place.setText(self._words if wide else self._words.partition(" = ")[2] or self._words)
        self._name.setText(f"{mark}<b>{self._plane.name}</b>")

    def _let_step(self, on: bool) -> None:
        self.slider.setEnabled(on)
        self.play_button.setEnabled(on)
        if not on:
            self.stop()

    def _on_play(self, on: bool) -> None:
        self.play_button.setText("■" if on else "▸")
        if on:
            self._clock.start()
        else:
            self._clock.stop()

    def _play_on(self) -> None:
        """Show the next slice; the first one follows the last."""
        after = self.slider.value() + 1
        self.slider.setValue(after if after <= self.slider.maximum() else self.slider.minimum())
