"""napari's own table of features, docked below the picture: selecting a row there selects the object, and the reverse."""

from __future__ import annotations

from typing import Any

from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMainWindow

from napari_snpore.viewer.shared.layers import select


def show_table(viewer: Any, layer: Layer) -> None:
    """Select a layer of objects and dock the table of its features below the picture.

    A viewer without a window shows nothing.
    """
    select(viewer, layer)
    window = getattr(viewer, "window", None)
    if window is None:
        return
    dock, _ = window.add_plugin_dock_widget("napari", "Features table widget")
    main = dock.parent()
    if isinstance(main, QMainWindow):  # napari docks it on the right, where a table of twenty columns has no room
        main.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        main.resizeDocks([dock], [260], Qt.Orientation.Vertical)
