"""Where a widget of ours stands in the window: forms as tabs of one place on the right, slices in a row below the picture.

napari stacks every dock below the last one and leaves the wishes of a manifest aside; with three forms none has room. Only Qt's
own main window and docks are asked here.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any, TypeVar

from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QDockWidget, QMainWindow, QPushButton, QWidget

from napari_snpore.viewer.shared.layers import select

_BELOW_SHARE = 0.42
"""Share of the window's height that slices below the picture get."""

Parent = TypeVar("Parent", bound=QWidget)


def stand_as_tab(widget: QWidget, family: type[QWidget]) -> None:
    """Join the tabs of the other widgets of a family on the same side; the first one stays where it is."""
    dock, window = ancestor(widget, QDockWidget), ancestor(widget, QMainWindow)
    if dock is None or window is None or dock.isFloating():
        return
    others = [
        other
        for other in window.findChildren(QDockWidget)
        if other is not dock
        and other.isVisible()
        and window.dockWidgetArea(other) == window.dockWidgetArea(dock)
        and other.findChildren(family)
    ]
    if others and dock not in window.tabifiedDockWidgets(others[-1]):
        window.tabifyDockWidget(others[-1], dock)
        dock.raise_()


def stand_below(widget: QWidget) -> None:
    """Move to the place below the picture."""
    dock, window = ancestor(widget, QDockWidget), ancestor(widget, QMainWindow)
    if dock is None or window is None or dock.isFloating():
        return
    if window.dockWidgetArea(dock) != Qt.DockWidgetArea.BottomDockWidgetArea:
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
    window.resizeDocks([dock], [round(_BELOW_SHARE * window.height())], Qt.Orientation.Vertical)


def keep_docked(widget: QWidget) -> None:
    """Take the way out of the window from the dock of a widget that holds an OpenGL canvas.

    In another window Qt gives the canvas another OpenGL context, in which nothing of what vispy has drawn exists: painting it
    ends in errors of OpenGL, or with the process.
    """
    dock = ancestor(widget, QDockWidget)
    if dock is None or not widget.findChildren(QOpenGLWidget):
        return
    ways_out = QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetFloatable
    dock.setFeatures(dock.features() & ~ways_out)
    _hide_float_button(weakref.ref(dock))
    dock.dockLocationChanged.connect(
        partial(_hide_float_button, weakref.ref(dock))
    )  # napari makes another title bar then


def _hide_float_button(dock: weakref.ref[QDockWidget], area: object = None) -> None:
    """Hide it in a dock that the signal does not keep: the dock would keep the canvases."""
    del area
    there = dock()
    bar = None if there is None else there.titleBarWidget()
    for button in [] if bar is None else bar.findChildren(QPushButton, "QTitleBarFloatButton"):
        button.hide()


def ancestor(widget: QWidget, kind: type[Parent]) -> Parent | None:
    """Return the nearest parent of a kind; None without one."""
    found = widget.parentWidget()
    while found is not None and not isinstance(found, kind):
        found = found.parentWidget()
    return found


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
    if isinstance(main, QMainWindow):  # napari docks it on the right, where a table of twenty columns does not fit
        main.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        main.resizeDocks([dock], [260], Qt.Orientation.Vertical)
