"""One series by Python, ``snpore run``, single commands and the forms: the same voxels, the same
tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from typer.testing import CliRunner

import napari_snpore as snpore
from napari_snpore.cli import app
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.polishing import polish_segmented
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.shared.layers import add_layer, series_data, volume_from_layer
from napari_snpore.viewer.threshold.widget import ThresholdWidget

ANGLES = np.arange(-66.0, 67.0, 4.0)
METHOD, ITERATIONS = "sirt", 12


def command(*words):
    """Run ``snpore`` in this process; a refusal fails the test with its sentence."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def series_path(tmp_path_factory):
    phantom = snpore.make_phantom("pristine", shape=(48, 40, 48), spacing=0.25, seed=3)
    path = tmp_path_factory.mktemp("series") / "fibre.tif"
    write_tilts(path, snpore.simulate_tilt_series(phantom, angles_deg=ANGLES, dose=2000, seed=3))
    return path


@pytest.fixture(scope="module")
def run_folder(series_path):
    """``snpore run``, all defaults but the iterations."""
    folder = series_path.parent / "run"
    recipe = series_path.with_name("run.toml")
    recipe.write_text(
        f'[input]\ntilt_series = "{series_path.name}"\n[reconstruct]\nmethod = "{METHOD}"\n[reconstruct.{METHOD}]\n'
        f"iterations = {ITERATIONS}\n[output]\nfigures = []\n"
    )
    command("run", recipe, "-o", folder)
    return folder


def voxels(path):
    return np.asarray(snpore.read_volume(path).data)


def written(table, folder):
    """The table as it is after writing and reading: CSV keeps the shortest exact decimals."""
    return pd.read_csv(snpore.write_table(folder / "table.csv", table))


def tables(folder):
    return {path.stem: pd.read_csv(path) for path in sorted((folder / "tables").glob("*.csv"))}


def test_python_gives_the_voxels_and_tables_of_a_run(series_path, run_folder, tmp_path):
    series = snpore.subtract_background(snpore.read_tilt_series(series_path))
    aligned = snpore.align(series).apply(series)
    volume = snpore.reconstruct(aligned, method=snpore.Sirt(iterations=ITERATIONS))
    assert np.array_equal(volume.data, voxels(run_folder / "volumes" / "reconstruction.tif"))
    thresholds = snpore.suggest_thresholds(snpore.gray_histogram(volume)).thresholds
    envelope = snpore.make_envelope(volume, thresholds[0])
    phases = snpore.segment(volume, thresholds, envelope=envelope.mask)
    assert np.array_equal(phases.data, voxels(run_folder / "volumes" / "phases.tif"))
    of_run = tables(run_folder)
    for phase, connectivity in (("Sn", 26), ("pore", 6)):
        labels = snpore.label_objects(
            phases == ("pore", "C", "Sn").index(phase) + 1, connectivity=connectivity
        )
        table = snpore.measure_objects(labels, intensity=volume, envelope=envelope.mask)
        table["objects_from"] = f"connected {connectivity}"
        pd.testing.assert_frame_equal(
            written(table, tmp_path), of_run[f"objects_{phase}"], obj=phase
        )
    fractions = snpore.volume_fractions(phases)
    whole = of_run["fractions"].query("region == 'whole'")
    assert (
        whole["fraction_percent"].tolist()
        == written(fractions, tmp_path)["fraction_percent"].tolist()
    )
    dead = snpore.dead_pores(phases, cut_axes=(1,))
    pd.testing.assert_frame_equal(written(dead.table, tmp_path), of_run["dead_pores"])


def test_single_commands_give_what_a_run_gives(series_path, run_folder, tmp_path):
    volume, phases, measured = (
        tmp_path / "volume.tif",
        tmp_path / "phases.tif",
        tmp_path / "measured",
    )
    command(
        "reconstruct", series_path, "-o", volume, "--method", METHOD, "--iterations", ITERATIONS
    )
    assert np.array_equal(voxels(volume), voxels(run_folder / "volumes" / "reconstruction.tif"))
    command("segment", volume, "-o", phases)
    assert np.array_equal(voxels(phases), voxels(run_folder / "volumes" / "phases.tif"))
    command("measure", phases, "-o", measured, "--intensity", volume)
    of_run, of_command = tables(run_folder), tables(measured)
    assert "objects_Sn" in of_command
    for name in of_command:
        assert name in of_run, f"only the command writes {name}"
        pd.testing.assert_frame_equal(of_command[name], of_run[name], obj=name)


