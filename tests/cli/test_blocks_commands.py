"""``segment`` and ``measure`` by blocks write what they write in memory, and say what they leave out."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore import Volume, make_phantom, read_volume, write_volume
from napari_snpore.cli.main import main

SEGMENT = ["--ray-length-nm", "3", "--directions", "32", "--specks", "Sn:4", "--fill", "C"]


def snpore(*words):
    """Run a command in this process; return its exit status."""
    try:
        main([str(word) for word in words])
    except SystemExit as ended:
        return ended.code or 0
    return 0


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    phantom = make_phantom("pristine", shape=(44, 36, 40), spacing=0.3, seed=2)
    noise = np.random.default_rng(0).normal(0, 0.15, phantom.volume.shape)
    data = (np.asarray(phantom.volume) + noise).astype(np.float32)
    return write_volume(tmp_path_factory.mktemp("gray") / "gray.ome.zarr", Volume(data, 0.3))


def test_segment_and_measure_by_blocks(gray, tmp_path, capfd):
    phases = {way: tmp_path / f"{way}.ome.zarr" for way in ("in-memory", "by-blocks")}
    for way, path in phases.items():
        assert snpore("segment", gray, "-o", path, *SEGMENT, f"--{way}") == 0
        told = capfd.readouterr().err
        assert ("Work is done by blocks of 64 × 64 × 64 voxels." in told) == (way == "by-blocks")
    one, two = (np.asarray(read_volume(path)) for path in phases.values())
    assert np.array_equal(one, two)
    tables = []
    for way in phases:
        words = ["measure", phases[way], "-o", tmp_path / way, "--phase", "Sn", "--intensity", gray]
        assert snpore(*words, f"--{way}") == 0
        names = ("objects_Sn", "fractions", "contacts_Sn", "shells", "fractions_by_slice")
        folder = tmp_path / way / "tables"
        tables.append([(folder / f"{name}.csv").read_bytes() for name in names])
    assert "without the local width of the pore network" in capfd.readouterr().err
    assert tables[0] == tables[1]
    labels = (
        read_volume(tmp_path / "in-memory" / "volumes" / "objects_Sn.tif"),
        read_volume(tmp_path / "by-blocks" / "volumes" / "objects_Sn.ome.zarr"),
    )
    assert labels[0].dtype == labels[1].dtype
    assert np.array_equal(np.asarray(labels[0]), np.asarray(labels[1]))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_phase_that_is_not_there_is_named_by_blocks_too(gray, tmp_path, capfd):
    assert snpore("segment", gray, "-o", tmp_path / "p.ome.zarr", *SEGMENT, "--by-blocks") == 0
    words = ["measure", tmp_path / "p.ome.zarr", "-o", tmp_path / "out", "--by-blocks"]
    assert snpore(*words, "--phase", "gold", "--no-details") == 1
    assert "the volume holds the phases 1 pore, 2 C, 3 Sn" in capfd.readouterr().err
    assert snpore(*words, "--phase", "Sn", "--thickness") == 1
    assert "By blocks there is no local thickness (measure.thickness)" in capfd.readouterr().err
