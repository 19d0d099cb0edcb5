"""What the command line refuses, and how it names things: in this process, so that each case costs
no start.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_snpore import Volume, read_volume, write_volume
from napari_snpore.cli.main import main
from napari_snpore.history import SegmentStep

Z, Y, X = np.mgrid[:24, :12, :24] - np.array([11.5, 5.5, 11.5])[:, None, None, None]
BODY = np.hypot(Z, X) < 8


@pytest.fixture
def snpore(tmp_path, monkeypatch, capsys):
    """Run a command in a folder with ``gray.tif`` (a rod of grey 5) and return exit status and what
    it said.
    """
    monkeypatch.chdir(tmp_path)
    write_volume("grey.tif", Volume(np.where(BODY, 5, 0).astype(np.float32), 0.5))

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return ended.value.code, said.err + said.out

    return run


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["segment", "grey.tif", "-o", "a.tif", "--spacing-nm", "0"], "spacing_nm"),
        (["reconstruct", "grey.tif", "-o", "a.tif", "--pixel-size-nm", "0"], "pixel_size_nm"),
        (["segment", "grey.tif", "-o", "a.tif", "-t", "nan"], "should be a finite number"),
        (["segment", "grey.tif", "-o", "a.tif", "--no-cut", "--cut-axis", "0"], "contradict"),
        (["segment", "grey.tif", "-o", "a.tif", "--specks", "Sn"], "PHASE:VOXELS"),
        (
            ["segment", "grey.tif", "-o", "a.tif", "-t", "2", "--fill", "tin"],
            "the phases are pore, solid",
        ),
        (["segment", "grey.tif", "-o", "a.xyz"], "these are: .mrc"),
        (["reconstruct", "grey.tif", "-o", "a.tif"], "on the command line --angles"),
        (["reconstruct", "grey.tif", "-o", "a.tif", "--blur", "9"], "--blur is '9'; auto, none or"),
        (["reconstruct", "grey.tif", "-o", "grey.tif/x/a.tif"], "cannot be written"),
        (["segment", "grey.tif", "-o", "a.tif", "--polish"], "--polish needs the tilt images"),
        (["segment", "grey.tif", "-o", "a.tif", "--rule", "projection"], "--rule projection needs"),
        (["reconstruct", "grey.tif", "-o", "a.tif", "--blur", "wide"], "--blur is 'wide'; auto"),
        (
            ["reconstruct", "grey.tif", "-o", "a.tif", "--method", "sirt", "--blur", "1"],
            "blur_px is an option of tv",
        ),
        (["blur", "grey.tif", "-o", "b", "--angles", "few"], "--angles is 'few'"),
        (["measure", "grey.tif", "-o", "m", "--directions", "few"], "directions"),
    ],
)
def test_option_is_refused_in_one_sentence_before_any_work(snpore, tmp_path, words, sentence):
    status, said = snpore(*words)
    assert status == 1
    assert sentence in said
    assert "inside the program" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["grey.tif"]


@pytest.fixture
def two_phases(snpore):
    assert snpore("segment", "grey.tif", "-o", "phases.tif", "-t", "2.5", "--no-envelope")[0] == 0


def test_phases_keep_the_names_they_were_made_with(snpore, two_phases, tmp_path):
    assert snpore("measure", "phases.tif", "-o", "sizes", "--phase", "2")[0] == 0
    fractions = pd.read_csv(tmp_path / "sizes/tables/fractions.csv")
    assert fractions["name"].tolist() == ["pore", "solid"]
    assert set(fractions["denominator"]) == {"box"}, "there was no envelope"
    assert fractions["fraction_percent"].iloc[1] == pytest.approx(100 * BODY.mean())
    assert (tmp_path / "sizes/tables/objects_solid.csv").is_file()
    record = json.loads((tmp_path / "sizes/record.json").read_text())
    assert record["parameters"]["connectivity"] == 26
    assert record["parameters"]["cut_axes"] == [1]
    status, said = snpore("measure", "phases.tif", "-o", "sizes", "--phase", "²")
    assert (status, "holds the phases 1 pore, 2 solid" in said) == (1, True)


def test_summary_without_an_envelope_speaks_of_the_box(snpore):
    _, said = snpore("segment", "grey.tif", "-o", "phases.tif", "-t", "2.5", "--no-envelope")
    assert "% of the whole box" in said
    assert "envelope's volume" not in said


def test_objects_lie_where_their_volume_lies(snpore, tmp_path):
    """Origin (100, 200, 300) nm, one cube of voxels 2 to 3 along each axis: its middle is at 2.5
    voxels of 0.5 nm.
    """
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[2:4, 2:4, 2:4] = 3
    history = (SegmentStep((1.0, 5.0), ("pore", "C", "Sn")).step,)
    write_volume("phases.tif", Volume(labels, 0.5, (100, 200, 300), history))
    assert (
        snpore("measure", "phases.tif", "-o", "sizes", "--directions", "500", "--limit-nm", "3")[0]
        == 0
    )
    row = pd.read_csv(tmp_path / "sizes/tables/objects_Sn.csv").iloc[0]
    assert [row[f"centroid_{axis}_nm"] for axis in "zyx"] == pytest.approx([101.25, 201.25, 301.25])
    assert read_volume(tmp_path / "sizes/volumes/objects_Sn.tif").origin == (100, 200, 300)
    assert "3 nm" in (tmp_path / "sizes/summary.txt").read_text()


def test_measure_writes_where_things_lie(snpore, tmp_path):
    """A rod of radius 4 nm with a sealed pore in its middle and one cluster 5 voxels below the
    surface.
    """
    labels = np.where(BODY, 2, 0).astype(np.uint8)
    labels[11:13, 5:7, 11:13] = 1
    labels[11:13, 5:7, 16:18] = 3
    write_volume("phases.tif", Volume(labels, 0.5))
    status, said = snpore(
        "measure", "phases.tif", "-o", "sizes", "--shell-nm", "2", "--delta-nm", "0.6"
    )
    assert status == 0, said
    tables = tmp_path / "sizes" / "tables"
    contacts = pd.read_csv(tables / "contacts_Sn.csv").iloc[0]
    assert contacts["pore_distance_nm"] == pytest.approx(2.0)
    assert np.isnan(contacts["open_pore_distance_nm"])
    assert contacts["encapsulated"] == 1
    shells = pd.read_csv(tables / "shells.csv").query("sector == 'all'")
    assert shells["object_count"].sum() == 1
    assert pd.read_csv(tables / "dead_pore_objects.csv")["voxel_count"].tolist() == [8]
    assert pd.read_csv(tables / "accessible_pores.csv")["accessible_share_of_pore"].tolist()[0] == 0
    assert "encapsulated, no pore within δ = 0.6 nm: 100.0 % of 1" in said


def test_labels_of_objects_are_refused_as_phases_and_taken_with_an_option(snpore, tmp_path):
    labels = np.zeros((8, 8, 8), np.uint16)
    labels[1:3, 1:3, 1:3], labels[5, 5, 5] = 40, 1000
    write_volume("labels.tif", Volume(labels, 0.5))
    status, said = snpore("measure", "labels.tif", "-o", "sizes")
    assert status == 1
    assert "does not hold phases: its labels go from 0 to 1000" in said
    assert "--objects" in said
    status, said = snpore("measure", "grey.tif", "-o", "sizes", "--objects")
    assert status == 1
    assert "labels are float32" in said
    assert snpore("measure", "labels.tif", "-o", "sizes", "--objects")[0] == 0
    table = pd.read_csv(tmp_path / "sizes/tables/objects_labelled.csv")
    assert table["given_label"].tolist() == [40, 1000]
    assert table["voxel_count"].tolist() == [8, 1]
    assert table["objects_from"].unique().tolist() == ["given labels"]


def test_a_wrong_choice_is_refused_without_words_of_the_checker(snpore):
    status, said = snpore("reconstruct", "grey.tif", "-o", "a.tif", "--method", "foo")
    assert status == 2
    assert "'foo' is not one of 'sirt', 'wbp', 'cgls', 'tv', 'dart'" in said
    assert "Value error" not in said


@pytest.mark.parametrize(
    ("section", "option", "needed"),
    [
        ("reconstruct.tv", "blur_px", "a valid number or 'auto'"),
        ("prepare", "background", "'auto' or 'none' or a valid number"),
        ("polish", "enabled", "'auto' or a valid boolean"),
    ],
)
def test_an_option_of_several_types_is_refused_by_its_own_name(snpore, section, option, needed):
    text = f'[input]\ntilt_series = "grey.tif"\n[{section}]\n{option} = "foo"\n'
    Path("a.toml").write_text(text, encoding="utf-8")
    status, said = snpore("run", "a.toml")
    assert status == 1
    assert f"{section}.{option}: input should be {needed} (it is 'foo')." in said


@pytest.mark.parametrize(
    ("section", "words", "sentence"),
    [
        ("twins = -1", (), "uncertainty.twins: input should be greater than or equal to 0"),
        ("draws = 2", (), "uncertainty.draws: input should be greater than or equal to 3"),
        ("", ("--no-twin", "--twins", 2), "--no-twin and --twins 2 contradict each other"),
    ],
)
def test_what_is_asked_of_twins_is_refused_in_one_sentence(snpore, section, words, sentence):
    text = f'[input]\nvolume = "grey.tif"\n[uncertainty]\n{section}\n'
    Path("a.toml").write_text(text, encoding="utf-8")
    status, said = snpore("run", "a.toml", *words)
    assert status == 1
    assert sentence in said


def test_a_volume_has_numbers_without_a_twin(snpore):
    text = """
[input]
volume = "grey.tif"
[threshold]
phases = 2
values = [2.0]
names = ["void", "solid"]
[envelope]
ray_length_nm = 2.0
directions = 16
[measure]
phases = ["solid"]
details = false
[output]
figures = []
"""
    Path("a.toml").write_text(text, encoding="utf-8")
    status, said = snpore("run", "a.toml", "--no-twin")
    assert status == 0, said
    assert "twins = 0" in Path("a_results/recipe.toml").read_text(encoding="utf-8")
    table = pd.read_csv("a_results/tables/numbers.csv")
    assert set(table["calibrated"]) == {"no, no images"}
    assert table["twin_bias"].isna().all()
    assert "There are no tilt images behind this volume." in said


def test_help_names_every_option_in_full(snpore, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, said = snpore("segment", "--help")
    assert "--occlusion-threshold" in said
    assert "--pixel-size-nm" in said
    _, said = snpore("--help")
    assert "..." not in said.partition("Commands:")[2], "no line is cut"
