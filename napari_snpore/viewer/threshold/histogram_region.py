"""Region counted by the histogram (volume, shown slice or envelope) and its key figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.viewer.forms.form import number, percent
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import array_from_layer

WHOLE, SLICE, ENVELOPE = "whole volume", "shown slice", "envelope"


class HistogramRegion(QWidget):
    """A choice, and beside it minimum, maximum, mean and the saturated share of what is counted.

    Fractions stay those of the whole or of the envelope; suggestions are made from what is shown.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Layer | None = None
        self._whole: Histogram | None = None
        self._inside: Histogram | None = None
        self._slice: Histogram | None = None
        self.choice = QComboBox()
        self.choice.addItems([WHOLE, SLICE, ENVELOPE])
        self.choice.setToolTip(
            "Voxels that the histogram counts: all, those of the shown slice, or those of the envelope. Suggestions\n"
            "are made from them."
        )
        self.figures = QLabel()
        self.figures.setToolTip(
            "Lowest to highest grey value, mean, and the share of voxels at the highest possible value."
        )
        self.figures.setWordWrap(True)  # many digits must not widen the window
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.choice)
        line.addWidget(self.figures, 1)
        self._work = LatestTask(self)
        self._work.done.connect(self._on_counted)
        self.choice.currentIndexChanged.connect(self._on_choice)
        connect_while_alive(self, viewer.dims.events.current_step, self._on_step)

    @property
    def histogram(self) -> Histogram | None:
        """Of what is chosen; of the whole volume where there is nothing else."""
        chosen = {SLICE: self._slice, ENVELOPE: self._inside}.get(self.choice.currentText())
        return chosen or self._whole

    def show_volume(
        self, layer: Layer | None, whole: Histogram | None, inside: Histogram | None
    ) -> None:
        """Follow the volume, its histogram and that of its envelope."""
        if layer is not self._layer or whole is None:
            self._slice = None
        self._layer, self._whole, self._inside = layer, whole, inside
        self._on_choice()

    def wait(self) -> None:
        """Return once the slice is counted; for scripts."""
        self._work.wait()

    def _on_choice(self) -> None:
        if self.choice.currentText() == SLICE and self._whole is not None and self._slice is None:
            self._count_slice()
        self._show()

    def _show(self) -> None:
        found = self.histogram
        words = ""
        if found is not None:
            words = f"{number(found.minimum)} to {number(found.maximum)}, mean {number(found.mean)}"
            if found.saturated_share > 0 and np.dtype(found.dtype).kind in "iu":
                words += f", {percent(found.saturated_share)} saturated"
            if self.choice.currentText() == ENVELOPE and self._inside is None:
                words = "no envelope yet"
        self.figures.setText(words)
        self.changed.emit()

    def _on_step(self, event: Any = None) -> None:
        del event
        if self.choice.currentText() == SLICE and self._whole is not None:
            self._count_slice()

    def _count_slice(self) -> None:
        if self._layer is None or self._viewer.dims.ndisplay != 2:
            return
        dims = self._viewer.dims
        data, place = array_from_layer(self._layer), self._layer.world_to_data(dims.point)
        axis = (
            max(0, dims.order[-3] - (dims.ndim - 3)) if dims.ndim > 2 else 0
        )  # other layers can have more axes
        index = int(np.clip(round(place[axis]), 0, data.shape[axis] - 1))

        def work(should_stop: Any) -> Histogram:
            plane = np.asarray(data[(slice(None),) * axis + (index,)])
            return gray_histogram(plane[None], should_stop=should_stop)

        self._work.ask(work)

    def _on_counted(self, found: Histogram) -> None:
        self._slice = found
        self._show()
