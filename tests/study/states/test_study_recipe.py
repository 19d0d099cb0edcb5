"""The recipe of a study: what it means, and each mistake in one sentence."""

from __future__ import annotations

import pytest

from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.study.states.study_recipe import (
    Study,
    folder_name,
    placed,
    planned_runs,
    read_study,
)

FIBRES = {"name": "pristine", "fibres": ["a.mrc"]}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mrc", "b.mrc", "c.mrc"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_nearer_settings_win(here):
    (here / "own.toml").write_text(
        '[input]\ntilt_series = "c.mrc"\n[threshold]\nphases = 4\n', encoding="utf-8"
    )
    study = Study(
        study={"seed": 5},
        shared={"threshold": {"method": "li", "phases": 2}, "prepare": {"bin": 2}},
        state=[
            {"name": "one", "fibres": ["a.mrc"], "threshold": {"phases": 3}},
            {"name": "two", "fibres": ["b.mrc", "own.toml"]},
        ],
    )
    one, two, own = planned_runs(study)
    assert [run.name for run in (one, two, own)] == ["one/a", "two/b", "two/own"]
    assert [run.recipe.threshold.phases for run in (one, two, own)] == [3, 2, 4]
    assert {run.recipe.threshold.method for run in (one, two, own)} == {"li"}
    assert {run.recipe.prepare.bin for run in (one, two, own)} == {2}
    assert {run.recipe.seed for run in (one, two, own)} == {5}
    assert own.recipe.input.tilt_series == "c.mrc"


def test_paths_count_from_the_recipe_and_patterns_are_written_out(here, monkeypatch):
    (here / "study.toml").write_text(
        '[shared.align]\nxf = "a.xf"\n[[state]]\nname = "all"\nfibres = ["*.mrc"]\n',
        encoding="utf-8",
    )
    other = here / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    study = read_study(here / "study.toml")
    runs = planned_runs(study)
    assert [run.fibre for run in runs] == ["a", "b", "c"]
    assert runs[0].recipe.input.tilt_series == str(here / "a.mrc")
    assert runs[0].recipe.align.xf == str(here / "a.xf")
    assert study.study.title == "study"
    again = placed(placed(study, other, relative=True), other)
    assert planned_runs(again)[2].recipe.input.tilt_series.endswith("c.mrc")


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"state": []}, "state: list should have at least 1 item"),
        ({}, r"there is no \[\[state\]\] section"),
        (
            {"state": [FIBRES, {**FIBRES, "name": "Pristine"}]},
            "two states have the name 'Pristine'",
        ),
        ({"state": [{"name": "x"}]}, "the state 'x' names no fibres"),
        ({"state": [{**FIBRES, "fibre": 1}]}, "state 'pristine': fibre is not an option"),
        ({"state": [{**FIBRES, "name": "a/b"}]}, "'a/b' cannot be the name of a folder"),
        ({"state": [{**FIBRES, "name": "figures"}]}, "is a folder of the results"),
        ({"state": [FIBRES], "shared": {"tresholds": {}}}, "shared.tresholds is not a section"),
        ({"state": [FIBRES], "study": {"sed": 1}}, "study.sed is not an option"),
        (
            {"state": [FIBRES], "study": {"processes": 0}},
            "study.processes: input should be greater",
        ),
    ],
)
def test_a_wrong_study_is_refused_in_one_sentence(sections, sentence):
    with pytest.raises(InputError, match=sentence) as refused:
        Study(**sections)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"shared": {"threshold": {"phases": 9}}}, r"\[shared\]: threshold.phases: .* \(it is 9\)"),
        ({"shared": {"threshold": {"phase": 3}}}, r"\[shared\]: threshold.phase is not an option"),
        ({"shared": {"input": {"tilt_series": "a.mrc"}}}, "belongs to one fibre"),
        ({"state": [{**FIBRES, "align": {"method": "x"}}]}, "The state 'pristine': align.method"),
        (
            {"state": [{"name": "s", "fibres": ["no.mrc"]}]},
            "The state 's' names no.mrc, which is not",
        ),
        ({"state": [{"name": "s", "fibres": ["*.st"]}]}, "no file is called like that"),
        ({"state": [{"name": "s", "fibres": ["."]}]}, "holds no finished run"),
        ({"state": [{"name": "s", "fibres": ["a.mrc", "./a.mrc"]}]}, "names ./a.mrc twice"),
    ],
)
def test_what_cannot_be_run_is_named_with_its_state(here, sections, sentence):
    del here
    with pytest.raises(InputError, match=sentence) as refused:
        planned_runs(Study(**{"state": [FIBRES], **sections}))
    assert "\n" not in str(refused.value)


def test_two_fibres_of_one_name_need_another(here):
    (here / "x").mkdir()
    (here / "x" / "a.mrc").write_bytes(b"")
    fibres = ["a.mrc", "x/a.mrc"]
    with pytest.raises(InputError, match="Two fibres of the state 's' have the name 'a'"):
        planned_runs(Study(state=[{"name": "s", "fibres": fibres}]))
    named = [fibres[0], {"path": fibres[1], "name": "second"}]
    runs = planned_runs(Study(state=[{"name": "s", "fibres": named}]))
    assert [run.fibre for run in runs] == ["a", "second"]


def test_files_that_are_no_study(here):
    with pytest.raises(MissingFileError, match="There is no study"):
        read_study(here / "none.toml")
    (here / "run.toml").write_text('[input]\ntilt_series = "a.mrc"\n', encoding="utf-8")
    with pytest.raises(FileFormatError, match="the recipe of one run"):
        read_study(here / "run.toml")
    (here / "bad.toml").write_text("[[state]\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"bad.toml is not a readable TOML study"):
        read_study(here / "bad.toml")


@pytest.mark.parametrize(
    ("text", "name"), [("a b", "a b"), ("x/y:z", "x-y-z"), ("..", "fibre"), ("fibre 3.", "fibre 3")]
)
def test_names_of_folders(text, name):
    assert folder_name(text) == name
