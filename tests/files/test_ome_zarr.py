"""OME-Zarr of other writers, written by hand after NGFF 0.4 and 0.5: axes, transformations, folders
of several images.
"""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from napari_snpore import Volume, read_image_series, read_volume, write_volume
from napari_snpore.errors import FileFormatError, InputError, MissingScaleError
from napari_snpore.files.image_input import contents_of, parse_input
from napari_snpore.files.ome_zarr import is_ome_zarr

LENGTHS = {"z": 5, "y": 16, "x": 20, "t": 1, "c": 1}
SCALES = {"z": 3.0, "y": 2.0, "x": 1.5, "t": 1.0, "c": 1.0}
TYPES = {"t": "time", "c": "channel"}
STACK = np.arange(5 * 16 * 20, dtype=np.uint16).reshape(5, 16, 20)


def folder(path, version="0.4"):
    return zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)


def state(group, version, **about):
    if version == "0.4":
        group.attrs.update(about)
    else:
        group.attrs["ome"] = {"version": version, **about}


def image(group, axes="zyx", *, steps=None, unit="nanometer", version="0.4", data=None, after=()):
    """Write an image whose values count along (z, y, x), whatever the order of its axes."""
    if data is None:
        present = [axis for axis in "tczyx" if axis in axes]
        data = STACK if "z" in axes else STACK[0]
        data = data.reshape([LENGTHS[axis] for axis in present])
        data = data.transpose([present.index(axis) for axis in axes])
    stored = group.create_array("full", shape=data.shape, chunks=data.shape, dtype=data.dtype)
    stored[...] = data
    named = [
        {
            "name": axis,
            "type": TYPES.get(axis, "space"),
            **({"unit": unit} if axis not in TYPES and unit else {}),
        }
        for axis in axes
    ]
    if steps is None:
        steps = [{"type": "scale", "scale": [SCALES[axis] for axis in axes]}]
    one = {"axes": named, "datasets": [{"path": "full", "coordinateTransformations": steps}]}
    if after:
        one["coordinateTransformations"] = list(after)
    state(group, version, multiscales=[one])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["zyx", "xyz", "yxz", "tczyx", "czyx", "zyxc", "tzyx", "xyzct"])
def test_axes_in_any_order(tmp_path, axes, version):
    image(folder(tmp_path / "a.zarr", version), axes, version=version)
    volume = read_volume(tmp_path / "a.zarr")
    assert np.array_equal(np.asarray(volume.data), STACK)
    assert volume.spacing == (3, 2, 1.5)


def test_sizes_and_places_of_turned_axes_stay_with_them(tmp_path):
    steps = [
        {"type": "scale", "scale": [1.5, 2.0, 3.0]},
        {"type": "translation", "translation": [15, 20, 30]},
    ]
    image(folder(tmp_path / "a.zarr"), "xyz", steps=steps)
    volume = read_volume(tmp_path / "a.zarr")
    assert (volume.spacing, volume.origin) == ((3, 2, 1.5), (30, 20, 15))


def test_images_in_time(tmp_path):
    data = np.arange(3 * 9 * 10, dtype=np.uint8).reshape(3, 9, 10)
    steps = [{"type": "scale", "scale": [0.5, 2, 2]}]
    group = folder(tmp_path / "a.zarr")
    image(group, "tyx", data=data, steps=steps)
    about = list(group.attrs["multiscales"])
    about[0]["axes"][0]["unit"] = "minute"
    group.attrs["multiscales"] = about
    series = read_image_series(tmp_path / "a.zarr")
    assert np.array_equal(np.asarray(series.images), data)
    assert series.times_s.tolist() == [0, 30, 60]
    assert contents_of(parse_input(tmp_path / "a.zarr")).kind == "images in time"


@pytest.mark.parametrize("axes", ["cyx", "czyx"])
def test_several_channels_are_refused(tmp_path, axes):
    shape = [3 if axis == "c" else LENGTHS[axis] for axis in axes]
    image(folder(tmp_path / "a.zarr"), axes, data=np.ones(shape, np.uint8))
    with pytest.raises(FileFormatError, match="3 entries along axis c"):
        read_volume(tmp_path / "a.zarr")


