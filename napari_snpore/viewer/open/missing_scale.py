"""The question about files that give too little: what they are, voxel size, tilt angles or
times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QLabel

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.files.image_input import lacks_size
from napari_snpore.files.parsed_file import KINDS, Kind
from napari_snpore.viewer.forms.docked_form import DockedForm
from napari_snpore.viewer.forms.form import MainButton, NumberBox
from napari_snpore.viewer.open.steps import Question, layer_of
from napari_snpore.viewer.shared.layers import LayerData, add_layer

_IN_FILE = "as in the file"
_UNKNOWN = "not known"


class MissingScale(DockedForm):
    """Asks what files are, for the voxel size in nm, for angles or times, then opens them; files
    are not parsed again.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer that the layer is added to.
    asked : Question
        The parsed files, and what they are according to their content.
    """

    def __init__(self, viewer: Any, asked: Question) -> None:
        super().__init__(
            viewer,
            MainButton("Open", "Open it with these values; they are kept in the layer's history."),
        )
        self._source = asked.source
        self._lacks_angles = asked.contents.lacks_angles or asked.contents.kind != "tilt series"
        path, count = asked.source.paths[0], len(asked.source.paths)
        name = path.name if count == 1 else f"{path.parent.name} ({count} files)"
        lacks = "no tilt angles" if asked.contents.lacks_angles else "no voxel size"
        question = QLabel(f"<b>{name}</b> says {lacks}. Nothing is guessed: what is it?")
        question.setWordWrap(True)
        self.column.addWidget(question)
        self.form = self.rows()
        self.kind_box = QComboBox()
        self.kind_box.addItems(asked.contents.kinds)
        self.kind_box.setCurrentText(asked.contents.kind)
        self.kind_box.setToolTip(
            "Tilt series: one image a tilt angle. Images in time: one fibre, for In situ. Volume: planes along z."
        )
        self.kind_box.currentTextChanged.connect(self._show_rows)
        self.form.addRow("It is a", self.kind_box)
        tip = "Edge of a voxel (or of a pixel of the images) in nm, from the microscope's log."
        self.voxel_size = NumberBox(0.0, 0.0, 1e6, step=0.01, decimals=5, tip=tip)
        self.form.addRow("Voxel size (nm)", self.voxel_size)
        self.first = NumberBox(
            -70.0, -90.0, 90.0, step=1.0, tip="Angle of the first image in degrees."
        )
        self.step = NumberBox(
            2.0, -10.0, 10.0, step=0.5, tip="From one image to the next, in degrees."
        )
        self.seconds = NumberBox(
            0.0, 0.0, 1e6, step=1.0, decimals=3, tip="Time from one image to the next, in seconds."
        )
        self.seconds.setSpecialValueText("not known")
        self.form.addRow("First tilt (°)", self.first)
        self.form.addRow("Tilt step (°)", self.step)
        self.form.addRow("Seconds a frame", self.seconds)
        self.form.addRow("Images", QLabel(str(asked.source.image_count)))
        self.main_button.clicked.connect(self.open)
        self.column.addWidget(self.main_button)
        self.column.addStretch(1)
        self.footer.addWidget(self.status)
        self._show_rows(asked.contents.kind)

    def open(self) -> None:
        """Read the files with the values given and add their layer."""
        kind = self._kind
        size = self.voxel_size.value() or None
        if size is None and lacks_size(self._source, kind):
            self.status.refuse(
                InputError("Voxel size (nm) is not given; a positive number is needed.")
            )
            return
        asks_angles = kind == "tilt series" and self._lacks_angles
        angles = self._even(self.first.value(), self.step.value()) if asks_angles else None
        seconds = self.seconds.value()
        times = self._even(0.0, seconds) if kind == "images in time" and seconds else None

        def work(progress: Progress, should_stop: ShouldStop) -> LayerData:
            del progress, should_stop
            return layer_of(self._source, kind, spacing_nm=size, angles_deg=angles, times_s=times)

        self.status.run("Open", work, self._show)

    @property
    def _kind(self) -> Kind:
        chosen = self.kind_box.currentText()
        return next(kind for kind in KINDS if kind == chosen)

    def _show_rows(self, kind: str) -> None:
        for box, is_asked in (
            (self.first, kind == "tilt series" and self._lacks_angles),
            (self.step, kind == "tilt series" and self._lacks_angles),
            (self.seconds, kind == "images in time"),
        ):
            self.form.setRowVisible(box, is_asked)
        self.voxel_size.setSpecialValueText(
            _UNKNOWN if lacks_size(self._source, self._kind) else _IN_FILE
        )

    def _even(self, first: float, step: float) -> NDArray[np.float64]:
        return np.asarray(first + step * np.arange(self._source.image_count), np.float64)

    def _show(self, data: LayerData) -> None:
        add_layer(self._viewer, data)
        self.status.say(f"Opened as '{data[1]['name']}'.")
        self.main_button.setEnabled(False)
        if hasattr(self._viewer, "window"):
            QTimer.singleShot(0, self._remove)

    def _remove(self) -> None:
        """Remove the dock: the question is answered."""
        if isalive(self) and self.parentWidget() is not None:
            self._viewer.window.remove_dock_widget(self)


def ask(viewer: Any, asked: Question) -> MissingScale:
    """Open the question in a dock of the window, without waiting for the answer."""
    question = MissingScale(viewer, asked)
    viewer.window.add_dock_widget(question, name="What is it?", area="right")
    return question
