"""Layers with levels of resolution: every step takes the full one. The coarser levels here hold
values that no voxel of the volume has, so that a step which took what is displayed would be found.
"""

from __future__ import annotations

import json

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_snpore.files import read_volume, write_volume
from napari_snpore.history import SCHEMA, ReconstructStep
from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.edits.watch import edits_of
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.open.readers import read
from napari_snpore.viewer.open.run_layers import run_layers
from napari_snpore.viewer.open.writers import write_other, write_tiff
from napari_snpore.viewer.shared import layers
from napari_snpore.viewer.shared.layers import (
    add_layer,
    array_from_layer,
    phases_data,
    put_layer,
    same_array,
    volume_data,
)
from napari_snpore.viewer.slices.voxel_text import voxel_words
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.viewer.window.restore import read_window, restore_window
from napari_snpore.viewer.window.save import save_window
from napari_snpore.volume import Volume
from tests.viewer.mouse import opened, settle

SPACING, ORIGIN = (0.5, 0.25, 0.25), (1.0, 2.0, 3.0)
WRONG = 99


@pytest.fixture(autouse=True)
def small_volumes_are_large(monkeypatch):
    monkeypatch.setattr(layers, "LARGEST_WHOLE", 100)
    monkeypatch.setattr("napari_snpore.viewer.open.run_layers.LARGEST_WHOLE", 100)


def wrong_levels(data):
    return [np.full_like(data[::2, ::2, ::2], WRONG), np.full_like(data[::4, ::4, ::4], WRONG)]


def steps_data(dtype=np.float32, *, lazy=True):
    """0, 1, ..., 11 along x: 4 × 5 voxels of each grey value."""
    data = np.broadcast_to(np.arange(12, dtype=dtype), (4, 5, 12)).copy()
    volume = Volume(da.from_array(data, chunks=(2, 5, 12)) if lazy else data, SPACING, ORIGIN)
    return volume_data(volume, "fibre", levels=wrong_levels(data))


def drawn_data(drawn, *, lazy=True):
    data = da.from_array(drawn.data, chunks=(4, 12, 14)) if lazy else drawn.data
    volume = Volume(data, drawn.spacing, drawn.origin)
    return phases_data(volume, "fibre · phases", levels=wrong_levels(drawn.data))


def test_a_large_store_opens_with_its_levels_and_a_small_one_without(tmp_path, monkeypatch):
    data = np.random.default_rng(0).random((3, 30, 600), np.float32)
    write_volume(tmp_path / "a.ome.zarr", Volume(data, SPACING, ORIGIN))
    ((shown, meta, kind),) = read(str(tmp_path / "a.ome.zarr"))
    assert (kind, meta["multiscale"], len(shown)) == ("image", True, 3)
    layer = Image(shown, **meta)
    assert layer.multiscale
    assert layer.scale == pytest.approx(SPACING)
    np.testing.assert_array_equal(np.asarray(array_from_layer(layer)), data)
    assert np.asarray(shown[1])[0, 0, 0] == pytest.approx(data[:2, :2, :2].mean())
    monkeypatch.setattr(layers, "LARGEST_WHOLE", data.size)
    ((shown, meta, _),) = read(str(tmp_path / "a.ome.zarr"))
    assert "multiscale" not in meta
    assert shown.shape == data.shape


def test_contrast_is_that_of_the_body_where_the_first_plane_is_vacuum():
    data = np.zeros((20, 20, 20), np.float32)
    data[5:15, 5:15, 5:15] = 3.0
    data[0, 0] = np.nan
    lazy = da.from_array(data, chunks=10)
    shown, meta, _ = volume_data(Volume(lazy, SPACING), "fibre", levels=[lazy[::2, ::2, ::2]])
    assert tuple(Image(shown, **meta).contrast_limits) == (0, 3)


def test_a_run_opens_with_levels_of_volume_and_phases(tmp_path, viewer):
    labels = np.random.default_rng(0).choice([1, 2, 3], (3, 30, 600)).astype(np.uint8)
    folder = tmp_path / "run"
    (folder / "volumes").mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"schema": SCHEMA}), encoding="utf-8")
    gray = Volume(labels.astype(np.float32), SPACING, ORIGIN, (ReconstructStep("sirt", 50).step,))
    write_volume(folder / "volumes" / "reconstruction.ome.zarr", gray)
    write_volume(folder / "volumes" / "phases.ome.zarr", Volume(labels, SPACING, ORIGIN))
    for one in run_layers(folder):
        layer = add_layer(viewer, one)
        assert layer.multiscale
        assert len(layer.data) == 3
        np.testing.assert_array_equal(np.asarray(array_from_layer(layer)), labels)
    assert isinstance(viewer.layers[1], Labels)
    np.testing.assert_array_equal(np.asarray(viewer.layers[1].data[2]), labels[::4, ::4, ::4])
    assert edits_of(viewer.layers[1]) is None, "napari does not paint on levels"


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_histogram_fractions_and_phases_are_of_the_volume(viewer, qtbot, dtype, lazy):
    add_layer(viewer, steps_data(dtype, lazy=lazy))
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    widget.thresholds = (3, 9)
    widget.counting.wait()
    assert widget.histogram.counts.sum() == 4 * 5 * 12
    assert widget.histogram.maximum == 11
    # of floating-point values the classes of the histogram are wider than the steps
    exact = {"abs": 0.03} if dtype == np.float32 else {}
    assert widget.fractions == pytest.approx((3 / 12, 6 / 12, 3 / 12), **exact)
    phases = widget.apply()
    assert np.bincount(np.asarray(phases.data).ravel()).tolist() == [0, 60, 120, 60]


