from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import trimesh
from napari.layers import Layer, Surface

from napari_snpore.errors import InputError
from napari_snpore.files import read_tilt_series, read_volume
from napari_snpore.measurement.objects import label_objects, measure_objects
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.open.writers import (
    write_features,
    write_other,
    write_surface_layer,
    write_tiff,
)
from napari_snpore.viewer.shared.layers import objects_data, phases_data, series_data
from napari_snpore.volume import Volume


def state_of(data):
    """What napari hands to a writer: the data and the layer's own state, units as pint units."""
    layer = Layer.create(*data)
    full, meta, _ = layer.as_layer_data_tuple()
    return full, meta


def test_phases_keep_voxel_size_origin_and_labels(tmp_path, drawn_phases):
    data, meta = state_of(phases_data(drawn_phases, "phases"))
    (path,) = write_tiff(str(tmp_path / "phases.tif"), data, meta)
    back = read_volume(path)
    assert np.array_equal(back.data, drawn_phases.data)
    assert back.spacing == pytest.approx(drawn_phases.spacing)
    assert back.origin == pytest.approx(drawn_phases.origin)
    assert back.data.dtype == np.uint8


@pytest.mark.parametrize("suffix", [".nrrd", ".mrc", ".ome.zarr"])
def test_phases_in_other_formats(tmp_path, drawn_phases, suffix):
    data, meta = state_of(phases_data(drawn_phases, "phases"))
    (path,) = write_other(str(tmp_path / f"phases{suffix}"), data, meta)
    back = read_volume(path)
    assert np.array_equal(np.asarray(back.data), drawn_phases.data)
    assert back.spacing == pytest.approx(drawn_phases.spacing)
    assert back.origin == pytest.approx(drawn_phases.origin)
    series = TiltSeries(np.ones((3, 4, 5), np.float32), [-5.5, 0.0, 7.25], 0.9)
    with pytest.raises(InputError, match=r"these are: \.tif"):
        write_other(str(tmp_path / f"s{suffix}"), *state_of(series_data(series, "tilts")))


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".glb"])
def test_a_surface_is_written_where_it_is_shown(tmp_path, suffix):
    box = trimesh.creation.box((2, 2, 2))
    layer = Surface(
        (box.vertices[:, ::-1], box.faces[:, ::-1]),
        scale=(1, 2, 3),
        translate=(10, 20, 30),
        units=("um", "nm", "nm"),
    )
    full, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_surface_layer(str(tmp_path / f"a{suffix}"), full, meta)
    mesh = trimesh.load(path, force="mesh")
    low, high = mesh.bounds
    assert low == pytest.approx([30 - 3, 20 - 2, 9000])  # x, y, z in nm
    assert high == pytest.approx([30 + 3, 20 + 2, 11000])
    assert mesh.volume == pytest.approx(6 * 4 * 2000)


def test_series_is_written_with_its_angles(tmp_path):
    series = TiltSeries(np.ones((3, 4, 5), np.float32), [-5.5, 0.0, 7.25], 0.9)
    data, meta = state_of(series_data(series, "tilts"))
    (path,) = write_tiff(str(tmp_path / "tilts.tif"), data, meta)
    back = read_tilt_series(path)
    assert back.angles_deg.tolist() == [-5.5, 0.0, 7.25]
    assert back.pixel_size_nm == pytest.approx(0.9)


def test_a_turned_series_keeps_its_axis_and_replaces_what_napari_asked_to_replace(tmp_path):
    for value, angles in ((1, [-5.5, 0.0, 7.25]), (2, [-6.0, 0.0, 6.0])):
        series = TiltSeries(np.full((3, 4, 5), value, np.float32), angles, 0.9, 30.0)
        data, meta = state_of(series_data(series, "tilts"))
        (path,) = write_tiff(str(tmp_path / "tilts.tif"), data, meta)
    back = read_tilt_series(path)
    assert back.tilt_axis_angle_deg == 30.0
    assert back.angles_deg.tolist() == [-6.0, 0.0, 6.0]
    assert (np.asarray(back.images) == 2).all()


def test_features_are_written_without_the_background_row(tmp_path, drawn_phases):
    objects = label_objects(drawn_phases.data == 3)
    table = measure_objects(objects, spacing=drawn_phases.spacing)
    volume = Volume(objects, drawn_phases.spacing)
    data, meta = state_of(objects_data(volume, table, "objects", phase="Sn"))
    (path,) = write_features(str(tmp_path / "objects.csv"), data, meta)
    back = pd.read_csv(path)
    assert back["label"].tolist() == [1, 2, 3]
    assert sorted(back["voxel_count"]) == [1, 8, 8]
    assert "index" not in back


def test_labels_without_objects_have_no_table_to_write(tmp_path):
    with pytest.raises(InputError, match="measure it first"):
        write_features(
            str(tmp_path / "x.csv"),
            np.zeros((2, 2, 2), np.uint8),
            {"name": "empty", "features": pd.DataFrame()},
        )
    assert not (tmp_path / "x.csv").exists()


def test_a_layer_without_voxel_size_is_not_written(tmp_path):
    data, meta = state_of((np.zeros((2, 3, 4), np.uint8), {"name": "bare"}, "image"))
    with pytest.raises(InputError, match="no voxel size"):
        write_tiff(str(tmp_path / "bare.tif"), data, meta)
    assert not (tmp_path / "bare.tif").exists()
