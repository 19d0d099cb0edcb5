"""A run from tilts to tables: exact on planted labels, complete in its folder, refused in one
sentence.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_snpore import Volume, make_phantom, read_volume, simulate_tilt_series, write_volume
from napari_snpore.errors import FileFormatError, InputError, Stopped
from napari_snpore.outputs.own_files import unlisted_file
from napari_snpore.study.demo import measured_at, truth_segmentation
from napari_snpore.study.measurement_report import mass_statements
from napari_snpore.study.numbers import measured_numbers
from napari_snpore.study.output_folder import update_listed_outputs
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import input_paths, run_study
from napari_snpore.study.provenance import Record, sha256
from napari_snpore.study.recipe import CleanupSection, MeasureSection, Recipe, read_recipe
from napari_snpore.study.report import Statement
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.truth import Stage, planted_numbers, truth_table


@pytest.fixture(scope="module")
def phantom():
    return make_phantom("pristine", shape=(64, 40, 64), spacing=0.3, seed=2)


@pytest.fixture(scope="module")
def recipe(phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tilts")
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-69, 70, 6.0), dose=2000, seed=1)
    tilts = write_tilts(folder / "tilts.tif", series)
    return Recipe(
        name="small",
        input={"tilt_series": str(tilts)},
        align={"enabled": False},
        reconstruct={"sirt": {"iterations": 10}},
        envelope={"ray_length_nm": 4.0, "directions": 32},
        output={"figures": ["png"]},
    )


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    return run_study(recipe, tmp_path_factory.mktemp("run") / "results")


def test_every_number_is_exact_on_planted_labels(phantom, recipe):
    measured = measured_at(phantom, truth_segmentation(phantom), recipe, RunContext(Record("test")))
    table = truth_table(
        planted_numbers(phantom), [Stage("true_labels", measured_numbers(measured))]
    )
    assert len(table) >= 15
    assert (table["true_labels_bias"] == 0).all(), table.to_string()


def test_folder_holds_what_the_record_lists(run):
    record = json.loads((run.folder / "record.json").read_text(encoding="utf-8"))
    assert {
        "volumes/reconstruction.tif",
        "volumes/phases.tif",
        "tables/objects_Sn.csv",
        "tables/fractions.csv",
    } < set(record["outputs"])
    assert all((run.folder / name).is_file() for name in record["outputs"])
    assert record["inputs"][0]["sha256"] == sha256(run.folder / record["inputs"][0]["path"])
    assert {"reconstruct", "envelope", "segment"} < set(record["timings_s"])
    assert any(entry["path"].endswith(".rawtlt") for entry in record["inputs"])
    assert (run.folder / "recipe.toml").is_file()


def test_details_stand_beside_the_objects(run):
    assert {"fractions_by_slice", "shells", "contacts_Sn", "networks"} <= set(
        run.measurement.details
    )
    contacts = pd.read_csv(run.folder / "tables" / "contacts_Sn.csv")
    assert contacts["label"].tolist() == run.measurement.objects["Sn"]["label"].tolist()
    shells = pd.read_csv(run.folder / "tables" / "shells.csv")
    whole = run.measurement.fractions.query("region == 'whole'").set_index("name")
    everywhere = shells[shells["sector"] == "all"]
    assert everywhere["voxel_count"].sum() == whole["voxel_count"].sum()
    mean = (everywhere["pore_percent"] * everywhere["voxel_count"]).sum() / everywhere[
        "voxel_count"
    ].sum()
    assert mean == pytest.approx(whole.loc["pore", "fraction_percent"])


def test_files_hold_what_python_returns(run):
    phases = read_volume(run.folder / "volumes" / "phases.tif")
    assert np.array_equal(phases.data, run.segmentation.phases.data)
    assert phases.spacing == (0.3, 0.3, 0.3)
    names = [step.name for step in phases.history]
    assert names[-4:] == ["reconstruct", "segment", "estimate errors", "read"]
    table = pd.read_csv(run.folder / "tables" / "objects_Sn.csv")
    labels = read_volume(run.folder / "volumes" / "objects_Sn.tif")
    assert len(table) == int(np.max(labels.data))
    counted = np.bincount(np.asarray(labels.data).ravel())[1:]
    assert np.array_equal(table["voxel_count"], counted)


def test_table_columns_carry_their_units(run):
    for path in (run.folder / "tables").glob("objects_*.csv"):
        columns = pd.read_csv(path).columns
        assert {
            "length_nm",
            "width_nm",
            "volume_nm3",
            "surface_area_nm2",
            "convention",
            "objects_from",
        } <= set(columns)


def test_summary_states_units_and_conventions(run):
    for words in (
        "Crowther",
        "% of the envelope",
        "grey units",
        "convention corners",
        "τ = 0.50",
        "connectivity",
    ):
        assert words in run.summary


def test_same_recipe_same_bytes(run, recipe, tmp_path):
    again = run_study(recipe, tmp_path / "again")
    for name in (
        "volumes/reconstruction.tif",
        "tables/objects_Sn.csv",
        "figures/slice_pair.png",
        "summary.txt",
    ):
        assert (run.folder / name).read_bytes() == (again.folder / name).read_bytes(), name


def test_cancel_leaves_nothing(recipe, tmp_path):
    asked = iter([False] * 4 + [True] * 1000)
    with pytest.raises(Stopped):
        run_study(recipe, tmp_path / "results", should_stop=lambda: next(asked))
    assert list(tmp_path.iterdir()) == []


def test_recipe_in_the_results_runs_again(run, recipe, tmp_path):
    again = read_recipe(run.folder / "recipe.toml")
    assert Path(again.input.tilt_series).resolve() == Path(recipe.input.tilt_series).resolve()


def test_added_file_is_listed_so_that_a_later_run_may_replace_the_folder(run):
    (run.folder / "tables" / "truth.csv").write_text("a\n1\n")
    assert unlisted_file(run.folder) == "tables/truth.csv"
    update_listed_outputs(run.folder)
    assert unlisted_file(run.folder) is None
    (run.folder / "tables" / "truth.csv").unlink()
    update_listed_outputs(run.folder)


def test_cubes_of_a_short_box_are_as_large_as_it(tmp_path):
    """A rod of radius 12 nm: cubes of 7.2 nm, but the box is 3 nm long."""
    z, _, x = np.mgrid[:64, :6, :64] - np.array([31.5, 0, 31.5])[:, None, None, None]
    write_volume(
        tmp_path / "rod.tif",
        Volume(np.where(np.hypot(z, x) < 24, 5.0, 0.0).astype(np.float32), 0.5),
    )
    short = {
        "input": {"volume": str(tmp_path / "rod.tif")},
        "threshold": {"values": [2.5]},
        "output": {"figures": []},
        "measure": {"phases": ["solid"]},
    }
    fractions = run_study(Recipe(**short), tmp_path / "results").measurement.fractions
    assert set(fractions["region_size_nm"].dropna()) == {3.0}
    with pytest.raises(InputError, match="more than the volume along y"):
        run_study(Recipe(**short | {"measure": {"subvolume_nm": 7.0}}), tmp_path / "other")


def test_calibrated_thresholds_and_clean_up_reach_the_phases(phantom, tmp_path):
    """Grey values times 50 and 200 more: the same rule gives the same phases but for the specks
    that it is told to take.
    """
    plain = {
        "threshold": {"values": [0.5, 6.0], "calibrated": True},
        "envelope": {"enabled": False},
        "output": {"figures": []},
    }
    found = []
    for name, gain, offset in (("a", 1, 0), ("b", 50, 200)):
        write_volume(
            tmp_path / f"{name}.tif",
            Volume(phantom.volume.data * np.float32(gain) + np.float32(offset), 0.3),
        )
        recipe = Recipe(input={"volume": str(tmp_path / f"{name}.tif")}, **plain)
        found.append(run_study(recipe, tmp_path / f"{name}_results").segmentation)
    assert np.mean(found[0].phases.data != found[1].phases.data) < 0.002
    assert found[1].thresholds == pytest.approx(found[1].calibration.to_gray([0.5, 6.0]))
    clean = recipe.model_copy(update={"cleanup": CleanupSection(specks={"Sn": 40})})
    result = run_study(clean, tmp_path / "clean")
    fewest = result.measurement.objects["Sn"]["voxel_count"].min()
    assert fewest >= 40
    assert found[1].phases.data.size > result.segmentation.cleanup[0].changed_voxel_count > 0
    assert "specks of phase 3 below 40 voxels" in result.summary
    assert "one percentage point" in result.summary
    assert (tmp_path / "clean" / "tables" / "threshold_sensitivity.csv").is_file()
    with pytest.raises(InputError, match="cleanup names 'tin'; the phases are pore, C, Sn"):
        run_study(
            recipe.model_copy(update={"cleanup": CleanupSection(fill=["tin"])}), tmp_path / "wrong"
        )


def test_images_behind_an_mdoc_are_among_the_inputs(tmp_path):
    for name in ("a.mrc", "a.mrc.mdoc"):
        (tmp_path / name).write_text("")
    found = input_paths(Recipe(input={"tilt_series": str(tmp_path / "a.mrc.mdoc")}))
    assert sorted(Path(path).name for path in found) == ["a.mrc", "a.mrc.mdoc"]


def test_missing_input_is_named_and_leaves_nothing(tmp_path):
    recipe = Recipe(input={"tilt_series": str(tmp_path / "nowhere.mrc")})
    with pytest.raises(FileFormatError, match=r"no file .*nowhere\.mrc"):
        run_study(recipe, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_threshold_above_everything_is_refused(recipe, tmp_path):
    high = recipe.model_copy(
        update={"threshold": recipe.threshold.model_copy(update={"values": [1e9, 2e9]})}
    )
    with pytest.raises(InputError, match="lower the threshold"):
        run_study(high, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_summary_says_what_the_details_found(run):
    shells = run.measurement.details["shells"]
    outermost = shells[(shells["sector"] == "all")].iloc[0]
    assert f"Shells          pore {outermost['pore_percent']:.1f} % down to" in run.summary
    assert "encapsulated, no pore within δ = 0.6 nm" in run.summary
    assert "Network, pore" in run.summary


def test_separated_pores_stand_as_a_curve_over_the_contrast(phantom, tmp_path):
    write_volume(tmp_path / "grey.tif", phantom.volume)
    recipe = Recipe(
        input={"volume": str(tmp_path / "grey.tif")},
        threshold={"values": [0.5, 6.0]},
        envelope={"ray_length_nm": 4.0, "directions": 32},
        measure={"separate_nm": 0.4, "phases": ["pore"]},
        output={"figures": []},
    )
    found = run_study(recipe, tmp_path / "results").measurement
    curve = found.details["separation_curve"]
    assert curve["contrast_nm"].tolist() == [0.2, 0.4, 0.8]
    assert curve["object_count"].is_monotonic_decreasing
    assert curve["object_count"].iloc[1] == len(found.objects["pore_separated"])


def test_mass_is_volume_times_density():
    """3 nm³ of 2 g/cm³ and 1 nm³ of 6 g/cm³ weigh the same."""
    fractions = pd.DataFrame(
        {"region": ["whole"] * 3, "name": ["pore", "C", "Sn"], "volume_nm3": [5.0, 3.0, 1.0]}
    )
    section = MeasureSection(density_g_cm3={"C": 2.0, "Sn": 6.0}, mass_percent={"Sn": 53.9})
    assert mass_statements(fractions, section) == [
        Statement("Mass", "volume × density of C and Sn: C 50.0 %, Sn 50.0 % (given: 53.9 %)")
    ]
    assert mass_statements(fractions, MeasureSection()) == []