def test_the_preview_shows_the_levels_of_its_volume(viewer, qtbot):
    source = add_layer(viewer, steps_data())
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    widget.thresholds = (3, 9)
    widget.counting.wait()
    preview = next(layer for layer in viewer.layers if layers.kind_of(layer) == "preview")
    assert preview.multiscale
    assert same_array(preview, source)


@pytest.mark.parametrize("lazy", [False, True])
def test_objects_are_those_of_the_phases(viewer, qtbot, drawn_phases, lazy):
    gray = np.where(drawn_phases.data == 3, 12.0, 1.0).astype(np.float32)
    add_layer(
        viewer,
        volume_data(Volume(gray, drawn_phases.spacing), "fibre", levels=wrong_levels(gray)),
    )
    add_layer(viewer, drawn_data(drawn_phases, lazy=lazy))
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    widget.with_gray.setChecked(True)
    table = widget.measure()
    assert sorted(table["voxel_count"]) == [1, 8, 8]
    assert table["intensity_mean"].tolist() == [12.0] * 3
    shares = widget.fractions.query("region == 'whole'").set_index("name")["fraction_percent"]
    assert shares["Sn"] == pytest.approx(100 * 17 / (8 * 10 * 12))
    assert len(widget.dead_pores) == 3


def test_boxes_count_and_cut_the_full_resolution(viewer, qtbot, drawn_phases):
    gray = drawn_phases.data.astype(np.float32)
    volume = Volume(gray, drawn_phases.spacing, drawn_phases.origin)
    add_layer(viewer, volume_data(volume, "fibre", levels=wrong_levels(gray)))
    add_layer(viewer, drawn_data(drawn_phases))
    widget = SubvolumeWidget(viewer)
    qtbot.addWidget(widget)
    widget.put("mine", center_nm=(3.0, 3.5, 4.5), size_nm=1.0)
    for part in widget.extract("mine"):
        assert not getattr(part, "multiscale", False)
        values = np.asarray(part.data)
        start = np.rint((part.translate - drawn_phases.origin) / drawn_phases.spacing).astype(int)
        place = tuple(slice(k, k + n) for k, n in zip(start, values.shape, strict=True))
        np.testing.assert_array_equal(values, drawn_phases.data[place])


def test_saved_windows_hold_the_full_resolution(viewer, tmp_path, drawn_phases):
    _, meta, _ = steps_data()
    add_layer(viewer, steps_data())
    add_layer(viewer, drawn_data(drawn_phases))
    save_window(viewer, tmp_path / "window")
    again = type(viewer)()
    restore_window(again, read_window(tmp_path / "window"))
    assert [layer.multiscale for layer in again.layers] == [False, False]
    assert again.layers[0].data[0, 0].tolist() == list(range(12))
    np.testing.assert_array_equal(again.layers[1].data, drawn_phases.data)
    assert again.layers[0].scale == pytest.approx(meta["scale"])


@pytest.mark.parametrize("name", ["a.tif", "a.ome.zarr", "a.nrrd"])
def test_files_hold_the_full_resolution(tmp_path, drawn_phases, name):
    data, meta, _ = drawn_data(drawn_phases)
    layer = Labels(data, **meta)
    full, state, _ = layer.as_layer_data_tuple()
    (write_tiff if name.endswith(".tif") else write_other)(str(tmp_path / name), full, state)
    np.testing.assert_array_equal(np.asarray(read_volume(tmp_path / name)), drawn_phases.data)


def test_a_result_takes_the_place_of_levels_of_the_same_name(viewer, drawn_phases):
    add_layer(viewer, drawn_data(drawn_phases))
    layer = put_layer(viewer, phases_data(drawn_phases, "fibre · phases"))
    assert list(viewer.layers) == [layer]
    assert not layer.multiscale
    np.testing.assert_array_equal(layer.data, drawn_phases.data)


def test_voxels_and_slices_in_the_window_are_of_the_full_resolution(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1500, 950)
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32), (20, 30, 40)).copy()
    volume = Volume(ramp, (0.5, 0.25, 0.2))
    add_layer(viewer, volume_data(volume, "ramp", levels=wrong_levels(ramp)))
    widget = opened(viewer)
    widget.position = (3.0, 4.0, 5.0)
    assert "value 25" in voxel_words(viewer.layers["ramp"], widget.position)
    copy = widget.linked.views["XY"].model.layers[0]
    assert copy.multiscale
    assert same_array(copy, viewer.layers["ramp"])
    widget.oblique.expand(animate=False)
    widget.oblique.tilt.setValue(30)
    widget.oblique.wait()
    settle(0.1)
    assert np.nanmax(widget.oblique.slice.image) <= 39
    viewer.dims.ndisplay = 3
    settle(0.1)
    assert viewer.layers["ramp"].data_level == 2, "napari shows the coarsest level in 3D"
