from __future__ import annotations

import json

import numpy as np
import pytest

from napari_snpore.errors import FileFormatError
from napari_snpore.files import write_table, write_volume
from napari_snpore.history import SCHEMA, ReconstructStep
from napari_snpore.measurement.objects import label_objects, measure_objects
from napari_snpore.study.recipe import InputSection, Recipe, ThresholdSection
from napari_snpore.viewer.open.open_run import open_path, open_run
from napari_snpore.viewer.open.readers import get_reader
from napari_snpore.viewer.open.run_layers import find_runs, run_layers
from napari_snpore.viewer.shared.layers import scheme_of
from napari_snpore.volume import Volume


def write_run(folder, phases, *, with_gray=True):
    """Lay out a finished run as the pipeline does."""
    (folder / "volumes").mkdir(parents=True)
    (folder / "tables").mkdir()
    (folder / "record.json").write_text(json.dumps({"schema": SCHEMA}), encoding="utf-8")
    threshold = ThresholdSection(
        names=["gap", "wall", "seed"], colors=["#ffffff", "#00ff00", "#ff0000"]
    )
    recipe = Recipe(name="fibre", input=InputSection(tilt_series="tilts.mrc"), threshold=threshold)
    (folder / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    if with_gray:
        step = ReconstructStep("sirt", iterations=50).step
        gray = Volume(phases.data.astype(np.float32), phases.spacing, phases.origin, (step,))
        write_volume(folder / "volumes" / "reconstruction.tif", gray)
    write_volume(folder / "volumes" / "phases.tif", phases)
    objects = label_objects(phases.data == 3).astype(np.uint8)
    write_volume(
        folder / "volumes" / "objects_seed.tif", Volume(objects, phases.spacing, phases.origin)
    )
    write_table(
        folder / "tables" / "objects_seed.csv", measure_objects(objects, spacing=phases.spacing)
    )
    return folder


def test_a_run_opens_with_volume_phases_and_the_table_of_its_objects(
    tmp_path, viewer, drawn_phases
):
    assert open_run(write_run(tmp_path / "run", drawn_phases), viewer) is viewer
    assert [layer.name for layer in viewer.layers] == [
        "fibre · SIRT 50",
        "fibre · phases",
        "fibre · seed objects",
    ]
    assert {str(unit) for unit in viewer.layers.extent.units} == {"nanometer"}
    for layer in viewer.layers:
        assert layer.scale == pytest.approx(drawn_phases.spacing)
        assert layer.translate == pytest.approx(drawn_phases.origin)
    assert scheme_of(viewer.layers["fibre · phases"]).names == ("gap", "wall", "seed")
    features = viewer.layers["fibre · seed objects"].features
    assert len(features) == 4
    assert sorted(features["voxel_count"][1:]) == [1, 8, 8]
    assert features["touches_border"].dtype == bool
    assert viewer.layers.selection.active is viewer.layers["fibre · seed objects"]


def test_a_run_that_started_from_a_volume_opens_without_it(tmp_path, viewer, drawn_phases):
    open_run(write_run(tmp_path / "run", drawn_phases, with_gray=False), viewer)
    assert [layer.name for layer in viewer.layers] == ["fibre · phases", "fibre · seed objects"]


def test_all_runs_of_a_demo_open_and_the_first_is_seen(tmp_path, viewer, drawn_phases):
    (tmp_path / "record.json").write_text(json.dumps({"schema": SCHEMA}), encoding="utf-8")
    for name in ("needle", "phantom"):
        write_run(tmp_path / name, drawn_phases)
    assert [run.name for run in find_runs(tmp_path)] == ["needle", "phantom"]
    open_run(tmp_path, viewer)
    assert len(viewer.layers) == 6
    assert [layer.visible for layer in viewer.layers][:2] == [True, True]
    assert not any(layer.visible for layer in viewer.layers[3:])


def test_a_dropped_run_is_claimed_and_other_folders_are_not(tmp_path, drawn_phases):
    run = write_run(tmp_path / "run", drawn_phases)
    assert get_reader(str(run)) is not None
    (tmp_path / "other").mkdir()
    assert get_reader(str(tmp_path / "other")) is None


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no finished run"):
        open_run(tmp_path)


def test_a_run_of_an_older_version_is_one_sentence(tmp_path, drawn_phases):
    run = write_run(tmp_path / "run", drawn_phases)
    (run / "record.json").write_text('{"program": "napari-snpore"}', encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"run was written with version 1 .* make it again"):
        run_layers(run)


def test_a_missing_table_is_named(tmp_path, viewer, drawn_phases):
    run = write_run(tmp_path / "run", drawn_phases)
    (run / "tables" / "objects_seed.csv").unlink()
    with pytest.raises(FileFormatError, match=r"objects_seed\.csv"):
        open_run(run, viewer)
    assert len(viewer.layers) == 0


def test_single_files_open_too(tmp_path, viewer, drawn_phases):
    open_path(viewer, write_volume(tmp_path / "block.tif", drawn_phases))
    assert viewer.layers["block"].scale == pytest.approx(drawn_phases.spacing)


def test_a_damaged_file_is_one_sentence(tmp_path, viewer):
    (tmp_path / "broken.mrc").write_bytes(b"not an image")
    with pytest.raises(FileFormatError, match=r"broken\.mrc"):
        open_path(viewer, tmp_path / "broken.mrc")
