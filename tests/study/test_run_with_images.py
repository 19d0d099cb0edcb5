"""A run by TV: thresholds by the images, polished phases, and sentences where images are missing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_snpore import (
    Volume,
    estimate_errors,
    make_phantom,
    read_volume,
    simulate_tilt_series,
    write_volume,
)
from napari_snpore.errors import InputError
from napari_snpore.history import (
    CleanupParameters,
    CleanUpStep,
    EditByHandStep,
    EstimateErrorsStep,
    PolishStep,
    ReconstructStep,
    last_step,
    required_step,
)
from napari_snpore.numerals import number
from napari_snpore.segmentation.envelope import EnvelopeOptions
from napari_snpore.study import twin
from napari_snpore.study.conditions import unlike_phantoms
from napari_snpore.study.error_report import error_statements
from napari_snpore.study.errors_of_run import errors_of_run, with_errors
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import (
    CleanupSection,
    EnvelopeSection,
    PolishSection,
    Recipe,
    ReconstructSection,
    ThresholdSection,
    UncertaintySection,
)
from napari_snpore.study.report import text_of
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import recorded_errors
from napari_snpore.study.segmenting import find_phases
from napari_snpore.tomography.options import Tv

ANGLES = np.arange(-70.0, 71.0, 4.0)


@pytest.fixture(scope="module")
def phantom():
    return make_phantom("pristine", shape=(56, 36, 56), spacing=0.3, seed=3, easy=True)


@pytest.fixture(scope="module")
def recipe(phantom, tmp_path_factory):
    series = simulate_tilt_series(phantom, angles_deg=ANGLES, dose=2000, seed=1)
    tilts = write_tilts(tmp_path_factory.mktemp("tilts") / "tilts.tif", series)
    return Recipe(
        name="small",
        input={"tilt_series": str(tilts)},
        align={"enabled": False},
        reconstruct={"tv": {"blur_px": 0.5, "iterations": 150}},
        envelope={"ray_length_nm": 5.0, "directions": 32},
        cleanup={"specks": {"Sn": 2}},
        measure={"phases": ["Sn"], "details": False},
        output={"figures": ["png"]},
    )


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    return run_study(recipe, tmp_path_factory.mktemp("run") / "results")


def test_defaults_are_tv_projection_and_polish(run):
    names = [step.name for step in run.segmentation.phases.history]
    assert names[-5:] == ["reconstruct", "segment", "polish", "clean up", "estimate errors"]
    assert run.tomogram.reconstruction.method == "tv"
    assert run.segmentation.method == run.segmentation.suggestion.method == "projection"
    assert run.segmentation.before_polishing.history[-1].name == "segment"


def test_polished_phases_are_nearer_to_the_truth(run, phantom):
    inside = run.segmentation.envelope.mask & phantom.envelope
    wrong = [
        np.count_nonzero((np.asarray(phases.data) != phantom.phases) & inside)
        for phases in (run.segmentation.before_polishing, run.segmentation.phases)
    ]
    assert wrong[1] < 0.9 * wrong[0]


def test_folder_holds_what_the_images_said(run):
    record = json.loads((run.folder / "record.json").read_text(encoding="utf-8"))
    assert {
        "tables/projection_residual.csv",
        "figures/projection_residual.png",
        "volumes/phases.tif",
    } < set(record["outputs"])
    assert {"projection residual", "polish"} < set(record["timings_s"])
    assert "find blur" not in record["timings_s"], "the blur was given"
    found = record["results"]["segmentation"]
    step = required_step(run.segmentation.phases.history, PolishStep)
    assert found["polish"]["changed_voxels"] == step.changed_voxels
    assert found["not_polished"] is None
    assert found["images"]["levels_gray"] == pytest.approx([0, 1, 2], abs=0.15)
    table = pd.read_csv(run.folder / "tables" / "projection_residual.csv")
    assert list(table.columns) == ["t1_gray", "t2_gray", "residual", "allowed"]
    assert (table["t1_gray"] < table["t2_gray"]).all()
    allowed = table[table["allowed"] == 1]
    least, slack = run.segmentation.residual_map.minimum, run.segmentation.residual_map.allowance
    assert (allowed["residual"] <= least + slack).all()


def test_numbers_come_with_what_a_twin_says_of_them(run):
    table = pd.read_csv(run.folder / "tables" / "numbers.csv").set_index(["quantity", "unit"])
    assert list(table.columns) == [
        "value", "twin_bias", "corrected", "low_95", "high_95", "fibre_low_95", "fibre_high_95",
        "dominant_source", "calibrated", "restoration",
    ]  # fmt: skip
    pore = table.loc["pore fraction, whole", "%"]
    assert pore["corrected"] == pytest.approx(pore["value"] - pore["twin_bias"])
    assert abs(pore["twin_bias"]) < 5
    length = table.loc["Sn cluster length, median", "nm"]
    assert np.isfinite(length["twin_bias"])
    assert np.isnan(length["corrected"]), "a twin does not repair lengths"
    assert (table["calibrated"] == "no, not calibrated here").all()
    sources = pd.read_csv(run.folder / "tables" / "numbers_sources.csv")
    assert list(sources.columns) == ["quantity", "unit", "source", "low", "high"]
    record = json.loads((run.folder / "record.json").read_text(encoding="utf-8"))
    assert {"tables/numbers.csv", "tables/numbers_sources.csv"} < set(record["outputs"])
    assert record["results"]["errors"]["twins"] == 1
    assert "digital twin" in record["timings_s"]
    assert pore["low_95"] < pore["corrected"] < pore["high_95"]
    words = f"{pore['value']:.1f} %, corrected {pore['corrected']:.1f} ±"
    assert words in run.summary


def test_phases_keep_the_errors_of_their_numbers(run):
    read = read_volume(run.folder / "volumes" / "phases.tif")
    kept = recorded_errors(read.history)
    pd.testing.assert_frame_equal(kept.numbers, run.errors.numbers)
    edited = read.after(EditByHandStep(1, ((1, 3, 1),)), read.data)
    stale = recorded_errors(edited.history)
    assert (stale.numbers["calibrated"] == "no, edited by hand").all()
    assert stale.numbers["corrected"].isna().all()
    cleaned = edited.after(CleanUpStep(CleanupParameters()), read.data)
    assert recorded_errors(cleaned.history) is None


def test_errors_of_phases_alone_are_those_of_the_run(run, recipe):
    made = run.tomogram
    phases = Volume(run.segmentation.phases.data, made.volume.spacing, made.volume.origin,
                    run.segmentation.phases.history[:-1])  # fmt: skip
    found = estimate_errors(phases, made.volume, made.aligned, section=recipe.measure)
    pd.testing.assert_frame_equal(found.numbers, run.errors.numbers)
    edited = phases.after(EditByHandStep(1, ((1, 3, 1),)), phases.data)
    with pytest.raises(InputError, match="edited by hand, which a twin cannot repeat"):
        estimate_errors(edited, made.volume, made.aligned)


def test_a_twin_is_of_the_fibre_with_an_outline_on_its_walls(run, recipe, phantom, monkeypatch):
    parts = (recipe, run.tomogram, run.segmentation, run.measurement)
    seen = []

    def watched(fibre, series, numbers, repeat, **given):
        seen.append((fibre, numbers))
        return pd.DataFrame()

    monkeypatch.setattr(twin, "digital_twin", watched)
    made = twin.twins_of_run(*parts, context=RunContext(Record("twin")))
    fibre, planted = seen[0]
    phases = run.segmentation.phases.data
    assert np.array_equal(fibre.data > 1, phases > 1), "nothing but void changes"
    wrong = [np.count_nonzero((data > 0) != phantom.envelope) for data in (phases, fibre.data)]
    assert wrong[1] < 0.6 * wrong[0]
    whole = np.count_nonzero(fibre.data) / np.count_nonzero(phases)
    assert made.outline_percent == pytest.approx(100 * (whole - 1))
    pores = 100 * np.count_nonzero(fibre.data == 1) / np.count_nonzero(fibre.data)
    assert planted["pore fraction, whole", "%"] == pytest.approx(pores)

    around = replace(run.segmentation.envelope, options=EnvelopeOptions(occlusion_threshold=0.6))
    other = replace(run.segmentation, envelope=around)
    parts = (recipe, run.tomogram, other, run.measurement)
    made = twin.twins_of_run(*parts, context=RunContext(Record("twin")))
    assert made.outline_percent is None, "a convention of the user's own is kept"
    assert np.array_equal(seen[1][0].data, phases)
    assert "occlusion threshold is 0.6" in unlike_phantoms(
        recipe, run.tomogram, other, run.measurement
    )


def test_a_run_without_a_twin_says_why(run, recipe):
    none = recipe.model_copy(update={"uncertainty": UncertaintySection(twins=0)})
    made = (none, run.tomogram, run.segmentation, run.measurement)
    found = errors_of_run(*made, context())
    assert found.reason == "No digital twin was asked for."
    assert found.numbers["twin_bias"].isna().all()
    assert found.numbers["low_95"].notna().any(), "thresholds and envelope are drawn without one"
    assert not (found.numbers["calibrated"] == "yes").any()
    kept = with_errors(run.segmentation, found).phases.history
    assert last_step(kept, EstimateErrorsStep).twins == 0


def test_a_twin_that_fails_says_why(run, recipe, monkeypatch):
    from napari_snpore.study import repeating

    def lost(*args, **options):
        raise InputError("No rising grey levels fit the images.")

    monkeypatch.setattr(repeating, "find_phases", lost)
    found = errors_of_run(recipe, run.tomogram, run.segmentation, run.measurement, context())
    assert (found.numbers["calibrated"] == "no, a twin failed").all()
    assert found.numbers["corrected"].isna().all()
    assert "No rising grey levels fit the images." in text_of(error_statements(found))


def test_summary_says_it_in_sentences(run):
    step = required_step(run.segmentation.phases.history, PolishStep)
    for words in (
        "Blur            0.50 px, as given",
        "grey units; by the tilt images",
        "by the images: residual R = ",
        "the images allow, by thresholds alone: pore ",
        "Polishing       changed ",
        f"residual R {number(step.residual_before)} → {number(step.residual_after)}",
        "before it: pore ",
        "specks of phase 3 below 2 voxels",
    ):
        assert words in run.summary, words


def context():
    return RunContext(Record("test"))


def test_polishing_comes_between_envelope_and_clean_up(run, recipe):
    made = run.tomogram
    parts = (recipe.threshold, recipe.envelope)
    plain = find_phases(
        made.volume,
        *parts,
        CleanupSection(),
        polish=PolishSection(enabled=False),
        series=made.aligned,
        context=context(),
    )
    assert plain.not_polished == "It was switched off."
    assert np.array_equal(plain.phases.data, run.segmentation.before_polishing.data)
    assert np.array_equal(plain.phases.data == 0, np.asarray(run.segmentation.phases.data) == 0)
    step = required_step(run.segmentation.phases.history, PolishStep)
    changed = np.count_nonzero(np.asarray(plain.phases.data) != run.segmentation.phases.data)
    cleaned = sum(part.changed_voxel_count for part in run.segmentation.cleanup)
    assert step.changed_voxels - cleaned <= changed <= step.changed_voxels + cleaned


def test_a_volume_alone_falls_back_in_one_sentence_each(run, tmp_path):
    path = write_volume(tmp_path / "volume.tif", run.tomogram.volume)
    recipe = Recipe(
        input={"volume": str(path)},
        threshold={"method": "projection"},
        polish={"enabled": True},
        envelope={"ray_length_nm": 5.0, "directions": 32},
        measure={"phases": ["Sn"], "details": False},
        output={"figures": []},
    )
    result = run_study(recipe, tmp_path / "results")
    assert result.segmentation.method == "haadf"
    assert "There are no tilt images behind this volume. The thresholds are" in result.summary
    assert "Polishing       none. There are no tilt images behind this volume." in result.summary
    assert "intervals by draws of thresholds, blur and envelope, not calibrated" in result.summary
    assert (result.errors.numbers["calibrated"] == "no, no images").all()
    assert set(result.errors.sources["source"]) == {"thresholds", "envelope"}
    assert "thresholds and envelope are the only sources of error" in result.summary
    assert not (tmp_path / "results" / "tables" / "projection_residual.csv").exists()


def test_few_tilts_give_no_blur_the_rule_haadf_and_no_polishing(phantom, tmp_path):
    angles = ANGLES[::3]
    series = simulate_tilt_series(phantom, angles_deg=angles, dose=2000, seed=1)
    tilts = write_tilts(tmp_path / "few.tif", series)
    recipe = Recipe(
        input={"tilt_series": str(tilts)},
        align={"enabled": False},
        reconstruct=ReconstructSection(tv=Tv(iterations=40)),
        threshold=ThresholdSection(),
        envelope=EnvelopeSection(ray_length_nm=5.0, directions=32),
        measure={"phases": ["Sn"], "details": False},
        output={"figures": []},
    )
    result = run_study(recipe, tmp_path / "results")
    made = required_step(result.tomogram.volume.history, ReconstructStep)
    assert (made.blur_px, result.tomogram.blur.reliable) == (0.0, False)
    for words in (
        "of the images not found: the model has none",
        "There are 12 tilts; the blur needs 20 or more.",
        "There are 12 tilts; fewer than 20 leave boundaries free between them. The thresholds are",
        "Polishing       none. The blur of the images could not be found.",
    ):
        assert words in result.summary, words
    record = json.loads((tmp_path / "results" / "record.json").read_text(encoding="utf-8"))
    assert record["results"]["quality"]["blur"]["reliable"] is False
    assert "find blur" in record["timings_s"]
