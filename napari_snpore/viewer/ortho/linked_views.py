"""The three slices side by side: one position, one zoom, one picture of each layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_snpore.viewer.events import connect_while_alive
from napari_snpore.viewer.ortho.planes import PLANES, XY
from napari_snpore.viewer.ortho.slice_view import SliceView
from napari_snpore.volume import Triple

_SQUARE = ((0, 0), (0, 1), (1, 0), (1, 1))
_ROW = ((0, 0), (0, 1), (0, 2), (0, 3))
"""(row, column) of XY, ZY, XZ and the corner."""


class LinkedViews(QWidget):
    """XY above left, ZY beside it, XZ below it, a widget of the caller's in the fourth corner; all in a row where that fits.

    The position is that of the window itself, ``viewer.dims.point``: napari's own sliders move the cross-hair, and the
    cross-hair moves them.

    Signals
    -------
    position_changed : object
        The point (z, y, x) in nm.
    """

    position_changed = Signal(object)

    def __init__(self, viewer: ViewerModel, corner: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._low: Triple = (0.0, 0.0, 0.0)
        self._high: Triple = (1.0, 1.0, 1.0)
        self._linking = False
        self._pointing = False
        self._field_nm: float | None = None
        self._looked_at_by_hand = False
        self._soon = QTimer(self)  # ends with the widget, as a bare single shot would not
        self._soon.setSingleShot(True)
        self._soon.setInterval(50)
        self._soon.timeout.connect(self._fit_again)
        self.views: dict[str, SliceView] = {plane.name: SliceView(viewer, plane, self) for plane in PLANES}
        self._corner = corner
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(3)
        self._in_a_row: bool | None = None
        self._arrange(in_a_row=False)
        for view in self.views.values():
            view.moved.connect(self.move_to)
            view.looked.connect(self._share_camera)
            view.slid.connect(self._take_slider)
        connect_while_alive(self, viewer.dims.events.point, self._on_point)
        connect_while_alive(self, viewer.events.theme, self._on_theme)
        for emitter in (viewer.layers.events.inserted, viewer.layers.events.removed):
            connect_while_alive(self, emitter, self._on_layers)
        self.fit()

    @property
    def position(self) -> Triple:
        """The point (z, y, x) in nm where the three planes cross."""
        point = self._viewer.dims.point[-3:]
        if len(point) < 3:
            return 0.0, 0.0, 0.0
        z, y, x = (float(np.clip(p, a, b)) for p, a, b in zip(point, self._low, self._high, strict=True))
        return z, y, x

    @property
    def box(self) -> tuple[Triple, Triple]:
        """First and last corner of all that is shown (nm)."""
        return self._low, self._high

    def move_to(self, point: Triple) -> None:
        """Move the cross-hair to a point in nm; beyond the volumes it stays at their edge."""
        dims = self._viewer.dims
        first = dims.ndim - 3
        if first < 0:
            return
        clipped = np.clip(point, self._low, self._high)
        dims.set_point(range(first, dims.ndim), [float(value) for value in clipped])

    def _fit_again(self) -> None:
        if not self._looked_at_by_hand:
            self.fit(self._field_nm)

    def camera(self) -> dict[str, Any] | None:
        """Return where a user turned the slices to: ``middle_nm`` and ``zoom`` (px a nm); None while they fit by themselves."""
        if not self._looked_at_by_hand:
            return None
        middle = [0.0, 0.0, 0.0]
        for view in self.views.values():
            _, middle[view.plane.rows], middle[view.plane.columns] = (float(value) for value in view.camera.center)
        return {"middle_nm": middle, "zoom": float(self.views[XY.name].camera.zoom)}

    def look_at(self, middle_nm: Triple, zoom: float) -> None:
        """Turn the slices to a place, as a user does."""
        self._looked_at_by_hand = True
        self._turn_to(middle_nm, zoom)

    def fit(self, field_nm: float | None = None) -> None:
        """Show everything, or a square field of view around the cross-hair (nm).

        Parameters
        ----------
        field_nm : float, optional
            Side of the field; None: all.
        """
        self._field_nm, self._looked_at_by_hand = field_nm, False
        if self._measure():
            sides = [b - a for a, b in zip(self._low, self._high, strict=True)]
            if field_nm is None:
                self._look_at(_triple((a + b) / 2 for a, b in zip(self._low, self._high, strict=True)), _triple(sides))
            else:
                self._look_at(self.position, (field_nm,) * 3)
        self._on_point()

    def closed(self) -> None:
        """Let go of the three canvases."""
        for view in self.views.values():
            view.close_canvas()

    def resizeEvent(self, event: Any) -> None:
        """Stand in a row where there is more room beside than below."""
        super().resizeEvent(event)
        self._arrange(in_a_row=self.width() > 1.8 * self.height())
        if not self._looked_at_by_hand:
            self._soon.start()

    def _arrange(self, *, in_a_row: bool) -> None:
        if in_a_row == self._in_a_row:
            return
        self._in_a_row = in_a_row
        places = _ROW if in_a_row else _SQUARE
        parts = [*(self.views[plane.name] for plane in PLANES), self._corner]
        for part in parts:
            self._grid.removeWidget(part)
        for part, (row, column) in zip(parts, places, strict=True):
            self._grid.addWidget(part, row, column)
        for k in range(4):
            self._grid.setColumnStretch(k, int(any(column == k for _, column in places)))
            self._grid.setRowStretch(k, int(any(row == k for row, _ in places)))
        self._soon.start()

    def showEvent(self, event: Any) -> None:
        """Fit once the views have their size."""
        super().showEvent(event)
        self._soon.start()

    def _measure(self) -> bool:
        """Take the box of all layers; False while there is none."""
        layers = self.views[XY.name].model.layers
        if not len(layers):
            return False
        low, high = np.asarray(layers.extent.world)[:, -3:]
        half = np.asarray(layers.extent.step)[-3:] / 2
        self._low, self._high = _triple(low - half), _triple(high + half)
        return True

    def _on_layers(self, event: Any) -> None:
        shown, before = len(self.views[XY.name].model.layers), (self._low, self._high)
        if self._measure() and (shown == 1 or (self._low, self._high) != before):
            self.fit()

    def _take_slider(self, axis: int, place: float) -> None:
        if not self._pointing and place != self.position[axis]:
            point = list(self.position)
            point[axis] = place
            self.move_to(_triple(point))

    def _look_at(self, middle: Triple, field: Triple) -> None:
        self._turn_to(middle, min(self._zoom_that_fits(view, field) for view in self.views.values()))

    def _turn_to(self, middle: Triple, zoom: float) -> None:
        self._linking = True
        for view in self.views.values():
            view.camera.center = (0.0, middle[view.plane.rows], middle[view.plane.columns])
            view.camera.zoom = zoom
        self._linking = False

    @staticmethod
    def _zoom_that_fits(view: SliceView, field: Triple) -> float:
        height, width = (max(side, 50) for side in view.canvas.canvas.size)
        return min(height / field[view.plane.rows], width / field[view.plane.columns])

    def _share_camera(self, name: str) -> None:
        if self._linking:
            return
        self._linking = True
        self._looked_at_by_hand = True  # from now on a window of another size keeps the zoom
        view = self.views[name]
        _, row, column = view.camera.center
        seen = {view.plane.rows: row, view.plane.columns: column}
        for other in self.views.values():
            if other is not view:
                other.camera.zoom = view.camera.zoom
                _, row, column = other.camera.center
                other.camera.center = (0.0, seen.get(other.plane.rows, row), seen.get(other.plane.columns, column))
        self._linking = False

    def _on_point(self, event: Any = None) -> None:
        del event
        point = self.position
        self._pointing = True
        for view in self.views.values():
            view.show_point(point, self._low, self._high)
        self._pointing = False
        self.position_changed.emit(point)

    def _on_theme(self, event: Any) -> None:
        for view in self.views.values():
            view.model.theme = self._viewer.theme


def _triple(values: Any) -> Triple:
    z, y, x = (float(value) for value in values)
    return z, y, x
