"""The question that opens beside the layers when files say too little of themselves: what they are, voxel size, angles, times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QLabel

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.form import MainButton, NumberBox
from napari_snpore.viewer.forms.step_form import StepForm
from napari_snpore.viewer.open.readers import Kind, Question, layer_data
from napari_snpore.viewer.shared.layers import LayerData, add_layer

_NOT_SAID = "as in the file"


class MissingScale(StepForm):
    """Asks what files are, for the voxel size in nm, for angles or times, then opens them.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer goes.
    paths : sequence of str
        What was dropped.
    asked : Question
        What they most likely are, and may be.
    """

    def __init__(self, viewer: Any, paths: Sequence[str], asked: Question) -> None:
        super().__init__(viewer, MainButton("Open", "Open it with these values; they are kept in the layer's history."))
        self._paths = list(paths)
        self._count = asked.count
        path = Path(self._paths[0])
        name = path.name if len(self._paths) == 1 else f"{path.parent.name} ({len(self._paths)} files)"
        lacks = "no tilt angles" if asked.kind == "tilt series" else "no voxel size"
        question = QLabel(f"<b>{name}</b> says {lacks}. Nothing is guessed: what is it?")
        question.setWordWrap(True)
        self.column.addWidget(question)
        self.form = self.rows()
        self.kind_box = QComboBox()
        self.kind_box.addItems(asked.kinds)
        self.kind_box.setCurrentText(asked.kind)
        self.kind_box.setToolTip(
            "Tilt series: one image a tilt angle. Images in time: one fibre, for In situ. Volume: planes along z."
        )
        self.kind_box.currentTextChanged.connect(self._show_rows)
        self.form.addRow("It is a", self.kind_box)
        tip = "Edge of a voxel (or of a pixel of the images) in nm, from the microscope's log."
        self.voxel_size = NumberBox(0.0, 0.0, 1e6, step=0.01, decimals=5, tip=tip)
        self.form.addRow("Voxel size (nm)", self.voxel_size)
        self.first = NumberBox(-70.0, -90.0, 90.0, step=1.0, tip="Angle of the first image in degrees.")
        self.step = NumberBox(2.0, -10.0, 10.0, step=0.5, tip="From one image to the next, in degrees.")
        self.seconds = NumberBox(
            0.0, 0.0, 1e6, step=1.0, decimals=3, tip="Time from one image to the next, in seconds."
        )
        self.seconds.setSpecialValueText("not known")
        self.form.addRow("First tilt (°)", self.first)
        self.form.addRow("Tilt step (°)", self.step)
        self.form.addRow("Seconds a frame", self.seconds)
        self.form.addRow("Images", QLabel(str(self._count)))
        self.main_button.clicked.connect(self.open)
        self.column.addWidget(self.main_button)
        self.column.addStretch(1)
        self.footer.addWidget(self.status)
        self._size_is_there = asked.kind == "tilt series"
        self._show_rows(asked.kind)

    def open(self) -> None:
        """Read the files with the values given and add their layer."""
        size = self.voxel_size.value() or None
        if size is None and not self._size_is_there:
            self.status.refuse(InputError("Voxel size (nm) is not given; a positive number is needed."))
            return
        kind: Kind = self.kind_box.currentText()  # type: ignore[assignment]
        angles = self._even(self.first.value(), self.step.value()) if kind == "tilt series" else None
        seconds = self.seconds.value()
        times = self._even(0.0, seconds) if kind == "images in time" and seconds else None

        def work(progress: Progress, should_stop: ShouldStop) -> list[LayerData]:
            del progress, should_stop
            return layer_data(self._paths, spacing_nm=size, angles_deg=angles, kind=kind, times_s=times)

        self.status.run("Open", work, self._show)

    def _show_rows(self, kind: str) -> None:
        for box, wanted in (
            (self.first, "tilt series"),
            (self.step, "tilt series"),
            (self.seconds, "images in time"),
        ):
            self.form.setRowVisible(box, kind == wanted)
        self.voxel_size.setSpecialValueText(_NOT_SAID if self._size_is_there else "not known")

    def _even(self, first: float, step: float) -> NDArray[np.float64]:
        return first + step * np.arange(self._count)

    def _show(self, found: list[LayerData]) -> None:
        for data in found:
            add_layer(self._viewer, data)
        self.status.say(f"Opened as '{found[0][1]['name']}'.")
        self.main_button.setEnabled(False)
        if hasattr(self._viewer, "window"):
            QTimer.singleShot(0, self._go)

    def _go(self) -> None:
        """Leave the window: what was asked is answered."""
        if isalive(self) and self.parentWidget() is not None:
            self._viewer.window.remove_dock_widget(self)


def ask(viewer: Any, paths: Sequence[str], asked: Question) -> MissingScale:
    """Put the question into the window, beside the layers; nothing waits for the answer."""
    question = MissingScale(viewer, paths, asked)
    viewer.window.add_dock_widget(question, name="What is it?", area="right")
    return question
