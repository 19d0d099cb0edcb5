"""Panel of the cuts through the 3D scene: a box, planes through or beside the cross-hair, or
both.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QTimer

from napari_snpore.viewer.forms.form import Fold
from napari_snpore.viewer.scene.clipping import can_be_clipped, clip
from napari_snpore.viewer.scene.cut_row import WHOLE, CutRow
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.units import nm_a_unit
from napari_snpore.volume import Triple


class ClipPanel(Fold):
    """Says what cuts the scene; the cut follows the boxes and the cross-hair."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__("Cut open")
        self._viewer = viewer
        self._boxes = boxes_of(viewer)
        self._own: weakref.WeakKeyDictionary[Layer, Any] = weakref.WeakKeyDictionary()
        self.cuts = (
            CutRow("Cut by", self.form, self._boxes, self),
            CutRow("and by", self.form, self._boxes, self),
        )
        self.by, self.flip = self.cuts[0].by, self.cuts[0].flip
        self._soon = QTimer(self)  # a dragged box asks many times a second
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)
        self._soon.timeout.connect(self.apply)
        for row in self.cuts:
            row.changed.connect(self._on_cut)
        self._boxes.changed.connect(self._on_boxes)
        connect_while_alive(self, viewer.dims.events.point, self._on_moved)
        connect_while_alive(self, viewer.layers.events.inserted, self._on_moved)

    @property
    def choices(self) -> list[str]:
        """What can be chosen."""
        return self.cuts[0].choices

    def apply(self, _: Any = None) -> None:
        """Cut the layers of the scene; without a cut they have the clipping planes that they had
        before.
        """
        place = self._place_nm()
        wanted = [cut for row in self.cuts for cut in row.cuts(place)]
        if not wanted:
            self._give_back()
            return
        layers = [layer for layer in self._viewer.layers if can_be_clipped(layer)]
        for layer in layers:
            if layer not in self._own:
                self._own[layer] = [
                    plane.model_dump() for plane in layer.experimental_clipping_planes
                ]
        clip(layers, wanted)

    def closed(self) -> None:
        """Show everything as it was without the cuts."""
        for row in self.cuts:
            row.by.setCurrentText(WHOLE)
        self.apply()

    def state(self) -> list[dict[str, Any]]:
        """Return what the user set, a record a cut."""
        return [row.state() for row in self.cuts]

    def set_state(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Take what ``state()`` returned once."""
        for row, values in zip(self.cuts, state, strict=False):
            row.set_state(values)

    def _give_back(self) -> None:
        for layer, planes in list(self._own.items()):
            layer.experimental_clipping_planes = planes
        self._own.clear()

    def _place_nm(self) -> Triple | None:
        if self._viewer.dims.ndim < 3:
            return None
        z, y, x = self._viewer.dims.point[-3:] * nm_a_unit(self._viewer.layers.units)
        return float(z), float(y), float(x)

    def _on_cut(self) -> None:
        self.fit()
        self.apply()

    def _on_boxes(self) -> None:
        for row in self.cuts:
            row.list_boxes()
        self._on_moved()

    def _on_moved(self, event: Any = None) -> None:
        del event
        if self._own or any(row.by.currentText() != WHOLE for row in self.cuts):
            self._soon.start()
