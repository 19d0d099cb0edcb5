"""Hint below a layer choice: what to do without a layer, and a field for a voxel size that is
missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_snpore.viewer.forms.form import NumberBox, caveat
from napari_snpore.viewer.shared.units import has_scale
from napari_snpore.viewer.shared.voxel_size import give_scale


class LayerHint(QWidget):
    """A row that shows what is missing, a layer or its voxel size; hidden when nothing is.

    Parameters
    ----------
    viewer : ViewerModel
        Its layers on the same grid get the voxel size as well.
    empty : str
        What to do while there is no layer, such as "Drop a volume here".
    parent : QWidget, optional
        Given from the start: what is shown without one is a window.
    """

    def __init__(self, viewer: ViewerModel, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._empty = viewer, empty
        self._layer: Layer | None = None
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        tip = (
            "Edge of a voxel in nm, from the microscope's log. It is written into the history of the layer and of all\n"
            "layers on the same grid that have none. Where napari has voxels of unequal sides, they keep their ratio."
        )
        self.voxel_size = NumberBox(0.0, 0.0, 1e6, step=0.01, decimals=4, tip=tip)
        self.voxel_size.setSpecialValueText("not known")
        self.set_button = QPushButton("Set")
        self.set_button.setToolTip(tip)
        self.set_button.clicked.connect(self.give)
        self._question = QWidget()
        line = QHBoxLayout(self._question)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(QLabel("Voxel size (nm)"))
        line.addWidget(self.voxel_size, 1)
        line.addWidget(self.set_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.sentence)
        column.addWidget(self._question)

    def show_layer(self, layer: Layer | None) -> None:
        """Say what is missing: a layer, its voxel size, or nothing."""
        self._layer = layer
        bare = layer is not None and not has_scale(layer)
        self.sentence.setText(
            caveat(f"'{layer.name}' has no voxel size: lengths mean nothing until it is set.")
            if layer is not None and bare
            else f"{self._empty}."
        )
        self._question.setVisible(bare)
        self.setVisible(layer is None or bare)

    def give(self) -> None:
        """Set the voxel size that was typed, on the layer and on all others of its grid that have
        none.
        """
        if self._layer is None or not self.voxel_size.value():
            self.sentence.setText(
                caveat("The voxel size is not given; a positive number of nm is needed.")
            )
            return
        mine = _grid(self._layer)
        same = [one for one in self._viewer.layers if not has_scale(one) and _grid(one) == mine]
        give_scale(same, self.voxel_size.value())


def _grid(layer: Layer) -> Any:
    """Return what layers of one grid share: shape, scale and place."""
    shape = np.shape(layer.data[0] if getattr(layer, "multiscale", False) else layer.data)
    return shape, tuple(layer.scale), tuple(layer.translate)
