"""Corrections by hand are said in reports and records, from the window and from the command
line.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from napari_snpore.cli import app
from napari_snpore.files import read_volume, write_volume
from napari_snpore.history import EditByHandStep, MergeObjectsStep, SegmentStep, SplitObjectStep
from napari_snpore.segmentation.phase_edits import edited_by_hand
from napari_snpore.study.edit_report import edit_statements, edit_words, is_edited_by_hand
from napari_snpore.volume import Volume

MADE = SegmentStep((1.0, 5.0), ("pore", "C", "Sn")).step


def drawn():
    """Return carbon with one Sn object of 2 × 2 × 2 voxels, made by thresholds."""
    labels = np.full((8, 8, 8), 2, np.uint8)
    labels[2:4, 2:4, 2:4] = 3
    return Volume(labels, 0.5, history=(MADE,))


def test_edits_by_code_are_a_step_of_the_history():
    before = drawn()
    now = before.data.copy()
    now[6, 6, 1:6] = 3
    after = edited_by_hand(before, now)
    assert after.history[-1] == EditByHandStep(5, ((2, 3, 5),)).step
    assert edited_by_hand(before, before.data.copy()).history == before.history


def test_snpore_measure_says_that_phases_were_edited_by_hand(tmp_path):
    before = drawn()
    now = before.data.copy()
    now[6, 6, 1:6] = 3
    write_volume(tmp_path / "edited.tif", edited_by_hand(before, now))
    assert is_edited_by_hand(read_volume(tmp_path / "edited.tif").history)
    done = CliRunner().invoke(
        app, ["measure", str(tmp_path / "edited.tif"), "-o", str(tmp_path / "out"), "--no-details"]
    )
    assert done.exit_code == 0, done.output
    summary = (tmp_path / "out" / "summary.txt").read_text(encoding="utf-8")
    assert "Edited by hand  5 voxels: C → Sn" in summary
    assert "of the phases before that" in summary
    record = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))
    assert record["results"]["edited_by_hand"] == [
        {"name": "edit by hand", "voxels": 5, "changes": [[2, 3, 5]]}
    ]


def test_phases_that_nobody_edited_say_nothing(tmp_path):
    write_volume(tmp_path / "made.tif", drawn())
    done = CliRunner().invoke(
        app, ["measure", str(tmp_path / "made.tif"), "-o", str(tmp_path / "out"), "--no-details"]
    )
    assert done.exit_code == 0, done.output
    assert "dited by hand" not in (tmp_path / "out" / "summary.txt").read_text(encoding="utf-8")


def test_corrections_in_words():
    names = ("pore", "C", "Sn")
    assert edit_words(EditByHandStep(212, ((1, 3, 212),)), names) == "212 voxels: pore → Sn"
    history = (
        MADE,
        MergeObjectsStep((1, 2, 3), (4, 5, 6), 1204).step,
        SplitObjectStep((1, 2, 3), ((1, 0, 0), (1, 9, 9)), 0, (700, 504)).step,
    )
    said = [one.sentence for one in edit_statements(history)]
    assert said == [
        "two objects merged into one of 1,204 voxels",
        "one object split along a line into 700 and 504 voxels, through the depth along z",
    ]


def test_a_filter_of_the_command_line_is_a_table_of_its_own(tmp_path):
    phases = drawn()
    phases.data[6, 6, 1:6] = 3
    write_volume(tmp_path / "made.tif", phases)
    made = ["measure", str(tmp_path / "made.tif"), "-o", str(tmp_path / "out"), "--no-details"]
    done = CliRunner().invoke(app, [*made, "--filter", "voxels > 6"])
    assert done.exit_code == 0, done.output
    assert "1 of 2 objects: voxel_count > 6" in done.output
    rows = pd.read_csv(tmp_path / "out" / "tables" / "objects_Sn_filtered.csv")
    assert rows["voxel_count"].tolist() == [8]
    assert rows["filter"].tolist() == ["voxel_count > 6"]
    record = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))
    assert record["results"]["filtered"]["Sn"]["kept"] == 1
    refused = CliRunner().invoke(app, [*made[:3], str(tmp_path / "two"), "--filter", "size > 6"])
    assert refused.exit_code == 1
    assert "'size' is no column of this table" in str(refused.exception)
    assert "fractions" not in refused.output, "before anything is measured"
    assert not (tmp_path / "two").exists()
