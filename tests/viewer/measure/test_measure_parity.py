"""The same phases measured by Python, ``snpore measure``, ``snpore run`` and the Measure form:
equal files and tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_snpore import Volume, make_phantom, read_volume, write_volume
from napari_snpore.cli.main import main
from napari_snpore.errors import InputError
from napari_snpore.study.measurement_files import write_measurement
from napari_snpore.study.measuring import ObjectSource, measure_labels, measure_phases
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import MeasureSection, Recipe
from napari_snpore.viewer.measure.widget import EACH_LABEL, MeasureWidget
from napari_snpore.viewer.shared.layers import PORE_C_SN, add_layer, phases_data, volume_data

NOT_MEASURED = {
    "numbers.csv",  # a run estimates errors, a measurement does not
    "numbers_sources.csv",
    "threshold_sensitivity.csv",
    "phases.tif",
    "reconstruction.tif",
}
"""What a run writes besides its measurement."""


def snpore(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert not ended.value.code


def measured_files(folder):
    found = {path.name for part in ("tables", "volumes") for path in (folder / part).iterdir()}
    return found - NOT_MEASURED


def assert_equal_results(first, second):
    names = measured_files(first)
    assert names == measured_files(second)
    for name in names:
        if name.endswith(".csv"):
            one, two = (pd.read_csv(folder / "tables" / name) for folder in (first, second))
            pd.testing.assert_frame_equal(one, two, check_exact=True, obj=name)
        else:
            one, two = (read_volume(folder / "volumes" / name) for folder in (first, second))
            assert np.array_equal(one.data, two.data)
            assert one.data.dtype == two.data.dtype
            assert (one.spacing, one.origin) == (two.spacing, two.origin)


def run_folder(path, gray, **measure):
    recipe = Recipe(
        input={"volume": str(gray)},
        threshold={"values": [0.5, 6.0]},
        envelope={"ray_length_nm": 4.0, "directions": 32, "cut_axes": []},
        measure=measure,
        output={"figures": []},
    )
    run_study(recipe, path)
    return path


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    path = tmp_path_factory.mktemp("gray") / "gray.tif"
    phantom = make_phantom("pristine", shape=(64, 40, 64), spacing=0.3, seed=2)
    write_volume(path, Volume(phantom.volume.data, 0.3, (10.0, 20.0, 30.0)))
    return path


@pytest.fixture
def form(qtbot, viewer):
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    return made


def shown(viewer, form, phases, volume):
    add_layer(viewer, phases_data(phases, "fibre · phases", PORE_C_SN))
    add_layer(viewer, volume_data(volume, "fibre"))
    form.layer = viewer.layers["fibre · phases"]
    form.with_gray.setChecked(True)
    form.place.wanted.setChecked(True)


def test_four_ways_to_measure_tin_give_equal_results(gray, tmp_path, viewer, form):
    run = run_folder(tmp_path / "run", gray, phases=["Sn"])
    file = run / "volumes" / "phases.tif"
    phases, volume = read_volume(file), read_volume(gray)

    snpore("measure", file, "--intensity", gray, "-o", tmp_path / "command")
    assert_equal_results(run, tmp_path / "command")

    write_measurement(
        tmp_path / "python", measure_phases(phases, MeasureSection(phases=["Sn"]), intensity=volume)
    )
    assert_equal_results(run, tmp_path / "python")

    shown(viewer, form, phases, volume)
    form.measure()
    form.save(tmp_path / "form")
    assert_equal_results(run, tmp_path / "form")
    assert (tmp_path / "form" / "record.json").is_file()
    words = (tmp_path / "form" / "summary.txt").read_text(encoding="utf-8")
    assert words == (tmp_path / "command" / "summary.txt").read_text(encoding="utf-8")
    assert words in (run / "summary.txt").read_text(encoding="utf-8")

    columns = list(pd.read_csv(run / "tables" / "objects_Sn.csv").columns)
    assert columns[:7] == [
        "label",
        "voxel_count",
        "volume_nm3",
        "length_nm",
        "width_nm",
        "breadth_nm",
        "aspect_ratio",
    ]
    assert columns[-7:] == [
        "depth_nm", "intensity_mean", "intensity_sum", "touches_border", "resolved", "convention", "objects_from",
    ]  # fmt: skip


def test_separated_pores_have_one_name_wherever_they_are_measured(gray, tmp_path, viewer, form):
    run = run_folder(tmp_path / "run", gray, phases=["pore"], separate_nm=0.5, details=False)
    file = run / "volumes" / "phases.tif"
    snpore(
        "measure",
        file,
        "--phase",
        "pore",
        "--separate-nm",
        0.5,
        "--no-details",
        "-o",
        tmp_path / "command",
    )
    shown(viewer, form, read_volume(file), read_volume(gray))
    form.with_gray.setChecked(False)
    form.place.wanted.setChecked(False)
    form.phase = "pore"
    form.separated.setChecked(True)
    form.contrast.setValue(0.5)
    form.measure()
    form.save(tmp_path / "form")
    assert_equal_results(tmp_path / "command", tmp_path / "form")
    assert measured_files(run) - measured_files(tmp_path / "form") == {
        "objects_pore.csv",
        "objects_pore.tif",
    }
    of_run = pd.read_csv(run / "tables" / "objects_pore_separated.csv")
    of_form = pd.read_csv(tmp_path / "form" / "tables" / "objects_pore_separated.csv")
    pd.testing.assert_frame_equal(
        of_run.drop(columns=["intensity_mean", "intensity_sum"]), of_form, check_exact=True
    )


@pytest.fixture
def foreign():
    """Three objects as another program numbers them: with gaps, one number beyond 32 bits."""
    labels = np.zeros((6, 7, 8), np.int64)
    labels[1:3, 1:3, 1:3] = 7
    labels[1:3, 4:6, 1:6] = 2**40
    labels[4, 2, 2] = 300
    return Volume(labels, 0.5, (1.0, 2.0, 3.0))


def test_labels_of_another_program_are_measured_alike(foreign, tmp_path, viewer, form):
    np.save(tmp_path / "labels.npy", foreign.data)
    bare = Volume(foreign.data, foreign.spacing)
    snpore(
        "measure",
        tmp_path / "labels.npy",
        "--objects",
        "--spacing-nm",
        0.5,
        "-o",
        tmp_path / "command",
    )
    write_measurement(tmp_path / "python", measure_labels(bare))
    viewer.add_labels(foreign.data, name="from elsewhere", scale=(0.5,) * 3, units=("nm",) * 3)
    assert form.phase == EACH_LABEL
    table = form.measure()
    form.save(tmp_path / "form")
    assert_equal_results(tmp_path / "command", tmp_path / "python")
    assert_equal_results(tmp_path / "command", tmp_path / "form")
    assert table["given_label"].tolist() == [7, 300, 2**40]
    assert table["label"].tolist() == [1, 2, 3]
    assert table["voxel_count"].tolist() == [8, 1, 20]
    made = viewer.layers["from elsewhere · labelled objects"]
    assert np.array_equal(np.asarray(made.data) == 3, foreign.data == 2**40)
    assert form.fractions is None
    assert form.dead_pores is None


def test_few_labels_can_be_phases_or_objects(viewer, form):
    labels = np.zeros((6, 7, 8), np.uint8)
    labels[1:3, 1:3, 1:3], labels[4, 2, 2] = 1, 3
    viewer.add_labels(labels, name="few", scale=(0.5,) * 3, units=("nm",) * 3)
    assert [form.phase_box.itemText(k) for k in range(form.phase_box.count())] == [
        "pore",
        "C",
        "Sn",
        EACH_LABEL,
    ]
    assert form.measure()["voxel_count"].tolist() == [1]
    form.phase = EACH_LABEL
    assert not form.connectivity.isEnabled()
    assert form.measure()["voxel_count"].tolist() == [8, 1]
    form.phase = "pore"
    assert form.connectivity.isEnabled()
    assert form.measure()["voxel_count"].tolist() == [8]


def test_negative_labels_are_refused(viewer, form):
    viewer.add_labels(
        np.full((4, 4, 4), -2, np.int16), name="negative", scale=(1,) * 3, units=("nm",) * 3
    )
    assert not form.main_button.isEnabled()
    assert "labels from -2 to -2" in form.status.message.text()
    with pytest.raises(InputError, match="hold -2"):
        measure_labels(Volume(np.full((4, 4, 4), -2, np.int16), 1.0))


def test_a_source_without_voxels_is_refused(foreign):
    few = Volume((foreign.data > 0).astype(np.uint8), 0.5)
    with pytest.raises(InputError, match=r"No voxel of these phases is Sn \(label 3\)"):
        measure_phases(few, sources=[ObjectSource("Sn")])
