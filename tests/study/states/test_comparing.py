"""A study: the numbers of single runs, what is run again and what is not, and what is refused."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from napari_snpore.errors import InputError, OutputError, Stopped
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.states.comparing import compare_study
from napari_snpore.study.states.study_recipe import planned_runs, study_of_runs

STATES = ("pristine", "sodiated", "desodiated")


@pytest.fixture(scope="module")
def done(grey_files, tmp_path_factory, study_of):
    out = tmp_path_factory.mktemp("study") / "results"
    return compare_study(study_of(grey_files, *STATES), out, processes=1, figures=False)


def test_the_folder_holds_runs_and_their_comparison(done):
    record = json.loads((done.folder / "comparison.json").read_text(encoding="utf-8"))
    names = {"states.csv", "differences.csv", "distributions.csv", "summary.txt", "study.toml"}
    assert set(record["outputs"]) == names
    assert [one["state"] for one in record["results"]["fibres"]] == list(STATES)
    for one in record["results"]["fibres"]:
        assert (done.folder / one["folder"] / "record.json").is_file()
    assert sorted(path.name for path in done.folder.iterdir()) == sorted(
        {*names, *STATES, "comparison.json"}
    )
    states = pd.read_csv(done.folder / "states.csv")
    assert list(dict.fromkeys(states["state"])) == list(STATES)
    assert set(states["n"]) == {1}
    assert str(done.folder.parent) not in (done.folder / "study.toml").read_text(encoding="utf-8")


def test_a_study_has_the_bits_of_single_runs(done, grey_files, tmp_path, study_of):
    planned = planned_runs(study_of(grey_files, "sodiated"))[0]
    run_study(planned.recipe, tmp_path / "alone")
    for name in ("volumes/phases.tif", "tables/numbers.csv", "tables/objects_Sn.csv"):
        alone = (tmp_path / "alone" / name).read_bytes()
        assert alone == (done.folder / "sodiated" / "sodiated" / name).read_bytes(), name


def test_differences_are_those_of_the_states(done):
    states = pd.read_csv(done.folder / "states.csv").set_index(["state", "quantity", "unit"])
    for row in pd.read_csv(done.folder / "differences.csv").to_dict("records"):
        a = states.loc[(row["state_a"], row["quantity"], row["unit"]), "value"]
        b = states.loc[(row["state_b"], row["quantity"], row["unit"]), "value"]
        assert row["difference"] == pytest.approx(b - a), row["quantity"]


def test_finished_fibres_are_not_run_again_until_something_changes(
    done, grey_files, tmp_path, study_of
):
    out = tmp_path / "results"
    shutil.copytree(done.folder, out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*/record.json")}
    said = []
    again = compare_study(
        study_of(grey_files, *STATES), out, processes=1, figures=False, say=said.append
    )
    assert sum("finished and unchanged" in words for words in said) == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
    pd.testing.assert_frame_equal(again.comparison.states, done.comparison.states)

    said.clear()
    changed = study_of(grey_files, *STATES)
    states = [one.model_dump() for one in changed.state]
    states[1]["threshold"] = {"values": [0.5, 2.6]}
    changed = changed.model_copy(update={"state": type(changed)(state=states).state})
    with pytest.raises(InputError, match=r"sodiated/sodiated cannot be resumed .* its parameters"):
        compare_study(changed, out, resume=True, figures=False)
    compare_study(changed, out, processes=1, figures=False, say=said.append)
    assert "sodiated/sodiated: run again, because its recipe changed (threshold.values)" in said
    assert sum("finished and unchanged" in words for words in said) == 2


def test_a_changed_input_is_named(done, grey_files, tmp_path, study_of):
    copy, out = tmp_path / "grey", tmp_path / "results"
    shutil.copytree(grey_files, copy)
    shutil.copytree(done.folder, out)
    shutil.copy(copy / "desodiated.tif", copy / "pristine.tif")
    with pytest.raises(
        InputError, match=r"pristine/pristine cannot be resumed .* its input is not"
    ):
        compare_study(study_of(copy, *STATES), out, resume=True, figures=False)


def test_a_study_that_was_not_begun_cannot_be_resumed(grey_files, tmp_path, study_of):
    with pytest.raises(InputError, match="holds no study that was begun"):
        compare_study(study_of(grey_files, "pristine"), tmp_path / "x", resume=True)
    assert not (tmp_path / "x").exists()


def test_a_failed_fibre_does_not_stop_the_others(grey_files, tmp_path, study_of):
    study = study_of(grey_files, "pristine", "sodiated")
    states = [one.model_dump() for one in study.state]
    states[0]["threshold"] = {"values": [1e8, 1e9]}
    study = study.model_copy(update={"state": type(study)(state=states).state})
    found = compare_study(study, tmp_path / "out", processes=1, figures=False)
    assert set(found.failed) == {"pristine/pristine"}
    assert "lower the threshold" in found.failed["pristine/pristine"]
    assert "pristine/pristine is left out" in found.summary
    assert set(found.comparison.states["state"]) == {"sodiated"}
    record = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert "lower the threshold" in record["results"]["fibres"][0]["failed"]


def test_no_fibre_left(grey_files, tmp_path, study_of):
    study = study_of(grey_files, "pristine", threshold={"values": [1e8, 1e9]})
    with pytest.raises(InputError, match=r"No fibre could be finished\. pristine/pristine: "):
        compare_study(study, tmp_path / "out", processes=1, figures=False)


def test_fibres_in_processes_of_their_own_have_the_same_bits(done, grey_files, tmp_path, study_of):
    said = []
    compare_study(
        study_of(grey_files, "pristine", "sodiated"),
        tmp_path / "out",
        processes=2,
        figures=False,
        say=said.append,
    )
    assert "pristine/pristine: finished" in said
    for state in ("pristine", "sodiated"):
        for name in ("volumes/phases.tif", "tables/numbers.csv"):
            apart = (tmp_path / "out" / state / state / name).read_bytes()
            assert apart == (done.folder / state / state / name).read_bytes()


def test_stopped_keeps_what_is_finished(grey_files, tmp_path, study_of):
    said = []

    def stop():
        return "pristine/pristine: finished" in said

    out = tmp_path / "out"
    with pytest.raises(Stopped):
        compare_study(
            study_of(grey_files, "pristine", "sodiated"),
            out,
            processes=1,
            figures=False,
            say=said.append,
            should_stop=stop,
        )
    assert (out / "pristine" / "pristine" / "record.json").is_file()
    assert not (out / "states.csv").exists()
    said.clear()
    compare_study(
        study_of(grey_files, "pristine", "sodiated"),
        out,
        resume=True,
        figures=False,
        say=said.append,
    )
    assert "pristine/pristine: finished and unchanged, not run again" in said
    assert not (out / ".snpore-steps").exists()


def test_finished_runs_are_compared_where_they_are(done, tmp_path):
    runs = {
        "a": [done.folder / "pristine" / "pristine", done.folder / "desodiated" / "desodiated"],
        "b": [done.folder / "sodiated" / "sodiated"],
    }
    found = compare_study(study_of_runs(runs), tmp_path / "out", figures=False)
    assert set(found.comparison.states.groupby("state")["n"].first()) == {1, 2}
    record = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert (tmp_path / "out" / record["results"]["fibres"][0]["folder"] / "tables").is_dir()


def test_places_that_hold_something_else_are_refused(done, grey_files, tmp_path, study_of):
    study = study_of(grey_files, "pristine")
    with pytest.raises(OutputError, match="holds the result of 'snpore run'"):
        compare_study(study, done.folder / "pristine" / "pristine", figures=False)
    (tmp_path / "states.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"holds states.csv, which no earlier study wrote"):
        compare_study(study, tmp_path, figures=False)
    other = tmp_path / "other"
    other.mkdir()
    content = {"program": "napari-snpore", "command": "batch", "outputs": ["numbers.csv"]}
    (other / "comparison.json").write_text(json.dumps(content))
    with pytest.raises(OutputError, match="holds the result of 'snpore batch'"):
        compare_study(study, other, figures=False)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        compare_study(study, tmp_path / "file", figures=False)


def test_voxel_sizes_that_differ_are_said_before_anything_runs(grey_files, tmp_path, study_of):
    study = study_of(grey_files, "pristine", "sodiated")
    states = [one.model_dump() for one in study.state]
    states[1]["input"] = {"spacing_nm": 0.5}
    study = study.model_copy(update={"state": type(study)(state=states).state})
    said = []
    compare_study(study, tmp_path / "out", processes=1, figures=False, say=said.append)
    first = next(words for words in said if "oxel" in words)
    assert "0.4" in first
    assert "0.5" in first
    assert said.index(first) < said.index("pristine/pristine: finished")


@pytest.mark.parametrize(
    "outputs", [["figures/../../mine.txt"], ["../mine.txt"], "mine.txt", 7, None]
)
def test_a_record_cannot_name_files_elsewhere_for_removal(done, tmp_path, outputs):
    """The folder of a study may come from somebody else: what its record lists is removed when the
    study is written anew.
    """
    (tmp_path / "mine.txt").write_text("mine")
    out = tmp_path / "out"
    (out / "figures").mkdir(parents=True)
    content = {"program": "napari-snpore", "command": "compare", "outputs": outputs}
    (out / "comparison.json").write_text(json.dumps(content))
    runs = {"a": [done.folder / "pristine" / "pristine"]}
    compare_study(study_of_runs(runs), out, figures=False)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (out / "states.csv").is_file()
