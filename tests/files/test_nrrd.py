"""NRRD against SimpleITK and pynrrd, which write and read it by themselves, and byte by byte."""

from __future__ import annotations

import gzip

import nrrd
import numpy as np
import pytest
import SimpleITK
from numpy.testing import assert_allclose, assert_array_equal

import napari_snpore as snpore
from napari_snpore.errors import FileFormatError, InputError, MissingScaleError
from napari_snpore.history import BinStep, OrientStep, last_step
from napari_snpore.volume import Volume

DATA = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4) * 1001
HEAD = "NRRD0004\ntype: uint16\ndimension: 3\nsizes: 4 3 2\nendian: little\n"
NM = 'space units: "nm" "nm" "nm"\n'
STRAIGHT = "space dimension: 3\nspace directions: (0.5,0,0) (0,0.25,0) (0,0,2)\n"


def written(tmp_path, head, data=None, *, name="a.nrrd"):
    path = tmp_path / name
    raw = DATA.astype("<u2").tobytes() if data is None else data
    path.write_bytes(f"{head}\n".encode() + raw)
    return path


@pytest.mark.parametrize(
    "dtype", "int8 uint8 int16 uint16 int32 uint32 int64 uint64 float32 float64".split()
)
def test_what_is_written_is_read_by_itk_and_here_bit_for_bit(tmp_path, dtype):
    data = (np.random.default_rng(1).random((3, 4, 5)) * 100).astype(dtype)
    made = Volume(data, (0.3, 0.2, 0.1), (1.5, -2.5, 1 / 3), (BinStep(2).step,))
    path = snpore.write_volume(tmp_path / "a.nrrd", made)
    image = SimpleITK.ReadImage(str(path))
    assert_array_equal(SimpleITK.GetArrayFromImage(image), data)
    assert image.GetSpacing() == (0.1, 0.2, 0.3)
    assert image.GetOrigin() == (1 / 3, -2.5, 1.5)
    back = snpore.read_volume(path)
    assert_array_equal(back.data, data)
    assert back.dtype == data.dtype
    assert back.spacing == made.spacing
    assert back.origin == made.origin
    assert back.history[:-1] == made.history
    assert isinstance(back.data, np.memmap)


def test_equal_volumes_make_equal_files(tmp_path):
    made = Volume(DATA, 0.5)
    one, two = (snpore.write_volume(tmp_path / name, made) for name in ("a.nrrd", "b.nrrd"))
    assert one.read_bytes() == two.read_bytes()


def test_a_history_with_signs_and_backslashes_survives(tmp_path):
    history = (snpore.HistoryStep("read", {"file": 'µ\\n "Å" \n.mrc'}),)
    path = snpore.write_volume(tmp_path / "a.nrrd", Volume(DATA, 0.5, history=history))
    assert snpore.read_volume(path).history[0] == history[0]
    assert_array_equal(nrrd.read(str(path), index_order="C")[0], DATA)  # no stray line's end


@pytest.mark.parametrize("dtype", [bool, np.float16, np.complex64])
def test_voxels_that_the_format_does_not_hold_are_refused(tmp_path, dtype):
    with pytest.raises(FileFormatError, match="NRRD holds no"):
        snpore.write_volume(tmp_path / "a.nrrd", Volume(DATA.astype(dtype), 0.5))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr"])
def test_encodings_of_pynrrd_attached_and_detached(tmp_path, encoding, name):
    header = {
        "encoding": encoding,
        "space dimension": 3,
        "space units": ["nm", "nm", "nm"],
        "space directions": np.diag([0.5, 0.25, 2.0]),
        "space origin": [1.0, 2.0, 3.0],
    }
    nrrd.write(str(tmp_path / name), DATA, header, index_order="C")
    back = snpore.read_volume(tmp_path / name)
    assert_array_equal(back.data, DATA)
    assert back.spacing == (2.0, 0.25, 0.5)
    assert back.origin == (3.0, 2.0, 1.0)
    assert last_step(back.history, OrientStep) is None


def test_compressed_by_itk(tmp_path):
    image = SimpleITK.GetImageFromArray(DATA)
    image.SetSpacing((0.5, 0.5, 0.5))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nrrd"), useCompression=True)
    with pytest.raises(MissingScaleError):  # ITK writes no unit
        snpore.read_volume(tmp_path / "a.nrrd")
    assert_array_equal(snpore.read_volume(tmp_path / "a.nrrd", spacing=0.5).data, DATA)


def test_units_are_lengths_and_no_unit_is_no_size(tmp_path):
    path = written(tmp_path, HEAD + "encoding: raw\n" + STRAIGHT + NM.replace("nm", "um"))
    assert_allclose(snpore.read_volume(path).spacing, (2000, 250, 500))
    path = written(tmp_path, HEAD + "encoding: raw\n" + STRAIGHT)
    with pytest.raises(MissingScaleError):
        snpore.read_volume(path)
    path = written(tmp_path, HEAD + 'encoding: raw\nspacings: 0.5 1 2\nunits: "Å" "nm" "um"\n')
    assert_allclose(snpore.read_volume(path, spacing=(2000, 1, 0.05)).spacing, (2000, 1, 0.05))


