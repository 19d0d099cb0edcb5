"""MetaImage against SimpleITK, which writes it by itself, and line by line."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK
from numpy.testing import assert_allclose, assert_array_equal

import napari_snpore as snpore
from napari_snpore.errors import FileFormatError, InputError, MissingScaleError
from napari_snpore.history import OrientStep, last_step

DATA = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4) * 1001
HEAD = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "CompressedData = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\n"
    "DistanceUnits = nm\nElementSpacing = 0.5 0.25 2\nDimSize = 4 3 2\nElementType = MET_USHORT\n"
)


def written(tmp_path, head, data=None, *, name="a.mha"):
    path = tmp_path / name
    raw = DATA.astype("<u2").tobytes() if data is None else data
    path.write_bytes(head.encode() + b"ElementDataFile = LOCAL\n" + raw)
    return path


def test_header_and_voxels_in_one_file(tmp_path):
    back = snpore.read_volume(written(tmp_path, HEAD))
    assert_array_equal(back.data, DATA)
    assert (back.spacing, back.origin) == ((2.0, 0.25, 0.5), (3.0, 2.0, 1.0))
    assert isinstance(back.data, np.memmap)


@pytest.mark.parametrize("name", ["a.mha", "a.mhd"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "dtype", "int8 uint8 int16 uint16 int32 uint32 int64 float32 float64".split()
)
def test_what_itk_writes(tmp_path, name, packed, dtype):
    data = DATA.astype(dtype)
    image = SimpleITK.GetImageFromArray(data)
    image.SetSpacing((0.5, 0.25, 2.0))
    SimpleITK.WriteImage(image, str(tmp_path / name), useCompression=packed)
    with pytest.raises(MissingScaleError):  # ITK writes no unit
        snpore.read_volume(tmp_path / name)
    back = snpore.read_volume(tmp_path / name, spacing=(2, 0.25, 0.5))
    assert_array_equal(back.data, data)
    assert back.dtype == data.dtype


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_exchanged_and_reversed_axes_are_where_itk_has_them(tmp_path, order, signs):
    """Each voxel is looked up in ITK's image at the place that it has here."""
    image = SimpleITK.GetImageFromArray(DATA)
    image.SetSpacing((0.5, 0.25, 2.0))
    image.SetOrigin((1.0, 2.0, 3.0))
    direction = np.eye(3)[:, list(order)] * np.array(signs)
    image.SetDirection(direction.ravel())
    path = tmp_path / "a.mha"
    SimpleITK.WriteImage(image, str(path))
    path.write_bytes(path.read_bytes().replace(b"NDims = 3\n", b"NDims = 3\nDistanceUnits = nm\n"))
    back = snpore.read_volume(path)
    for turn in ((1, 1, 1), (-1, -1, 1)):  # the same space, or half a turn about z of it
        places = np.argwhere(np.ones(back.shape)) * back.spacing + back.origin
        found = [
            image.TransformPhysicalPointToContinuousIndex((place[::-1] * turn).tolist())
            for place in places
        ]
        index = np.rint(found).astype(int)
        if np.allclose(found, index) and (index >= 0).all() and (index < (4, 3, 2)).all():
            values = DATA[index[:, 2], index[:, 1], index[:, 0]].reshape(back.shape)
            assert_array_equal(back.data, values)
            break
    else:
        pytest.fail("the volume lies beside the image")
    made = last_step(back.history, OrientStep)
    as_stored = order == (0, 1, 2) and signs in ((1, 1, 1), (-1, -1, 1))
    assert (made is None) == as_stored


def test_a_turn_that_is_no_right_angle_is_left_and_said(tmp_path):
    turned = HEAD.replace("1 0 0 0 1 0 0 0 1", "0.8 0.6 0 -0.6 0.8 0 0 0 1")
    back = snpore.read_volume(written(tmp_path, turned))
    assert_array_equal(back.data, DATA)
    assert_allclose(back.spacing, (2.0, 0.25, 0.5))
    assert back.origin == (0, 0, 0)
    made = last_step(back.history, OrientStep)
    assert made is not None
    assert made.turn_left_deg == pytest.approx(36.87)  # arccos 0.8
    mirrored = HEAD.replace("1 0 0 0 1 0 0 0 1", "-0.8 -0.6 0 -0.6 0.8 0 0 0 1")
    back = snpore.read_volume(written(tmp_path, mirrored))
    assert_array_equal(back.data, DATA[:, :, ::-1])
    assert last_step(back.history, OrientStep).reversed_axes == ("x",)


def test_text_big_endian_header_size_and_long(tmp_path):
    text = HEAD.replace("BinaryData = True", "BinaryData = False")
    words = " ".join(str(value) for value in DATA.ravel()).encode()
    assert_array_equal(snpore.read_volume(written(tmp_path, text, words)).data, DATA)
    big = HEAD.replace("MSB = False", "MSB = True")
    path = written(tmp_path, big, DATA.astype(">u2").tobytes())
    assert_array_equal(snpore.read_volume(path).data, DATA)
    path = written(tmp_path, HEAD + "HeaderSize = -1\n", b"123" + DATA.tobytes())
    assert_array_equal(snpore.read_volume(path).data, DATA)
    for width in (4, 8):
        long = HEAD.replace("MET_USHORT", "MET_LONG")
        path = written(tmp_path, long, DATA.astype(f"<i{width}").tobytes())
        assert_array_equal(snpore.read_volume(path).data, DATA)


@pytest.mark.parametrize("named", ["LIST\nb0\nb1\n", "b%d 0 1 1\n", "b%d 0 1\n", "whole\n"])
def test_voxels_in_other_files(tmp_path, named):
    for number in range(2):
        (tmp_path / f"b{number}").write_bytes(DATA[number].tobytes())
    (tmp_path / "whole").write_bytes(DATA.tobytes())
    path = tmp_path / "a.mhd"
    path.write_text(f"{HEAD}ElementDataFile = {named}")
    assert_array_equal(snpore.read_volume(path).data, DATA)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("DimSize = 4 3 2", "DimSize = 4 3 200"), "cut short"),
        (("DimSize = 4 3 2", "DimSize = 4 3"), "NDims"),
        (("DimSize = 4 3 2", "DimSize = 4 3 x"), "numbers of voxels"),
        (("MET_USHORT", "MET_OTHER"), "MET_FLOAT"),
        (("BinaryDataByteOrderMSB = False\n", ""), "byte order"),
        (("ElementSpacing = 0.5 0.25 2", "ElementSpacing = 0.5 0.25"), "3 numbers"),
        (("ElementSpacing = 0.5 0.25 2", "ElementSpacing = 0.5 0 2"), "no length"),
        (("ObjectType = Image", "ObjectType = Tube"), "not a MetaImage of voxels"),
        (("NDims = 3", "NDims = 3\nElementNumberOfChannels = 3"), "one grey value"),
        (("CompressedData = False", "CompressedData = True"), "damaged"),
    ],
)
def test_damaged_headers_get_one_sentence(tmp_path, change, what):
    with pytest.raises(InputError, match=what) as caught:
        snpore.read_volume(written(tmp_path, HEAD.replace(*change)))
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_a_header_without_voxels_is_refused(tmp_path):
    path = tmp_path / "a.mha"
    path.write_text(HEAD)
    with pytest.raises(FileFormatError, match="ElementDataFile"):
        snpore.read_volume(path)
    (tmp_path / "folder.raw").mkdir()
    path.write_text(HEAD + "ElementDataFile = folder.raw\n")
    with pytest.raises(FileFormatError, match="is a folder"):
        snpore.read_volume(path)
