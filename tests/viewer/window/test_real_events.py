"""Keys and clicks in a real window while forms are filled in and while a step runs."""

from __future__ import annotations

import threading
import time

import napari
import numpy as np
import pytest
from napari._qt.qt_viewer import QtViewer
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QPushButton

from napari_snpore.errors import Stopped
from napari_snpore.viewer.canvas.main_canvas import has_canvas
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.volume import Volume


@pytest.fixture
def window(make_napari_viewer_proxy):
    made = make_napari_viewer_proxy(show=True)
    gray = np.zeros((8, 9, 10), np.uint8)
    gray[2:6, 2:6, 2:6] = 200
    add_layer(made.__wrapped__, volume_data(Volume(gray, 0.5), "rod"))
    return made


def opened(window, name):
    form = plain_viewer(window.window.add_plugin_dock_widget("napari-snpore", name)[1])
    QTest.qWait(100)
    return form


class Running:
    """A step that goes on until it is asked to stop."""

    def __init__(self, form, window=None, layer=None):
        self.begun, self.ended = threading.Event(), threading.Event()
        of = None if layer is None else InUse(window.__wrapped__, (layer,), "nothing was made")
        form.status.run("Step", self, lambda _: None, of=of)
        assert self.begun.wait(20)

    def __call__(self, progress, should_stop):
        self.begun.set()
        while not should_stop():
            time.sleep(0.01)
        self.ended.set()
        raise Stopped("Stopped on request.")


def title_button(form, name):
    """Return a button of the title bar of the dock that a form is seen in."""
    return ancestor(form, QDockWidget).titleBarWidget().findChild(QPushButton, name)


def test_enter_takes_what_was_typed_and_the_next_one_runs(window, qtbot):
    form = opened(window, "Threshold")
    form.counting.wait()
    pressed = []
    form.main_button.clicked.connect(lambda: pressed.append(True))
    box = form.envelope.tau
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "0.75")
    before = box.value()
    assert before != 0.75, "what is typed counts once it is entered"
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == 0.75
    assert pressed == []
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert pressed == [True]
    form.status.wait()


def test_the_close_button_of_the_dock_ends_its_work(window, qtbot):
    form = opened(window, "Measure")
    running = Running(form)
    QTest.mouseClick(title_button(form, "QTitleBarCloseButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(running.ended.is_set, timeout=5000)
    assert not window.window.dock_widgets
    again = opened(window, "Measure")
    assert not again.status.busy


def test_a_dock_that_is_only_hidden_goes_on_and_comes_back_as_it_was(window, qtbot):
    form = opened(window, "Measure")
    running = Running(form)
    QTest.mouseClick(title_button(form, "QTitleBarHideButton"), Qt.MouseButton.LeftButton)
    QTest.qWait(100)
    assert form.status.busy
    assert not form.isVisible()
    ancestor(form, QDockWidget).show()  # what the entries of the menus do
    assert form.isVisible()
    QTest.keyClick(form.phase_box, Qt.Key.Key_Escape)
    qtbot.waitUntil(running.ended.is_set, timeout=5000)


def test_the_bin_of_the_layer_list_ends_the_work_on_its_layer(window, qtbot):
    form = opened(window, "Threshold")
    form.counting.wait()
    running = Running(form, window, window.layers["rod"])
    main = ancestor(form, QMainWindow)
    window.layers.selection.active = window.layers["rod"]
    (bin_button,) = [
        one for one in main.findChildren(QPushButton) if one.property("mode") == "delete_button"
    ]
    QTest.mouseClick(bin_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(running.ended.is_set, timeout=5000)
    assert "'rod' was removed meanwhile; nothing was made." in form.status.message.text()
    assert not form.main_button.isEnabled()


def test_a_window_that_is_closed_ends_the_work_in_it_and_has_no_canvas(qtbot):
    """Its scale bar is placed a moment after a change of size: not where the canvas is gone."""
    viewer = napari.Viewer(show=True)
    form = opened(viewer, "Threshold")
    running, main = Running(form), ancestor(form, QMainWindow)
    assert has_canvas(viewer)
    viewer.window.resize(900, 650)
    QApplication.processEvents()
    main.close()  # as the user does it: Qt deletes the window
    qtbot.waitUntil(lambda: not isalive(main), timeout=5000)
    qtbot.waitUntil(running.ended.is_set, timeout=5000)
    assert not has_canvas(viewer)
    viewer.canvas.size = (300, 400)  # scripts may keep the viewer
    QTest.qWait(150)
    # napari holds its own window that was closed so, without a form too; the next test would fail
    QtViewer._instances.clear()
