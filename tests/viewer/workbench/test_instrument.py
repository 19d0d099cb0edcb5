"""All forms in one dock: one of each kind, in a window of a laptop, with the keys that people
expect.
"""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QFileDialog, QMainWindow

from napari_snpore.errors import InputError
from napari_snpore.in_situ.frames import ImageSeries
from napari_snpore.viewer.in_situ.layers import frames_data
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import plain_viewer as plain
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.viewer.workbench.keys import KEYS
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
LAPTOPS = ((1366, 768), (1024, 700))


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1024, 700)
    return viewer


def opened(viewer, name):
    dock, widget = viewer.window.add_plugin_dock_widget("napari-snpore", name)
    for _ in range(3):  # one wait may pass in the making of the instrument alone
        QTest.qWait(60)
    return plain(dock), plain(widget)


def bench_of(viewer):
    return plain(viewer.window.dock_widgets["Workbench (napari-snpore)"])


def add_rod(viewer):
    z, _, x = np.indices((20, 12, 20))
    gray = np.where((z - 10) ** 2 + (x - 10) ** 2 < 49, 100, 5).astype(np.uint8)
    gray[9:12, 4:8, 9:12] = 200
    return add_layer(viewer.__wrapped__, volume_data(Volume(gray, 0.5), "rod"))


def docks_seen(main):
    return [one for one in main.findChildren(QDockWidget) if not one.visibleRegion().isEmpty()]


def test_a_form_is_there_once_and_napari_finds_it_by_its_name(window):
    _, first = opened(window, "Threshold")
    dock, second = opened(window, "Threshold")
    assert second is first
    assert plain(window.window.dock_widgets["Threshold (napari-snpore)"]) is first
    bench = bench_of(window)
    assert bench.form is first
    assert not dock.isVisible()
    _, measure = opened(window, "Measure")
    assert bench.form is measure
    assert first.isHidden()
    dock.setVisible(True)  # as napari's menus do where a dock is known
    QTest.qWait(100)
    assert bench.form is first
    assert bench.chosen == "Threshold"
    assert not dock.isVisible()
    names = {one.windowTitle() for one in docks_seen(ancestor(bench, QMainWindow))}
    assert len([name for name in names if "snpore" in name]) == 1


def test_a_form_that_a_script_docks_comes_in_and_takes_the_place_of_the_earlier_one(window):
    _, earlier = opened(window, "Measure")
    made = MeasureWidget(window.__wrapped__)
    window.window.add_dock_widget(made, name="mine", area="right")
    QTest.qWait(200)
    bench = bench_of(window)
    assert bench.form is made
    assert [one for one in bench.stack.forms if isinstance(one, MeasureWidget)] == [made]
    assert earlier.parentWidget() is None


def test_a_removed_dock_closes_its_form_and_the_instrument_all_of_them(window):
    add_rod(window)
    dock, form = opened(window, "Threshold")
    form.counting.wait()
    form.thresholds = 50, 150
    assert "rod · preview" in window.layers
    window.window.remove_dock_widget(dock)
    QTest.qWait(50)
    assert "rod · preview" not in window.layers
    bench = bench_of(window)
    assert bench.form is None
    assert not bench.is_folded
    _, form = opened(window, "Threshold")
    form.counting.wait()
    form.thresholds = 50, 150
    window.window.remove_dock_widget(ancestor(bench, QDockWidget))
    QTest.qWait(50)
    assert "rod · preview" not in window.layers
    assert not [name for name in window.window.dock_widgets if "snpore" in name]


@pytest.mark.parametrize("size", LAPTOPS)
def test_the_window_keeps_its_size_with_every_form_open(window, size):
    add_rod(window)
    window.window.resize(*size)
    opened(window, "Workbench")
    main = ancestor(bench_of(window), QMainWindow)
    for name in FORMS:
        _, form = opened(window, name)
        QTest.qWait(200)
        assert (main.width(), main.height()) == size, name
        button = form.main_button
        assert button.isVisible()
        inside = button.mapTo(main, QPoint(button.width(), button.height()))
        assert inside.x() <= size[0], name
        assert inside.y() <= size[1], name
        assert not button.visibleRegion().isEmpty(), name
    form = bench_of(window).form
    form.status.say("Wrote /a/path/without/a/single/space/" + "and_a_very_long_name" * 6)
    QTest.qWait(200)
    assert (main.width(), main.height()) == size


def test_results_and_buttons_stay_where_settings_scroll(window):
    add_rod(window)
    _, form = opened(window, "Threshold")
    form.counting.wait()
    form.thresholds = 50, 150
    for fold in (form.cleanup, form.phases, form.sensitivity):
        fold.expand(animate=False)
    QTest.qWait(200)
    scroll = form.findChildren(type(form._result_scroll).__base__)[0]
    assert scroll.verticalScrollBar().maximum() > 0
    for part in (form.shares, form.main_button):
        assert not part.visibleRegion().isEmpty()
        assert part.mapTo(form, QPoint(0, 0)).y() >= scroll.geometry().bottom()


def test_results_that_have_room_are_not_cut(window, qtbot):
    """The frame of the results takes 2 px of their width: a line that just fits without it breaks
    within it, whatever the length of the line.
    """
    window.window.resize(1480, 920)
    _, form = opened(window, "Reconstruct")
    bar = form._result_scroll.verticalScrollBar()
    for length in range(40, 60):
        form.numbers.show_lines(["residual of the images' norm"] * 5 + ["m" + " i" * length])
        QTest.qWait(60)
        qtbot.waitUntil(lambda: bar.maximum() == 0, timeout=5000)


