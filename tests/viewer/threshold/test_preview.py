"""The preview paints what *Apply* labels: counted value by value, with napari's own colormap
arithmetic.
"""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtWidgets import QWidget

from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.threshold.preview import (
    PhasePreview,
    is_exact,
    preview_colormap,
    preview_limits,
)

FOUR = PhaseScheme(("a", "b", "c", "d"), ("#000000", "#ff0000", "#00ff00", "#0000ff"))
TWO = PhaseScheme(("pore", "solid"), ("#ffffff", "#2f6db5"))


def painted(values, thresholds, scheme):
    """Return the phase (0, 1, ...) whose colour each value gets."""
    limits = preview_limits(values.dtype, thresholds)
    colormap = preview_colormap(scheme, thresholds, limits)
    share = np.clip((values.astype(np.float64) - limits[0]) / (limits[1] - limits[0]), 0, 1)
    colors = colormap.map(share)[:, :3]
    palette = np.array([[int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)] for c in scheme.colors])
    return np.abs(colors[:, None] - palette[None]).sum(axis=2).argmin(axis=1)


@pytest.mark.parametrize("thresholds", [(80, 200), (80.5, 81), (0.2, 254.1), (100.0, 100.2)])
def test_every_uint8_value_gets_its_phase(thresholds):
    values = np.arange(256, dtype=np.uint8)
    t1, t2 = thresholds
    expected = (values >= t1).astype(int) + (values >= t2)
    np.testing.assert_array_equal(painted(values, thresholds, PORE_C_SN), expected)


def test_every_int16_value_gets_its_phase():
    values = np.arange(-32768, 32768).astype(np.int16)
    expected = (values >= -120).astype(int) + (values >= 7000)
    np.testing.assert_array_equal(painted(values, (-120, 7000), PORE_C_SN), expected)


def test_one_threshold_parts_two_phases_exactly():
    values = np.arange(65536).astype(np.uint16)
    np.testing.assert_array_equal(painted(values, (40_000,), TWO), values >= 40_000)


def test_float32_is_exact_to_its_spacing():
    t1, t2 = 0.48, 6.1
    near = [np.float32(t1), np.float32(t2)]
    values = np.array(
        [
            0,
            np.nextafter(near[0], np.float32(0)),
            near[0],
            3.0,
            np.nextafter(near[1], np.float32(0)),
            near[1],
            12,
        ],
        np.float32,
    )
    expected = (values >= np.float64(t1)).astype(int) + (values >= np.float64(t2))
    np.testing.assert_array_equal(painted(values, (t1, t2), PORE_C_SN), expected)


def test_inner_thresholds_lie_within_a_thousandth_of_the_range():
    values = np.linspace(0, 1000, 100_001).astype(np.float32)
    expected = np.searchsorted([100, 400, 900], values, side="right")
    wrong = values[painted(values, (100, 400, 900), FOUR) != expected]
    assert np.abs(wrong - 400).max(initial=0) <= 800 / 1024


def test_which_types_are_exact():
    assert all(is_exact(dtype) for dtype in ("uint8", "int16", "uint16", "float32", "bool"))
    assert not any(is_exact(dtype) for dtype in ("float64", "int32", "uint64"))


@pytest.fixture
def source(viewer):
    data = np.random.default_rng(0).normal(size=(260, 6, 5)).astype(np.float32)
    return viewer.add_image(data, name="fibre · SIRT 50", scale=(2, 3, 4), units=("nm",) * 3)


@pytest.fixture
def preview(viewer, qtbot):
    owner = QWidget()
    qtbot.addWidget(owner)
    preview = PhasePreview(viewer, owner)
    preview.owner = owner
    return preview


def test_preview_shares_the_array_and_the_place(viewer, source, preview):
    contrast = tuple(source.contrast_limits)
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    layer = preview.layer
    assert isinstance(layer, Image)
    assert layer.data is source.data
    assert layer.name == "fibre · preview"
    assert kind_of(layer) == "preview"
    assert list(viewer.layers) == [source, layer]
    np.testing.assert_array_equal(layer.scale, source.scale)
    assert layer.interpolation2d == layer.interpolation3d == "nearest"
    assert layer.rendering == "translucent"
    assert tuple(source.contrast_limits) == contrast
    assert viewer.layers.selection.active is source


def test_a_preview_is_known_by_its_volume_and_its_values(viewer, source, preview):
    assert not preview.shows(source)
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    assert preview.shows(source)
    assert not preview.shows(None)
    source.data = source.data + 1
    assert not preview.shows(source), "it is of older values"


def test_pores_are_white_in_2d_and_clear_in_3d(viewer, source, preview):
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    np.testing.assert_array_equal(preview.layer.colormap.low_color, [1, 1, 1, 1])
    viewer.dims.ndisplay = 3
    assert preview.layer.colormap.low_color[3] == 0


def test_coarse_only_in_3d_and_back_again(viewer, source, preview):
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    preview.coarsen(True)
    assert preview.layer.data.shape == (260, 6, 5)
    viewer.dims.ndisplay = 3
    preview.coarsen(True)
    assert preview.layer.data.shape == (87, 2, 2)  # every third voxel: 260 / 3 is under 128
    np.testing.assert_array_equal(preview.layer.scale, (6, 9, 12))
    assert preview.layer.name.endswith("(coarse)")
    assert not source.visible, "the full volume is not drawn with every frame of a drag"
    preview.coarsen(False)
    assert source.visible
    assert preview.layer.data is source.data
    np.testing.assert_array_equal(preview.layer.scale, (2, 3, 4))


@pytest.mark.parametrize("by_hand", [True, False])
def test_volume_comes_back_where_the_preview_goes_during_a_drag(viewer, source, preview, by_hand):
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    viewer.dims.ndisplay = 3
    preview.coarsen(True)
    if by_hand:
        viewer.layers.remove(preview.layer)
    else:
        preview.hide()
    assert source.visible
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    assert preview.layer.data is source.data


def test_preview_goes_with_its_volume(viewer, source, preview):
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    viewer.layers.remove(source)
    assert len(viewer.layers) == 0
    assert preview.layer is None


def test_preview_removed_by_hand_can_come_again(viewer, source, preview):
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    viewer.layers.remove(preview.layer)
    preview.show(source, (0.0, 1.0), PORE_C_SN)
    assert len(viewer.layers) == 2