def test_forms_of_the_window_give_what_a_run_gives(series_path, run_folder, qtbot, tmp_path):
    viewer = ViewerModel()
    add_layer(viewer, series_data(snpore.read_tilt_series(series_path), "fibre"))
    form = ReconstructWidget(viewer)
    qtbot.addWidget(form)
    form.method.method.setCurrentIndex(form.method.method.findData(METHOD))
    form.method.iterations.setValue(ITERATIONS)
    volume = form.reconstruct()
    assert np.array_equal(
        volume_from_layer(volume).data, voxels(run_folder / "volumes" / "reconstruction.tif")
    )
    threshold = ThresholdWidget(viewer)
    qtbot.addWidget(threshold)
    threshold.layer = volume
    threshold.counting.wait()
    threshold.make_envelope()
    phases = threshold.apply()
    assert np.array_equal(np.asarray(phases.data), voxels(run_folder / "volumes" / "phases.tif"))
    measure = MeasureWidget(viewer)
    qtbot.addWidget(measure)
    measure.layer = phases
    measure.with_gray.setChecked(True)
    of_run = tables(run_folder)
    for phase in ("Sn", "pore"):
        measure.phase = phase
        table = measure.measure()
        pd.testing.assert_frame_equal(
            written(table, tmp_path), of_run[f"objects_{phase}"], obj=phase
        )


BLUR_PX, TV_ITERATIONS = 0.6, 60


@pytest.fixture(scope="module")
def tv_folder(series_path):
    """``snpore run`` by TV with a given blur: the rule projection and polishing follow from it."""
    folder = series_path.parent / "tv"
    recipe = series_path.with_name("tv.toml")
    recipe.write_text(
        f'[input]\ntilt_series = "{series_path.name}"\n[reconstruct.tv]\nblur_px = {BLUR_PX}\n'
        f"iterations = {TV_ITERATIONS}\n[output]\nfigures = []\n"
    )
    command("run", recipe, "-o", folder)
    return folder


def test_images_give_python_the_phases_of_a_run(series_path, tv_folder):
    series = snpore.subtract_background(snpore.read_tilt_series(series_path))
    aligned = snpore.align(series).apply(series)
    options = snpore.Tv(blur_px=BLUR_PX, iterations=TV_ITERATIONS)
    volume = snpore.reconstruct(aligned, method=options)
    assert np.array_equal(volume.data, voxels(tv_folder / "volumes" / "reconstruction.tif"))
    found = snpore.projection_residual(aligned, volume, blur_px=BLUR_PX)
    thresholds = found.suggestion.thresholds
    envelope = snpore.make_envelope(volume, thresholds[0])
    phases = snpore.segment(volume, thresholds, envelope=envelope.mask)
    polished = polish_segmented(phases, aligned)
    assert np.count_nonzero(polished.data != phases.data) > 100
    assert np.array_equal(polished.data, voxels(tv_folder / "volumes" / "phases.tif"))


def test_images_give_single_commands_the_phases_of_a_run(series_path, tv_folder, tmp_path):
    volume, phases = tmp_path / "volume.tif", tmp_path / "phases.tif"
    command(
        "reconstruct", series_path, "-o", volume, "--blur", BLUR_PX, "--iterations", TV_ITERATIONS
    )
    command("segment", volume, "--tilts", series_path, "-o", phases)
    assert np.array_equal(voxels(phases), voxels(tv_folder / "volumes" / "phases.tif"))
    command("measure", phases, "-o", tmp_path / "measured", "--intensity", volume)
    of_run, of_command = tables(tv_folder), tables(tmp_path / "measured")
    for name in ("fractions", "objects_Sn", "dead_pores"):
        pd.testing.assert_frame_equal(of_command[name], of_run[name], obj=name)


def test_images_give_the_forms_of_the_window_the_phases_of_a_run(series_path, tv_folder, qtbot):
    viewer = ViewerModel()
    add_layer(viewer, series_data(snpore.read_tilt_series(series_path), "fibre"))
    form = ReconstructWidget(viewer)
    qtbot.addWidget(form)
    form.method.iterations.setValue(TV_ITERATIONS)
    form.method.blur.mode.setCurrentIndex(form.method.blur.mode.findData("given"))
    form.method.blur.pixels.setValue(BLUR_PX)
    form.compares.setChecked(False)
    volume = form.reconstruct()
    assert np.array_equal(
        volume_from_layer(volume).data, voxels(tv_folder / "volumes" / "reconstruction.tif")
    )
    threshold = ThresholdWidget(viewer)
    qtbot.addWidget(threshold)
    threshold.layer = volume
    for _ in range(2):  # the images are asked after the count
        threshold.counting.wait()
    assert threshold.rule_in_use == "projection"
    threshold.make_envelope()
    plain = np.array(threshold.apply().data)
    phases = np.asarray(threshold.polish_phases().data)
    assert np.count_nonzero(phases != plain) > 100
    assert np.array_equal(phases, voxels(tv_folder / "volumes" / "phases.tif"))
