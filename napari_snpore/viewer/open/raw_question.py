"""The question about raw voxels without a side file: shape, type and voxel size."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QLabel

from napari_snpore.compute import Progress, ShouldStop, run_apart
from napari_snpore.errors import InputError
from napari_snpore.files import RawLayout, read_volume
from napari_snpore.viewer.forms.form import MainButton, NumberBox
from napari_snpore.viewer.open.question_dock import UNKNOWN, QuestionDock
from napari_snpore.viewer.shared.layers import (
    LayerData,
    name_from_path,
    volume_data,
)
from napari_snpore.viewer.shared.long_words import WrappingLabel

_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
_ORDERS = {"little-endian": "<", "big-endian": ">"}


class RawQuestion(QuestionDock):
    """Asks how raw voxels lie in a file and for their size in nm, then opens the volume.

    The bytes that the answer means are shown beside those that the file has: they must be equal.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer that the layer is added to.
    path : Path
        The file.
    """

    def __init__(self, viewer: Any, path: Path) -> None:
        super().__init__(
            viewer, MainButton("Open", "Open the volume; the file must have just as many bytes.")
        )
        self._path = path
        self._have = path.stat().st_size
        question = WrappingLabel(
            f"<b>{escape(path.name)}</b> is raw voxels, and no file beside it says how they lie. "
            "Nothing is guessed: what is it?"
        )
        self.column.addWidget(question)
        form = self.rows()
        self.counts = [
            NumberBox(1, 1, 2**31 - 1, step=1, decimals=0, tip=f"Number of voxels along {axis}.")
            for axis in "zyx"
        ]
        for axis, box in zip("zyx", self.counts, strict=True):
            form.addRow(f"Voxels along {axis}", box)
        self.type_box, self.order_box = QComboBox(), QComboBox()
        self.type_box.addItems(_TYPES)
        self.type_box.setToolTip("Type of a grey value.")
        self.order_box.addItems(list(_ORDERS))
        self.order_box.setToolTip("Order of the bytes of a value; most machines: little-endian.")
        self.offset = NumberBox(
            0, 0, 2**31 - 1, step=1, decimals=0, tip="Bytes before the first voxel."
        )
        self.voxel_size = NumberBox(
            0.0, 0.0, 1e6, step=0.01, decimals=5, tip="Edge of a voxel in nm."
        )
        self.voxel_size.setSpecialValueText(UNKNOWN)
        form.addRow("Type", self.type_box)
        form.addRow("Byte order", self.order_box)
        form.addRow("Bytes to skip", self.offset)
        form.addRow("Voxel size (nm)", self.voxel_size)
        self.bytes = QLabel()
        form.addRow("Bytes", self.bytes)
        for number in (*self.counts, self.offset):
            number.valueChanged.connect(self._show_bytes)
        self.type_box.currentTextChanged.connect(self._show_bytes)
        self.main_button.clicked.connect(self.open)
        self.column.addWidget(self.main_button)
        self.column.addStretch(1)
        self.footer.addWidget(self.status)
        self._show_bytes()

    @property
    def layout_of_voxels(self) -> RawLayout:
        """What the fields say."""
        z, y, x = (int(box.value()) for box in self.counts)
        kind = RawLayout((z, y, x), self.type_box.currentText()).dtype.lstrip("<|")
        order = _ORDERS[self.order_box.currentText()]
        return RawLayout((z, y, x), f"{order}{kind}", int(self.offset.value()))

    def open(self) -> None:
        """Read the file as the fields say and add its layer."""
        size = self.voxel_size.value()
        if not size:
            self.status.refuse(
                InputError("Voxel size (nm) is not given; a positive number is needed.")
            )
            return
        layout = self.layout_of_voxels

        def work(progress: Progress, should_stop: ShouldStop) -> LayerData:
            del progress
            volume = run_apart(
                lambda: read_volume(self._path, spacing=size, raw=layout), should_stop
            )
            return volume_data(volume, name_from_path(self._path))

        self.status.run("Open", work, self._show)

    def _show_bytes(self, *_: Any) -> None:
        layout = self.layout_of_voxels
        need = layout.offset + layout.voxel_bytes
        sign = "=" if need == self._have else "≠"
        self.bytes.setText(f"{need:,} {sign} {self._have:,} of the file")


def ask_layout(viewer: Any, path: str | Path) -> RawQuestion:
    """Open the question in a dock of the window, without waiting for the answer."""
    question = RawQuestion(viewer, Path(path))
    viewer.window.add_dock_widget(question, name="How do the voxels lie?", area="right")
    return question
