"""Thick slices: which whole voxels they take, what the views show of them, and what a profile
reads.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel

from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
from napari_snpore.viewer.slices.planes import PLANES
from napari_snpore.viewer.slices.slab import SlabThickness
from napari_snpore.volume import Volume
from tests.viewer.mouse import opened, settle
from tests.viewer.slices.test_ortho_slices import shown_plane

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def noise(shape=(20, 30, 40)):
    return Volume(np.random.default_rng(1).random(shape).astype(np.float32), SPACING, ORIGIN)


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 900)
    return viewer


@pytest.mark.parametrize("place", [7.0, 7.2, 6.8, 7.49, 0.0])
@pytest.mark.parametrize(
    ("thickness", "count"), [(0.0, 1), (0.5, 1), (0.74, 1), (0.76, 2), (1.0, 2), (1.5, 3), (2.0, 4)]
)
def test_the_voxels_nearest_to_the_cross_hair_are_taken(place, thickness, count):
    thick = SlabThickness("mean", thickness, SPACING, ORIGIN)
    point = ORIGIN[0] + place * SPACING[0]
    first = thick.first(0, point)
    taken = np.arange(first, first + thick.count(0))
    assert taken.size == count
    others = np.setdiff1d(np.arange(-30, 60), taken)
    assert np.abs(taken - place).max() <= np.abs(others - place).min() + 1e-9, (
        "none that is left out lies nearer"
    )


def test_words_say_what_is_projected():
    assert (
        SlabThickness("mean", 1.6, (0.5,) * 3, (0.0,) * 3).words(PLANES)
        == "mean over 3 slices, 1.5 nm"
    )
    assert SlabThickness("max", 0.5, SPACING, ORIGIN).words(PLANES) == (
        "maximum over XY 1 slice, 0.5 nm; ZY 3 slices, 0.6 nm; XZ 2 slices, 0.5 nm"
    )


@pytest.mark.parametrize("voxel", [10.0, 10.3])
def test_each_view_shows_numpy_s_projection(window, voxel):
    volume = noise()
    add_layer(window, volume_data(volume, "noise"))
    labels = np.random.default_rng(2).integers(1, 4, volume.shape, dtype=np.uint8)
    add_layer(window, phases_data(Volume(labels, SPACING, ORIGIN), "phases"))
    fine = Volume(np.zeros((5, 5, 5), np.float32), tuple(s / 10 for s in SPACING), ORIGIN)
    add_layer(
        window, volume_data(fine, "fine")
    )  # napari keeps to the finest grid: now the cross-hair can be between voxels
    widget = opened(window)
    widget.layer = window.layers["noise"]
    widget.position = tuple(o + voxel * s for o, s in zip(ORIGIN, SPACING, strict=True))
    voxel = round(voxel)  # the position is that of the voxel that is shown
    assert widget.position[0] == pytest.approx(1.0 + voxel * 0.5)
    for way, project in (("mean over", np.mean), ("maximum over", np.max)):
        widget.thick_way.setCurrentText(way)
        for thickness in (0.5, 1.0, 1.5, 2.0):
            widget.thickness.setValue(thickness)
            settle(0.05)
            for name, axis in (("XY", 0), ("XZ", 1), ("ZY", 2)):
                away = np.abs(
                    np.arange(volume.shape[axis]) - voxel - 1e-4
                )  # of two as near the one behind
                count = max(1, round(thickness / SPACING[axis] + 1e-9))
                taken = np.sort(np.argsort(away)[:count])
                if voxel == 10.0 and count % 2 == 0:
                    taken = np.arange(
                        10 - count // 2, 10 + count // 2
                    )  # a draw: the side is a matter of taste
                wanted = project(np.take(volume.data, taken, axis), axis=axis)
                shown = shown_plane(widget.linked.views[name])
                np.testing.assert_allclose(shown.T if name == "ZY" else shown, wanted, rtol=1e-5)
    copy = widget.linked.views["XY"].model.layers["phases"]
    np.testing.assert_array_equal(copy._slice.image.raw, labels[10], "labels stay single slices")


def test_the_thickness_stays_when_all_layers_are_exchanged(window):
    add_layer(window, volume_data(noise(), "noise"))
    widget = opened(window)
    widget.thickness.setValue(1.5)
    widget.thick_way.setCurrentText("mean over")
    window.layers.clear()
    settle(0.1)
    volume = noise((21, 30, 40))
    add_layer(window, volume_data(volume, "again"))
    widget.position = (1.0 + 8 * 0.5, 5.0, 5.0)
    settle(0.1)
    np.testing.assert_allclose(
        shown_plane(widget.linked.views["XY"]), volume.data[7:10].mean(axis=0), rtol=1e-5
    )


def test_the_labels_of_the_rows_are_words_and_no_names_of_code(window):
    widget = opened(window)
    labels = [label.text() for label in widget.findChildren(QLabel)]
    assert "Thick slice (nm)" in labels
    assert not [label for label in labels if re.match(r"[A-Z][a-z]+[A-Z][a-z]", label)]
