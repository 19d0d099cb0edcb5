"""Save recipe: what was done in the window, repeated by ``snpore run`` and ``snpore compare`` from the
files that it writes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtTest import QTest
from typer.testing import CliRunner

import napari_snpore as snpore
from napari_snpore.cli import app
from napari_snpore.errors import InputError
from napari_snpore.history import ExtractSubvolumeStep, ReadStep
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.recipe import read_recipe
from napari_snpore.study.states.study_recipe import planned_runs
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.compare.sample import runs_folder
from napari_snpore.viewer.compare.widget import CompareWidget
from napari_snpore.viewer.forms.path_dialogs import note_folder
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import add_layer, phases_data, series_data, volume_data
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.viewer.workbench.widget import WorkbenchWidget

ANGLES = np.arange(-66.0, 67.0, 6.0)


def command(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output


def without_errors_and_figures(path):
    """Leave twins and figures out of a recipe: they take minutes and change no voxel."""
    text = path.read_text(encoding="utf-8")
    text = text.replace("twins = 1\ndraws = 25", "twins = 0\ndraws = 3")
    path.write_text(text.replace('figures = ["png", "svg"]', "figures = []"), encoding="utf-8")


@pytest.fixture
def bench(viewer, qtbot):
    widget = WorkbenchWidget(viewer)
    qtbot.addWidget(widget)
    return widget


@pytest.fixture(scope="module")
def series_path(tmp_path_factory):
    phantom = snpore.make_phantom("pristine", shape=(48, 32, 48), spacing=0.3, seed=3)
    path = tmp_path_factory.mktemp("series") / "fibre.tif"
    write_tilts(path, snpore.simulate_tilt_series(phantom, angles_deg=ANGLES, dose=2000, seed=3))
    return path


@pytest.fixture(scope="module")
def grey_paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grey")
    for state in ("pristine", "sodiated"):
        phantom = snpore.make_phantom(state, shape=(48, 32, 48), spacing=0.4, seed=3)
        snpore.write_volume(folder / f"{state}.tif", phantom.volume)
    return {state: folder / f"{state}.tif" for state in ("pristine", "sodiated")}


def opened(viewer, path):
    """Open a file as the window does, with the folder noted."""
    if path.stem == "fibre":
        layer = add_layer(viewer, series_data(snpore.read_tilt_series(path), path.stem))
    else:
        layer = add_layer(viewer, volume_data(snpore.read_volume(path), path.stem))
    note_folder(viewer, [layer], path)
    return layer


def phases_of(viewer, qtbot, volume, thresholds=None):
    form = ThresholdWidget(viewer)
    qtbot.addWidget(form)
    form.layer = volume
    form.counting.wait()
    if thresholds is not None:
        form.thresholds = thresholds
    form.make_envelope()
    return form.apply()


def test_a_run_of_the_recipe_gives_the_voxels_and_tables_of_the_window(
    viewer, qtbot, bench, series_path, tmp_path
):
    opened(viewer, series_path)
    form = ReconstructWidget(viewer)
    qtbot.addWidget(form)
    form.preparing.bin.setValue(1)
    form.method.method.setCurrentIndex(form.method.method.findData("sirt"))
    form.method.iterations.setValue(7)
    volume = form.reconstruct()
    phases = phases_of(viewer, qtbot, volume)
    measure = MeasureWidget(viewer)
    qtbot.addWidget(measure)
    measure.layer, measure.phase = phases, "Sn"
    measure.connectivity.setCurrentText("18")
    measure.with_gray.setChecked(True)
    table = measure.measure()
    path = bench.save_recipe(tmp_path / "recipes" / "again.toml")
    assert "'snpore run again.toml' repeats the work" in bench.status.message.text()
    text = path.read_text(encoding="utf-8")
    assert "searched for anew" not in text
    assert 'tilt_series = "../../series' not in text or str(series_path.parent.name) in text
    assert str(series_path.parent) not in text  # relative to the recipe
    without_errors_and_figures(path)
    command("run", path, "-o", tmp_path / "run")
    of_run = {
        name: snpore.read_volume(tmp_path / "run" / "volumes" / f"{name}.tif").data
        for name in ("reconstruction", "phases")
    }
    np.testing.assert_array_equal(np.asarray(volume.data), of_run["reconstruction"])
    np.testing.assert_array_equal(np.asarray(phases.data), of_run["phases"])
    lines = (tmp_path / "run" / "tables" / "objects_Sn.csv").read_text().splitlines()
    assert len(lines) == len(table) + 1
    assert "connected 18" in lines[1]


def test_boxes_that_were_moved_and_added_have_the_same_fractions_in_a_run(
    viewer, qtbot, bench, grey_paths, tmp_path
):
    volume = opened(viewer, grey_paths["pristine"])
    phases = phases_of(viewer, qtbot, volume, (0.5, 2.5))
    form = SubvolumeWidget(viewer)
    qtbot.addWidget(form)
    form.place_presets()
    boxes = boxes_of(viewer)
    moved = boxes.named("edge").moved(1, -0.8)
    boxes.put(moved)
    boxes.put(NamedBox("rim", moved.center_nm, (1.2, 2.0, 1.6)))
    boxes.put(NamedBox("far", (500.0, 0.0, 0.0), (2.0, 2.0, 2.0)))
    in_window = form.fractions
    path = bench.save_recipe(tmp_path / "boxes.toml")
    assert "The box 'far' is left out" in bench.status.message.text()
    recipe = read_recipe(path)
    assert [one.name for one in recipe.measure.boxes] == ["centre", "edge", "rim"]
    without_errors_and_figures(path)
    command("run", path, "-o", tmp_path / "run")
    of_run = pd.read_csv(tmp_path / "run" / "tables" / "fractions.csv")
    assert list(of_run["region"].unique()) == ["whole", "centre", "edge", "rim"]
    shares = of_run.set_index(["region", "name"])["fraction_percent"]
    wanted = in_window[in_window["layer"] == phases.name].dropna(subset=["fraction_percent"])
    assert len(wanted) == 9
    for row in wanted.to_dict("records"):
        assert shares[row["box"], row["name"]] == pytest.approx(row["fraction_percent"], rel=1e-12)
    numbers = pd.read_csv(tmp_path / "run" / "tables" / "numbers.csv")
    assert "pore fraction, rim cuboid" in set(numbers["quantity"])
    assert "pore fraction, edge cube" in set(numbers["quantity"])


def test_sizes_that_were_given_in_the_window_are_in_the_recipe(viewer, bench, tmp_path):
    phantom = snpore.make_phantom("pristine", shape=(32, 16, 32), spacing=0.4, seed=3)
    np.save(tmp_path / "bare.npy", phantom.volume.data)
    volume = snpore.read_volume(tmp_path / "bare.npy", spacing=0.4)
    layer = add_layer(viewer, volume_data(volume, "bare"))
    note_folder(viewer, [layer], tmp_path / "bare.npy")
    recipe = read_recipe(bench.save_recipe(tmp_path / "bare.toml"))
    assert recipe.input.spacing_nm == (0.4, 0.4, 0.4)


def test_a_file_that_moved_is_asked_for_and_another_one_is_refused(
    viewer, bench, grey_paths, tmp_path
):
    layer = opened(viewer, grey_paths["pristine"])
    note_folder(viewer, [layer], tmp_path / "gone" / "pristine.tif")
    dialogs = []
    bench._recipes.ask = lambda name, ask=bench._recipes.ask: dialogs.append(ask(name))
    bench.step_list.save_button.menu().actions()[0].trigger()
    (dialog,) = dialogs
    assert "Where is pristine.tif" in dialog.windowTitle()
    dialog.close()
    with pytest.raises(InputError, match="not beside its data"):
        bench.save_recipe(tmp_path / "a.toml")
    found = bench.save_recipe(tmp_path / "a.toml", source=grey_paths["pristine"])
    assert found.is_file()
    small = snpore.make_phantom("pristine", shape=(32, 16, 32), spacing=0.4, seed=3).volume
    snpore.write_volume(tmp_path / "small.tif", small)
    with pytest.raises(InputError, match="it is another file"):
        bench.save_recipe(tmp_path / "b.toml", source=tmp_path / "small.tif")
    assert not (tmp_path / "b.toml").exists()


def test_what_no_recipe_can_say_is_said_in_one_sentence(viewer, bench, grey_paths, tmp_path):
    with pytest.raises(InputError, match="open a file"):
        bench.save_recipe(tmp_path / "a.toml")
    phantom = snpore.make_phantom("pristine", shape=(32, 16, 32), spacing=0.4, seed=3)
    add_layer(viewer, volume_data(phantom.volume, "made here"))
    bench.specimen = "made here"
    with pytest.raises(InputError, match="is in no file, with which a recipe begins"):
        bench.save_recipe(tmp_path / "a.toml")
    series = snpore.simulate_tilt_series(phantom, angles_deg=ANGLES, dose=None, seed=1)
    add_layer(viewer, series_data(series, "images"))
    bench.specimen = "images"
    with pytest.raises(InputError, match="is a tilt series alone; reconstruct it first"):
        bench.save_recipe(tmp_path / "a.toml")
    cut = ExtractSubvolumeStep((1.0, 1.0, 1.0), (2.0, 2.0, 2.0))
    part = phantom.volume.after(ReadStep("x.tif"), phantom.volume.data)
    part = part.after(cut, part.data).after(ReadStep("part.tif"), part.data)
    add_layer(viewer, volume_data(part, "part"))
    bench.specimen = "part"
    with pytest.raises(InputError, match="part of another one"):
        bench.save_recipe(tmp_path / "a.toml", source=grey_paths["pristine"])
    assert not (tmp_path / "a.toml").exists()


def test_a_study_of_the_window_gives_the_numbers_that_it_compared(
    viewer, qtbot, grey_paths, tmp_path
):
    for path in grey_paths.values():
        phases_of(viewer, qtbot, opened(viewer, path), (0.5, 2.5))
    form = CompareWidget(viewer)
    qtbot.addWidget(form)
    QTest.qWait(150)
    in_window = form.compare().states
    study = form.save_study(tmp_path / "study")
    assert "'snpore compare study.toml' repeats the work" in form.status.message.text()
    recipes = sorted(tmp_path.glob("study/*.toml"))
    assert [one.name for one in recipes] == [
        "pristine pristine.toml",
        "sodiated sodiated.toml",
        "study.toml",
    ]
    for recipe in recipes[:2]:
        without_errors_and_figures(recipe)
    out = snpore.compare_study(snpore.read_study(study), tmp_path / "out", figures=False)
    columns = ["state", "quantity", "unit"]
    both = in_window.merge(out.comparison.states, on=columns, suffixes=("", "_run"))
    assert len(both) >= len(in_window) > 20
    same = np.isclose(both["value"], both["value_run"], rtol=1e-5, equal_nan=True)
    assert same.all(), both[~same][[*columns, "value", "value_run"]]
    with pytest.raises(InputError, match="is there already"):
        form.save_study(tmp_path / "study")


def test_a_study_names_the_folders_of_its_runs(viewer, qtbot, tmp_path):
    form = CompareWidget(viewer)
    qtbot.addWidget(form)
    form.add_run(runs_folder())
    form.include(1, False)
    study = snpore.read_study(form.save_study(tmp_path / "study"))
    assert "sample are gone when the program ends" in form.status.message.text()
    assert [state.name for state in study.state] == ["pristine", "desodiated"]
    found = [run.finished.resolve() for run in planned_runs(study)]
    assert found == [(runs_folder() / state).resolve() for state in ("pristine", "desodiated")]


def test_a_specimen_without_a_file_is_named_before_a_folder_is_asked_for(viewer, qtbot):
    phantom = snpore.make_phantom("pristine", shape=(32, 16, 32), spacing=0.4, seed=3)
    labels = snpore.Volume(phantom.phases, 0.4, history=phantom.volume.history)
    add_layer(viewer, phases_data(labels, "mine · phases"))
    form = CompareWidget(viewer)
    qtbot.addWidget(form)
    QTest.qWait(150)
    form.study_button.click()
    assert "'mine' was made in this window and is in no file" in form.status.message.text()
