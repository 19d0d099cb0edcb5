"""The planes of the slices, and the oblique one, in napari's own 3D view: what they show, and what
comes and goes with them.
"""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
from napari_snpore.volume import Volume
from tests.viewer.mouse import opened, settle
from tests.viewer.slices.test_ortho_slices import ORIGIN, SPACING, ramp


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 900)
    return viewer


def add_both(window):
    labels = np.random.default_rng(0).integers(0, 4, (20, 30, 40), dtype=np.uint8)
    gray = add_layer(window, volume_data(ramp(), "ramp"))
    return gray, add_layer(window, phases_data(Volume(labels, SPACING, ORIGIN), "phases"))


def test_the_planes_of_phases_keep_their_colours_and_nothing_covers_them(window):
    gray, phases = add_both(window)
    widget = opened(window)
    widget.layer = phases
    widget.in_scene.setChecked(True)
    widget.position = (1.0 + 7 * 0.5, 5.0, 5.0)
    plane = window.layers["XY plane"]
    assert isinstance(plane, Labels)
    np.testing.assert_array_equal(plane.data[0], phases.data[7])
    assert plane.colormap == phases.colormap
    assert not gray.visible
    assert not phases.visible
    assert [one.visible for one in widget.linked.views["XY"].model.layers] == [True, True], (
        "the slices show both"
    )
    widget.layer = gray
    assert isinstance(window.layers["XY plane"], Image)
    widget.in_scene.setChecked(False)
    assert gray.visible
    assert phases.visible


def test_the_others_stay_right_when_one_plane_is_deleted(window):
    gray = add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.in_scene.setChecked(True)
    window.layers.remove(window.layers["XY plane"])
    widget.position = (1.0 + 7 * 0.5, 2.0 + 11 * 0.25, 3.0 + 5 * 0.2)
    np.testing.assert_array_equal(window.layers["ZY plane"].data[:, :, 0], gray.data[:, :, 5])
    np.testing.assert_array_equal(window.layers["XZ plane"].data[:, 0], gray.data[:, 11])
    for name in ("ZY plane", "XZ plane"):
        window.layers.remove(window.layers[name])
    assert not widget.in_scene.isChecked()
    assert gray.visible


def test_only_the_planes_that_move_are_cut_anew(window):
    gray = add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.position = (1.0 + 7 * 0.5, 2.0 + 11 * 0.25, 3.0 + 5 * 0.2)
    widget.in_scene.setChecked(True)
    cut, sliced = [], []
    for name in ("XY plane", "ZY plane", "XZ plane"):
        window.layers[name].events.data.connect(lambda event: cut.append(event.source.name))
    window.dims.events.range.connect(sliced.append)
    widget.linked.fit()
    widget.maximized = "XY"
    widget.maximized = ""
    settle()
    assert cut == []
    widget.position = (1.0 + 7 * 0.5, 2.0 + 11 * 0.25, 3.0 + 6 * 0.2)
    assert set(cut) == {"ZY plane"}
    assert sliced == [], "napari would slice all layers anew"
    np.testing.assert_array_equal(window.layers["ZY plane"].data[:, :, 0], gray.data[:, :, 6])
    assert window.layers["ZY plane"].translate[2] == pytest.approx(3.0 + 6 * 0.2)


def test_the_planes_follow_data_and_scale_and_go_with_their_layer(window):
    gray, phases = add_both(window)
    widget = opened(window)
    widget.layer = gray
    widget.in_scene.setChecked(True)
    gray.data = gray.data + 1_000_000
    assert window.layers["XY plane"].data.min() >= 1_000_000
    gray.scale = (1.0, 1.0, 1.0)
    assert window.layers["ZY plane"].scale.tolist() == [1, 1, 1]
    window.layers.remove(gray)
    assert not widget.in_scene.isChecked()
    assert [one.name for one in window.layers] == ["phases"]
    assert phases.visible


def test_the_oblique_plane_has_the_look_of_its_layer_and_stays_deleted(window):
    gray, phases = add_both(window)
    widget = opened(window)
    widget.layer = gray
    widget.oblique.expand(animate=False)
    widget.oblique.wait()
    widget.oblique.in_scene.setChecked(True)
    settle(0.1)
    gray.contrast_limits = (0, 50)
    gray.colormap = "magma"
    plane = window.layers["oblique plane"]
    assert plane.contrast_limits == [0, 50]
    assert plane.colormap.name == "magma"
    widget.layer = phases
    widget.oblique.wait()
    settle(0.1)
    assert isinstance(window.layers["oblique plane"], Labels)
    window.layers.remove(window.layers["oblique plane"])
    assert not widget.oblique.in_scene.isChecked()
    widget.position = (4.0, 5.0, 5.0)
    widget.oblique.wait()
    settle(0.1)
    assert "oblique plane" not in window.layers


def test_the_oblique_plane_stays_what_it_was_cut_from_when_its_layer_goes(window):
    gray, _ = add_both(window)
    widget = opened(window)
    widget.layer = gray
    widget.oblique.expand(animate=False)
    widget.oblique.wait()
    window.layers.remove(gray)  # the phases are chosen in its place; their slice is not there yet
    widget.oblique._work.drop()
    widget.oblique.in_scene.setChecked(True)
    settle(0.1)
    assert isinstance(window.layers["oblique plane"], Image)
