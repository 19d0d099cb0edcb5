"""Cutting the 3D scene open: by one of the boxes, or by a plane through the cross-hair."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox

from napari_snpore.viewer.boxes import boxes_of
from napari_snpore.viewer.events import connect_while_alive
from napari_snpore.viewer.scene.clipping import Cut, box_cuts, clip
from napari_snpore.viewer.widgets.form import Fold

_WHOLE = "nothing"
_PLANES = {"plane across z": 0, "plane across y": 1, "plane across x": 2}
_BOX = "box "


class ClipPanel(Fold):
    """Says what cuts the scene; the cut follows the box and the cross-hair."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__("Cut open")
        self._viewer = viewer
        self._boxes = boxes_of(viewer)
        self._cutting = False
        self.by = QComboBox()
        self.by.setToolTip(
            "Show only what lies in one of the boxes (Subvolumes), or on one side of a plane through the position of the slices."
        )
        self.flip = QCheckBox("the other side")
        self.flip.setToolTip("Keep what lies on the other side of the plane.")
        self.form.addRow("Cut by", self.by)
        self.form.addRow(self.flip)
        self._soon = QTimer(self)  # a dragged box asks many times a second
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)
        self._soon.timeout.connect(self.apply)
        self._list()
        self.by.currentIndexChanged.connect(self.apply)
        self.flip.toggled.connect(self.apply)
        self._boxes.changed.connect(self._on_boxes)
        connect_while_alive(self, viewer.dims.events.point, self._on_point)
        connect_while_alive(self, viewer.layers.events.inserted, self._on_point)

    @property
    def choices(self) -> list[str]:
        """What can be chosen."""
        return [self.by.itemText(k) for k in range(self.by.count())]

    def apply(self, _: Any = None) -> None:
        """Cut the layers of the scene."""
        cuts = self._cuts()
        if cuts or self._cutting:
            clip(self._viewer.layers, cuts)
        self._cutting = bool(cuts)
        self.flip.setEnabled(self.by.currentText() in _PLANES)

    def closed(self) -> None:
        """Show everything whole again."""
        self.by.setCurrentText(_WHOLE)
        self.apply()

    def _cuts(self) -> list[Cut]:
        text = self.by.currentText()
        if text in _PLANES:
            if self._viewer.dims.ndim < 3:
                return []
            z, y, x = (float(value) for value in self._viewer.dims.point[-3:])
            normal = [0.0, 0.0, 0.0]
            normal[_PLANES[text]] = -1.0 if self.flip.isChecked() else 1.0
            return [Cut((z, y, x), (normal[0], normal[1], normal[2]))]
        for k in range(len(self._boxes)):
            if text == _BOX + self._boxes[k].name:
                return box_cuts(self._boxes[k].low, self._boxes[k].high)
        return []

    def _list(self) -> None:
        before = self.by.currentText()
        names = [_BOX + self._boxes[k].name for k in range(len(self._boxes))]
        wanted = [_WHOLE, *_PLANES, *names]
        if wanted == self.choices:
            return
        self.by.blockSignals(True)
        self.by.clear()
        self.by.addItems(wanted)
        self.by.setCurrentText(before if before in wanted else _WHOLE)
        self.by.blockSignals(False)

    def _on_boxes(self) -> None:
        self._list()
        if self._cutting:
            self._soon.start()

    def _on_point(self, event: Any = None) -> None:
        del event
        if self._cutting:
            self._soon.start()
