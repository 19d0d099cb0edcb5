"""Kept distances, drawn on the slices on which they were measured.

napari's own shapes layer is not used for this: it would be sliced anew at each step of a slider.
"""

from __future__ import annotations

import weakref

import numpy as np
from vispy.scene.visuals import Line, Text

from napari_snpore.viewer.slices.marks.mouse_targets import OverlayHost
from napari_snpore.viewer.slices.ruler import COLOR, MeasuredDistance
from napari_snpore.volume import Triple


class KeptDistances:
    """Lines with their lengths on one view.

    Parameters
    ----------
    view : OverlayHost
        Where they are drawn.
    """

    def __init__(self, view: OverlayHost) -> None:
        self._view = weakref.proxy(view)
        self._lines: list[MeasuredDistance] = []
        self._drawn: Line | None = None
        self._words: Text | None = None
        self._shown: tuple[MeasuredDistance, ...] = ()

    @property
    def shown(self) -> tuple[MeasuredDistance, ...]:
        """Those that lie on the slice that is shown."""
        return self._shown

    def take(self, lines: list[MeasuredDistance]) -> None:
        """Draw these from now on."""
        self._lines = [line for line in lines if line.plane == self._view.plane.name]

    def show(self, point: Triple, half_step: float) -> None:
        """Draw those whose slice is nearer than half a step (nm) to a point (z, y, x)."""
        here = point[self._view.plane.normal]
        shown = tuple(line for line in self._lines if abs(line.place_nm - here) <= half_step)
        if shown == self._shown:
            return
        self._shown = shown
        drawn, words = self._visuals()
        drawn.visible = words.visible = bool(shown)
        if not shown:
            return
        rows, columns = self._view.plane.rows, self._view.plane.columns
        ends = np.array(
            [[(end[columns], end[rows]) for end in (line.start_nm, line.end_nm)] for line in shown]
        )
        drawn.set_data(ends.reshape(-1, 2).astype(np.float32), connect="segments")
        words.text = [f"{line.length_nm:.2f} nm" for line in shown]
        words.pos = ends[:, 1]

    def _visuals(self) -> tuple[Line, Text]:
        if self._drawn is None or self._words is None:
            self._drawn = Line(
                np.zeros((2, 2), np.float32), color=COLOR, width=2, parent=self._view.scene
            )
            self._words = Text(
                "", color=COLOR, font_size=9, bold=True, anchor_x="left", parent=self._view.scene
            )
            for visual in (self._drawn, self._words):
                visual.order = 1_001
                visual.set_gl_state("translucent", depth_test=False)
        return self._drawn, self._words
