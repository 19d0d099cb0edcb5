"""napari's own canvas, found from a widget in its window by public classes of napari and Qt."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import plain_viewer


def main_canvas_around(widget: QWidget, viewer: ViewerModel) -> QtViewer | None:
    """Return napari's canvas with its sliders; None for a widget that is in no window of napari.

    Parameters
    ----------
    widget : QWidget
        Docked in the window.
    viewer : ViewerModel
        The one that the canvas shows.
    """
    window = ancestor(widget, QMainWindow)
    center = None if window is None else window.centralWidget()
    found = [] if center is None else center.findChildren(QtViewer)
    plain = plain_viewer(viewer)
    return next((one for one in found if plain_viewer(one.viewer) is plain), None)


def has_canvas(viewer: ViewerModel) -> bool:
    """Return whether the canvas of a viewer exists: a viewer can outlive its window."""
    plain = plain_viewer(viewer)
    return any(
        isinstance(one, QtViewer) and plain_viewer(one.viewer) is plain
        for one in QApplication.allWidgets()
    )
