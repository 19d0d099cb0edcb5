"""``snpore convert`` and ``snpore surface`` as a user meets them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import trimesh
from numpy.testing import assert_array_equal

from napari_snpore import Volume, read_volume, write_volume
from napari_snpore.cli import main
from napari_snpore.history import BinStep

DATA = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)


def snpore(capsys, *words):
    """Return exit status, standard output and the last line of standard error."""
    status = 0
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        status = int(end.code or 0)
    said = capsys.readouterr()
    return status, said.out, (said.err.strip().splitlines() or [""])[-1]


@pytest.mark.parametrize("suffix", [".nrrd", ".mrc", ".tif", ".imagej.tif", ".ome.zarr"])
def test_each_written_format(tmp_path, capsys, suffix):
    made = Volume(DATA, (2, 0.5, 0.25), (1, 2, 3), (BinStep(2).step,))
    write_volume(tmp_path / "a.tif", made)
    output = tmp_path / f"b{suffix}"
    status, said, _ = snpore(capsys, "convert", tmp_path / "a.tif", "-o", output)
    assert status == 0
    assert "2 × 3 × 4 voxels of uint16, 2 × 0.5 × 0.25 nm (z, y, x)" in said
    back = read_volume(output)
    assert_array_equal(back.data, DATA)
    assert back.spacing == pytest.approx((2, 0.5, 0.25))
    assert back.origin == (1, 2, 3)
    record = json.loads((tmp_path / f"b{suffix}.record.json").read_text())
    assert (record["command"], len(record["inputs"][0]["sha256"])) == ("convert", 64)


def test_raw_voxels_and_slices(tmp_path, capsys):
    (tmp_path / "a.bin").write_bytes(b"head" + DATA.astype(">u2").tobytes())
    status, _, _ = snpore(
        capsys, "convert", tmp_path / "a.bin", "-o", tmp_path / "a.nrrd", "--raw-shape", "2,3,4",
        "--raw-dtype", ">u2", "--raw-offset", 4, "--spacing-nm", "2,0.5,0.5",
    )  # fmt: skip
    assert status == 0
    back = read_volume(tmp_path / "a.nrrd")
    assert_array_equal(back.data, DATA)
    assert back.spacing == (2, 0.5, 0.5)
    (tmp_path / "slices").mkdir()
    for number, plane in enumerate(DATA):
        tifffile.imwrite(tmp_path / "slices" / f"{number}.tif", plane)
    status, _, _ = snpore(
        capsys, "convert", tmp_path / "slices", "-o", tmp_path / "b.nrrd", "--spacing-nm", "0.5"
    )
    assert status == 0
    assert_array_equal(read_volume(tmp_path / "b.nrrd").data, DATA)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--raw-shape", "2,3"], "three positive whole numbers"),
        (["--raw-shape", "2,3,x"], "--raw-shape is '2,3,x'"),
        (["--raw-shape", "2,3,4", "--raw-dtype", "O"], "type of raw voxels is 'O'"),
        (["--raw-shape", "2,3,4"], "has 48 bytes; 2 × 3 × 4 voxels (z, y, x) of uint8 needs 24"),
        (["--spacing-nm", "1,2"], "--spacing-nm is '1,2'"),
        ([], "says how they lie"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_no_file(tmp_path, capsys, words, sentence):
    (tmp_path / "a.raw").write_bytes(DATA.tobytes())
    spacing = [] if "--spacing-nm" in words else ["--spacing-nm", "1"]
    status, _, said = snpore(
        capsys, "convert", tmp_path / "a.raw", "-o", tmp_path / "a.nrrd", *spacing, *words
    )
    assert status == 1
    assert sentence in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.raw"]


def test_surface(tmp_path, capsys):
    phases = np.ones((6, 7, 8), np.uint8)
    phases[2:4, 2:5, 2:6] = 3
    write_volume(tmp_path / "phases.tif", Volume(phases, 0.5))
    for suffix in (".stl", ".ply", ".glb"):
        output = tmp_path / f"tin{suffix}"
        status, said, _ = snpore(
            capsys, "surface", tmp_path / "phases.tif", "-o", output, "--smoothing", 0
        )
        assert status == 0
        assert "Sn" in said
        low, high = trimesh.load(output, force="mesh").bounds
        assert low == pytest.approx([0.75, 0.75, 0.75])  # half a voxel before the first center
        assert high == pytest.approx([2.75, 2.25, 1.75])
    record = json.loads((tmp_path / "tin.stl.record.json").read_text())
    assert record["parameters"]["phase"] == "Sn"
    status, _, said = snpore(capsys, "surface", tmp_path / "phases.tif", "-o", tmp_path / "a.obj")
    assert status == 1
    assert ".stl .ply .glb" in said
    status, _, said = snpore(
        capsys, "surface", tmp_path / "phases.tif", "-o", tmp_path / "a.stl", "--phase", "2"
    )
    assert status == 1
    assert "no voxel carries it" in said
