"""Rows of the Ortho slices form for distances: a drawn line, its length, grey values along it."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_snpore.errors import InputError
from napari_snpore.line_profiles import LineProfile, line_profile
from napari_snpore.viewer.forms.form import ResultText
from napari_snpore.viewer.forms.line_plot import LinePlot
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import kind_of, volume_from_layer
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.slices.ruler import MeasuredDistance, Ruler, keep_line
from napari_snpore.viewer.slices.slab import SlabThickness


class DistanceRows(QWidget):
    """A ruler for the slices, and what it reads; ``buttons`` go where the form has its own.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    looked_at : callable
        Returns the layer whose values are read, and how thick its slices are (None: single ones).
    button : QPushButton
        Switches the ruler on and off; placed among ``buttons``.

    Signals
    -------
    drawn : str
        Name of the slice on which a line is drawn.
    said : str
        What was done.
    failed : str
        One sentence, where it could not be.
    """

    drawn = Signal(str)
    said = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        looked_at: Callable[[], tuple[Layer | None, SlabThickness | None]],
        button: QPushButton,
    ) -> None:
        super().__init__()
        self._viewer, self._looked_at = viewer, looked_at
        self._unit = UNIT
        self._line: MeasuredDistance | None = None
        self.ruler = Ruler(self._on_line)
        self.profile = LatestTask(self)
        self.profile.done.connect(self._show_profile)
        self.profile.failed.connect(self.failed)
        self.ruler_button = button
        self.ruler_button.setCheckable(True)
        self.ruler_button.toggled.connect(self._on_ruler)
        self.keep_button = QPushButton("Keep")
        self.keep_button.setToolTip(
            "Keep the line as a shape with its length; it is drawn on its slice from then on."
        )
        self.keep_button.setEnabled(False)
        self.keep_button.clicked.connect(self._keep_line)
        self.buttons = QHBoxLayout()
        self.buttons.addWidget(self.ruler_button, 1)
        self.buttons.addWidget(self.keep_button)
        self.length_text = ResultText(
            "Straight distance between the two ends, from the voxel size of the layers."
        )
        self.plot = LinePlot("distance (nm)", "grey value")
        self.plot.setVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.length_text)
        column.addWidget(self.plot)

    def count_in(self, unit: str) -> None:
        """Write lengths in a unit: nm, or px while there is no voxel size."""
        if unit != self._unit:
            self._unit = unit
            self._write_length()

    def refresh(self) -> None:
        """Read the values along the line anew: of another layer, or over another thickness."""
        self.plot.setVisible(False)
        if self._line is not None:
            self._read(self._line, finished=True)

    def _on_ruler(self, on: bool) -> None:
        self.ruler.active = on
        if not on:
            self.ruler.clear()
            self.profile.drop()

    def _on_line(self, line: MeasuredDistance, finished: bool) -> None:
        new, self._line = self._line is None or line.start_nm != self._line.start_nm, line
        self.drawn.emit(line.plane)
        self.keep_button.setEnabled(finished)
        self._write_length()
        if new:
            self.plot.setVisible(False)
        self._read(line, finished=finished)

    def _write_length(self) -> None:
        if self._line is not None:
            self.length_text.show_lines(
                [f"<b>{self._line.length_nm:.2f} {self._unit}</b> on {self._line.plane}"]
            )

    def _read(self, line: MeasuredDistance, *, finished: bool) -> None:
        self.profile.drop()
        layer, thick = self._looked_at()
        if layer is None or kind_of(layer) == "phases":
            return
        try:
            volume = volume_from_layer(layer)
        except InputError as error:
            if finished:
                self.failed.emit(str(error))
            return
        self.profile.ask(
            lambda should_stop: line_profile(
                volume,
                start_nm=line.start_nm,
                end_nm=line.end_nm,
                projection=None if thick is None else thick.projection,
                axis=line.normal,
                thickness_nm=0.0 if thick is None else thick.thickness_nm,
                should_stop=should_stop,
            )
        )

    def _show_profile(self, profile: LineProfile) -> None:
        self.plot.show_line(profile.distances_nm, profile.values)
        if not self.plot.isVisibleTo(self):
            self.plot.setVisible(True)

    def _keep_line(self) -> None:
        if self._line is None:
            return
        if self._unit != UNIT:
            self.failed.emit(
                "This layer has no voxel size; set it above, then the length can be kept in nm."
            )
            return
        keep_line(self._viewer, self._line)
        self.keep_button.setEnabled(False)
        self.said.emit("Kept in the layer 'distances'; its features hold the length in nm.")
