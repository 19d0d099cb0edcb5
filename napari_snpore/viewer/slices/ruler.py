"""A ruler on the slices: a line drawn with the mouse, its length in nm, and the layer of kept
lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Shapes
from qtpy.QtCore import Qt
from vispy.scene.visuals import Line

from napari_snpore.viewer.ahead.kernels_ahead import shapes_prepared_alive
from napari_snpore.viewer.shared.layers import KEY, VOLUME_AXES, kind_of
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.shared.view_kept import add_keeping_selection
from napari_snpore.viewer.slices.marks.mouse_targets import OverlayHost
from napari_snpore.viewer.slices.planes import PLANES
from napari_snpore.volume import Triple

KIND = "distances"
COLOR = "#ff922b"


@dataclass(frozen=True)
class MeasuredDistance:
    """A line that was drawn on a slice.

    Parameters
    ----------
    plane : str
        Name of the slice.
    start_nm, end_nm : (float, float, float)
        World coordinates (z, y, x).
    """

    plane: str
    start_nm: Triple
    end_nm: Triple

    @property
    def normal(self) -> int:
        """The axis across its slice."""
        return next(plane.normal for plane in PLANES if plane.name == self.plane)

    @property
    def place_nm(self) -> float:
        """Where its slice lies along that axis."""
        return self.start_nm[self.normal]

    @property
    def length_nm(self) -> float:
        """Distance between the ends."""
        return math.dist(self.start_nm, self.end_nm)


class Ruler:
    """Takes the mouse on every slice while it is switched on; ``on_line`` gets each line while it
    is drawn and at its end.

    Parameters
    ----------
    on_line : callable
        ``on_line(line, finished)``.
    """

    def __init__(self, on_line: Callable[[MeasuredDistance, bool], None]) -> None:
        self.active = False
        self._on_line = on_line
        self._drawn: dict[str, Line] = {}
        self._line: MeasuredDistance | None = None

    def holds(self, view: OverlayHost, position: Any) -> bool:
        """Take the mouse wherever it is."""
        return self.active

    def cursor(self, view: OverlayHost, position: Any) -> Qt.CursorShape:
        """Return the cross of a drawing tool."""
        return Qt.CursorShape.CrossCursor

    def drag(self, view: OverlayHost, event: Any) -> Generator[None, None, None]:
        """Draw a line from where the mouse went down to where it is."""
        start, line = _triple(event.position), None
        yield
        while event.type == "mouse_move":
            line = MeasuredDistance(view.plane.name, start, _triple(event.position))
            self._draw(view, line)
            self._on_line(line, False)
            yield
        if line is not None:
            self._on_line(line, True)

    def follow(self, point: Triple) -> None:
        """Hide the line while its slice is not the one through a point (z, y, x)."""
        if self._line is not None:
            self._drawn[self._line.plane].visible = math.isclose(
                self._line.place_nm, point[self._line.normal], abs_tol=1e-6
            )

    def clear(self) -> None:
        """Take the drawn lines away."""
        self._line = None
        for drawn in self._drawn.values():
            drawn.visible = False

    def _draw(self, view: OverlayHost, line: MeasuredDistance) -> None:
        self.clear()
        self._line = line
        drawn = self._drawn.get(view.plane.name)
        if drawn is None:
            drawn = Line(np.zeros((2, 2), np.float32), color=COLOR, width=2, parent=view.scene)
            drawn.order = 1_001
            drawn.set_gl_state("translucent", depth_test=False)
            self._drawn[view.plane.name] = drawn
        ends = [
            (end[view.plane.columns], end[view.plane.rows]) for end in (line.start_nm, line.end_nm)
        ]
        drawn.set_data(np.array(ends, np.float32))
        drawn.visible = True


def distances_layer(viewer: ViewerModel) -> Shapes | None:
    """Return the layer of kept distances; None while none was kept."""
    return next(
        (one for one in viewer.layers if isinstance(one, Shapes) and kind_of(one) == KIND), None
    )


def kept_lines(viewer: ViewerModel) -> list[MeasuredDistance]:
    """Return the distances that were kept; lines that somebody else drew there are left out."""
    layer = distances_layer(viewer)
    if layer is None or "plane" not in layer.features:
        return []
    known = {plane.name for plane in PLANES}
    return [
        MeasuredDistance(str(plane), _triple(ends[0]), _triple(ends[1]))
        for plane, ends in zip(layer.features["plane"], layer.data, strict=False)
        if plane in known and np.shape(ends) == (2, 3)
    ]


def keep_line(viewer: ViewerModel, line: MeasuredDistance) -> None:
    """Add a line to the layer of distances, with its length as a feature."""
    ends = np.array([line.start_nm, line.end_nm])
    layer = distances_layer(viewer)
    row = pd.DataFrame({"plane": [line.plane], "distance_nm": [line.length_nm]})
    if layer is not None:
        features = pd.concat([layer.features, row], ignore_index=True)
        layer.add_lines([ends], edge_color=COLOR, edge_width=layer.current_edge_width)
        layer.features = features
        return
    shapes_prepared_alive()
    layer = Shapes(
        [ends],
        shape_type="line",
        name="distances",
        features=row,
        units=(UNIT,) * 3,
        axis_labels=VOLUME_AXES,
        edge_color=COLOR,
        edge_width=line.length_nm / 100,
        text={"string": "{distance_nm:.2f} nm", "color": COLOR, "size": 10},
        metadata={KEY: {"kind": KIND, "history": []}},
    )
    layer.current_edge_width = line.length_nm / 100
    add_keeping_selection(viewer, layer)


def _triple(values: Any) -> Triple:
    z, y, x = (float(value) for value in values)
    return z, y, x
