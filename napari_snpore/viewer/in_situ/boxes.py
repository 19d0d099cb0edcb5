"""Panel that measures grey values in drawn boxes against time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton

from napari_snpore.errors import InputError
from napari_snpore.in_situ import Rectangle
from napari_snpore.viewer.forms.form import Fold, ResultText
from napari_snpore.viewer.in_situ.drawing import DrawnRectangles
from napari_snpore.viewer.in_situ.layers import (
    BOX_COLORS,
    DRAWN,
    box_color,
    rectangles_in,
    show_box_numbers,
)
from napari_snpore.viewer.in_situ.result_text import intensity_lines
from napari_snpore.viewer.in_situ.time_plot import Points, TimePlot
from napari_snpore.viewer.shared.layers import kind_of

NO_VACUUM = "none"


@dataclass(frozen=True)
class BoxOptions:
    """Boxes by name, where vacuum is, and whether they follow the drift."""

    boxes: Mapping[str, Rectangle]
    vacuum: Rectangle | None
    follow: bool


class BoxPanel(Fold):
    """Choice of boxes and vacuum, a button, and the result.

    Signals
    -------
    asked
        *Measure intensity* was pressed.
    """

    asked = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__("Intensity in boxes")
        self.drawn = DrawnRectangles(
            viewer,
            none="no boxes yet",
            name="intensity boxes",
            color=BOX_COLORS[0],
            tip="Rectangles drawn where they belong in the first frame; they are numbered as they were drawn.",
        )
        self.vacuum = QComboBox()
        self.vacuum.setToolTip(
            "Number of the box that lies in the vacuum beside the fibre; it is drawn in grey. Its mean is subtracted\n"
            "from the others, frame by frame."
        )
        self.follows = QCheckBox("follow the drift")
        self.follows.setChecked(True)
        self.follows.setToolTip(
            "The boxes go with the fibre: across it with its fitted axis, along it with its structure (clusters, pores),\n"
            "which is looked for in each frame. A fibre without structure is not followed along its axis."
        )
        self.button = QPushButton("Measure intensity")
        self.button.setToolTip(
            "Mean grey value of each box in each frame, in per cent of the first frame."
        )
        self.button.clicked.connect(self.asked)
        self.result = ResultText(
            "Mean grey value of the box minus that of the vacuum box, ± its standard error, in % of the first frame."
        )
        self.plot = TimePlot("intensity (%)")
        self.plot.setVisible(False)
        self.form.addRow("Boxes", self.drawn)
        self.form.addRow("Vacuum box", self.vacuum)
        self.form.addRow(self.follows)
        self.form.addRow(self.button)
        self.form.addRow(self.result)
        self.form.addRow(self.plot)
        self.drawn.changed.connect(self._on_drawn)
        self.vacuum.currentIndexChanged.connect(self._number)
        self._on_drawn()

    def options(self, images: Layer, pixel_size_nm: float) -> BoxOptions:
        """Return what is to be measured.

        Raises
        ------
        InputError
            No boxes, or none but the vacuum.
        """
        if self.drawn.layer is None:
            raise InputError(
                "There are no boxes yet; press Draw and drag rectangles on the images."
            )
        found = {
            str(k): one
            for k, one in enumerate(rectangles_in(self.drawn.layer, images, pixel_size_nm), 1)
        }
        name = self.vacuum.currentText()
        vacuum = found.pop(name, None)
        if not found:
            raise InputError("The only box is the vacuum; draw one on the fibre as well.")
        return BoxOptions(found, vacuum, self.follows.isChecked())

    def show_table(self, table: pd.DataFrame, *, with_times: bool) -> None:
        """Show the intensities of the boxes."""
        self.result.show_lines(intensity_lines(table))
        curves = []
        for name, rows in table.groupby("box", sort=False):
            values, errors = (
                rows[c].to_numpy(np.float64)
                for c in ("intensity_percent", "intensity_percent_error")
            )
            curves.append(Points(values, errors, box_color(str(name)), f"box {name}"))
        rows = table[table["box"] == table["box"].iloc[0]]
        across = "time (s)" if with_times else "frame"
        self.plot.show_curves(
            rows["time_s" if with_times else "frame"],
            curves,
            across=across,
            tip="In the colours of the boxes' outlines; bars: standard error of the mean.",
        )
        self.plot.setVisible(True)
        self.fit()

    def _on_drawn(self) -> None:
        """Offer every drawn box as vacuum, and keep the choice."""
        before = self.vacuum.currentText()
        count = 0 if self.drawn.layer is None else len(self.drawn.layer.data)
        blocked = self.vacuum.blockSignals(True)
        self.vacuum.clear()
        self.vacuum.addItems([NO_VACUUM, *map(str, range(1, count + 1))])
        self.vacuum.setCurrentIndex(max(0, self.vacuum.findText(before)))
        self.vacuum.blockSignals(blocked)
        self.button.setEnabled(count > 0)
        self._number()

    def _number(self) -> None:
        drawn = self.drawn.layer
        if (
            drawn is not None and kind_of(drawn) == DRAWN
        ):  # a layer that the user made keeps its colours
            show_box_numbers(drawn, self.vacuum.currentText())
