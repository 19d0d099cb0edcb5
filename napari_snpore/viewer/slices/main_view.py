"""napari's own canvas while the ortho slices are open: it shows 3D, and its own view comes back when
they go.
"""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from napari.qt import QtViewer
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal

from napari_snpore.viewer.canvas.axes import axes_shown, show_axes
from napari_snpore.viewer.canvas.fitted import fit_shown, keep_fitted
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.shared.view_kept import keeping_position
from napari_snpore.viewer.slices.arrangement import CANVAS
from napari_snpore.viewer.slices.linked_views import LinkedViews
from napari_snpore.viewer.slices.marks.main_marks import MainMarks, marks_on
from napari_snpore.viewer.slices.mirror import can_be_sliced
from napari_snpore.volume import Triple

_OBLIQUE: tuple[Triple, Triple] = ((-0.62, 0.48, 0.62), (0.0, -1.0, 0.0))
"""Where the camera looks, and what is up, both (z, y, x): three faces are seen."""

_STRAIGHT = ((0.0, 0.0, 90.0), (0.0, 0.0, 0.0))
"""Angles of a camera that nobody has turned yet."""


class MainView(QObject):
    """Turns napari's canvas to 3D for the slices beside it.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    owner : QObject
        It ends with this one.

    Signals
    -------
    maximize_asked : str
        The scene was double-clicked: its name among the views.
    """

    maximize_asked = Signal(str)

    def __init__(self, viewer: ViewerModel, owner: QObject) -> None:
        super().__init__(owner)
        self._viewer = viewer
        self._marks: MainMarks | None = None
        self._turned = self._volume_met = self._axes = False
        self._axes_soon = QTimer(self)  # the volume is drawn first
        self._axes_soon.setSingleShot(True)
        self._axes_soon.timeout.connect(self._show_axes)
        self._hidden: list[Layer] = []
        self._double_clicks: list[Any] = []
        connect_while_alive(self, viewer.layers.events.inserted, self._on_inserted)
        self._ndisplay = viewer.dims.ndisplay
        self._place: tuple[float, ...] = tuple(viewer.dims.point)
        connect_while_alive(self, viewer.dims.events.point, self._on_point)
        viewer.dims.events.ndisplay.connect(self._after_ndisplay, position="last")

    @property
    def begun(self) -> bool:
        """Whether slices lie beside the canvas."""
        return self._marks is not None

    def begin(self, canvas: QtViewer, linked: LinkedViews) -> None:
        """Show 3D from now on, once there is something to show; the user may return to 2D."""
        self._marks = marks_on(self._viewer, canvas)
        self._marks.follow(linked)
        callbacks = self._viewer.mouse_double_click_callbacks
        self._double_clicks = list(callbacks)
        callbacks[:] = [self._on_double_click]
        keep_fitted(self._viewer)
        self._turn()

    def end(self) -> None:
        """Show what was shown before."""
        if not self.begun:
            return
        if self._marks is not None and isalive(self._marks):
            self._marks.follow(None)
        self._marks = None
        self._viewer.mouse_double_click_callbacks[:] = self._double_clicks
        hidden, self._hidden = self._hidden, []
        for layer in hidden:
            if layer in self._viewer.layers:
                layer.visible = True
        if self._turned and self._viewer.dims.ndisplay == 3:
            with keeping_position(self._viewer):  # napari takes the slice in the camera's middle
                self._viewer.dims.ndisplay = 2
            fit_shown(self._viewer)
            show_axes(self._viewer, self._axes)
        self._turned = self._volume_met = False

    def _turn(self) -> None:
        """Go to 3D the first time that there is a volume; tilt images and frames are hidden, being
        no volume.
        """
        viewer = self._viewer
        if self._volume_met or not any(
            layer.visible and can_be_sliced(layer) for layer in viewer.layers
        ):
            return
        self._volume_met, self._turned = True, viewer.dims.ndisplay == 2
        for layer in viewer.layers:
            if layer.visible and kind_of(layer) in ("series", "frames"):
                self._hidden.append(layer)
                layer.visible = False
        self._axes = axes_shown(viewer)
        self._axes_soon.start()
        viewer.dims.ndisplay = 3
        if tuple(viewer.scene.camera.angles) in _STRAIGHT and viewer.dims.ndim == 3:
            viewer.scene.camera.set_view_direction(*_OBLIQUE)
        fit_shown(viewer)

    def _show_axes(self) -> None:
        if self.begun:
            show_axes(self._viewer)

    def _on_inserted(self, event: Any) -> None:
        del event
        if self.begun:
            self._turn()

    def _on_point(self, event: Any) -> None:
        """Keep the position that is not due to a change between 2D and 3D."""
        del event
        if self._viewer.dims.ndisplay == self._ndisplay:
            self._place = tuple(self._viewer.dims.point)

    def _after_ndisplay(self, event: Any) -> None:
        """Stay at the position: napari goes to the slice in the middle of the camera's view."""
        del event
        dims, place = self._viewer.dims, self._place
        self._ndisplay = dims.ndisplay
        if self.begun and len(place) == dims.ndim and tuple(dims.point) != place:
            dims.set_point(range(dims.ndim), list(place))

    def _on_double_click(self, viewer: Any, event: Any) -> None:
        if self._viewer.dims.ndisplay == 3:
            self.maximize_asked.emit(CANVAS)
            return
        for callback in self._double_clicks:
            callback(viewer, event)