def test_a_row_says_what_its_form_is_doing(window, qtbot):
    add_rod(window)
    _, form = opened(window, "Threshold")
    form.counting.wait()
    bench = bench_of(window)

    def work(progress, should_stop):
        progress(5, 8)
        while not should_stop():
            pass
        raise InputError("It went wrong.")

    form.status.run("Label phases", work, lambda _: None)
    qtbot.waitUntil(lambda: bench.rows[2].words.text() == "62 %", timeout=5000)
    assert bench.header.words.text() == "62 %"
    seen = [row.words.text() for row in bench.rows]
    assert seen.count("62 %") == 1, "the envelope is made by the same form, but does not run"
    form.status.cancel()
    form.status.wait()
    qtbot.waitUntil(lambda: bench.rows[2].step.state == "failed", timeout=5000)
    assert bench.rows[2].step.hint == "It went wrong."
    form.envelope.make_button.click()
    assert bench._work.added_to(bench.steps[3], bench.specimen).state == "running"
    form.status.wait()
    form.status.run("Label phases", lambda progress, should_stop: None, lambda _: None)
    form.status.wait()
    qtbot.waitUntil(lambda: bench.rows[2].step.state == "ready", timeout=5000)


def test_the_arrows_of_the_top_line_go_through_the_steps(window):
    add_rod(window)
    opened(window, "Workbench")
    bench = bench_of(window)
    bench.refresh()
    assert bench.header.forth_button.text() == "Threshold ▸"
    QTest.mouseClick(bench.header.forth_button, Qt.MouseButton.LeftButton)
    assert bench.chosen == "Threshold"
    assert bench.is_folded, "the window is low"
    bench.form.counting.wait()
    bench.form.thresholds = 50, 150
    bench.form.apply()
    bench.refresh()
    assert bench.header.forth_button.text() == "Measure ▸"
    QTest.mouseClick(bench.header.back_button, Qt.MouseButton.LeftButton)
    assert bench.chosen == "Reconstruct"
    QTest.mouseClick(bench.header, Qt.MouseButton.LeftButton)
    assert not bench.is_folded
    QTest.mouseClick(bench.rows[6], Qt.MouseButton.LeftButton)
    assert bench.chosen == "Measure"
    assert not bench.is_folded, "the user has opened the list"


def test_forth_from_compare_leads_to_in_situ_only_with_images_in_time(window):
    add_rod(window)
    opened(window, "Compare")
    bench = bench_of(window)
    bench.refresh()
    assert bench.chosen == "Compare"
    forth = bench.header.forth_button
    assert not forth.isEnabled()
    assert "In situ is for images in time" in forth.toolTip()
    bench.go_forth()
    assert bench.chosen == "Compare"
    frames = ImageSeries(np.zeros((4, 16, 16)), 0.5)
    add_layer(window.__wrapped__, frames_data(frames, "film"))
    window.layers.selection.active = window.layers["rod"]
    bench.refresh()
    assert forth.isEnabled()
    bench.go_forth()
    assert bench.chosen == "In situ"


def test_the_scene_of_the_paper_is_done_until_it_is_taken_back(window):
    add_rod(window)
    _, form = opened(window, "3D scene")
    bench = bench_of(window)
    assert [one.state for one in bench.steps if one.name == "3D scene"] == ["ready"]
    form.main_button.click()
    assert [one.state for one in bench.steps if one.name == "3D scene"] == ["done"]
    assert bench.rows[7].words.text() == "volume shown"
    form.before_button.click()
    assert [one.state for one in bench.steps if one.name == "3D scene"] == ["ready"]


def test_undo_in_a_number_box_takes_back_the_step_of_the_form(window):
    add_rod(window)
    _, form = opened(window, "Threshold")
    form.counting.wait()
    form.thresholds = 50, 150
    form.thresholds = 60, 150
    box = form.envelope.ray_length
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert form.thresholds == (50, 150)
    box.lineEdit().selectAll()
    QTest.keyClicks(box, "7")
    QTest.keyClick(box, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert form.thresholds == (50, 150), "what is being typed is undone first"


def test_keys_of_the_window(window, qtbot):
    add_rod(window)
    _, form = opened(window, "Measure")
    bench = bench_of(window)
    QTest.keyClick(form.phase_box, Qt.Key.Key_PageUp, Qt.KeyboardModifier.ControlModifier)
    assert bench.chosen == "Subvolumes"
    QTest.keyClick(bench.form, Qt.Key.Key_F1)
    sheet = bench._sheet()
    assert sheet.isVisible()
    assert not sheet.isModal()
    sheet.close()
    QTest.keyClick(bench.form, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    shown = [one for one in QApplication.topLevelWidgets() if isinstance(one, QFileDialog)]
    (dialog,) = [one for one in shown if one.isVisible()]
    assert not dialog.isModal()
    dialog.close()


def test_escape_cancels_without_asking(window, qtbot):
    add_rod(window)
    _, form = opened(window, "Threshold")
    form.counting.wait()

    def work(progress, should_stop):
        while not should_stop():
            pass

    form.status.run("Label phases", work, lambda _: None)
    QTest.keyClick(form.envelope.tau, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not form.status.busy, timeout=5000)
    assert "cancelled" in form.status.message.text()


def test_the_sheet_lists_every_key_once_a_group():
    for _, keys in KEYS:
        assert len({key for key, _ in keys}) == len(keys)
    listed = {key for _, keys in KEYS for key, _ in keys}
    assert {"F1", "Ctrl+S", "Esc", "Enter", "Ctrl+Z, Ctrl+Shift+Z"} <= listed