def test_scale_and_translation_in_arrays_of_their_own(tmp_path):
    group = folder(tmp_path / "a.zarr")
    for name, values in (("scale", [4.0, 5, 6]), ("inside/place", [40.0, 50, 60])):
        stored = group.create_array(name, shape=(3,), chunks=(3,), dtype="f8")
        stored[...] = values
    image(
        group,
        steps=[
            {"type": "scale", "path": "scale"},
            {"type": "translation", "path": "inside/place"},
        ],
        after=[{"type": "scale", "scale": [2, 2, 2]}],
    )
    volume = read_volume(tmp_path / "a.zarr")
    assert (volume.spacing, volume.origin) == ((8, 10, 12), (80, 100, 120))


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([{"type": "scale", "scale": [3, 2]}], "2 numbers for 3 axes"),
        ([{"type": "scale", "scale": ["wide", 2, 2]}], "a scale that cannot be read"),
        ([{"type": "scale", "path": "nowhere"}], "a scale that cannot be read"),
        ([{"type": "scale", "path": "short"}], "2 numbers at short, the scale of 3 axes"),
        ([{"type": "affine", "affine": [[1]]}], "a transformation of type affine"),
        ([None], "a transformation of type None"),
    ],
)
def test_transformations_that_are_not_read_are_refused(tmp_path, steps, sentence):
    group = folder(tmp_path / "a.zarr")
    group.create_array("short", shape=(2,), chunks=(2,), dtype="f8")
    image(group, steps=steps)
    with pytest.raises(FileFormatError, match=sentence):
        read_volume(tmp_path / "a.zarr")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_folder_of_bioformats2raw(tmp_path, version):
    path = tmp_path / "b.zarr"
    group = folder(path, version)
    state(group, version, **{"bioformats2raw.layout": 3})
    image(group.create_group("0"), version=version)
    assert is_ome_zarr(path)
    volume = read_volume(path)
    assert np.array_equal(np.asarray(volume.data), STACK)
    assert volume.spacing == (3, 2, 1.5)
    assert "notes" not in volume.history[-1].parameters

    image(group.create_group("1"), version=version, data=STACK + 1)
    volume = read_volume(path)
    assert np.array_equal(np.asarray(volume.data), STACK)
    assert "also there: 1" in volume.history[-1].parameters["notes"][0]
    for second in (read_volume(path, image="1"), read_volume(path / "1")):
        assert np.array_equal(np.asarray(second.data), STACK + 1)
    with pytest.raises(InputError, match="it holds 0, 1"):
        read_volume(path, image="2")

    state(group.create_group("OME"), version, series=["1", "0"])
    assert np.array_equal(np.asarray(read_volume(path).data), STACK + 1)


def test_size_in_the_xml_of_bioformats2raw(tmp_path):
    group = folder(tmp_path / "b.zarr")
    group.attrs["bioformats2raw.layout"] = 3
    image(group.create_group("0"), unit=None)
    group.create_group("OME")
    with pytest.raises(MissingScaleError):
        read_volume(tmp_path / "b.zarr")
    (tmp_path / "b.zarr" / "OME" / "METADATA.ome.xml").write_text(
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" SizeX="20" SizeY="16" SizeZ="5" PhysicalSizeX="0.5" '
        'PhysicalSizeXUnit="nm" PhysicalSizeY="0.6" PhysicalSizeYUnit="nm" PhysicalSizeZ="7" '
        'PhysicalSizeZUnit="\u00c5"/></Image></OME>',
        encoding="utf-8",
    )
    assert read_volume(tmp_path / "b.zarr").spacing == pytest.approx((0.7, 0.6, 0.5))


def test_folders_without_an_image_are_refused(tmp_path):
    group = folder(tmp_path / "a.zarr")
    group.attrs["bioformats2raw.layout"] = 3
    with pytest.raises(FileFormatError, match="without OME-Zarr"):
        read_volume(tmp_path / "a.zarr")
    folder(tmp_path / "p.zarr").attrs["plate"] = {"wells": []}
    with pytest.raises(FileFormatError, match="plate of wells: open one image in it"):
        read_volume(tmp_path / "p.zarr")


@pytest.mark.parametrize("axes", [["z", "y"], ["a", "b", "c"], ["y", "y", "x"], []])
def test_axes_that_do_not_fit_are_refused(tmp_path, axes):
    group = folder(tmp_path / "a.zarr")
    image(group)
    about = list(group.attrs["multiscales"])
    about[0]["axes"] = axes
    group.attrs["multiscales"] = about
    with pytest.raises(FileFormatError, match="axes"):
        read_volume(tmp_path / "a.zarr")


def test_names_of_axes_in_two_orders_are_refused(tmp_path):
    group = folder(tmp_path / "a.zarr", "0.5")
    image(group, version="0.5")
    del group["full"]
    group.create_array(
        "full", shape=STACK.shape, chunks=STACK.shape, dtype="u2", dimension_names=["x", "y", "z"]
    )[...] = STACK
    with pytest.raises(FileFormatError, match="names its axes z, y, x, and its array x, y, z"):
        read_volume(tmp_path / "a.zarr")


@pytest.mark.parametrize("unit", [None, "pixel", "nanometer", "micrometer"])
def test_scale_of_one_is_no_calibration_but_in_own_files(tmp_path, unit):
    image(
        folder(tmp_path / "a.zarr"), unit=unit, steps=[{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
    )
    with pytest.raises(MissingScaleError):
        read_volume(tmp_path / "a.zarr")
    write_volume(tmp_path / "own.ome.zarr", Volume(STACK, 1.0))
    assert read_volume(tmp_path / "own.ome.zarr").spacing == (1, 1, 1)


def test_units_of_some_axes_alone(tmp_path):
    group = folder(tmp_path / "a.zarr")
    image(group)
    about = list(group.attrs["multiscales"])
    del about[0]["axes"][0]["unit"]
    group.attrs["multiscales"] = about
    with pytest.raises(MissingScaleError, match="along z"):
        read_volume(tmp_path / "a.zarr")


def test_chunks_that_are_left_out_are_said(tmp_path):
    group = folder(tmp_path / "a.zarr")
    image(group)
    del group["full"]
    stored = group.create_array("full", shape=(5, 16, 20), chunks=(1, 16, 20), dtype="u2")
    stored[2] = 7
    volume = read_volume(tmp_path / "a.zarr")
    assert [int(plane.max()) for plane in np.asarray(volume.data)] == [0, 0, 7, 0, 0]
    assert volume.history[-1].parameters["notes"] == ["4 of 5 chunks are not stored and read as 0"]
