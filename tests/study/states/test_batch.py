"""One recipe over many files: one table, and files that fail beside those that do not."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
import tomlkit

from napari_snpore.errors import InputError, MissingFileError
from napari_snpore.study.states.batch import batch_files, batch_recipes, run_batch


@pytest.fixture
def recipe(tmp_path):
    sections = {
        "input": {"volume": ""},
        "threshold": {"values": [0.5, 2.5]},
        "envelope": {"ray_length_nm": 4.0, "directions": 16},
        "measure": {"details": False},
        "uncertainty": {"draws": 3},
        "output": {"figures": []},
    }
    path = tmp_path / "recipe.toml"
    path.write_text(tomlkit.dumps(sections), encoding="utf-8")
    return path


def test_all_numbers_in_one_table_and_failures_listed(recipe, grey_files, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for state in ("pristine", "sodiated"):
        shutil.copy(grey_files / f"{state}.tif", folder)
    (folder / "notes.txt").write_text("no image")
    (folder / "bad.tif").write_bytes(b"no image")
    files = batch_files([folder])
    assert [path.name for path in files] == ["bad.tif", "pristine.tif", "sodiated.tif"]
    out = tmp_path / "out"
    found = run_batch(batch_recipes(recipe, files), out, processes=1)
    assert set(found.failed) == {"bad"}
    table = pd.read_csv(out / "numbers.csv")
    assert table.columns[0] == "file"
    assert list(dict.fromkeys(table["file"])) == ["pristine.tif", "sodiated.tif"]
    for state in ("pristine", "sodiated"):
        alone = pd.read_csv(out / state / "tables" / "numbers.csv")
        part = table[table["file"] == f"{state}.tif"].drop(columns="file").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone)
    summary = (out / "summary.txt").read_text(encoding="utf-8")
    assert summary.startswith("2 of 3 files are done.\nbad failed: ")

    said = []
    (folder / "bad.tif").unlink()
    run_batch(batch_recipes(recipe, batch_files([folder])), out, processes=1, say=said.append)
    assert said == [
        f"{state}: finished and unchanged, not run again" for state in ("pristine", "sodiated")
    ]


def test_files_of_one_name_are_told_apart(recipe, tmp_path):
    files = []
    for name in ("a/x.tif", "b/x.tif", "a/x.mrc"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        files.append(path)
    assert list(batch_recipes(recipe, files)) == ["x", "x-tif", "x-mrc"]


def test_what_is_wrong_is_named(recipe, grey_files, tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no .*none.mrc"):
        batch_files([tmp_path / "none.mrc"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError, match="holds no file that can be read"):
        batch_files([tmp_path / "empty"])
    recipe.write_text("[threshold]\nphases = 9\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"recipe.toml: the recipe is wrong: threshold.phases"):
        batch_recipes(recipe, [grey_files / "pristine.tif"])
    recipe.write_text("[[state]]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(InputError, match="is a study, which 'snpore compare' reads"):
        batch_recipes(recipe, [grey_files / "pristine.tif"])


def test_all_files_failed(recipe, tmp_path):
    (tmp_path / "bad.tif").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"All 1 files failed\. bad: "):
        run_batch(batch_recipes(recipe, [tmp_path / "bad.tif"]), tmp_path / "out")
