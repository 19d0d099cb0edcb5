"""Cuts through the scene: boxes and planes at any angle, together, in any unit, and what the user
had cut before.
"""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer

from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.scene.clip_panel import ClipPanel
from napari_snpore.viewer.scene.clipping import ClippingCut, clip
from napari_snpore.viewer.scene.widget import SceneWidget
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


@pytest.fixture
def volume(viewer):
    layer = add_layer(
        viewer, volume_data(Volume(np.zeros((12, 16, 20), np.float32), SPACING, ORIGIN), "fibre")
    )
    viewer.dims.set_point(range(3), (3.0, 4.0, 5.0))
    return layer


def kept(layer, points_nm, spacing=SPACING, origin=ORIGIN):
    """Say which points (nm) the planes of a layer keep, napari's way: in voxels, on the side of the
    normal of each.
    """
    voxels = (points_nm - np.array(origin)) / spacing
    sides = [
        (voxels - plane.position) @ np.array(plane.normal) > 0
        for plane in layer.experimental_clipping_planes
    ]
    return np.all(sides, axis=0)


def places(seed=0):
    return np.random.default_rng(seed).uniform((1, 2, 3), (7, 6, 7), (500, 3))


def test_a_box_and_an_oblique_plane_cut_together(viewer, volume):
    boxes_of(viewer).put(NamedBox("centre", (4.0, 4.0, 5.0), (4.0, 2.0, 2.0)))
    panel = ClipPanel(viewer)
    panel.cuts[0].by.setCurrentText("box centre")
    panel.cuts[1].by.setCurrentText("oblique plane")
    panel.cuts[1].tilt.setValue(45.0)  # of XY about x: the normal is half z, half y
    assert len(volume.experimental_clipping_planes) == 7
    found = places()
    z, y, x = found.T
    in_box = (abs(z - 4) < 2) & (abs(y - 4) < 1) & (abs(x - 5) < 1)
    on_one_side = (z - 3) - (y - 4) > 0
    seen = kept(volume, found)
    assert np.array_equal(seen, in_box & on_one_side) or np.array_equal(seen, in_box & ~on_one_side)
    panel.cuts[1].flip.setChecked(True)
    other = kept(volume, found)
    assert not (seen & other).any()
    np.testing.assert_array_equal(seen | other, in_box)


def test_a_plane_beside_the_position_follows_it(viewer, volume, qtbot):
    panel = ClipPanel(viewer)
    panel.by.setCurrentText("plane across y")
    panel.cuts[0].shift.setValue(-0.5)
    found = places()
    np.testing.assert_array_equal(kept(volume, found), found[:, 1] > 3.5)
    viewer.dims.set_point(1, 5.0)
    qtbot.waitUntil(lambda: np.array_equal(kept(volume, found), found[:, 1] > 4.5))


def test_only_the_rows_of_the_choice_are_shown(viewer, volume):
    panel = ClipPanel(viewer)
    row = panel.cuts[0]

    def shown():
        return [
            part
            for part in ("tilt", "turn", "shift", "flip")
            if panel.form.isRowVisible(getattr(row, part))
        ]

    assert shown() == []
    row.by.setCurrentText("plane across z")
    assert shown() == ["shift", "flip"]
    row.by.setCurrentText("oblique plane")
    assert shown() == ["tilt", "turn", "shift", "flip"]


def test_planes_of_the_user_come_back(viewer, volume):
    volume.experimental_clipping_planes = [{"position": (1, 2, 3), "normal": (0, 1, 0)}]
    panel = ClipPanel(viewer)
    panel.apply()
    assert len(volume.experimental_clipping_planes) == 1
    panel.by.setCurrentText("plane across z")
    assert volume.experimental_clipping_planes[0].normal == pytest.approx((1, 0, 0))
    panel.cuts[1].by.setCurrentText("plane across x")
    panel.closed()
    (plane,) = volume.experimental_clipping_planes
    assert (plane.position, plane.normal) == (pytest.approx((1, 2, 3)), pytest.approx((0, 1, 0)))


def test_a_volume_in_micrometres_is_cut_at_the_same_nanometres():
    layer = Layer.create(
        np.zeros((4, 5, 6), np.float32),
        {
            "scale": (0.0005, 0.00025, 0.0002),
            "translate": (0.001, 0.002, 0.003),
            "units": ("um",) * 3,
        },
        "image",
    )
    clip([layer], [ClippingCut((2.0, 3.0, 4.0), (1.0, 2.0, -1.0))])
    found = places()
    np.testing.assert_array_equal(
        kept(layer, found), (found - (2.0, 3.0, 4.0)) @ (1.0, 2.0, -1.0) > 0
    )


def test_a_box_cuts_a_window_in_micrometres(viewer, qtbot):
    um = {
        "scale": (0.0005, 0.00025, 0.0002),
        "translate": (0.001, 0.002, 0.003),
        "units": ("um",) * 3,
    }
    layer = viewer.add_image(np.zeros((12, 16, 20), np.float32), **um)
    panel = ClipPanel(viewer)
    viewer.dims.set_point(range(3), (0.003, 0.004, 0.005))
    found = places()
    panel.by.setCurrentText("plane across z")
    np.testing.assert_array_equal(kept(layer, found), found[:, 0] > 3.0)
    boxes_of(viewer).put(
        NamedBox("centre", (4.0, 4.0, 5.0), (2.0, 2.0, 2.0))
    )  # its layer makes nm the window's unit
    assert viewer.dims.point == pytest.approx((3.0, 4.0, 5.0))
    panel.by.setCurrentText("box centre")
    np.testing.assert_array_equal(
        kept(layer, found), (abs(found - (4.0, 4.0, 5.0)) < 1).all(axis=1)
    )


def test_cuts_are_kept_with_the_window(viewer, volume):
    widget = SceneWidget(viewer)
    widget.clip.cuts[1].by.setCurrentText("oblique plane")
    widget.clip.cuts[1].tilt.setValue(30.0)
    widget.clip.cuts[1].shift.setValue(1.5)
    state = widget.state()
    widget.closed()
    other = SceneWidget(viewer)
    other.set_state(state, {})
    assert other.clip.state() == state["cuts"]
    older = SceneWidget(viewer)
    older.set_state({"cut": "plane across x", "other_side": True}, {})
    assert (older.clip.by.currentText(), older.clip.flip.isChecked()) == ("plane across x", True)
