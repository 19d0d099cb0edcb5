"""NIfTI against nibabel and SimpleITK, which write it by themselves."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.testing import assert_allclose, assert_array_equal

import napari_snpore as snpore
from napari_snpore.errors import DisagreementError, FileFormatError, InputError, MissingScaleError
from napari_snpore.history import OrientStep, last_step

DATA = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4) * 1001
UM_NM = 1000.0


def saved(tmp_path, affine, *, data=DATA, unit="micron", name="a.nii", kind=nibabel.Nifti1Image):
    image = kind(np.asarray(data).T, affine)  # nibabel's axes are x, y, z
    if unit:
        image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", "uint8 int16 uint16 int32 float32 float64 int64".split())
def test_what_nibabel_writes(tmp_path, name, kind, dtype):
    affine = np.diag([0.5, 0.25, 2.0, 1.0])
    affine[:3, 3] = 1, 2, 3
    image = kind(DATA.astype(dtype).T, affine, dtype=dtype)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / name)
    back = snpore.read_volume(tmp_path / name)
    assert_array_equal(back.data, DATA.astype(dtype))
    assert back.dtype == dtype
    assert_allclose(back.spacing, np.array([2.0, 0.25, 0.5]) * UM_NM)
    assert_allclose(back.origin, np.array([3.0, 2.0, 1.0]) * UM_NM)
    assert last_step(back.history, OrientStep) is None


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_itk_writes_is_as_itk_shows_it(tmp_path, name):
    """ITK writes its axes as negative x and y: half a turn about z, which is none here."""
    image = SimpleITK.GetImageFromArray(DATA)
    image.SetSpacing((0.5, 0.25, 2.0))
    image.SetOrigin((1.0, 2.0, 3.0))
    SimpleITK.WriteImage(image, str(tmp_path / name))
    back = snpore.read_volume(tmp_path / name)
    assert_array_equal(back.data, SimpleITK.GetArrayFromImage(image))
    assert_allclose(back.spacing, np.array([2.0, 0.25, 0.5]) * 1e6)  # ITK always writes mm
    assert_allclose(back.origin, np.array([3.0, 2.0, 1.0]) * 1e6)
    assert last_step(back.history, OrientStep) is None


def test_big_endian(tmp_path):
    image = nibabel.Nifti1Image(
        DATA.T, np.diag([0.5, 0.5, 0.5, 1]), nibabel.Nifti1Header(endianness=">")
    )
    image.header.set_xyzt_units("micron")
    image.header.set_data_dtype(">u2")
    nibabel.save(image, tmp_path / "a.nii")
    assert (tmp_path / "a.nii").read_bytes()[:4] == b"\x00\x00\x01\x5c"
    assert_array_equal(snpore.read_volume(tmp_path / "a.nii").data, DATA)


@pytest.mark.parametrize(
    ("signs", "turned", "axes"),
    [
        ((-1, 1, 1), DATA[:, :, ::-1], ("x",)),
        ((1, -1, 1), DATA[:, ::-1], ("y",)),
        ((1, 1, -1), DATA[::-1], ("z",)),
        ((-1, -1, -1), DATA[::-1], ("z",)),  # as ITK would write it
        ((-1, 1, -1), None, None),
    ],
)
def test_reversed_axes_are_turned_and_said(tmp_path, signs, turned, axes):
    back = snpore.read_volume(saved(tmp_path, np.diag([*(0.5 * np.array(signs)), 1.0])))
    made = last_step(back.history, OrientStep)
    if turned is None:
        turned, axes = DATA[::-1, :, ::-1], ("z", "x")
    assert_array_equal(back.data, turned)
    assert made.reversed_axes == axes
    assert back.spacing == (500, 500, 500)


def test_voxels_lie_where_nibabel_has_them(tmp_path):
    affine = np.array([[0, 0, 0.5, 7], [-0.25, 0, 0, 8], [0, 2, 0, 9], [0, 0, 0, 1.0]])
    path = saved(tmp_path, affine)
    back = snpore.read_volume(path)
    image = nibabel.load(path)
    back_to_index = np.linalg.inv(image.affine)
    for place, value in zip(
        np.argwhere(np.ones(back.shape)) * back.spacing + back.origin,
        back.data.ravel(),
        strict=True,
    ):
        index = back_to_index @ [*(place[::-1] / UM_NM), 1]
        assert_allclose(index, np.rint(index), atol=1e-6)
        assert image.dataobj[tuple(np.rint(index[:3]).astype(int))] == value
    assert last_step(back.history, OrientStep).stored_axes == ("j", "i", "k")


def test_grey_values_are_scaled_as_the_header_says(tmp_path, monkeypatch):
    image = nibabel.Nifti1Image(DATA.T.astype(np.int16), np.diag([0.5, 0.5, 0.5, 1]))
    image.header.set_xyzt_units("micron")
    path = tmp_path / "a.nii"
    nibabel.save(image, path)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.25, -3], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(raw)
    back = snpore.read_volume(path)
    assert_array_equal(back.data, nibabel.load(path).get_fdata().T)
    assert back.dtype == np.float32
    monkeypatch.setattr("napari_snpore.files.nifti._LAZY_BYTES", 1)
    lazy = snpore.read_volume(path)
    assert not isinstance(lazy.data, np.ndarray)
    assert_array_equal(np.asarray(lazy.data), back.data)


def test_no_unit_and_one_millimetre_are_no_size(tmp_path):
    with pytest.raises(MissingScaleError):
        snpore.read_volume(saved(tmp_path, np.diag([0.5, 0.5, 0.5, 1]), unit=None))
    with pytest.raises(MissingScaleError):
        snpore.read_volume(saved(tmp_path, np.eye(4), unit="mm"))
    path = saved(tmp_path, np.eye(4), unit="micron")
    assert snpore.read_volume(path).spacing == (1000, 1000, 1000)


def test_two_sizes_in_one_header_are_refused(tmp_path):
    path = saved(tmp_path, np.diag([0.5, 0.5, 0.5, 1]))
    raw = bytearray(path.read_bytes())
    raw[80:84] = np.float32(0.7).tobytes()  # pixdim[1]
    path.write_bytes(raw)
    with pytest.raises(DisagreementError, match=r"along x: 0\.5 by its matrix and 0\.7 by pixdim"):
        snpore.read_volume(path)


def test_several_volumes_pairs_and_colors_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match="several"):
        snpore.read_volume(saved(tmp_path, np.eye(4), data=np.zeros((2, 2, 3, 4), np.uint8)))
    pair = nibabel.Nifti1Pair(DATA.T, np.eye(4))
    nibabel.save(pair, tmp_path / "b.img")
    (tmp_path / "b.hdr").rename(tmp_path / "b.nii")
    with pytest.raises(FileFormatError, match="two files"):
        snpore.read_volume(tmp_path / "b.nii")
    colors = np.zeros((4, 3, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colors, np.eye(4)), tmp_path / "c.nii")
    with pytest.raises(FileFormatError, match="grey values"):
        snpore.read_volume(tmp_path / "c.nii")


@pytest.mark.parametrize(
    ("at", "raw", "what"),
    [
        (0, b"\0\0\0\0", "not a NIfTI"),
        (344, b"abcd", "not a NIfTI"),
        (40, np.array([3, -4, 3, 2], "<i2").tobytes(), "numbers of voxels"),
        (40, np.array([3, 4, 3, 20000], "<i2").tobytes(), "cut short"),
        (40, np.array([9, 4, 3, 20000], "<i2").tobytes(), "numbers of voxels"),
        (70, b"\xff\x7f", "damaged header"),
        (123, b"\x07", "damaged header"),
        (280, np.float32(np.nan).tobytes(), "no length"),
    ],
)
def test_damaged_headers_get_one_sentence(tmp_path, at, raw, what):
    path = saved(tmp_path, np.diag([0.5, 0.5, 0.5, 1]))
    whole = bytearray(path.read_bytes())
    whole[at : at + len(raw)] = raw
    path.write_bytes(whole)
    with pytest.raises(InputError, match=what) as caught:
        snpore.read_volume(path)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(gzip.compress(bytes(whole)))
    with pytest.raises(InputError):
        snpore.read_volume(packed)


def test_a_broken_stream_is_refused(tmp_path):
    path = saved(tmp_path, np.diag([0.5, 0.5, 0.5, 1]), name="a.nii.gz")
    whole = path.read_bytes()
    for broken in (whole[:-12], whole[:20], b"", b"no gzip at all" * 100):
        path.write_bytes(broken)
        with pytest.raises(FileFormatError):
            snpore.read_volume(path)