def test_big_endian_and_bytes_to_skip(tmp_path):
    head = HEAD.replace("little", "big") + "encoding: raw\nbyte skip: 3\n" + STRAIGHT + NM
    path = written(tmp_path, head, b"abc" + DATA.astype(">u2").tobytes())
    assert_array_equal(snpore.read_volume(path).data, DATA)
    path = written(
        tmp_path, head.replace("skip: 3", "skip: -1"), b"12345" + DATA.astype(">u2").tobytes()
    )
    assert_array_equal(snpore.read_volume(path).data, DATA)


@pytest.mark.parametrize(
    "files", ["LIST\nb0\nb1\n", "b%d 0 1 1\n"], ids=["list of files", "numbered files"]
)
def test_one_file_a_slab(tmp_path, files):
    for number in range(2):
        (tmp_path / f"b{number}").write_bytes(DATA[number].tobytes())
    path = tmp_path / "a.nhdr"
    path.write_text(HEAD + "encoding: raw\n" + STRAIGHT + NM + "data file: " + files)
    assert_array_equal(snpore.read_volume(path).data, DATA)
    (tmp_path / "b1").unlink()
    with pytest.raises(FileFormatError, match="b1"):
        snpore.read_volume(path)


@pytest.mark.parametrize("limit", ["_FEW_FILES", "_LAZY_BYTES"])
def test_many_or_large_slabs_are_the_same(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(f"napari_snpore.files.voxel_data.{limit}", 1)
    for number in range(2):
        (tmp_path / f"b{number}").write_bytes(DATA[number].tobytes())
    path = tmp_path / "a.nhdr"
    turned = STRAIGHT.replace("(0.5,0,0)", "(-0.5,0,0)")
    path.write_text(HEAD + "encoding: raw\n" + turned + NM + "data file: b%d 0 1 1\n")
    data = snpore.read_volume(path).data
    assert isinstance(data, np.ndarray) == (limit == "_FEW_FILES")
    assert_array_equal(np.asarray(data), DATA[:, :, ::-1])


def test_axes_that_run_backwards_are_reversed_and_said(tmp_path):
    space = (
        "space: left-posterior-superior\nspace directions: (-0.5,0,0) (0,0.25,0) (0,0,2)\n"
        "space origin: (10,0,0)\n"
    )
    path = written(tmp_path, HEAD + "encoding: raw\n" + space + NM)
    back = snpore.read_volume(path)
    assert_array_equal(back.data, DATA[:, :, ::-1])
    assert back.origin == (0.0, 0.0, 8.5)  # x of the four voxels: 10, 9.5, 9, 8.5
    assert last_step(back.history, OrientStep) == OrientStep(("k", "j", "i"), ("x",))


def test_an_axis_of_colors_is_refused(tmp_path):
    head = "NRRD0004\ntype: uint16\ndimension: 4\nsizes: 3 4 2 1\nendian: little\nencoding: raw\n"
    path = written(
        tmp_path, head + "space dimension: 3\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\n"
    )
    with pytest.raises(FileFormatError, match="one grey value"):
        snpore.read_volume(path, spacing=1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("sizes: 4 3 2", "sizes: 4 3 2000000000"), "cut short"),
        (("sizes: 4 3 2", "sizes: 4 -3 2"), "numbers of voxels"),
        (("sizes: 4 3 2", "sizes: 4 3"), "dimensions"),
        (("sizes: 4 3 2", "sizes: four 3 2"), "damaged header"),
        (("type: uint16", "type: block"), "not read"),
        (("encoding: raw", "encoding: hex"), "not read"),
        (("endian: little\n", ""), "byte order"),
        (("type: uint16\n", ""), "no 'type'"),
        (("(0,0.25,0)", "(0,0,0)"), "no length"),
        (("(0,0.25,0)", "(0.2,0.25,0)"), "right angles"),
        (("encoding: raw", "encoding: gzip"), "damaged"),
        (("encoding: raw\n", "encoding: raw\ndata file: no.raw\n"), "no such file"),
        (
            ("encoding: raw\n", "encoding: raw\ndata file: n%9999999999d.raw 0 1 1\n"),
            "no such file",
        ),
    ],
)
def test_damaged_headers_get_one_sentence(tmp_path, change, what):
    head = HEAD + "encoding: raw\n" + STRAIGHT + NM
    path = written(tmp_path, head.replace(*change))
    with pytest.raises(InputError, match=what) as caught:
        snpore.read_volume(path)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_a_packed_stream_that_promises_too_much_takes_no_memory(tmp_path):
    head = HEAD.replace("4 3 2", "4000 3000 2000") + "encoding: gzip\n" + STRAIGHT + NM
    path = written(tmp_path, head, gzip.compress(DATA.tobytes()))
    with pytest.raises(FileFormatError, match="cut short"):
        snpore.read_volume(path)
    whole = gzip.compress(DATA.tobytes())
    path = written(tmp_path, HEAD + "encoding: gzip\n" + STRAIGHT + NM, whole[:-10])
    with pytest.raises(FileFormatError, match="damaged"):
        snpore.read_volume(path)
