"""Panel of the alignment: tilt axis found or set by hand, and sinograms before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_snpore.errors import InputError
from napari_snpore.files import read_xf, write_tlt, write_xf
from napari_snpore.outputs.places import check_beside
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.viewer.forms.form import (
    NumberBox,
    ResultText,
    caveat,
    form_layout,
    number,
    signed,
    with_error,
)
from napari_snpore.viewer.forms.gray_image import GrayImage
from napari_snpore.viewer.forms.path_dialogs import ask_file, ask_place

AUTO, GIVEN, DONE = "automatic", "axis angle given", "aligned already"
_SINOGRAM = 84
_XF = "IMOD transforms (*.xf)"


class AlignmentPanel(QWidget):
    """Mode, *Align*, axis and offset, both sinograms.

    Signals
    -------
    wants_align : the button was pressed
    moved : axis or offset were set by hand
    changed : the mode changed
    imported : Alignment
        From an .xf file.
    refused : InputError
    """

    wants_align = Signal()
    moved = Signal()
    changed = Signal()
    imported = Signal(object)
    refused = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._exports: tuple[Alignment, NDArray[np.float64]] | None = None
        self.mode = QComboBox()
        self.mode.addItems([AUTO, GIVEN, DONE])
        self.mode.setToolTip(
            "automatic: shifts, direction and offset of the tilt axis from the images;\n"
            "axis angle given: the same, with the direction that you know;\n"
            "aligned already: the axis is image axis y, through the middle."
        )
        self.align_button = QPushButton("Align")
        self.align_button.setMinimumWidth(64)
        self.align_button.setToolTip(
            "Aligns now, so that the result can be looked at. Reconstruct aligns by itself where that was not done."
        )
        self.align_button.clicked.connect(self.wants_align)
        first = QHBoxLayout()
        first.addWidget(self.mode, 1)
        first.addWidget(self.align_button)
        self.axis_angle = NumberBox(
            0.0,
            -180.0,
            180.0,
            step=0.1,
            tip=(
                "Direction of the tilt axis, from image axis y: 0 is vertical, 90 horizontal. Change it to correct the\n"
                "direction that was found. The opposite direction (180° more or less) gives the mirror image of the\n"
                "volume."
            ),
        )
        self.offset = NumberBox(
            0.0,
            -10_000.0,
            10_000.0,
            step=0.25,
            tip=(
                "Distance of the tilt axis from the middle of the image, measured across the axis. With a wrong offset\n"
                "small bright objects look like arcs in the cross-section; turn it until they are round."
            ),
        )
        self.rows: QFormLayout = form_layout()
        self.rows.addRow("Align", first)
        self.rows.addRow("Axis angle (°)", self.axis_angle)
        self.rows.addRow("Offset (px)", self.offset)
        column.addLayout(self.rows)
        column.addLayout(self._pictures())
        column.addLayout(self._buttons())
        self.found = ResultText(
            "Direction of the tilt axis with its standard error (a jackknife over groups of tilts), its offset, and\n"
            "the median distance between aligned images and re-projections. Below: what the images could not decide.\n"
            "See docs/definitions.md, Axes and units."
        )
        column.addWidget(self.found)
        self.axis_angle.valueChanged.connect(self.moved)
        self.offset.valueChanged.connect(self.moved)
        self.mode.currentIndexChanged.connect(self._on_mode)
        self.show_alignment(None)

    def _pictures(self) -> QHBoxLayout:
        self.before = GrayImage(_SINOGRAM, empty="sinogram", square_pixels=False)
        self.after = GrayImage(_SINOGRAM, square_pixels=False)
        self.after.hide()  # until there is an alignment
        tip = (
            "Sinogram: the same row of every image, one tilt below the other. In an aligned series each object draws a\n"
            "smooth curve."
        )
        row = QHBoxLayout()
        row.setSpacing(4)
        for picture in (self.before, self.after):
            picture.setToolTip(tip)
            row.addWidget(picture, 1)
        return row

    def _buttons(self) -> QHBoxLayout:
        self.import_button, self.export_button = (
            QPushButton("Import .xf …"),
            QPushButton("Export .xf …"),
        )
        self.import_button.setToolTip(
            "Reads an alignment made with IMOD: an .xf file with one line for each image that is used."
        )
        self.export_button.setToolTip(
            "Writes the alignment for IMOD: an .xf file, with the angles in a .tlt file beside it."
        )
        self.import_button.clicked.connect(self._on_import)
        self.export_button.clicked.connect(self._on_export)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.import_button, self.export_button):
            row.addWidget(button, 1)
        return row

    @property
    def enabled(self) -> bool:
        """Whether the series is to be aligned at all."""
        return self.mode.currentText() != DONE

    @property
    def given_angle(self) -> float | None:
        """The direction of the axis where the user knows it."""
        return self.axis_angle.value() if self.mode.currentText() == GIVEN else None

    def show_alignment(self, alignment: Alignment | None, *, angle: float = 0.0) -> None:
        """Show an alignment; while there is none, the direction that the file names, or the one
        given here.
        """
        if self.mode.currentText() == GIVEN:
            angle = self.axis_angle.value()
        values = (
            (angle, 0.0)
            if alignment is None
            else (alignment.tilt_axis_angle_deg, alignment.tilt_axis_offset_px)
        )
        for box, value in zip((self.axis_angle, self.offset), values, strict=True):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self._enable(alignment is not None)
        self.found.show_lines([] if alignment is None else alignment_lines(alignment))

    def show_rows(
        self, before: NDArray[np.float32], after: NDArray[np.float32] | None, *, aligned: bool
    ) -> None:
        """Show a row of all images before and after alignment."""
        self.before.show_image(before, title="sinogram" if not aligned else "before")
        self.after.setVisible(aligned)
        if aligned and after is not None:
            self.after.show_image(after, title="after")

    def offer_export(
        self, alignment: Alignment | None, angles_deg: NDArray[np.float64] | None
    ) -> None:
        """Say what *Export* writes."""
        self._exports = None if alignment is None or angles_deg is None else (alignment, angles_deg)
        self.export_button.setEnabled(self._exports is not None)

    def _enable(self, aligned: bool) -> None:
        self.offset.setEnabled(aligned)
        self.axis_angle.setEnabled(aligned or self.mode.currentText() == GIVEN)

    def _on_mode(self) -> None:
        self.align_button.setEnabled(self.enabled)
        for box in (self.axis_angle, self.offset):
            self.rows.setRowVisible(box, self.enabled)
        self._enable(self.offset.isEnabled())
        self.changed.emit()

    def import_xf(self, path: str) -> None:
        """Take an alignment from a file of IMOD's."""
        try:
            self.imported.emit(read_xf(path))
        except InputError as error:
            self.refused.emit(error)

    def export_xf(self, path: str) -> None:
        """Write the alignment for IMOD, and the angles beside it."""
        assert self._exports is not None
        alignment, angles = self._exports
        beside = Path(path).with_suffix(".tlt")
        try:
            check_beside(Path(path), [beside])
            write_xf(path, alignment)
            write_tlt(beside, angles)
        except InputError as error:
            self.refused.emit(error)

    def _on_import(self) -> None:
        ask_file(self, "Import an alignment", _XF, self.import_xf)

    def _on_export(self) -> None:
        ask_place(self, "Export the alignment", "alignment.xf", _XF, self.export_xf)


def alignment_lines(alignment: Alignment) -> list[str]:
    """Return what an alignment found, with its caveats."""
    left = float(np.median(alignment.residual_px))
    angle, error = alignment.tilt_axis_angle_deg, alignment.tilt_axis_error_deg
    axis = with_error(angle, error, 2 if np.isfinite(error) else 1)
    lines = [
        f"axis <b>{axis}°</b>, offset <b>{signed(alignment.tilt_axis_offset_px, 1)} px</b>"
        + (f", left over {number(left)} px (median)" if np.isfinite(left) else ", set by hand")
    ]
    return lines + [caveat(note) for note in alignment.notes]
