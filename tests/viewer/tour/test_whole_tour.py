"""The guided tour in a real window with its real stations, by clicks on *Next* alone."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_snpore.phantom import make_phantom, simulate_measured_series
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import add_layer, series_data
from napari_snpore.viewer.tour.stations import STATIONS


@pytest.mark.slow  # a minute: every step of the work
def test_next_leads_from_the_series_to_the_plate(make_napari_viewer_proxy, qtbot):
    """With a small series in place of the needle, which takes the tour longer."""
    window = make_napari_viewer_proxy(show=True)
    window.window.resize(1366, 768)
    phantom = make_phantom("pristine", shape=(48, 24, 48), spacing=0.4, seed=3)
    series = simulate_measured_series(
        phantom, angles_deg=np.arange(-68.0, 69.0, 4.0), dose=2000.0, seed=3
    )
    add_layer(window.__wrapped__, series_data(series, "fibre"))
    bench = plain_viewer(window.window.add_plugin_dock_widget("napari-snpore", "Workbench")[1])
    QTest.qWait(200)
    bench.tour.start()
    for number, station in enumerate(STATIONS, 1):
        qtbot.waitUntil(lambda: bench.tour.state in ("done", "failed"), timeout=300_000)
        assert bench.tour.state == "done", f"{station.title}: {bench.tour.problem}"
        assert bench.tour.place[0] == number
        QTest.qWait(400)
        if station.part is not None:
            assert not station.part(bench.form).visibleRegion().isEmpty(), station.title
        QTest.mouseClick(bench.tour_panel.next_button, Qt.MouseButton.LeftButton)
    assert bench.tour.state == "over"
    names = [layer.name for layer in window.layers]
    assert "fibre · phases" in names
    assert bench.form.has_preview
