"""The question about files that give too little, or hold several images: which image, what it is,
voxel size, tilt angles or times.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QLabel

from napari_snpore.compute import Progress, ShouldStop, run_apart
from napari_snpore.errors import InputError
from napari_snpore.files.image_input import contents_of, lacks_size, with_image
from napari_snpore.files.parsed_file import KINDS, Kind
from napari_snpore.viewer.forms.form import MainButton, NumberBox
from napari_snpore.viewer.open.question_dock import UNKNOWN, QuestionDock
from napari_snpore.viewer.open.steps import Question, layer_of
from napari_snpore.viewer.shared.layers import LayerData
from napari_snpore.viewer.shared.long_words import WrappingLabel

_IN_FILE = "as in the file"


class MissingScale(QuestionDock):
    """Asks which image is meant and what it is, for the voxel size in nm, for angles or times, then
    opens it; files are parsed again only for another image.

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
        self.question = WrappingLabel(_question_of(asked))
        self.column.addWidget(self.question)
        self.form = self.rows()
        first = asked.source.files[0]
        self.image_box = QComboBox()
        self.image_box.addItems([first.image or "", *first.other_images])
        self.image_box.setToolTip(
            "Detector, data set or volume of the file; of files of one image each, the same is taken from all."
        )
        self.image_box.currentTextChanged.connect(self._read_image)
        self.form.addRow("Image", self.image_box)
        self.form.setRowVisible(self.image_box, bool(first.other_images))
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
        self.form.addRow("Frame time (s)", self.seconds)
        self.image_count = QLabel(str(asked.source.image_count))
        self.form.addRow("Images", self.image_count)
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
        source, image = self._source, self.image_box.currentText()
        times = self._even(0.0, seconds) if kind == "images in time" and seconds else None

        def work(progress: Progress, should_stop: ShouldStop) -> LayerData:
            del progress

            def read() -> LayerData:
                same = image in (source.files[0].image, "")
                meant = source if same else with_image(source, image)
                return layer_of(meant, kind, spacing_nm=size, angles_deg=angles, times_s=times)

            return run_apart(read, should_stop)

        self.status.run("Open", work, self._show)

    def _read_image(self, image: str) -> None:
        """Read another image of the files, and show what it is."""
        source = self._source

        def work(progress: Progress, should_stop: ShouldStop) -> Question:
            del progress
            meant = run_apart(lambda: with_image(source, image), should_stop)
            return Question(meant, contents_of(meant))

        self.status.run("Read", work, self._take)

    def _take(self, asked: Question) -> None:
        self._source = asked.source
        self._lacks_angles = asked.contents.lacks_angles or asked.contents.kind != "tilt series"
        self.question.setText(_question_of(asked))
        self.image_count.setText(str(asked.source.image_count))
        with QSignalBlocker(self.kind_box):
            self.kind_box.clear()
            self.kind_box.addItems(asked.contents.kinds)
            self.kind_box.setCurrentText(asked.contents.kind)
        self._show_rows(asked.contents.kind)

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
            UNKNOWN if lacks_size(self._source, self._kind) else _IN_FILE
        )

    def _even(self, first: float, step: float) -> NDArray[np.float64]:
        return np.asarray(first + step * np.arange(self._source.image_count), np.float64)


def _question_of(asked: Question) -> str:
    path, count = asked.source.paths[0], len(asked.source.paths)
    name = escape(path.name if count == 1 else f"{path.parent.name} ({count} files)")
    contents, image = asked.contents, escape(asked.source.files[0].image or "")
    words = []
    if contents.has_other_images:
        words.append(f"<b>{name}</b> holds several images; <b>{image}</b> is chosen.")
    if asked.reason:
        words.append(f"{escape(asked.reason)} What you give here is taken.")
    elif contents.lacks_angles or contents.lacks_size:
        lacks = "no tilt angles" if contents.lacks_angles else "no voxel size"
        words.append(f"<b>{name}</b> says {lacks}. Nothing is guessed: what is it?")
    return " ".join(words)


def ask(viewer: Any, asked: Question) -> MissingScale:
    """Open the question in a dock of the window, without waiting for the answer."""
    question = MissingScale(viewer, asked)
    viewer.window.add_dock_widget(question, name="What is it?", area="right")
    return question
