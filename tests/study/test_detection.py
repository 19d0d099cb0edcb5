"""The detection limit of a run: files, summary, record, history, and runs that have none."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from napari_snpore import make_phantom, read_volume, simulate_tilt_series
from napari_snpore.history import DetectionLimitStep, last_step
from napari_snpore.study.detection import detection_of_run
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.uncertainty.size_limit import recorded_size_limit, size_limit

ANGLES = np.arange(-70.0, 71.0, 4.0)
SIZES = [0.45, 0.75]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    phantom = make_phantom("pristine", shape=(56, 36, 56), spacing=0.3, seed=3, easy=True)
    series = simulate_tilt_series(phantom, angles_deg=ANGLES, dose=2000, seed=1)
    tilts = write_tilts(tmp_path_factory.mktemp("tilts") / "tilts.tif", series)
    return Recipe(
        name="small",
        input={"tilt_series": str(tilts)},
        align={"enabled": False},
        reconstruct={"tv": {"blur_px": 0.5, "iterations": 100}},
        envelope={"ray_length_nm": 5.0, "directions": 32},
        measure={"phases": ["Sn"], "details": False},
        uncertainty={"twins": 0},
        detection_limit={"enabled": True, "diameters_nm": SIZES, "clusters": 8, "runs": 1},
        output={"figures": ["svg"]},
    )


@pytest.fixture(scope="module")
def said():
    return []


@pytest.fixture(scope="module")
def run(recipe, said, tmp_path_factory):
    return run_study(recipe, tmp_path_factory.mktemp("run") / "results", say=said.append)


def test_table_record_and_summary_say_the_same(run, said):
    table = pd.read_csv(run.folder / "tables" / "detection_limit.csv")
    assert list(table.columns) == (
        "diameter_nm n found recall low_95 high_95 length_bias_nm volume_bias_percent merged".split()
    )
    assert table["diameter_nm"].tolist() == SIZES
    assert (table["n"] > 0).all()
    # 2.5 voxels against 1.5, of which a level of Sn is hardly left
    assert table["recall"].iloc[1] > table["recall"].iloc[0]
    record = json.loads((run.folder / "record.json").read_text(encoding="utf-8"))
    kept = record["results"]["detection_limit"]
    assert [row["found"] for row in kept["recall"]] == table["found"].tolist()
    assert kept["limit"]["clusters"] == table["n"].sum()
    assert "detection limit" in record["timings_s"]
    assert "tables/detection_limit.csv" in record["outputs"]
    text = (run.folder / "summary.txt").read_text(encoding="utf-8")
    assert run.detection.limit.words in text
    first = table.iloc[0]
    assert f"{first['found']:.0f} of {first['n']:.0f} found" in text
    assert any(sentence.startswith("Detection limit: reconstruction") for sentence in said)


def test_the_phases_carry_the_limit(run):
    history = read_volume(run.folder / "volumes" / "phases.tif").history
    step = last_step(history, DetectionLimitStep)
    assert step == run.detection.step
    assert step.phase == "Sn"
    limit = run.detection.limit
    assert recorded_size_limit(history, "Sn") == size_limit(limit, run.detection.table)
    assert recorded_size_limit(history, "pore") is None


def test_histograms_are_shaded_below_the_limit(run):
    step = run.detection.step
    assert step.length_nm is not None
    drawn = (run.folder / "figures" / "objects_Sn.svg").read_text(encoding="utf-8")
    assert 'id="below detection limit"' in drawn


def test_it_is_off_unless_it_is_asked_for(run, recipe):
    context = RunContext(Record("run"))
    off = recipe.model_copy(update={"detection_limit": recipe.detection_limit.model_copy(
        update={"enabled": False})})  # fmt: skip
    assert Recipe(input={"volume": "x.tif"}).detection_limit.enabled is False
    assert detection_of_run(off, run.tomogram, run.segmentation, context) is None


def test_rough_phases_have_none_and_the_summary_says_why(recipe, tmp_path):
    rough = Recipe(**recipe.model_dump() | {
        "polish": {"enabled": False},
        "output": {"figures": []},
    })  # fmt: skip
    result = run_study(rough, tmp_path / "results")
    assert result.detection.table is None
    assert "needs polished phases" in result.summary
    assert not (result.folder / "tables" / "detection_limit.csv").exists()
    assert last_step(result.segmentation.phases.history, DetectionLimitStep) is None
