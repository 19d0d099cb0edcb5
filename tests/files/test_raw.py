"""Raw voxels with the side files of other programs, byte by byte, and as the caller says."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import napari_snpore as snpore
from napari_snpore import RawLayout
from napari_snpore.errors import (
    DisagreementError,
    FileFormatError,
    InputError,
    MissingFileError,
    MissingScaleError,
)

DATA = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4) * 1001
VGI = """{volume1}
[representation]
size = 4 3 2
bitsperelement = 16
[file1]
FileFormat = raw
Size = 4 3 2
Name = scan.vol
Datatype = unsigned integer
datarange = 0 -1
BitsPerElement = 16
{volumeprimitive12}
[geometry]
resolution = 0.0005 0.00025 0.002
unit = mm
"""
INFO = """! PyHST_SLAVE VOLUME INFO FILE
NUM_X = 4
NUM_Y = 3
NUM_Z = 2
voxelSize = 0.65
BYTEORDER = LOWBYTEFIRST
"""


def raw_file(tmp_path, data=DATA, name="a.raw"):
    path = tmp_path / name
    path.write_bytes(data.tobytes())
    return path


def side(path, **said):
    path.with_suffix(".json").write_text(json.dumps(said))
    return path


def test_json_along_z_y_x(tmp_path):
    path = side(raw_file(tmp_path), shape=[2, 3, 4], dtype="uint16", spacing_nm=[2, 0.25, 0.5])
    back = snpore.read_volume(path)
    assert_array_equal(back.data, DATA)
    assert back.spacing == (2, 0.25, 0.5)
    assert isinstance(back.data, np.memmap)


def test_json_along_x_y_z_with_a_unit(tmp_path):
    path = side(
        raw_file(tmp_path), size=[4, 3, 2], type="uint16", spacing=[0.5, 0.25, 2], unit="µm"
    )
    back = snpore.read_volume(path)
    assert_array_equal(back.data, DATA)
    assert back.spacing == (2000, 250, 500)


def test_a_spacing_without_unit_is_no_size(tmp_path):
    path = side(raw_file(tmp_path), size=[4, 3, 2], type="uint16", spacing=[1, 1, 1])
    with pytest.raises(MissingScaleError):
        snpore.read_volume(path)
    assert snpore.read_volume(path, spacing=0.5).spacing == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("said", [{"dtype": ">u2"}, {"dtype": "uint16", "byte_order": "big"}])
def test_big_endian_behind_a_header(tmp_path, said):
    path = tmp_path / "a.raw"
    path.write_bytes(b"head" + DATA.astype(">u2").tobytes())
    side(path, shape=[2, 3, 4], spacing_nm=1, offset=4, **said)
    assert_array_equal(snpore.read_volume(path).data, DATA)


@pytest.mark.parametrize("opened", ["scan.vol", "scan.vgi", "scan.vol.vgi"])
def test_vgi(tmp_path, opened):
    raw_file(tmp_path, name="scan.vol")
    (tmp_path / ("scan.vgi" if opened == "scan.vol" else opened)).write_text(VGI)
    back = snpore.read_volume(tmp_path / opened)
    assert_array_equal(back.data, DATA)
    assert back.spacing == pytest.approx((2000, 250, 500))


@pytest.mark.parametrize("opened", ["scan.vol", "scan.vol.info"])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("order", ["<", ">"])
def test_info(tmp_path, opened, dtype, order):
    data = (DATA // 1001).astype(dtype)
    raw_file(tmp_path, data.astype(data.dtype.newbyteorder(order)), name="scan.vol")
    text = INFO if order == "<" else INFO.replace("LOW", "HIGH")
    (tmp_path / "scan.vol.info").write_text(text)
    with pytest.raises(MissingScaleError):  # its voxel size has no unit
        snpore.read_volume(tmp_path / opened)
    back = snpore.read_volume(tmp_path / opened, spacing=650)
    assert_array_equal(back.data, data)
    assert back.dtype.kind == data.dtype.kind


def test_the_caller_says_how_the_voxels_lie(tmp_path):
    path = raw_file(tmp_path, name="scan.dat")
    back = snpore.read_volume(path, spacing=0.5, raw=RawLayout((2, 3, 4), "uint16"))
    assert_array_equal(back.data, DATA)
    with pytest.raises(
        FileFormatError, match=r"has 48 bytes; 2 × 3 × 4 voxels.* of uint8 needs 24"
    ):
        snpore.read_volume(path, spacing=0.5, raw=RawLayout((2, 3, 4), "uint8"))
    with pytest.raises(FileFormatError, match="behind 8 bytes needs 56"):
        snpore.read_volume(path, spacing=0.5, raw=RawLayout((2, 3, 4), "uint16", 8))
    with pytest.raises(MissingScaleError):
        snpore.read_volume(path, raw=RawLayout((2, 3, 4), "uint16"))


@pytest.mark.parametrize(
    "wrong",
    [
        ((2, 3), "u1"),
        ((2, 3, 0), "u1"),
        ((2, 3, 4.5), "u1"),
        ((2, 3, 4), "O"),
        ((2, 3, 4), "complex64"),
        ((2, 3, 4), "(2,)f8,i4"),
        ((2, 3, 4), "u1", -1),
    ],
)
def test_a_layout_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError):
        RawLayout(*wrong)


def test_without_a_side_file_the_sentence_says_what_to_do(tmp_path):
    with pytest.raises(FileFormatError, match=r"a\.json.*--raw-shape and --raw-dtype"):
        snpore.read_volume(raw_file(tmp_path))


def test_side_files_that_disagree_are_refused(tmp_path):
    path = side(raw_file(tmp_path, name="scan.vol"), shape=[4, 3, 2], dtype="uint16")
    (tmp_path / "scan.vgi").write_text(VGI)
    with pytest.raises(
        DisagreementError, match=r"scan\.json says 4 × 3 × 2 .* scan\.vgi 2 × 3 × 4"
    ):
        snpore.read_volume(path)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("[1, 2, 3]", "no shape"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"shape": "2 3 4", "dtype": "u2"}', "numbers of voxels"),
        ('{"shape": [2, 3, -4], "dtype": "u2"}', "numbers of voxels"),
        ('{"shape": [2, 3, 4]}', "type of raw voxels"),
        ('{"shape": [2, 3, 4], "dtype": "object"}', "type of raw voxels"),
        ('{"shape": [2, 3, 4], "dtype": "u2", "offset": "x"}', "offset"),
        ('{"shape": [2, 3, 4], "dtype": "u2", "offset": 2}', "48 bytes"),
        ('{"shape": [2, 3, 9], "dtype": "u2"}', "48 bytes"),
        ('{"shape": [2, 3, NaN], "dtype": "u2"}', "numbers of voxels"),
        (" " * (1 << 20) + "{}", "at most"),
    ],
)
def test_damaged_side_files_get_one_sentence(tmp_path, said, what):
    path = raw_file(tmp_path)
    path.with_suffix(".json").write_text(said)
    with pytest.raises(FileFormatError, match=what) as caught:
        snpore.read_volume(path, spacing=1)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("Size = 4 3 2\nName", "Size = 4 3\nName"), "three positive|bytes"),
        (("BitsPerElement = 16", "BitsPerElement = 12"), "12 bits"),
        (("[file1]", "[file1]\n[file2]"), "describes 2 files"),
        (("[file1]", "[other]"), "describes 0 files"),
        (("{volume1}\n[rep", "no section\n[rep"), "damaged"),
        (("scan.vol", "none.vol"), "no such file"),
    ],
)
def test_damaged_vgi(tmp_path, change, what):
    raw_file(tmp_path, name="scan.vol")
    (tmp_path / "scan.vgi").write_text(VGI.replace(*change))
    with pytest.raises(InputError, match=what):
        snpore.read_volume(tmp_path / "scan.vgi")


def test_a_name_never_leads_out_of_the_folder(tmp_path):
    (tmp_path / "in").mkdir()
    raw_file(tmp_path, name="scan.vol")
    (tmp_path / "in" / "scan.vgi").write_text(VGI.replace("scan.vol", "..\\scan.vol"))
    with pytest.raises(MissingFileError):
        snpore.read_volume(tmp_path / "in" / "scan.vgi")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "a.raw")
    with pytest.raises(FileFormatError):
        snpore.read_volume(tmp_path / "a.raw", spacing=1, raw=RawLayout((2, 3, 4), "uint16"))
    with pytest.raises(FileFormatError):
        snpore.read_volume(tmp_path / "a.raw")
