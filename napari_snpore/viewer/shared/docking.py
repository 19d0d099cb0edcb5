"""Places the docks of the plugin in the window: forms in the one instrument, tables below the
canvas.

napari stacks every dock below the last one and ignores the place that a manifest names; with three
forms each becomes too low to use. This module calls only Qt's own main window and docks.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QDockWidget, QMainWindow, QPushButton, QWidget

from napari_snpore.viewer.shared.layers import select

_TABLE_HEIGHT = 260
"""Of a table below the canvas (px), where the window is high enough."""

Parent = TypeVar("Parent", bound=QWidget)

PLUGIN = "napari-snpore"
INSTRUMENT = "Workbench"
"""Its name in the Plugins menu."""

_VIEWER = "napari_snpore.viewer"


@runtime_checkable
class Instrument(Protocol):
    """The widget that shows all forms of a window, one at a time: the Workbench."""

    def adopt(self, form: QWidget) -> None:
        """Take a form out of its dock and show it; nothing happens to one that is in already."""

    def settle(self) -> None:
        """Take its place again after the docks of the window were rearranged."""


def python_name(widget: object) -> str:
    """Return the name of the class of a widget as a manifest writes it: ours are attributes of the
    viewer package.
    """
    kind = type(widget)
    module = _VIEWER if kind.__module__.startswith(f"{_VIEWER}.") else kind.__module__
    return f"{module}:{kind.__qualname__}"


def instrument_of(viewer: Any) -> Instrument | None:
    """Return the instrument of a window; None where it is not open, or without a window."""
    window = getattr(viewer, "window", None)
    docked = () if window is None else window.dock_widgets.values()
    return next((one for one in docked if isinstance(one, Instrument)), None)


def join_instrument(form: QWidget, viewer: Any) -> bool:
    """Move a form from its dock into the instrument of the window, which opens where it is not.

    Returns
    -------
    bool
        False where the form is in no dock of napari's, or the plugin is not installed: then it
        stays where it is.
    """
    found = instrument_of(viewer)
    if found is None:
        window = getattr(viewer, "window", None)
        if window is None or ancestor(form, QDockWidget) is None:
            return False
        try:
            _, found = window.add_plugin_dock_widget(PLUGIN, INSTRUMENT)
        except (KeyError, ValueError):  # no manifest is registered
            return False
    found.adopt(form)
    return True


def give_full_height(widget: QWidget) -> None:
    """Give the sides the full height of the window of a widget, see :func:`keep_sides_high`."""
    dock, window = ancestor(widget, QDockWidget), ancestor(widget, QMainWindow)
    if dock is not None and window is not None and not dock.isFloating():
        keep_sides_high(window)


def keep_sides_high(window: QMainWindow) -> None:
    """Give both corners below to the sides: docks below the canvas lie between them."""
    window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)


def dock_as_tab(widget: QWidget, family: type[QWidget]) -> None:
    """Add the dock of a widget to the tabs of other widgets of its class on the same side; the
    first keeps its place.
    """
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


def place_below(widget: QWidget) -> None:
    """Move the dock of a table below the canvas, 260 px high."""
    dock, window = ancestor(widget, QDockWidget), ancestor(widget, QMainWindow)
    if dock is not None and window is not None and not dock.isFloating():
        _dock_below_canvas(window, dock)


def _dock_below_canvas(window: QMainWindow, dock: QDockWidget) -> None:
    """Dock a table below the canvas, between the sides, 260 px high, and bring it to the front.

    Below napari's controls and list of layers it would need more height than a laptop has; beside
    another table, or napari's console, more width. It is a tab of theirs, also while they are hidden.
    """
    area = Qt.DockWidgetArea.BottomDockWidgetArea
    keep_sides_high(window)
    if window.dockWidgetArea(dock) != area:
        window.addDockWidget(area, dock)
    others = [
        one
        for one in window.findChildren(QDockWidget)
        if one is not dock and not one.isFloating() and window.dockWidgetArea(one) == area
    ]
    if others and dock not in window.tabifiedDockWidgets(others[0]):
        window.tabifyDockWidget(others[0], dock)
    window.resizeDocks([dock], [_TABLE_HEIGHT], Qt.Orientation.Vertical)
    dock.show()
    dock.raise_()


HAS_CANVASES = "has_canvases"
"""Attribute of a form whose canvases lie elsewhere in the window and come back into it."""


def keep_docked(widget: QWidget) -> None:
    """Prevent the dock of a widget that holds an OpenGL canvas from leaving the window.

    In another window Qt gives the canvas another OpenGL context, in which nothing of what vispy has
    drawn exists: painting it ends in errors of OpenGL, or with the process.
    """
    dock = ancestor(widget, QDockWidget)
    parts = [widget, *widget.findChildren(QWidget)]
    holds = any(isinstance(one, QOpenGLWidget) or hasattr(one, HAS_CANVASES) for one in parts)
    if dock is None or not holds:
        return
    ways_out = (
        QDockWidget.DockWidgetFeature.DockWidgetMovable
        | QDockWidget.DockWidgetFeature.DockWidgetFloatable
    )
    if not dock.features() & ways_out:
        return  # kept already
    dock.setFeatures(dock.features() & ~ways_out)
    _hide_float_button(weakref.ref(dock))
    dock.dockLocationChanged.connect(
        partial(_hide_float_button, weakref.ref(dock))
    )  # napari makes another title bar then


def _hide_float_button(dock: weakref.ref[QDockWidget], area: object = None) -> None:
    """Hide the float button of a dock; the reference is weak, as the signal would keep dock and
    canvases alive.
    """
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
    if isinstance(main, QMainWindow):  # napari docks it on the right, where no table fits
        _dock_below_canvas(main, dock)
