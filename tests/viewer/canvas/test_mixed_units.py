"""A layer without a voxel size beside others is named once; napari's warnings do not pile up."""

from __future__ import annotations

import numpy as np
from napari.utils.notifications import notification_manager
from qtpy.QtTest import QTest

from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.volume import Volume

NOISE = np.random.default_rng(0).random((8, 10, 12)).astype(np.float32)


def messages_of(act):
    before = len(notification_manager.records)
    act()
    QTest.qWait(300)
    return [record.message for record in notification_manager.records[before:]]


def test_a_layer_without_a_voxel_size_is_named_once(make_napari_viewer_proxy):
    window = make_napari_viewer_proxy(show=True).__wrapped__
    window.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
    nm = Volume(NOISE, (0.5,) * 3)

    assert messages_of(lambda: add_layer(window, volume_data(nm, "fibre"))) == []
    (sentence,) = messages_of(lambda: window.add_image(NOISE, name="bare"))
    assert sentence.startswith("'bare' has no voxel size")
    assert messages_of(lambda: add_layer(window, volume_data(nm, "another"))) == []
    assert messages_of(lambda: window.layers.remove("another")) == []
    (sentence,) = messages_of(lambda: window.add_image(NOISE[0], name="flat"))
    assert "'flat'" in sentence
    assert "'bare'" not in sentence


def test_a_window_of_pixels_alone_says_nothing(make_napari_viewer_proxy):
    window = make_napari_viewer_proxy(show=True).__wrapped__
    window.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    assert messages_of(lambda: [window.add_image(NOISE, name=name) for name in "ab"]) == []
