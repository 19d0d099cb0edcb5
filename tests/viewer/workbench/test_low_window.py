"""A window of 1024 × 700 keeps its size whatever its forms show and whatever is docked below."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget, QMainWindow
from superqt import QCollapsible

from napari_snpore.viewer.forms.form import ResultText
from napari_snpore.viewer.measure.object_table import ObjectTable
from napari_snpore.viewer.shared.docking import ancestor, place_below, show_table
from napari_snpore.viewer.shared.events import plain_viewer as plain
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.volume import Volume

FORMS = (
    "Reconstruct",
    "Threshold",
    "Ortho slices",
    "Subvolumes",
    "3D scene",
    "Measure",
    "Figure",
    "Compare",
    "In situ",
)
SIZE = (1024, 700)
AROUND = 50
"""Menus and status line of napari's window (px)."""
SENTENCE = (
    "The blur could not be told from these images, so that none was used; give it by hand. " * 6
)


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(*SIZE)
    return viewer


@pytest.fixture
def rod():
    z, _, x = np.indices((20, 12, 20))
    gray = np.where((z - 10) ** 2 + (x - 10) ** 2 < 49, 100, 5).astype(np.uint8)
    return volume_data(Volume(gray, 0.5), "rod")


def bench_of(viewer):
    return plain(viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")[1])


def fill(form):
    """Open all that opens, and show results and a problem of many lines."""
    for fold in form.findChildren(QCollapsible):
        fold.expand(animate=False)
    for text in form.findChildren(ResultText):
        text.show_lines(
            ["Sn fraction, whole: <b>12.3 ± 0.4 %</b> of the envelope, by counting"] * 12
        )
        text.mark("made with other input or settings than those shown now")
    form.status.say(SENTENCE, problem=True)


@pytest.mark.parametrize("name", FORMS)
def test_the_fullest_form_needs_no_more_height_than_a_low_window_has(window, rod, name):
    add_layer(window.__wrapped__, rod)
    bench = bench_of(window)
    main = ancestor(bench, QMainWindow)
    form = plain(window.window.add_plugin_dock_widget("napari-snpore", name)[1])
    for _ in range(3):
        QTest.qWait(60)
    bench.fold(False)
    bench.tour_panel.invite(True)
    bench.status.say(SENTENCE, problem=True)
    fill(form)
    QTest.qWait(100)
    form.status.run("Wait", lambda progress, should_stop: _until(should_stop), lambda _: None)
    form.status.say(SENTENCE)
    QTest.qWait(100)
    assert bench.minimumSizeHint().height() <= SIZE[1] - AROUND
    assert main.minimumSizeHint().height() <= SIZE[1]
    assert (main.width(), main.height()) == SIZE
    form.status.drop()


def _until(should_stop):
    while not should_stop():
        time.sleep(0.01)


def test_tables_and_the_console_below_keep_the_window_low(window):
    """Labels in 3D have the highest of napari's controls, 420 px, and its list takes 180: a table
    below both needed 770.
    """
    bench = bench_of(window)
    main = ancestor(bench, QMainWindow)
    layer = window.add_labels(np.ones((5, 6, 7), int))
    layer.features = {"length_nm": [1.0, 2.0]}
    window.add_image(np.zeros((30, 30)))
    window.dims.ndisplay = 3
    show_table(window.__wrapped__, layer)
    table = ObjectTable()
    window.window.add_dock_widget(table, name="Table of objects", area="bottom")
    place_below(table)
    QTest.qWait(100)
    assert (main.width(), main.height()) == SIZE
    assert not table.visibleRegion().isEmpty(), "the later table lies in front"
    dock = ancestor(table, QDockWidget)
    features = next(
        one for one in main.findChildren(QDockWidget) if "Features" in one.windowTitle()
    )
    assert features in main.tabifiedDockWidgets(dock)
    assert main.minimumSizeHint().height() <= SIZE[1]
    assert main.minimumSizeHint().width() <= SIZE[0]


def test_a_high_window_with_a_table_can_be_made_low(window):
    window.window.resize(1500, 950)
    main = ancestor(bench_of(window), QMainWindow)
    show_table(window.__wrapped__, window.add_labels(np.ones((5, 6, 7), int)))
    QTest.qWait(100)
    window.window.resize(*SIZE)
    QTest.qWait(100)
    assert (main.width(), main.height()) == SIZE
