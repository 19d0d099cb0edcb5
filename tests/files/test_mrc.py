"""MRC: angles of extended headers as FEI and SerialEM write them, and our own volumes coming back
whole.
"""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_snpore import HistoryStep, Volume, read_tilt_series, read_volume, write_volume
from napari_snpore.errors import FileFormatError, MissingAnglesError, MissingScaleError
from napari_snpore.files.image_input import contents_of, parse_input


def images(count):
    return np.arange(count * 3 * 4, dtype=np.int16).reshape(count, 3, 4)


def with_extended(path, data, kind, extended, sizes=(0, 0)):
    """Write a modern MRC file with an extended header; ``sizes`` are SerialEM's two shorts at bytes
    128 and 130.
    """
    with mrcfile.new(path, data) as file:
        file.set_extended_header(extended)
        file.header.exttyp = kind
    with path.open("r+b") as file:
        file.seek(128)
        file.write(np.array(sizes, "<i2").tobytes())
    return path


def fei_records(kind, angles, pixel_m):
    record = mrcfile.dtypes.get_ext_header_dtype(kind, "<")
    table = np.zeros(len(angles), record)
    table["Metadata size"] = record.itemsize
    table["Alpha tilt"] = angles
    table["Pixel size X"] = table["Pixel size Y"] = pixel_m
    return table


@pytest.mark.parametrize("kind", [b"FEI1", b"FEI2"])
@pytest.mark.parametrize("count", [3, 60, 200])
def test_modern_fei_header(tmp_path, kind, count):
    angles = np.linspace(-60, 59.5, count)
    path = with_extended(
        tmp_path / "a.mrc", images(count), kind, fei_records(kind, angles, 0.27e-9)
    )
    series = read_tilt_series(path)
    assert series.angles_deg == pytest.approx(angles, abs=1e-4)
    assert series.pixel_size_nm == pytest.approx(0.27)
    assert np.array_equal(series.images, images(count))
    assert contents_of(parse_input(path)).kind == "tilt series"


@pytest.mark.parametrize(
    "angles", [[0.0] * 4, [0.0, 1e-7, 2e-7, 3e-7], [0.0, 1e300, 2.0, 3.0], [0.0, np.nan, 2.0, 3.0]]
)
def test_fei_angles_that_cannot_be_angles_count_as_none(tmp_path, angles):
    path = with_extended(
        tmp_path / "a.mrc", images(4), b"FEI1", fei_records(b"FEI1", angles, 0.27e-9)
    )
    with pytest.raises(MissingAnglesError, match="give angles_deg"):
        read_tilt_series(path)


def test_fei_header_with_fewer_records_than_images_counts_as_none(tmp_path):
    path = with_extended(
        tmp_path / "a.mrc", images(4), b"FEI1", fei_records(b"FEI1", [-20, 0, 20], 0.27e-9)
    )
    with pytest.raises(MissingAnglesError, match="give angles_deg"):
        read_tilt_series(path, pixel_size_nm=0.27)


@pytest.mark.parametrize("kind", [b"SERI", b""])
def test_serialem_header(tmp_path, kind):
    # flags 1 + 4 + 8: tilt (2 bytes, 0.01°), stage position (4), magnification (2)
    table = np.zeros((3, 4), "<i2")
    table[:, 0] = [-6012, 3, 5999]
    table[:, 1:] = [1234, -77, 500]
    path = with_extended(tmp_path / "a.mrc", images(3), kind, table.view("V1"), (8, 13))
    series = read_tilt_series(path, pixel_size_nm=0.4)
    assert series.angles_deg.tolist() == [-60.12, 0.03, 59.99]


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (b"SERI", (8, 1)),  # one flag of 2 bytes, yet 8 bytes an image
        (b"SERI", (6, 2)),  # piece coordinates only
        (b"AGAR", (2, 1)),  # Agard: integers and reals an image
        (b"SERI", (0, 0)),
        (b"SERI", (-1, -1)),
    ],
)
def test_two_shorts_that_are_not_serialem_with_a_tilt_say_nothing(tmp_path, kind, sizes):
    table = np.arange(12, dtype="<i2").view("V1")
    path = with_extended(tmp_path / "a.mrc", images(3), kind, table, sizes)
    with pytest.raises(MissingAnglesError, match="give angles_deg"):
        read_tilt_series(path, pixel_size_nm=0.4)


