"""A disk that has too little space is named before any voxel is computed."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from napari_snpore import Volume, write_volume
from napari_snpore.cli.main import main
from napari_snpore.errors import OutputError
from napari_snpore.files import write_tlt
from napari_snpore.outputs.free_space import check_free_space
from napari_snpore.scratch import ScratchSpace
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import InputSection, Recipe

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def free(monkeypatch):
    def leave(size):
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**12, 10**12 - size, size))

    return leave


def test_both_numbers_are_said(tmp_path, free):
    free(3_000_000)
    check_free_space(tmp_path / "not" / "there", 3_000_000, "a.tif")
    with pytest.raises(
        OutputError, match=r"a\.tif needs 3 MB of disk space, and 3 MB are free in "
    ):
        check_free_space(tmp_path / "not" / "there", 3_000_001, "a.tif")


class Unread:
    """Voxels that may not be computed."""

    shape, dtype, ndim = (100, 100, 100), np.dtype(np.float32), 3

    def __getitem__(self, key):
        raise AssertionError("a voxel was computed")


@pytest.mark.parametrize("name", ["a.tif", "a.mrc", "a.nrrd"])
def test_a_volume_that_does_not_fit_is_not_computed(tmp_path, free, name):
    free(3_999_999)
    with pytest.raises(OutputError, match=r"needs 4 MB of disk space, and 4 MB are free"):
        write_volume(tmp_path / name, Volume(Unread(), 0.5))
    assert list(tmp_path.iterdir()) == []


def test_of_compressed_chunks_nothing_is_foretold(tmp_path, free):
    free(3_000_000)
    write_volume(tmp_path / "a.ome.zarr", Volume(np.zeros((100, 100, 100), np.float32), 0.5))


def test_what_becomes_a_scratch_file():
    assert ScratchSpace(1600, Path("/nowhere")).file_bytes((10, 10)) == 400
    assert ScratchSpace(16_000, Path("/nowhere")).file_bytes((10, 10)) == 0
    assert ScratchSpace(1600, None).file_bytes((10, 10)) == 0


@pytest.fixture
def series(tmp_path):
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(np.random.default_rng(0).random((25, 40, 160), np.float32))
        file.voxel_size = 5.0
    write_tlt(tmp_path / "a.tlt", np.arange(-60, 61, 5.0))
    return tmp_path / "a.mrc"


@pytest.fixture
def nothing_is_prepared(monkeypatch):
    def prepared(*given, **named):
        raise AssertionError("work was started")

    monkeypatch.setattr("napari_snpore.study.tomogram._prepared_and_aligned", prepared)


VOLUME = 4 * 160 * 40 * 160


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ([], VOLUME),  # the file alone: all arrays are in memory
        (["--memory-limit-mb", "4"], 2 * VOLUME + 2 * 4 * 25 * 40 * 160),
    ],
)
@pytest.mark.usefixtures("nothing_is_prepared")
def test_a_reconstruction_that_cannot_be_written_does_not_start(
    tmp_path, series, free, capsys, words, needed
):
    free(needed - 1)
    with pytest.raises(SystemExit) as ended:
        main(["reconstruct", str(series), "-o", str(tmp_path / "out.tif"), *words])
    assert ended.value.code == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "Reconstructing 160 × 40 × 160 voxels needs" in said
    assert "of disk space" in said
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.usefixtures("nothing_is_prepared")
def test_a_run_that_cannot_be_written_does_not_start(tmp_path, series, free):
    free(5 * 160 * 40 * 160 - 1)
    recipe = Recipe(input=InputSection(tilt_series=str(series)))
    with pytest.raises(OutputError, match="Reconstructing 160 × 40 × 160 voxels needs 5 MB"):
        run_study(recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()
