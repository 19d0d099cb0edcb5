"""Rows of one cut through the scene: a box, or a plane along the axes or at any angle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QWidget

from napari_snpore.oblique import plane_axes
from napari_snpore.viewer.forms.form import NumberBox
from napari_snpore.viewer.scene.clipping import ClippingCut, box_cuts
from napari_snpore.viewer.shared.boxes import Boxes
from napari_snpore.viewer.slices.oblique_panel import angle_boxes
from napari_snpore.volume import Triple

WHOLE = "nothing"
OBLIQUE = "oblique plane"
PLANES: Mapping[str, Triple] = {
    "plane across z": (1.0, 0.0, 0.0),
    "plane across y": (0.0, 1.0, 0.0),
    "plane across x": (0.0, 0.0, 1.0),
}
"""Where what is kept lies, (z, y, x)."""

_BOX = "box "
_FARTHEST_NM = 1e6


class CutRow(QObject):
    """What cuts, and where; rows that the choice has no use for are not shown.

    Signals
    -------
    changed
        Something was set by the user or the list of boxes.
    """

    changed = Signal()

    def __init__(self, title: str, form: QFormLayout, boxes: Boxes, parent: QObject) -> None:
        super().__init__(parent)
        self._boxes, self._form = boxes, form
        self.by = QComboBox()
        self.by.setToolTip(
            "Shows only what lies in one of the boxes (Subvolumes), or on one side of a plane through the position of\n"
            "the slices."
        )
        self.shift = NumberBox(
            0.0,
            -_FARTHEST_NM,
            _FARTHEST_NM,
            step=0.5,
            tip="How far the plane lies from the position of the slices.",
        )
        self.tilt, self.turn = angle_boxes()
        self.flip = QCheckBox("the other side")
        self.flip.setToolTip("Keep what lies on the other side of the plane.")
        form.addRow(title, self.by)
        form.addRow("Tilt (°)", self.tilt)
        form.addRow("Turn (°)", self.turn)
        form.addRow("Shift (nm)", self.shift)
        form.addRow(self.flip)
        self.list_boxes()
        self.by.currentIndexChanged.connect(self._on_choice)
        self.flip.toggled.connect(self.changed)
        for box in (self.shift, self.tilt, self.turn):
            box.valueChanged.connect(self.changed)
        self._fit()

    @property
    def choices(self) -> list[str]:
        """What can be chosen."""
        return [self.by.itemText(k) for k in range(self.by.count())]

    def cuts(self, place_nm: Triple | None) -> list[ClippingCut]:
        """Return the planes, those that are no box's through a point (nm) or beside it; none
        without a point.
        """
        text = self.by.currentText()
        for k in range(len(self._boxes)):
            if text == _BOX + self._boxes[k].name:
                return box_cuts(self._boxes[k].low, self._boxes[k].high)
        if place_nm is None or text not in (*PLANES, OBLIQUE):
            return []
        normal = np.array(
            PLANES[text]
            if text in PLANES
            else np.cross(*plane_axes(self.tilt.value(), self.turn.value()))
        )
        place = np.array(place_nm) + self.shift.value() * normal
        return [ClippingCut(_triple(place), _triple(-normal if self.flip.isChecked() else normal))]

    def list_boxes(self) -> None:
        """List the boxes that there are now."""
        before = self.by.currentText()
        names = [_BOX + self._boxes[k].name for k in range(len(self._boxes))]
        wanted = [WHOLE, *PLANES, OBLIQUE, *names]
        if wanted == self.choices:
            return
        self.by.blockSignals(True)
        self.by.clear()
        self.by.addItems(wanted)
        self.by.setCurrentText(before if before in wanted else WHOLE)
        self.by.blockSignals(False)
        self._fit()

    def state(self) -> dict[str, Any]:
        """Return what the user set."""
        return {
            "cut": self.by.currentText(),
            "other_side": self.flip.isChecked(),
            "shift_nm": self.shift.value(),
            "tilt_deg": self.tilt.value(),
            "turn_deg": self.turn.value(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state()`` returned once; what is missing stays."""
        self.flip.setChecked(bool(state.get("other_side", False)))
        for box, name in (
            (self.shift, "shift_nm"),
            (self.tilt, "tilt_deg"),
            (self.turn, "turn_deg"),
        ):
            box.setValue(float(state.get(name, box.value())))
        self.by.setCurrentText(str(state.get("cut", self.by.currentText())))

    def _on_choice(self, _: int) -> None:
        self._fit()
        self.changed.emit()

    def _fit(self) -> None:
        text = self.by.currentText()
        is_plane = text in PLANES or text == OBLIQUE
        shown: Sequence[tuple[QWidget, bool]] = (
            (self.tilt, text == OBLIQUE),
            (self.turn, text == OBLIQUE),
            (self.shift, is_plane),
            (self.flip, is_plane),
        )
        for part, needed in shown:
            self._form.setRowVisible(part, needed)


def _triple(values: Any) -> Triple:
    z, y, x = (float(value) for value in values)
    return z, y, x
