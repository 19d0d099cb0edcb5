"""A line drawn across an object in the picture or on a slice, along which it is cut."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from napari.layers import Labels, Vectors

from napari_snpore.viewer.shared.layers import KEY, VOLUME_AXES
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.shared.view_kept import add_keeping_selection, keeping_choice
from napari_snpore.viewer.slices.clicks import slice_clicks
from napari_snpore.viewer.slices.ruler import MeasuredDistance, Ruler

KIND = "cut line"


class CutLine:
    """Takes one line from the mouse: pressed where it begins, released where it ends.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Labels
        In whose voxels the line is given.
    drawn : bound method
        ``drawn(line, axis)``: two positions (z, y, x) in voxels, and the array axis of the viewing
        direction; held weakly.
    """

    def __init__(self, viewer: Any, layer: Labels, drawn: Callable[[Any, int], None]) -> None:
        self._viewer, self._layer = viewer, weakref.ref(layer)
        self._drawn: weakref.WeakMethod[Any] = weakref.WeakMethod(drawn)
        self._line: Vectors | None = None
        self._ruler = Ruler(self._on_ruler)
        self._ruler.active = True
        self._views = slice_clicks(viewer).views
        for view in self._views:
            view.mouse_targets.insert(0, self._ruler)
        self._pan = viewer.scene.camera.mouse_pan
        if viewer.dims.ndisplay == 2:
            viewer.scene.camera.mouse_pan = False
        viewer.mouse_drag_callbacks.insert(0, self._drag)

    def close(self) -> None:
        """Take no line any more, and remove the one that is shown."""
        if self._drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._drag)
        self._viewer.scene.camera.mouse_pan = self._pan
        for view in self._views:
            if self._ruler in view.mouse_targets:
                view.mouse_targets.remove(self._ruler)
        self._views = []
        self._ruler.clear()
        if self._line is not None and self._line in self._viewer.layers:
            with keeping_choice(self._viewer):
                self._viewer.layers.remove(self._line)
        self._line = None

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        layer = self._layer()
        if event.button != 1 or layer is None or len(event.dims_displayed) != 2:
            return
        start = np.asarray(event.position, float)[-3:]
        event.handled = True
        yield
        while event.type == "mouse_move":
            self._show(start, np.asarray(event.position, float)[-3:])
            event.handled = True
            yield
        end = np.asarray(event.position, float)[-3:]
        axis = next(axis for axis in range(3) if axis not in _last_three(event, viewer))
        self._end(start, end, axis)

    def _on_ruler(self, line: MeasuredDistance, finished: bool) -> None:
        if finished:
            self._end(line.start_nm, line.end_nm, line.normal)

    def _end(self, start: Any, end: Any, axis: int) -> None:
        """Report the line in voxels of the layer, and take the tool away."""
        layer, drawn = self._layer(), self._drawn()
        self.close()
        if layer is None or drawn is None:
            return
        line = tuple(
            tuple(float(one) for one in layer.world_to_data(place)) for place in (start, end)
        )
        drawn(line, axis)

    def _show(self, start: Any, end: Any) -> None:
        data = np.stack((start, end - start))[None]
        if self._line is not None:
            self._line.data = data
            return
        self._line = Vectors(
            data,
            name="cut line",
            edge_color="#ff2bd6",
            edge_width=2.5 / float(self._viewer.scene.camera.zoom),
            vector_style="line",
            units=(UNIT,) * 3,
            axis_labels=VOLUME_AXES,
            metadata={KEY: {"kind": KIND}},
        )
        add_keeping_selection(self._viewer, self._line)


def _last_three(event: Any, viewer: Any) -> list[int]:
    """Return the displayed axes, counted in the last three of the window."""
    first = viewer.dims.ndim - 3
    return [axis - first for axis in event.dims_displayed]
