"""MRC headers: the sign of bytes, the order of axes, and stacks of volumes.

Bytes 76 to 88 of a header are the statistics, 152 to 160 IMOD's stamp and flags, 64 to 76 the order
of axes (MRC2014, and IMOD's description of its format).
"""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest

from napari_snpore import read_tilt_series, read_volume
from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.formats import parse

RAMP = np.arange(256).astype(np.uint8).reshape(4, 8, 8)
SIGNED_RAMP = np.arange(-128, 128).astype(np.int8).reshape(4, 8, 8)
NOISE = np.random.default_rng(3).integers(0, 256, (4, 8, 8)).astype(np.uint8)


def patched(path, data, *changes, order="<"):
    """Write an MRC file and change words of its header: (byte, dtype, values)."""
    with mrcfile.new(path, data, overwrite=True) as file:
        file.voxel_size = 5.0
    content = bytearray(path.read_bytes())
    for place, dtype, values in changes:
        words = np.asarray(values, np.dtype(dtype).newbyteorder(order)).tobytes()
        content[place : place + len(words)] = words
    path.write_bytes(bytes(content))
    return path


def stamp(flags):
    return 152, "i4", [int.from_bytes(b"IMOD", "little"), flags]


@pytest.mark.parametrize(
    ("values", "statistics", "flags"),
    [
        (RAMP, (0, 255, 127), None),
        (RAMP, (0, 255, 127), 0),
        (RAMP, (0, 255, 127), 1),  # no signed byte is above 127
        (RAMP, (0, 0, 0), 0),
        (RAMP, (0, -1, -2), 0),
        (RAMP, (0, 0, 0), None),  # smooth as unsigned bytes
        (RAMP, (np.nan, np.nan, np.nan), None),
        (SIGNED_RAMP, (-128, 127, 0), None),
        (SIGNED_RAMP, (-128, 127, 0), 0),  # no unsigned byte is below 0
        (SIGNED_RAMP, (-128, 127, 0), 1),
        (SIGNED_RAMP, (0, 0, 0), 1),
        (SIGNED_RAMP, (0, -1, -2), None),
        (NOISE.view(np.int8), (0, 0, 0), None),  # nothing tells: signed by the standard
        (NOISE, (0, 0, 0), 0),
    ],
)
def test_sign_of_bytes(tmp_path, values, statistics, flags):
    changes = [(76, "f4", statistics)] + ([] if flags is None else [stamp(flags)])
    path = patched(tmp_path / "a.mrc", values.view(np.int8), *changes)
    found = read_volume(path).data
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)


def test_what_the_values_decided_is_said(tmp_path):
    path = patched(tmp_path / "a.mrc", RAMP.view(np.int8), (76, "f4", (0, 0, 0)))
    (note,) = read_volume(path).history[-1].parameters["notes"]
    assert "read as unsigned" in note


def test_half_bytes_are_refused(tmp_path):
    path = patched(tmp_path / "a.mrc", RAMP.view(np.int8), stamp(16))
    with pytest.raises(FileFormatError, match="two values of 4 bits in each byte"):
        read_volume(path)


@pytest.mark.parametrize(
    "order", [(1, 2, 3), (3, 2, 1), (2, 1, 3), (3, 1, 2), (2, 3, 1), (1, 3, 2)]
)
def test_axes_are_put_as_the_header_names_them(tmp_path, order):
    volume = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)  # z, y, x
    # order: columns, rows, sections; 1 is x, the last axis of the volume
    stored = volume.transpose([3 - axis for axis in reversed(order)])
    path = patched(
        tmp_path / "a.mrc",
        np.ascontiguousarray(stored),
        (28, "i4", (5, 4, 3)),  # samples along x, y, z
        (40, "f4", (10, 12, 15)),  # cell in Å along x, y, z
        (64, "i4", order),
    )
    found = read_volume(path)
    assert np.array_equal(found.data, volume)
    assert found.spacing == pytest.approx((0.5, 0.3, 0.2))


def test_axes_of_an_old_file_are_the_usual(tmp_path):
    path = patched(tmp_path / "a.mrc", RAMP.astype(np.int16), (64, "i4", (0, 0, 0)))
    assert np.array_equal(read_volume(path).data, RAMP)


def test_axes_that_make_no_order_are_refused(tmp_path):
    path = patched(tmp_path / "a.mrc", RAMP.astype(np.int16), (64, "i4", (1, 1, 3)))
    with pytest.raises(FileFormatError, match="names its axes 1, 1, 3"):
        read_volume(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_bytes_and_a_width_that_is_possible_in_both_byte_orders(tmp_path, order):
    data = np.zeros((2, 256, 256), np.int8)
    data[1, 2, 3] = 7
    path = patched(tmp_path / "a.mrc", data)
    header = np.frombuffer(path.read_bytes()[:1024], mrcfile.dtypes.HEADER_DTYPE.newbyteorder("<"))
    header = header.astype(mrcfile.dtypes.HEADER_DTYPE.newbyteorder(order))
    path.write_bytes(header.tobytes() + data.tobytes())
    assert np.array_equal(read_volume(path).data, data)


def volumes(path, data):
    with mrcfile.new(path, data) as file:
        file.voxel_size = 5.0
        assert file.is_volume_stack()
    return path


def test_one_volume_of_a_stack(tmp_path):
    data = np.arange(3 * 2 * 4 * 5, dtype=np.float32).reshape(3, 2, 4, 5)
    path = volumes(tmp_path / "a.mrc", data)
    first = read_volume(path)
    assert np.array_equal(first.data, data[0])
    assert first.spacing == pytest.approx((0.5, 0.5, 0.5))
    assert first.history[-1].parameters["notes"] == [
        "image 'volume 1' was taken; also there: volume 2, volume 3"
    ]
    assert np.array_equal(read_volume(path, image="volume 3").data, data[2])
    with pytest.raises(InputError, match=r"holds no image 'volume 4'; it holds volume 1, volume 2"):
        read_volume(path, image="volume 4")


def test_a_stack_of_one_volume_is_a_volume(tmp_path):
    data = np.arange(40, dtype=np.float32).reshape(1, 2, 4, 5)
    parsed = parse(volumes(tmp_path / "a.mrc", data))
    assert (parsed.data.shape, parsed.notes) == ((2, 4, 5), ())


@pytest.mark.parametrize("each", [0, 4])
def test_sections_that_do_not_fill_volumes(tmp_path, each):
    path = volumes(tmp_path / "a.mrc", np.zeros((3, 2, 4, 5), np.float32))
    path.write_bytes(path.read_bytes()[:36] + np.int32(each).tobytes() + path.read_bytes()[40:])
    with pytest.raises(
        FileFormatError, match=rf"volumes of {each} sections each .* holds 6 sections"
    ):
        read_volume(path)


def test_a_name_where_there_is_one_image(tmp_path):
    path = patched(tmp_path / "a.mrc", RAMP.astype(np.int16))
    with pytest.raises(InputError, match="holds one image without a name; leave out image='HAADF'"):
        read_tilt_series(path, image="HAADF")


@pytest.mark.parametrize(("mode", "words"), [(4, "complex"), (101, "4 bits a value")])
def test_other_modes_are_named(tmp_path, mode, words):
    path = patched(tmp_path / "a.mrc", RAMP.astype(np.int16), (12, "i4", [mode]))
    with pytest.raises(FileFormatError, match=rf"MRC mode {mode} \({words}\)"):
        read_volume(path)
