"""Finished runs in folders, with the states that names and studies give them."""

from __future__ import annotations

import json

import pytest

from napari_snpore.comparison.compare import compare_states
from napari_snpore.errors import FileFormatError, InputError, MissingFileError, OutputError
from napari_snpore.study.states.found_runs import find_runs_of_states, names_apart
from napari_snpore.study.states.sample import STATES, sample_study
from napari_snpore.study.states.saved_comparison import save_comparison, save_comparison_figures
from napari_snpore.study.states.state_result import read_state_result


def put_run(folder, command="run"):
    folder.mkdir(parents=True)
    content = {"program": "napari-snpore", "command": command}
    (folder / "record.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "runs"
    sample_study(folder)
    return folder


@pytest.fixture(scope="module")
def compared(sample):
    return compare_states({state: [read_state_result(sample / state)] for state in STATES})


def test_a_run_is_found_and_named_by_its_folder_or_the_one_around_it(tmp_path):
    put_run(tmp_path / "sodiated" / "fibre 1")
    (found,) = find_runs_of_states(tmp_path / "sodiated" / "fibre 1")
    assert (found.fibre, found.state) == ("fibre 1", "sodiated")
    (found,) = find_runs_of_states(tmp_path / "sodiated")
    assert (found.fibre, found.state) == ("fibre 1", "sodiated")


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["p/a", "q/b"], ["a", "b"]),
        (["pristine/results", "sodiated/results"], ["pristine", "sodiated"]),
        (["a/results", "b/x/results", "c"], ["a", "x", "c"]),
        (["a/results", "b/results", "c/a"], ["a results", "b results", "a"]),
        (["/results", "/x/results"], ["results", "x"]),
        (["1/a/run", "1/b/run", "2/a/run"], ["1 a", "1 b", "2 a"]),
        (["a/RUN", "b/run"], ["a", "b"]),
        (["é/r", "ü/r"], ["é", "ü"]),
    ],
)
def test_folders_of_one_name_are_told_apart_by_those_around_them(folders, names):
    assert names_apart(folders) == names


def test_a_run_that_is_named_twice_is_refused(tmp_path):
    put_run(tmp_path / "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match="named twice"):
        names_apart([tmp_path / "a", tmp_path / "b"])


def test_a_study_without_a_record_of_its_own_is_read_by_its_folders(tmp_path):
    for state, fibre in (("b", "1"), ("b", "2"), ("a", "1")):
        put_run(tmp_path / state / fibre)
    found = [(one.state, one.fibre) for one in find_runs_of_states(tmp_path)]
    assert found == [("a", "1"), ("b", "1"), ("b", "2")]


def test_results_of_other_commands_are_no_runs(tmp_path):
    put_run(tmp_path / "measured", command="measure")
    with pytest.raises(FileFormatError, match="holds no finished run"):
        find_runs_of_states(tmp_path / "measured")
    with pytest.raises(MissingFileError, match="no folder"):
        find_runs_of_states(tmp_path / "gone")


def test_a_comparison_that_was_saved_names_its_runs_and_no_absolute_path(
    compared, sample, tmp_path
):
    runs = {(state, state): sample / state for state in STATES}
    folder = save_comparison(tmp_path / "out", compared, runs=runs)
    text = (folder / "comparison.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    found = find_runs_of_states(folder)
    assert [(one.state, one.fibre) for one in found] == [(state, state) for state in STATES]
    assert [one.folder.resolve() for one in found] == [(sample / s).resolve() for s in STATES]
    again = save_comparison(folder, compared)  # an earlier comparison is replaced
    entries = json.loads((again / "comparison.json").read_text(encoding="utf-8"))["results"]
    assert {one["from"] for one in entries["fibres"]} == {"window"}
    with pytest.raises(FileFormatError):
        find_runs_of_states(again)


def test_figures_of_a_comparison_replace_only_figures(compared, tmp_path):
    (tmp_path / "plate.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"plate\.png"):
        save_comparison_figures(tmp_path, compared, formats=("png",))
    assert (tmp_path / "plate.png").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 1
