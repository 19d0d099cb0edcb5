"""Cross-hair of a slice: the intersections with the other two planes, drawn above the layers."""

from __future__ import annotations

import numpy as np
from vispy.scene.node import Node
from vispy.scene.visuals import Line

from napari_snpore.viewer.slices.planes import OrthoPlane, across

_ABOVE = 1_000
"""Drawn after every layer."""


class CrossHair:
    """Lines across a whole view; lines of their own, because a layer would be sliced anew at each
    step.

    Parameters
    ----------
    plane : SlicePlane
        Of the view.
    scene : Node
        Where vispy draws it: (x, y) are (columns, rows) in world units.
    """

    def __init__(self, plane: OrthoPlane, scene: Node) -> None:
        self._plane = plane
        cutting = across(plane)
        self._lines = {
            axis: self._line(cutting[axis].color, scene) for axis in (plane.rows, plane.columns)
        }

    def move(
        self, point: tuple[float, float, float], low: tuple[float, ...], high: tuple[float, ...]
    ) -> None:
        """Draw the lines through a point (z, y, x), from end to end of the box ``low`` to ``high``
        (nm).
        """
        rows, columns = self._plane.rows, self._plane.columns
        across_rows = [(low[columns], point[rows]), (high[columns], point[rows])]
        across_columns = [(point[columns], low[rows]), (point[columns], high[rows])]
        self._lines[rows].set_data(np.array(across_rows, np.float32))
        self._lines[columns].set_data(np.array(across_columns, np.float32))

    def show(self, visible: bool) -> None:
        """Show or hide the lines."""
        for line in self._lines.values():
            line.visible = visible

    def _line(self, color: str, scene: Node) -> Line:
        line = Line(np.zeros((2, 2), np.float32), color=color, width=1.5, parent=scene)
        line.order = _ABOVE
        line.set_gl_state("translucent", depth_test=False)
        return line
