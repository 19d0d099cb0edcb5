"""The command line as a user meets it: a process, its exit status, its one sentence, its files."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from napari_snpore import (
    Volume,
    make_phantom,
    make_random_phantom,
    read_tilt_series,
    read_volume,
    simulate_measured_series,
    simulate_tilt_series,
    write_volume,
)
from napari_snpore.cli.inputs import parse_angles
from napari_snpore.errors import InputError
from napari_snpore.study.phantom_files import write_tilts


def snpore(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "napari_snpore", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


@pytest.fixture(scope="module")
def phantom_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    done = snpore(
        "phantom",
        "pristine",
        "-o",
        "fibre",
        "--shape",
        64,
        40,
        64,
        "--spacing-nm",
        0.3,
        "--seed",
        5,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_phantom_is_the_one_that_python_makes(phantom_folder):
    made = make_phantom("pristine", shape=(64, 40, 64), spacing=0.3, seed=5)
    read = read_volume(phantom_folder / "fibre" / "volume.tif")
    assert np.array_equal(read.data, made.volume.data)
    assert read.spacing == (0.3, 0.3, 0.3)
    record = json.loads((phantom_folder / "fibre" / "record.json").read_text(encoding="utf-8"))
    assert record["seed"] == 5
    assert "volume.tif" in record["outputs"]


def test_segment_and_measure_true_labels(phantom_folder):
    done = snpore("measure", "fibre/phases_truth.tif", "-o", "sizes", cwd=phantom_folder)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(phantom_folder / "sizes" / "tables" / "objects_Sn.csv")
    truth = pd.read_csv(phantom_folder / "fibre" / "objects_Sn_truth.csv")
    assert len(found) == len(truth)
    assert sorted(found["voxel_count"]) == sorted(truth["voxel_count"])
    fractions = pd.read_csv(phantom_folder / "sizes" / "tables" / "fractions.csv").query(
        "region == 'whole'"
    )
    planted = pd.read_csv(phantom_folder / "fibre" / "fractions_truth.csv")
    assert np.allclose(fractions["fraction_percent"], planted["fraction_percent"], rtol=1e-12)


def test_segment_writes_volume_and_record(phantom_folder):
    done = snpore(
        "segment",
        "fibre/volume.tif",
        "-o",
        "phases.tif",
        "-t",
        0.5,
        "-t",
        6,
        "--ray-length-nm",
        4,
        cwd=phantom_folder,
    )
    assert done.returncode == 0, done.stderr
    phases = read_volume(phantom_folder / "phases.tif")
    assert phases.dtype == np.uint8
    gray = read_volume(phantom_folder / "fibre" / "volume.tif")
    assert np.array_equal(phases.data == 3, gray.data >= 6)
    record = json.loads((phantom_folder / "phases.tif.record.json").read_text(encoding="utf-8"))
    assert record["results"]["thresholds"] == [0.5, 6.0]
    assert len(record["inputs"][0]["sha256"]) == 64
    again = snpore(
        "segment", "fibre/volume.tif", "-o", "phases.tif", "-t", 0.5, "-t", 6, cwd=phantom_folder
    )
    assert again.returncode == 1
    assert "--overwrite" in again.stderr


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["reconstruct", "nowhere.mrc", "-o", "a.tif"], 1, "nowhere.mrc"),
        (["run", "nowhere.toml"], 1, "nowhere.toml"),
        (["segment", "bare.npy", "-o", "a.tif"], 1, "voxel size"),
        (["segment", "nan.tif", "-o", "a.tif"], 1, "NaN"),
        (["segment", "grey.tif", "-o", "a.tif", "-t", "5", "-t", "1"], 1, "increas"),
        (["segment", "grey.tif", "-o", "a.xyz", "-t", "1", "-t", "5"], 1, "a.xyz"),
        (["measure", "grey.tif", "-o", "sizes2"], 1, "does not hold phases"),
        (["view", "nowhere"], 1, "nowhere"),
        (["reconstruct"], 2, "Usage"),
        (["segment", "grey.tif"], 2, "Usage"),
        (["phantom", "molten", "-o", "a"], 2, "molten"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_no_file(tmp_path, words, status, sentence):
    np.save(tmp_path / "bare.npy", np.zeros((4, 4, 4), np.float32))
    gray = np.linspace(0, 10, 8**3, dtype=np.float32).reshape(8, 8, 8)
    write_volume(tmp_path / "grey.tif", Volume(gray, 0.5))
    gray[1, 2, 3] = np.nan
    write_volume(tmp_path / "nan.tif", Volume(gray, 0.5))
    before = sorted(tmp_path.iterdir())
    done = snpore(*words, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert done.stderr.strip().splitlines()[-1].startswith("snpore: ")
    assert sorted(tmp_path.iterdir()) == before


def test_debug_shows_the_traceback(tmp_path):
    done = snpore("run", "nowhere.toml", "--debug", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_angles_in_words(tmp_path):
    assert parse_angles("-4:4:2") == [-4, -2, 0, 2, 4]
    assert parse_angles("1.5,2,-3") == [1.5, 2, -3]
    (tmp_path / "a.tlt").write_text(" -2.0\n 0.0\n 2.0\n")
    assert parse_angles(str(tmp_path / "a.tlt")) == [-2, 0, 2]
    for words in ("1:2", "a,b", "0:5:2", "0:4:0"):
        with pytest.raises(InputError, match="--angles"):
            parse_angles(words)


def test_phantom_of_another_family_with_a_series_from_outside_the_model(tmp_path):
    words = ("--shape", 44, 24, 44, "--spacing-nm", 0.3, "--seed", 2, "--tilts")
    done = snpore(
        "phantom", "sodiated", "-o", "a", "--family", "balls", "--simulator", "measured", *words,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sodiated balls phantom" in done.stdout
    made = make_random_phantom("balls", state="sodiated", shape=(44, 24, 44), spacing=0.3, seed=2)
    assert np.array_equal(read_volume(tmp_path / "a" / "volume.tif").data, made.volume.data)
    series = simulate_measured_series(made, angles_deg=np.arange(-69.0, 70, 2), dose=1000.0, seed=2)
    read = read_tilt_series(tmp_path / "a" / "tilts.tif")
    np.testing.assert_array_equal(read.images, series.images)
    record = json.loads((tmp_path / "a" / "record.json").read_text(encoding="utf-8"))
    assert record["parameters"]["simulator"] == "measured"
    assert record["parameters"]["family"] == "balls"


def test_blur_of_few_tilts_is_not_found_and_says_why(tmp_path):
    made = make_phantom("pristine", shape=(32, 32, 32), spacing=0.4, seed=1)
    angles = np.arange(-60.0, 61.0, 12.0)
    series = simulate_tilt_series(made, angles_deg=angles, dose=1000, seed=1)
    tilts = write_tilts(tmp_path / "tilts.tif", series)
    done = snpore("blur", tilts, "-o", "b", "--no-align", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Blur            of the images not found" in done.stdout
    assert "There are 11 tilts; the blur needs 20 or more." in done.stdout
    assert list(pd.read_csv(tmp_path / "b" / "blur.csv").columns) == ["blur_px", "residual"]
    record = json.loads((tmp_path / "b" / "record.json").read_text(encoding="utf-8"))
    assert record["results"]["blur"]["reliable"] is False
    assert set(record["outputs"]) == {"blur.csv", "blur.png", "summary.txt"}


def test_which_of_several_volumes_was_taken_is_printed(tmp_path):
    import mrcfile

    phantom = np.pad(np.full((2, 10, 10, 10), 200, np.float32), [(0, 0)] + [(5, 5)] * 3)
    phantom[1, 8:12, 8:12, 8:12] = 900
    with mrcfile.new(tmp_path / "two.mrc", phantom) as file:
        file.voxel_size = 5.0
    words = ("segment", "two.mrc", "-o", "phases.tif", "--threshold", 100, "--threshold", 500)
    done = snpore(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "image 'volume 1' was taken; also there: volume 2" in done.stdout
    assert 3 not in read_volume(tmp_path / "phases.tif").data
    done = snpore(*words, "--overwrite", "--image", "volume 2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 3 in read_volume(tmp_path / "phases.tif").data
    done = snpore(*words, "--overwrite", "--image", "BF", cwd=tmp_path)
    assert done.returncode == 1
    assert "holds no image 'BF'; it holds volume 1, volume 2" in done.stderr


@pytest.mark.parametrize("by", ["recipe", "option"])
def test_a_run_takes_the_image_of_its_recipe_or_of_the_option(tmp_path, by):
    import mrcfile

    with mrcfile.new(tmp_path / "two.mrc", np.ones((2, 8, 8, 8), np.float32)) as file:
        file.voxel_size = 5.0
    named = 'image = "BF"' if by == "recipe" else 'image = "volume 2"'
    (tmp_path / "r.toml").write_text(f'[input]\nvolume = "two.mrc"\n{named}\n')
    words = () if by == "recipe" else ("--image", "BF")
    done = snpore("run", "r.toml", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert "holds no image 'BF'; it holds volume 1, volume 2" in done.stderr
