"""The mouse on the ortho slices of a real window: where a point in nm lies on the screen, and
dragging there.
"""

from __future__ import annotations

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest


def opened(viewer):
    _, widget = viewer.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
    seen, still = None, 0  # the dock moves below the picture, and the slices fit themselves into it
    while still < 3:
        settle(0.06)  # its timers are of 50 ms at most
        now = [
            (view.is_veiled, view.canvas.canvas.size, view.camera.zoom)
            for view in widget.linked.views.values()
        ]
        still, seen = (still + 1 if now == seen else 0), now
    return widget


def close_slices(viewer):
    """Remove the dock of the slices, which stands for their form in the instrument."""
    dock, _ = viewer.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
    viewer.window.remove_dock_widget(dock)


def settle(seconds=0.3):
    QTest.qWait(round(1000 * seconds))


def pixel_of(view, point):
    """Return where on the canvas a world point (z, y, x) lies."""
    native = view.canvas.canvas.native
    _, row, column = view.camera.center
    zoom = view.camera.zoom
    return QPoint(
        round(native.width() / 2 + (point[view.plane.columns] - column) * zoom),
        round(native.height() / 2 + (point[view.plane.rows] - row) * zoom),
    )


def drag(qtbot, native, start, end):
    qtbot.mouseMove(native, start)
    settle(0.05)
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.7, 1.0):
        qtbot.mouseMove(native, start + (end - start) * share)
        settle(0.03)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=end)
    settle(0.05)
