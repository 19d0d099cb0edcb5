from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels, Layer

from napari_snpore.errors import FileFormatError, MissingScaleError
from napari_snpore.files import write_volume
from napari_snpore.files.image_input import parse_input
from napari_snpore.measurement.objects import label_objects
from napari_snpore.segmentation.phases import segment
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.open.readers import get_reader, read
from napari_snpore.viewer.open.steps import layer_of
from napari_snpore.volume import Volume


@pytest.fixture
def block():
    return Volume(np.arange(60, dtype=np.uint16).reshape(3, 4, 5), (0.4, 0.3, 0.2), (1.0, 2.0, 3.0))


def opened(path):
    reader = get_reader(str(path))
    assert reader is not None
    return [Layer.create(*data) for data in reader(str(path))]


@pytest.mark.parametrize("name", ["block.tif", "block.ome.zarr", "block.mrc"])
def test_volumes_open_named_and_scaled(tmp_path, block, name):
    (layer,) = opened(write_volume(tmp_path / name, block))
    assert layer.name == "block"
    assert np.array_equal(np.asarray(layer.data), block.data)
    assert layer.scale == pytest.approx(block.spacing, rel=1e-5)
    assert {str(unit) for unit in layer.units} == {"nanometer"}


@pytest.mark.parametrize("name", ["phases.tif", "phases.ome.zarr"])
def test_a_file_of_phases_opens_as_phases(tmp_path, block, name):
    made = segment(block, (10, 30))
    (layer,) = opened(write_volume(tmp_path / name, made))
    assert isinstance(layer, Labels)
    assert np.array_equal(np.asarray(layer.data), made.data)
    assert layer.features["phase"].tolist() == ["exterior", "pore", "C", "Sn"]
    (objects,) = opened(
        write_volume(
            tmp_path / f"objects_{name}", label_objects(replace(made, data=made.data == 3))
        )
    )
    assert isinstance(objects, Image), "labelled objects need their table"


def test_a_tiff_stack_without_voxel_size_is_taken_and_asked_about(tmp_path):
    tifffile.imwrite(
        tmp_path / "plain.tif", np.zeros((7, 4, 5), np.uint8), photometric="minisblack"
    )
    reader = get_reader(str(tmp_path / "plain.tif"))
    with pytest.raises(MissingScaleError, match=r"plain\.tif"):  # with a window the question opens
        reader(str(tmp_path / "plain.tif"))


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_tiff_pictures_are_left_to_napari(tmp_path, shape):
    photometric = "rgb" if shape[-1] == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros(shape, np.uint8), photometric=photometric)
    assert get_reader(str(tmp_path / "plain.tif")) is None


def test_a_damaged_file_of_a_format_that_is_ours_alone_is_taken_to_say_so(tmp_path):
    (tmp_path / "half.mrc").write_bytes(b"no volume")
    reader = get_reader(str(tmp_path / "half.mrc"))
    with pytest.raises(FileFormatError, match=r"half\.mrc"):
        reader(str(tmp_path / "half.mrc"))


@pytest.mark.parametrize("name", ["nothing.mrc", "notes.txt", "photo.png", ""])
def test_what_is_not_ours_is_declined_without_an_error(tmp_path, name):
    assert get_reader(str(tmp_path / name)) is None


def test_a_damaged_tiff_that_nobody_can_read_is_taken_to_say_so(tmp_path):
    path = tmp_path / "broken.tif"
    path.write_bytes(b"II*\0" + b"\xff" * 20)
    reader = get_reader(str(path))
    with pytest.raises(FileFormatError, match=r"broken\.tif holds no image"):
        reader(str(path))


def test_a_series_with_angles_beside_it_opens_as_a_series(tmp_path):
    series = TiltSeries(
        np.random.default_rng(0).random((5, 6, 7), np.float32), [-20, -10, 0, 10, 20], 0.5
    )
    (layer,) = opened(write_tilts(tmp_path / "tilts.tif", series))
    assert layer.axis_labels == ("tilt", "y", "x")
    assert layer.metadata["napari_snpore"]["angles_deg"] == [-20, -10, 0, 10, 20]
    assert layer.scale == pytest.approx((0.5, 0.5, 0.5))


def test_missing_voxel_size_without_a_window_is_one_sentence(tmp_path):
    np.save(tmp_path / "bare.npy", np.zeros((3, 4, 5), np.float32))
    with pytest.raises(MissingScaleError, match=r"bare\.npy"):
        read(str(tmp_path / "bare.npy"))


def test_given_voxel_size_is_used(tmp_path):
    np.save(tmp_path / "bare.npy", np.zeros((3, 4, 5), np.float32))
    _, meta, kind = layer_of(parse_input(tmp_path / "bare.npy"), "volume", spacing_nm=0.25)
    assert kind == "image"
    assert meta["scale"] == (0.25, 0.25, 0.25)


def test_an_image_file_that_lacks_angles_opens_with_those_given(tmp_path):
    np.save(tmp_path / "bare.npy", np.zeros((3, 4, 5), np.float32))
    source = parse_input(tmp_path / "bare.npy")
    _, meta, _ = layer_of(source, "tilt series", spacing_nm=0.25, angles_deg=[-1.0, 0.0, 1.0])
    assert meta["metadata"]["napari_snpore"]["angles_deg"] == [-1.0, 0.0, 1.0]


def test_a_stack_whose_first_axis_is_time_opens_as_images_in_time(tmp_path):
    images = np.random.default_rng(0).integers(0, 99, (5, 12, 16)).astype(np.uint8)
    meta = {"axes": "TYX", "finterval": 20.0, "unit": "nm"}
    tifffile.imwrite(
        tmp_path / "movie.tif", images, imagej=True, resolution=(2.0, 2.0), metadata=meta
    )
    (layer,) = opened(tmp_path / "movie.tif")
    assert layer.axis_labels == ("frame", "y", "x")
    assert layer.scale == pytest.approx((0.5, 0.5, 0.5))
    assert layer.metadata["napari_snpore"]["times_s"] == [0, 20, 40, 60, 80]


def test_a_z_stack_with_a_frame_interval_stays_a_volume(tmp_path):
    meta = {"axes": "ZYX", "finterval": 20.0, "unit": "nm", "spacing": 0.5}
    tifffile.imwrite(
        tmp_path / "z.tif",
        np.zeros((5, 12, 16), np.uint8),
        imagej=True,
        resolution=(2.0, 2.0),
        metadata=meta,
    )
    (layer,) = opened(tmp_path / "z.tif")
    assert layer.axis_labels == ("z", "y", "x")
