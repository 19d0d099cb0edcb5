"""Plates without a window: the files of a run, settings in a recipe, and a saved plate that is
drawn again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_snpore import Recipe, Volume, make_phantom, run_study, write_volume
from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.figures import PlateRecipe, recipe_of
from napari_snpore.figures.plate_drawing import draw_plate, panels_of
from napari_snpore.study.plate_files import find_plate_files, plate_spec_of, read_plate_recipe

SHAPE, SPACING = (64, 40, 64), 0.3


def spec_of(recipe):
    return plate_spec_of(recipe, find_plate_files(recipe))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plate")
    phantom = make_phantom("pristine", shape=SHAPE, spacing=SPACING, seed=5)
    recipe = Recipe(
        name="small",
        input={"volume": str(write_volume(folder / "fibre.tif", phantom.volume))},
        threshold={"values": [0.5, 6.0]},
        envelope={"ray_length_nm": 4.0, "directions": 32},
        measure={"subvolume_nm": 5.0},
        output={"figures": []},
    )
    return run_study(recipe, folder / "results")


def test_a_finished_run_makes_the_plate_of_the_paper(run):
    spec = spec_of(read_plate_recipe(run.folder))
    assert spec.parts == ("grey", "phases", "boxes", "fractions", "histograms")
    assert spec.thresholds == (0.5, 6.0)
    assert [box.size_nm for box in spec.boxes] == [(5.0, 5.0, 5.0)] * 2
    np.testing.assert_array_equal(spec.phases.data, run.segmentation.phases.data)
    rows = panels_of(spec).rows
    np.testing.assert_array_equal(
        rows[0][1].cut.values, run.segmentation.phases.data[:, SHAPE[1] // 2]
    )
    shares = next(panel for row in rows for panel in row if hasattr(panel, "shares")).shares
    table = run.measurement.fractions
    for box in spec.boxes:
        rows_of_box = table[table["region"] == box.name]
        assert list(shares[box.name].values()) == pytest.approx(
            rows_of_box["fraction_percent"].tolist()
        )
    assert spec.noun == "Sn clusters"
    assert len(spec.objects) == len(run.measurement.objects["Sn"])


def test_dead_pores_in_the_table_are_those_of_the_run(run):
    (specimen,) = spec_of(read_plate_recipe(run.folder)).specimens
    table = run.measurement.dead_pores.table
    expected = table.loc[table["connectivity"] == 6, "dead_share_of_pore"].iloc[0]
    assert specimen.dead_share_of_pore == pytest.approx(expected)


def test_a_recipe_sets_parts_position_thickness_boxes_and_width(tmp_path):
    """Grey value = index along y: the mean of rows 8 to 12 is 10."""
    values = np.broadcast_to(np.arange(20, dtype=np.float32)[None, :, None], (10, 20, 30))
    write_volume(tmp_path / "ramp.tif", Volume(np.ascontiguousarray(values), 1.0))
    (tmp_path / "plate.toml").write_text(
        """
parts = ["grey", "boxes"]
position_nm = [5, 10, 15]
projection = "mean"
thickness_nm = 5
contrast_limits = [0, 19]
style = { width_mm = 120, dpi = 100 }
[input]
volume = "ramp.tif"
[[boxes]]
name = "corner"
center_nm = [3, 10, 4]
size_nm = [4, 4, 6]
"""
    )
    spec = spec_of(read_plate_recipe(tmp_path / "plate.toml"))
    (slice_panel,), (box_panel,) = panels_of(spec).rows
    assert np.unique(slice_panel.cut.values) == [10]
    assert box_panel.cut.values.shape == (4, 6)
    assert draw_plate(spec).figure.get_size_inches()[0] == pytest.approx(120 / 25.4)


def test_parts_without_data_are_named_and_the_rest_is_drawn(run):
    recipe = read_plate_recipe(run.folder).model_copy(
        update={"parts": ["scene", "grey", "oblique"]}
    )
    panels = panels_of(spec_of(recipe))
    assert [len(row) for row in panels.rows] == [1]
    assert panels.left_out == (
        "Left out: 3D scene. It is drawn in a window only.",
        "Left out: oblique slice. The angles of the plane are needed.",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("part = ['grey']", "part is not a setting"),
        ("plane = 'XX'", "plane is 'XX'"),
        ("[style]\nwidth_mm = 10", "style.width_mm is 10"),
        ("[[phases]]\nname = 'pore'\ncolor = 'white'", "phases.0.color is 'white'"),
        ("parts = ['grey']", "names no files"),
    ],
)
def test_wrong_settings_are_named(tmp_path, text, message):
    path = tmp_path / "plate.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        spec_of(read_plate_recipe(path))


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="holds no finished run"):
        spec_of(read_plate_recipe(tmp_path))


def test_a_run_of_an_older_version_is_one_sentence(run, tmp_path):
    old = shutil.copytree(run.folder, tmp_path / "old")
    record = json.loads((old / "record.json").read_text())
    del record["schema"]  # the first version had none
    (old / "record.json").write_text(json.dumps(record))
    with pytest.raises(FileFormatError, match="version 1"):
        find_plate_files(read_plate_recipe(old))
    with pytest.raises(MissingFileError, match="no recipe and no folder of a run"):
        read_plate_recipe(tmp_path / "nothing")


def test_the_command_writes_a_plate_that_can_be_drawn_again(run, tmp_path):
    def snpore(*words):
        command = [sys.executable, "-m", "napari_snpore", "figure", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = snpore(run.folder, "-o", tmp_path / "plate.png")
    assert done.returncode == 0, done.stderr
    recipe = recipe_of(tmp_path / "plate.png")
    place = recipe["input"]["run"]
    assert not Path(place).is_absolute(), "the plate may be published"
    assert (tmp_path / place).resolve() == run.folder.resolve()
    assert [layer["name"] for layer in recipe["layers"]] == ["fibre.tif", "phases.tif"]
    assert (tmp_path / "plate.record.json").is_file()
    assert PlateRecipe(**recipe).parts == ["grey", "phases", "boxes", "fractions", "histograms"]
    again = snpore(tmp_path / "plate.png", "-o", tmp_path / "again.png")
    assert again.returncode == 0, again.stderr
    with Image.open(tmp_path / "plate.png") as first, Image.open(tmp_path / "again.png") as second:
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
    refused = snpore(run.folder, "-o", tmp_path / "plate.png")
    assert refused.returncode == 1
    assert "--overwrite" in refused.stderr


def test_a_plate_shows_the_volume_that_the_run_took_of_several(run, tmp_path):
    import mrcfile

    volumes = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    with mrcfile.new(tmp_path / "two.mrc", volumes) as file:
        file.voxel_size = 5.0
    folder = tmp_path / "run"
    (folder / "tables").mkdir(parents=True)
    shutil.copy(run.folder / "record.json", folder)
    place = (tmp_path / "two.mrc").as_posix()
    (folder / "recipe.toml").write_text(
        f'[input]\nvolume = "{place}"\nimage = "volume 2"\n', encoding="utf-8"
    )
    volume = spec_of(read_plate_recipe(folder)).volume
    assert np.array_equal(volume.data, volumes[1])


def test_a_table_of_fractions_without_its_columns_is_refused_also_when_it_is_empty(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    table = folder / "tables" / "fractions.csv"
    lines = table.read_text().splitlines()
    head = next(line for line in lines if not line.startswith("#"))
    table.write_text(head.replace("region,", "regign,") + "\n")
    with pytest.raises(FileFormatError, match=r"fractions\.csv"):
        spec_of(read_plate_recipe(folder))