@pytest.mark.parametrize(("highest", "mode"), [(127, 0), (128, 6), (255, 6)])
def test_unsigned_bytes_come_back_with_their_values(tmp_path, highest, mode):
    labels = np.linspace(0, highest, 24).round().astype(np.uint8).reshape(2, 3, 4)
    write_volume(tmp_path / "a.mrc", Volume(labels, 0.5))
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert int(file.header.mode) == mode
        assert np.array_equal(file.data, labels)
    assert np.array_equal(read_volume(tmp_path / "a.mrc").data, labels)


def test_lazy_unsigned_bytes(tmp_path):
    import dask.array as da

    labels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10
    write_volume(tmp_path / "a.mrc", Volume(da.from_array(labels, chunks=(1, 3, 4)), 0.5))
    assert np.array_equal(read_volume(tmp_path / "a.mrc").data, labels)


@pytest.mark.parametrize("spacing", [(0.1, 0.1, 0.1), (0.3, 0.1, 0.2)])
def test_written_volume_keeps_one_angstrom_and_its_origin(tmp_path, spacing):
    write_volume(tmp_path / "a.mrc", Volume(images(2), spacing, (1.5, -2.0, 3.25)))
    read = read_volume(tmp_path / "a.mrc")
    assert read.spacing == pytest.approx(spacing)
    assert read.origin == pytest.approx((1.5, -2.0, 3.25))
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert float(file.voxel_size.x) == pytest.approx(10 * spacing[2])
        assert float(file.header.origin.z) == pytest.approx(15)


def test_a_file_changed_by_another_program_is_no_longer_ours(tmp_path):
    write_volume(tmp_path / "a.mrc", Volume(images(2), 0.1, (1, 2, 3)))
    with mrcfile.open(tmp_path / "a.mrc", mode="r+") as file:
        file.add_label("NEWSTACK: Images copied")
    with pytest.raises(MissingScaleError, match="no voxel size"):
        read_volume(tmp_path / "a.mrc")
    assert read_volume(tmp_path / "a.mrc", spacing=0.1).origin == (0, 0, 0)


def test_the_same_volume_is_the_same_file(tmp_path):
    for name in ("a.mrc", "b.mrc"):
        write_volume(tmp_path / name, Volume(images(2), 0.5))
    assert (tmp_path / "a.mrc").read_bytes() == (tmp_path / "b.mrc").read_bytes()
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert file.get_labels() == ["napari-snpore: voxel size and origin are real"]  # no date


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float32"])
def test_an_own_file_comes_back_bit_for_bit_with_its_history(tmp_path, dtype):
    data = np.random.default_rng(5).integers(0, 100, (3, 4, 5)).astype(dtype)
    data[0, 0, 0] = 0 if dtype == "uint16" else -1
    history = (HistoryStep("read", {"file": "µ.mrc"}),)
    made = Volume(data, (1 / 3, 0.1, np.pi), (-2 / 3, 0.1, 1e-3), history)
    path = write_volume(tmp_path / "a.mrc", made)
    back = read_volume(path)
    assert_array_equal(back.data, data)
    assert back.dtype == dtype
    assert (back.spacing, back.origin) == (made.spacing, made.origin)
    assert back.history[0] == history[0]
    with mrcfile.open(path) as other:  # the standard's library skips the extended header
        assert_array_equal(other.data, data)
        assert other.voxel_size.x == pytest.approx(10 * np.pi)
    with open(tmp_path / "said", "w") as said:
        assert mrcfile.validate(path, print_file=said)


def test_a_size_that_another_program_set_wins(tmp_path):
    data = np.zeros((3, 4, 5), np.float32)
    path = write_volume(tmp_path / "a.mrc", Volume(data, 0.5, (1, 2, 3)))
    with mrcfile.open(path, "r+") as other:
        other.voxel_size = 7.0
    assert read_volume(path).spacing == pytest.approx((0.7, 0.7, 0.7))


@pytest.mark.parametrize("about", [b"", b"{}", b"\x89HDF\r\n\x1a\n", b"\xff"])
def test_a_damaged_history_is_refused(tmp_path, about):
    data = np.zeros((3, 4, 5), np.float32)
    path = write_volume(tmp_path / "a.mrc", Volume(data, 0.5))
    raw = bytearray(path.read_bytes())
    raw[1024:2048] = about.ljust(1024)
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="damaged history"):
        read_volume(path)
