"""The Compare form in a real window: the sample in one click, the wide table, the plate, a saved
window.
"""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMainWindow

from napari_snpore.viewer.figure.gather import comparison_in
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.window.open_widgets import reopen_widgets, widget_states

STATES = ("pristine", "sodiated", "desodiated")


def filled(viewer, qtbot):
    viewer.open_sample("napari-snpore", "three_states")
    _, bench = viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    qtbot.waitUntil(lambda: bench.form is not None, timeout=20_000)
    form = bench.form
    qtbot.waitUntil(lambda: form.comparison is not None and not form.status.busy, timeout=60_000)
    return bench, form


def compare_step(bench):
    return next(step for step in bench.steps if step.name == "Compare")


def test_the_sample_fills_the_form_in_one_click_and_the_step_is_done(
    make_napari_viewer_proxy, qtbot
):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 850)
    bench, form = filled(viewer, qtbot)
    assert [layer.name for layer in viewer.layers] == [f"{state} · phases" for state in STATES]
    assert [(one.name, one.folder is not None) for one in form.fibres] == [
        (state, True) for state in STATES
    ]  # phases and their run are one fibre
    assert form.comparison.names == STATES
    # a layer that is added last is noted, and the step after it
    qtbot.waitUntil(lambda: compare_step(bench).state == "done", timeout=5000)
    step = compare_step(bench)
    assert step.number == 10

    qtbot.mouseClick(form.tabs.numbers.wide_button, Qt.MouseButton.LeftButton)
    QTest.qWait(300)
    wide = form.tabs.numbers.wide_table
    assert wide.columnCount() == 1 + 3 + 3
    viewer.window.resize(1590, 900)
    QTest.qWait(300)
    assert sum(map(wide.columnWidth, range(7))) <= wide.viewport().width(), "all are in view"
    wide.selectRow(0)
    QTest.keyClick(wide, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    heads, row = QGuiApplication.clipboard().text().split("\n")
    assert heads.split("\t")[:4] == ["Quantity", *STATES]
    assert row.split("\t")[0] == "pore fraction, whole (%)"

    bench.open_step("Figure")
    figure = bench.form
    assert comparison_in(viewer) is form.comparison
    figure.parts = ("states", "table")
    figure.preview()
    assert figure.has_preview

    notes = []
    kept = widget_states(viewer, notes)
    assert notes == []
    state = next(one for one in kept if one.display_name == "Compare")
    form.remove(0)
    form.move_fibre(0, 1)
    reopen_widgets(viewer, [state], {}, notes)
    form.status.wait()
    QTest.qWait(200)
    form.status.wait()
    assert notes == []
    assert [one.name for one in form.fibres] == list(STATES)


def test_three_states_and_a_difference_fit_into_a_small_window(make_napari_viewer_proxy, qtbot):
    """Errors go below their values where one line of each does not fit, and come back beside them."""
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1024, 700)
    _, form = filled(viewer, qtbot)
    table = form.tabs.numbers.table
    main = ancestor(form, QMainWindow)
    QTest.qWait(300)
    assert main.width() == 1024
    last = table.horizontalHeaderItem(table.columnCount() - 1)
    assert last.text() == STATES[2]
    assert sum(map(table.columnWidth, range(table.columnCount()))) <= table.viewport().width()
    assert not table.horizontalScrollBar().isVisible()
    value = table.item(0, 1).text()
    assert "\n± " in value
    table.selectRow(0)
    copied = table.selected_text().split("\n")
    assert len(copied) == 2, "one line for the heads and one for the row"
    assert copied[1].split("\t")[1] == value.replace("\n", " ")
    viewer.window.resize(1366, 768)
    QTest.qWait(300)
    assert table.item(0, 1).text() == value.replace("\n", " ")
    assert not table.horizontalScrollBar().isVisible()
