"""The whole job with the mouse in a window of 1366 × 768: from a tilt series to a plate, no number
typed.
"""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QMainWindow

from napari_snpore.phantom import make_phantom, simulate_measured_series
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import plain_viewer as plain
from napari_snpore.viewer.shared.layers import add_layer, series_data

SIZE = (1366, 768)


class Mouse:
    """Clicks on what can be seen, and counts."""

    def __init__(self, qtbot, main):
        self.qtbot, self.main, self.actions = qtbot, main, 0

    def click(self, widget):
        middle = QPoint(widget.width() // 2, widget.height() // 2)
        assert widget.isEnabled()
        assert widget.visibleRegion().contains(middle), "it is out of view"
        QTest.mouseMove(widget, middle)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=middle)
        self.actions += 1
        QTest.qWait(200)
        assert (self.main.width(), self.main.height()) == SIZE

    def wait_for(self, form):
        self.qtbot.waitUntil(lambda: not form.status.busy, timeout=240_000)
        QTest.qWait(200)
        assert not form.status.failed, form.status.message.text()


def test_from_a_series_to_a_plate_in_ten_actions(make_napari_viewer_proxy, qtbot, tmp_path):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(*SIZE)
    _, bench = viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    bench = plain(bench)
    QTest.qWait(300)
    mouse = Mouse(qtbot, ancestor(bench, QMainWindow))
    phantom = make_phantom("pristine", shape=(48, 24, 48), spacing=0.3, seed=3)
    series = simulate_measured_series(
        phantom, angles_deg=np.arange(-65.0, 66.0, 5.0), dose=2000.0, seed=3
    )
    add_layer(viewer.__wrapped__, series_data(series, "fibre"))
    mouse.actions += 1  # the file is dropped on the window
    bench.refresh()

    mouse.click(bench.header.forth_button)
    form = bench.form
    mouse.click(form.main_button)
    mouse.wait_for(form)
    bench.refresh()

    mouse.click(bench.header.forth_button)
    form = bench.form
    assert bench.chosen == "Threshold"
    form.counting.wait()
    form.counting.wait()  # the images are asked after the count
    assert len(form.thresholds) == 2
    mouse.click(form.main_button)
    mouse.wait_for(form)
    bench.refresh()

    assert bench.header.forth_button.text() == "Measure ▸"
    mouse.click(bench.header.forth_button)
    form = bench.form
    mouse.click(form.main_button)
    mouse.wait_for(form)
    for shown in (form.object_result, form.length_plot):  # a slow machine lays them out later
        qtbot.waitUntil(lambda shown=shown: not shown.visibleRegion().isEmpty())
    bench.refresh()

    assert bench.header.forth_button.text() == "Figure ▸"
    mouse.click(bench.header.forth_button)
    form = bench.form
    mouse.click(form.main_button)
    dialogs = [one for one in QApplication.topLevelWidgets() if isinstance(one, QFileDialog)]
    (dialog,) = [one for one in dialogs if one.isVisible()]
    dialog.setDirectory(str(tmp_path))  # as where the data lie
    QTest.qWait(200)
    save = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save)
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    mouse.actions += 1
    mouse.wait_for(form)
    plates = list(tmp_path.glob("*.png"))
    assert len(plates) == 1
    assert plates[0].stat().st_size > 50_000
    assert mouse.actions <= 10
    bench.refresh()
    assert bench.rows[8].sign.text() == "✓"
