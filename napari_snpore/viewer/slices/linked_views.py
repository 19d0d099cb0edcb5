"""Three orthogonal slices with one position, one zoom and one contrast per layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QWidget

from napari_snpore.viewer.canvas.voxels import on_voxel
from napari_snpore.viewer.shared.events import breathe, connect_while_alive
from napari_snpore.viewer.slices.mirror import can_be_sliced
from napari_snpore.viewer.slices.planes import PLANES, XY
from napari_snpore.viewer.slices.ruler import MeasuredDistance
from napari_snpore.viewer.slices.slab import SlabThickness
from napari_snpore.viewer.slices.slice_view import SliceView
from napari_snpore.volume import Triple

_BETWEEN_MS = 5
"""Between two canvases that are shown for the first time: the window is drawn and answers."""


class LinkedViews(QObject):
    """XY, ZY and XZ in ``views``; their owner gives them a place in the window.

    The position is that of the window itself, ``viewer.dims.point``: napari's own sliders move the
    cross-hair, and the cross-hair moves them. It lies on the centre of a voxel of ``grid``, the
    one that the slices show.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    owner : QWidget
        The views are hidden children of it until they get their place.

    Signals
    -------
    position_changed : object
        The point (z, y, x) in nm.
    field_changed : float
        Side of the field of view (nm) after the user zoomed.
    maximize_asked : str
        Name of the slice that the user wants to see alone, or beside the others again.
    """

    position_changed = Signal(object)
    field_changed = Signal(float)
    maximize_asked = Signal(str)

    def __init__(self, viewer: ViewerModel, owner: QWidget) -> None:
        super().__init__(owner)
        self._viewer = viewer
        self._grid: Layer | None = None
        self._low: Triple = (0.0, 0.0, 0.0)
        self._high: Triple = (1.0, 1.0, 1.0)
        self._linking = self._pointing = self._settling = self._closed = False
        self._waits = 0
        self._field_nm: float | None = None
        self._position_set_by_hand = False
        self._worked_on = XY.name
        self._shown_at: Triple | None = None
        self._distances: list[MeasuredDistance] = []
        self._soon = QTimer(self)  # ends with the widget, as a bare single shot would not
        self._soon.setSingleShot(True)
        self._soon.setInterval(50)
        self._soon.timeout.connect(self._fit_again)
        self._reveal = QTimer(self)
        self._reveal.setSingleShot(True)
        self._reveal.setInterval(_BETWEEN_MS)
        self._reveal.timeout.connect(self._reveal_next)
        self.views: dict[str, SliceView] = {}
        for plane in PLANES:
            self.views[plane.name] = SliceView(viewer, plane, owner)
            breathe(viewer)
        for view in self.views.values():
            view.setVisible(False)
            view.maximize_asked.connect(self.maximize_asked)
            view.moved.connect(self._on_moved)
            view.looked.connect(self._share_camera)
            view.slid.connect(self._take_slider)
            view.resized.connect(self._fit_soon)
            view.filled.connect(self._on_filled)
            view.stretched.connect(self._on_stretched)
        connect_while_alive(self, viewer.dims.events.point, self._on_point)
        connect_while_alive(self, viewer.events.theme, self._on_theme)
        self.fit()
        self.start_inside()

    @property
    def position(self) -> Triple:
        """The point (z, y, x) in nm where the three planes cross."""
        point = self._viewer.dims.point[-3:]
        if len(point) < 3:
            return 0.0, 0.0, 0.0
        return self._on_voxel(point)

    @property
    def grid(self) -> Layer | None:
        """The layer whose voxels are stepped through; None leaves positions as they are."""
        return self._grid

    @grid.setter
    def grid(self, layer: Layer | None) -> None:
        self._grid = layer if layer is not None and can_be_sliced(layer) else None
        self._on_point()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to slice."""
        return not len(self.views[XY.name].model.layers)

    @property
    def worked_on(self) -> str:
        """Name of the slice that the user changed last."""
        return self._worked_on

    @worked_on.setter
    def worked_on(self, name: str) -> None:
        self._worked_on = name

    @property
    def box(self) -> tuple[Triple, Triple]:
        """First and last corner of all that is shown (nm)."""
        return self._low, self._high

    @contextmanager
    def drawn_once(self) -> Iterator[None]:
        """Draw what changes within the block once, at its end."""
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
        self._on_point()

    def move_to(self, point: Triple) -> None:
        """Move the cross-hair to the voxel at a point in nm; beyond the volumes it stays at their
        edge.
        """
        dims = self._viewer.dims
        first = dims.ndim - 3
        if first >= 0:
            dims.set_point(range(first, dims.ndim), list(self._on_voxel(point)))

    def _on_voxel(self, point: Any) -> Triple:
        z, y, x = (
            float(np.clip(p, a, b)) for p, a, b in zip(point, self._low, self._high, strict=True)
        )
        return on_voxel(self._grid, (z, y, x), (self._low, self._high))

    def _on_moved(self, point: Triple) -> None:
        view = self.sender()
        if isinstance(view, SliceView):
            self._worked_on = view.plane.name
        self.move_to(point)

    def _fit_again(self) -> None:
        if not self._position_set_by_hand:
            self.fit(self._field_nm)

    def camera(self) -> dict[str, Any] | None:
        """Return where a user turned the slices to: ``middle_nm`` and ``zoom`` (px a nm); None
        while they fit by themselves.
        """
        if not self._position_set_by_hand:
            return None
        middle = [0.0, 0.0, 0.0]
        for view in self.views.values():
            _, middle[view.plane.rows], middle[view.plane.columns] = (
                float(value) for value in view.camera.center
            )
        return {"middle_nm": middle, "zoom": float(self.views[XY.name].camera.zoom)}

    def look_at(self, middle_nm: Triple, zoom: float) -> None:
        """Turn the slices to a place, as a user does."""
        self._position_set_by_hand = True
        self._turn_to(middle_nm, zoom)

    def fit(self, field_nm: float | None = None) -> None:
        """Show everything, or a square field of view around the cross-hair (nm).

        Parameters
        ----------
        field_nm : float, optional
            Side of the field; None: all.
        """
        self._show_field(field_nm)
        self._position_set_by_hand = False
        if self._measure():
            sides = [b - a for a, b in zip(self._low, self._high, strict=True)]
            if field_nm is None:
                self._look_at(
                    _triple((a + b) / 2 for a, b in zip(self._low, self._high, strict=True)),
                    _triple(sides),
                )
            else:
                self._look_at(self.position, (field_nm,) * 3)
        self._on_point()

    def show_thick(self, thick: SlabThickness | None) -> None:
        """Project slices over a thickness; None shows single ones."""
        for view in self.views.values():
            view.thick = thick
            view.mirror.project(None if thick is None else thick.projection)
        self._on_point()

    def draw_distances(self, lines: list[MeasuredDistance]) -> None:
        """Draw lines that were kept, each on its slice."""
        if lines == self._distances:
            return  # asked for at every layer that comes or goes
        self._distances = lines
        for view in self.views.values():
            view.distances.take(lines)
        self._on_point()

    def count_in(self, unit: str) -> None:
        """Write positions in a unit: nm, or px while the layer that is looked at has no voxel
        size.
        """
        for view in self.views.values():
            view.unit = unit
        self._on_point()

    def closed(self) -> None:
        """Let go of the three canvases."""
        self._soon.stop()
        self._reveal.stop()
        self._closed = True  # events of the window before Qt deletes the widget are ignored
        for view in self.views.values():
            view.close_canvas()

    def fit_soon(self) -> None:
        """Fit once the views have their size, unless the user has zoomed by hand."""
        self._fit_soon()

    def _show_field(self, field_nm: float | None) -> None:
        self._field_nm = field_nm
        for view in self.views.values():
            view.field_nm = field_nm

    def reveal_soon(self) -> None:
        """Show the canvases one after the other: each takes a while to be drawn first, in which the
        window does not answer.
        """
        self._reveal.start()

    def _reveal_next(self) -> None:
        veiled = [view for view in self.views.values() if view.is_veiled]
        if self._closed or not veiled:
            return
        if len(veiled) == len(self.views):
            self._fit_again()  # each is drawn at once as it will stay
        veiled[0].unveil()
        self._reveal.start()

    def _fit_soon(self) -> None:
        if not self._position_set_by_hand:
            self._soon.start()

    def _measure(self) -> bool:
        """Take the box of all layers; False while there is none."""
        layers = [layer for layer in self._viewer.layers if can_be_sliced(layer)]
        if not layers:
            return False
        extent = self._viewer.layers.get_extent(layers)
        low, high = np.asarray(extent.world)[:, -3:]
        half = np.asarray(extent.step)[-3:] / 2
        self._low, self._high = _triple(low - half), _triple(high + half)
        return True

    def _on_filled(self) -> None:
        shown, extent = len(self.views[XY.name].model.layers), (self._low, self._high)
        if not self._measure():
            self._shown_at = None
        elif shown == 1 or (self._low, self._high) != extent:
            if shown == 1 or not self._position_set_by_hand:
                self.fit(self._field_nm)
            self.start_inside()
            self._on_point()

    def _on_stretched(self) -> None:
        extent = self._low, self._high
        grown = self._measure() and (self._low, self._high) != extent
        if grown and not self._position_set_by_hand:
            self.fit(self._field_nm)
        else:
            self._on_point()

    def start_inside(self, layer: Layer | None = None) -> None:
        """Move to the middle of a layer, or of all, if the position lies outside of it."""
        point = np.asarray(self._viewer.dims.point[-3:])
        if self.is_empty or point.size != 3:
            return
        low, high = self._low, self._high
        if layer is not None and layer.visible and can_be_sliced(layer):
            world, half = np.asarray(layer.extent.world), np.asarray(layer.extent.step) / 2
            low, high = _triple(world[0] - half), _triple(world[1] + half)
        if not ((point >= low) & (point <= high)).all():
            self.move_to(_triple((a + b) / 2 for a, b in zip(low, high, strict=True)))

    def _take_slider(self, axis: int, place: float) -> None:
        if not self._pointing and place != self.position[axis]:
            point = list(self.position)
            point[axis] = place
            self.move_to(_triple(point))

    def _look_at(self, middle: Triple, field: Triple) -> None:
        self._turn_to(middle, min(self._zoom_that_fits(view, field) for view in self._in_use()))

    def _in_use(self) -> list[SliceView]:
        """Return the views on the screen; all of them while none is."""
        views = list(self.views.values())
        return [view for view in views if view.isVisible()] or views

    def _turn_to(self, middle: Triple, zoom: float) -> None:
        self._linking = True
        for view in self.views.values():
            view.camera.center = (0.0, middle[view.plane.rows], middle[view.plane.columns])
            view.camera.zoom = zoom
        self._linking = False

    @staticmethod
    def _zoom_that_fits(view: SliceView, field: Triple) -> float:
        height, width = view.size_px
        return float(min(height / field[view.plane.rows], width / field[view.plane.columns]))

    def _share_camera(self, name: str) -> None:
        if self._linking:
            return
        self._linking = True
        self._position_set_by_hand = True  # from now on a window of another size keeps the zoom
        view, zoom = self.views[name], self.views[name].camera.zoom
        zoomed = any(other.camera.zoom != zoom for other in self.views.values())
        self._worked_on = name
        _, row, column = view.camera.center
        middle = {view.plane.rows: row, view.plane.columns: column}
        for other in self.views.values():
            if other is not view:
                other.camera.zoom = zoom
                self._center_view(other, middle)
        self._linking = False
        if zoomed:
            self._show_field(min(side for one in self._in_use() for side in one.shown_nm))
            for one in self.views.values():
                one.write_bar(self._low, self._high)
            self.field_changed.emit(self._field_nm)

    @staticmethod
    def _center_view(view: SliceView, middle: Mapping[int, float]) -> None:
        """Move the middle of a view along the axes that are given."""
        _, row, column = view.camera.center
        view.camera.center = (
            0.0,
            middle.get(view.plane.rows, row),
            middle.get(view.plane.columns, column),
        )

    def _follow(self, point: Triple) -> None:
        """Look at the cross-hair again where it moved out of sight."""
        previous, self._shown_at = self._shown_at, point
        if previous is None or previous == point:
            return
        lost = {}
        for view in self.views.values():
            for axis, middle, side in zip(
                (view.plane.rows, view.plane.columns),
                view.camera.center[-2:],
                view.shown_nm,
                strict=True,
            ):
                if point[axis] != previous[axis] and abs(point[axis] - middle) > side / 2:
                    lost[axis] = point[axis]
        if lost:
            self._linking = True
            for view in self.views.values():
                self._center_view(view, lost)
            self._linking = False

    def _on_point(self, event: Any = None) -> None:
        del event
        if self._closed or self._settling or self._waits:
            return
        point = self.position
        self._pointing = True
        self._settle(point)
        for view in self.views.values():
            view.show_point(point, self._low, self._high, self._grid)
        self._pointing = False
        if not self.is_empty:
            self._follow(point)
        self.position_changed.emit(point)

    def _settle(self, point: Triple) -> None:
        """Put the window onto the voxel that is shown, where its own sliders step no finer."""
        dims, grid = self._viewer.dims, self._grid
        if grid is None or self.is_empty or dims.ndim < 3:
            return
        here = dims.point[-3:]
        if not all(a <= p <= b for p, a, b in zip(here, self._low, self._high, strict=True)):
            return  # beyond what is sliced: as for another layer of the window
        steps = [one.step for one in dims.range[-3:]]
        finer = any(step < 0.999 * float(s) for step, s in zip(steps, grid.scale, strict=True))
        if not finer and not np.allclose(here, point, rtol=0, atol=1e-9):
            self._settling = True
            dims.set_point(range(dims.ndim - 3, dims.ndim), list(point))
            self._settling = False

    def _on_theme(self, event: Any) -> None:
        for view in self.views.values():
            view.model.theme = self._viewer.theme


def _triple(values: Any) -> Triple:
    z, y, x = (float(value) for value in values)
    return z, y, x
