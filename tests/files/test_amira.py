"""Amira and Avizo label fields as these programs save them: run lengths, zip, uneven lattices."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from napari_snpore import read_volume
from napari_snpore.errors import FileFormatError, MissingScaleError

VALUES = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)


def amira(path, body, *, coding="", kind="byte", lattice="5 4 3", order="BINARY-LITTLE-ENDIAN 2.1",
          unit="nm", box="0 4 0 6 0 6", coordinates="uniform", more=""):  # fmt: skip
    header = (
        f"# AmiraMesh {order}\n\n\ndefine Lattice {lattice}\n\nParameters {{\n    Units {{\n"
        f'        Coordinates "{unit}"\n    }}\n    BoundingBox {box},\n'
        f'    CoordType "{coordinates}"\n}}\n\nLattice {{ {kind} Labels }} @1{coding}\n{more}'
        "\n# Data section follows\n@1\n"
    )
    path.write_bytes(header.encode("utf-8") + body + b"\n")
    return path


def rle(path, coded, **options):
    return amira(path, coded, coding=f"(HxByteRLE,{len(coded)})", **options)


def test_run_lengths_by_hand(tmp_path):
    # 12 zeros, 5 literals, 43 sevens in runs of 40 and 3; runs go on over rows and planes
    coded = bytes([12, 0, 128 + 5, 1, 2, 3, 4, 5, 40, 7, 3, 7])
    volume = read_volume(rle(tmp_path / "a.am", coded))
    wanted = np.array([0] * 12 + [1, 2, 3, 4, 5] + [7] * 43, np.uint8).reshape(3, 4, 5)
    assert np.array_equal(volume.data, wanted)
    assert volume.dtype == np.uint8
    assert volume.spacing == (3, 2, 1)


def test_literals_alone_and_controls_of_no_value(tmp_path):
    coded = bytes([0, 9, 128, 128 + 60]) + VALUES.tobytes()
    assert np.array_equal(read_volume(rle(tmp_path / "a.am", coded)).data, VALUES)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("byte", "u1"), ("ushort", "u2"), ("int", "i4"), ("float", "f4")]
)
@pytest.mark.parametrize("order", ["BINARY-LITTLE-ENDIAN 3.0", "BINARY 2.1"])
def test_zip(tmp_path, kind, dtype, order):
    stored = VALUES.astype(f"{'<' if 'LITTLE' in order else '>'}{dtype}")
    body = zlib.compress(stored.tobytes())
    path = amira(tmp_path / "a.am", body, coding=f"(HxZip,{len(body)})", kind=kind, order=order)
    volume = read_volume(path)
    assert volume.dtype == np.dtype(dtype)
    assert np.array_equal(volume.data, VALUES)


@pytest.mark.parametrize(
    ("options", "body", "sentence"),
    [
        ({"coding": "(HxByteRLE,61)"}, bytes([188]) + bytes(50), "cut short: 61 compressed"),
        ({"coding": "(HxByteRLE,4)"}, bytes([30, 1, 29, 1]), "hold 59 bytes, its header promises 60"),
        ({"coding": "(HxByteRLE,4)"}, bytes([30, 1, 31, 1]), "hold 61 bytes, its header promises 60"),
        ({"coding": "(HxByteRLE,4)", "kind": "ushort"}, bytes(4), "read for bytes only"),
        ({"coding": "(HxZip,10)"}, b"0123456789", "no zip data"),
        ({"coding": "(HxZip,9)", "lattice": "90000 90000 90000"}, bytes(9), "cannot hold"),
        ({"coding": "(HxOther,9)"}, bytes(9), "compressed as HxOther"),
        ({"coordinates": "rectilinear"}, bytes(60), "uneven distances"),
        ({"lattice": "0 4 3"}, bytes(60), "0 × 4 × 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path, options, body, sentence):
    with pytest.raises(FileFormatError, match=sentence):
        read_volume(amira(tmp_path / "a.am", body, **options))


@pytest.mark.parametrize(("unit", "nm"), [("µm", 1e3), ("μm", 1e3), ("Å", 0.1), ("mm", 1e6)])
def test_units_of_the_box(tmp_path, unit, nm):
    path = amira(tmp_path / "a.am", VALUES.tobytes(), unit=unit)
    assert read_volume(path).spacing == pytest.approx((3 * nm, 2 * nm, nm))


def test_a_box_that_nobody_measured_counts_as_none(tmp_path):
    path = amira(tmp_path / "a.am", VALUES.tobytes(), box="0 4 0 3 0 2")
    with pytest.raises(MissingScaleError, match="counts as none"):
        read_volume(path)


def test_other_fields_of_the_file_are_said(tmp_path):
    path = amira(tmp_path / "a.am", VALUES.tobytes(), more="Lattice { byte Probability } @2\n")
    notes = read_volume(path).history[-1].parameters["notes"]
    assert notes == ["Labels was read; the file also holds Probability"]
