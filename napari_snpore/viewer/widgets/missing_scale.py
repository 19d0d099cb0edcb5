"""The question that opens beside the layers when a file says nothing of its voxel size or its tilt angles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QLabel

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.layers import LayerData, add_layer
from napari_snpore.viewer.readers import images_without_angles, layer_data
from napari_snpore.viewer.tasks import StepStatus
from napari_snpore.viewer.widgets.form import MainButton, NumberBox, StepForm

_UNKNOWN = "not known"


class MissingScale(StepForm):
    """Asks for the voxel size in nm, and for first angle and step of a tilt series, then opens the file.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer goes.
    paths : sequence of str
        What was dropped.
    """

    def __init__(self, viewer: Any, paths: Sequence[str]) -> None:
        super().__init__()
        self._viewer, self._paths = viewer, list(paths)
        count = images_without_angles(self._paths)
        self._angles_too, self._count = count is not None, count or 0
        name = Path(self._paths[0]).name
        lacks = "no tilt angles" if self._angles_too else "no voxel size"
        question = QLabel(f"<b>{name}</b> says {lacks}. Nothing is guessed: what is it?")
        question.setWordWrap(True)
        self.column.addWidget(question)
        rows = self.rows()
        tip = "Edge of a voxel (or of a pixel of the tilt images) in nm, from the microscope's log."
        self.size = NumberBox(0.0, 0.0, 1e6, step=0.01, decimals=5, tip=tip)
        self.size.setSpecialValueText("as in the file" if self._angles_too else _UNKNOWN)
        rows.addRow("Voxel size (nm)", self.size)
        self.first = NumberBox(-70.0, -90.0, 90.0, step=1.0, tip="Angle of the first image in degrees.")
        self.step = NumberBox(2.0, -10.0, 10.0, step=0.5, tip="From one image to the next, in degrees.")
        if self._angles_too:
            rows.addRow("First tilt (°)", self.first)
            rows.addRow("Tilt step (°)", self.step)
            rows.addRow("Images", QLabel(str(count)))
        self.main_button = MainButton("Open", "Open the file with these values; they are kept in the layer's history.")
        self.main_button.clicked.connect(self.open)
        self.column.addWidget(self.main_button)
        self.status = StepStatus()
        self.column.addWidget(self.status)

    def open(self) -> None:
        """Read the file with the values given and add its layer."""
        size = self.size.value() or None
        if size is None and not self._angles_too:
            self.status.refuse(InputError("Voxel size (nm) is not given; a positive number is needed."))
            return
        angles = self._angles() if self._angles_too else None

        def work(progress: Progress, should_stop: ShouldStop) -> list[LayerData]:
            del progress, should_stop
            return layer_data(self._paths, spacing_nm=size, angles_deg=angles)

        self.status.run("Open", work, self._show)

    def _angles(self) -> NDArray[np.float64]:
        return self.first.value() + self.step.value() * np.arange(self._count)

    def _show(self, found: list[LayerData]) -> None:
        for data in found:
            add_layer(self._viewer, data)
        self.status.say(f"Opened as '{found[0][1]['name']}'; this question can be closed.")
        self.main_button.setEnabled(False)


def ask(viewer: Any, paths: Sequence[str]) -> MissingScale:
    """Put the question into the window, beside the layers; nothing waits for the answer."""
    question = MissingScale(viewer, paths)
    viewer.window.add_dock_widget(question, name="Voxel size?", area="right")
    return question
