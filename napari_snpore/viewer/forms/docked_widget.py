"""Base class of the dock widgets: keeps the viewer, places the dock, and cleans up when the dock is
closed.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QWidget

from napari_snpore.viewer.ahead.kernels_ahead import compile_ahead, is_importing
from napari_snpore.viewer.ahead.set_aside import ends, set_aside
from napari_snpore.viewer.canvas.fitted import keep_fitted
from napari_snpore.viewer.canvas.ground import keep_ground
from napari_snpore.viewer.canvas.mixed_units import say_mixed_units_once
from napari_snpore.viewer.edits.watch import watch_edits
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.slider_steps import keep_steps_on_voxels


class DockedWidget(QWidget):
    """A widget in a dock of napari's window.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes a proxy of its viewer; the viewer itself is kept.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = plain_viewer(viewer)
        if compile_ahead():
            set_aside(self._viewer, is_importing)
        watch_edits(self._viewer)
        keep_fitted(self._viewer)  # before the dock takes some of the canvas
        keep_ground(self._viewer)
        keep_steps_on_voxels(self._viewer)
        say_mixed_units_once(self._viewer)
        self._shown_once = False
        self._docked = QTimer(self)  # fires after napari has made the dock
        self._docked.setSingleShot(True)
        self._docked.timeout.connect(self._on_docked)

    @property
    def viewer(self) -> Any:
        """The viewer that the widget works in."""
        return self._viewer

    def closed(self) -> None:
        """Remove what the widget shows elsewhere and stop its work; called when its dock is
        closed.
        """

    def _on_docked(self) -> None:
        """Take the place in the window that this kind of widget has; called once, after the dock
        was made.
        """

    def showEvent(self, event: Any) -> None:
        """Wait for the dock the first time."""
        super().showEvent(event)
        if not self._shown_once:
            self._shown_once = True
            self._docked.start()

    def event(self, event: QEvent | None) -> bool:
        """Detect that the dock was closed: napari only takes the widget out of it, without a
        signal.
        """
        if (
            event is not None
            and event.type() == QEvent.Type.ParentChange
            and self.parentWidget() is None
        ):
            self.closed()
            ends(self)
        return bool(super().event(event))
