"""What one step of a dragged threshold costs, counted: one drawing of the histogram, and no new
colormap.
"""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from napari.utils.colormaps import Colormap

from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume


@pytest.fixture
def widget(viewer, qtbot):
    gray = np.broadcast_to(np.arange(200, dtype=np.uint8), (4, 5, 200)).copy()
    add_layer(viewer, volume_data(Volume(gray, (0.5, 0.25, 0.25)), "fibre · SIRT 50"))
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    widget.counting.wait()
    widget.thresholds = (60.0, 140.0)
    return widget


@pytest.fixture
def counts(monkeypatch, widget):
    """Return how often the histogram was drawn and a colormap was made since the widget was
    ready.
    """
    counted = {"drawn": 0, "colormaps": 0}
    draw, make = type(widget.plot).update, Colormap.__init__

    def counting_draw(self):
        counted["drawn"] += 1
        draw(self)

    def counting_make(self, *args, **kwargs):
        counted["colormaps"] += 1
        make(self, *args, **kwargs)

    monkeypatch.setattr(type(widget.plot), "update", counting_draw)
    monkeypatch.setattr(Colormap, "__init__", counting_make)
    return counted


def drag_to(widget, gray):
    widget.plot._dragged = 0
    widget.plot._drag_to(widget.plot.x_of(gray))


def test_a_step_of_a_drag_draws_once_and_makes_no_colormap(widget, counts):
    widget.plot.drag_started.emit()
    drag_to(widget, 70.0)
    assert widget.thresholds == (70.0, 140.0)
    assert tuple(widget._preview.layer.contrast_limits) == (69.5, 139.5)
    assert counts == {"drawn": 1, "colormaps": 0}


def test_a_step_to_the_same_grey_value_draws_nothing(widget, counts):
    widget.plot.drag_started.emit()
    drag_to(widget, 60.0)
    assert counts == {"drawn": 0, "colormaps": 0}


def test_colors_that_change_are_painted(widget, counts):
    scheme = widget._scheme
    widget.phases.changed.emit(type(scheme)(scheme.names, ("#ff0000", *scheme.colors[1:])))
    assert counts["colormaps"] > 0
    np.testing.assert_array_equal(widget._preview.layer.colormap.low_color, (1, 0, 0, 1))


def test_a_colormap_that_was_replaced_by_hand_is_painted_again(widget):
    widget._preview.layer.colormap = "gray"
    drag_to(widget, 71.0)
    low = widget._preview.layer.colormap.low_color
    np.testing.assert_allclose(low, to_rgba(widget._scheme.colors[0]), atol=1e-6)
