"""A finished run read for a comparison: its own numbers, its conditions, and what is refused."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from napari_snpore.errors import FileFormatError, MissingFileError
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.states.state_result import read_state_result
from napari_snpore.study.states.study_recipe import planned_runs


@pytest.fixture(scope="module")
def folder(grey_files, tmp_path_factory, study_of):
    out = tmp_path_factory.mktemp("run") / "fibre 1"
    study = study_of(grey_files, "pristine", measure={"details": True, "limit_nm": 1.5})
    run_study(planned_runs(study)[0].recipe, out)
    return out


def test_tables_are_those_of_the_run(folder):
    found = read_state_result(folder)
    assert found.name == "fibre 1"
    numbers = pd.read_csv(folder / "tables" / "numbers.csv")
    assert found.numbers["value"].tolist() == numbers["value"].tolist()
    assert set(found.objects) == {"pore", "Sn"}
    assert len(found.objects["Sn"]) == len(pd.read_csv(folder / "tables" / "objects_Sn.csv"))
    assert found.profile is not None
    assert "depth_from_nm" in found.profile
    assert set(found.tables["slabs"]["axis"]) == {"y"}
    assert read_state_result(folder, name="other").name == "other"


def test_conditions_are_those_of_the_run(folder):
    found = read_state_result(folder).conditions
    assert found["voxel_nm"] == pytest.approx((0.4, 0.4, 0.4))
    assert found["thresholds"] == (0.5, 2.5)
    assert found["threshold_rule"] == "set by hand"
    assert found["limit_nm"] == 1.5
    assert found["min_voxels"] == 64
    assert found["edited_by_hand"] is False
    assert "dose" not in found


def test_the_files_of_images_are_known_by_place_and_content(folder, copy):
    """A copy of a run names the same content, and its relative path another place."""
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    images = [one for one in record["inputs"] if one["path"].endswith((".tif", ".mrc"))]
    found = read_state_result(folder).conditions["inputs"]
    assert len(images) == 1
    assert (
        found[f"sha256 {images[0]['sha256']}"] == found[str((folder / images[0]["path"]).resolve())]
    )
    assert set(found.values()) == {images[0]["path"].rpartition("/")[2]}
    assert set(found) & set(read_state_result(copy).conditions["inputs"])


@pytest.mark.parametrize("table", ["numbers", "objects_Sn", "fractions"])
def test_a_table_that_was_cut_short_is_one_sentence_of_ours(copy, table):
    path = copy / "tables" / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex(",", 0, len(text) // 2)], encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        read_state_result(copy)
    assert str(caught.value).startswith(f"{path} was cut short: its last line has ")
    assert "tokenizing" not in str(caught.value)


@pytest.fixture
def copy(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    return tmp_path / "run"


def edit_record(folder, **changes):
    path = folder / "record.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **changes}), encoding="utf-8")


def test_an_older_record_without_conditions_is_read(copy):
    content = json.loads((copy / "record.json").read_text(encoding="utf-8"))
    content["results"].pop("conditions")
    edit_record(copy, results=content["results"])
    assert read_state_result(copy).conditions["voxel_nm"] == pytest.approx((0.4, 0.4, 0.4))


def test_what_is_no_finished_run_is_refused(copy, tmp_path):
    with pytest.raises(MissingFileError, match="There is no folder of a run"):
        read_state_result(tmp_path / "none")
    with pytest.raises(FileFormatError, match="holds no finished run"):
        read_state_result(tmp_path)
    (copy / "tables" / "numbers.csv").unlink()
    with pytest.raises(FileFormatError, match=r"has no tables/numbers.csv: an older version"):
        read_state_result(copy)
    edit_record(copy, command="measure")
    with pytest.raises(FileFormatError, match="holds the result of 'snpore measure'"):
        read_state_result(copy)
    edit_record(copy, schema=1)
    with pytest.raises(FileFormatError, match="version"):
        read_state_result(copy)
