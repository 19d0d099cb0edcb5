"""Reports of studies: states side by side, marks of differences, one section per fibre."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from PIL import Image

from napari_snpore import Recipe, make_phantom, run_study, write_volume
from napari_snpore.errors import FileFormatError
from napari_snpore.report.pictures import study_figures
from napari_snpore.report.writing import make_report, write_report

STATES = (
    "state,n,quantity,unit,value,twin_bias,corrected,low_95,high_95,fibre_low_95,fibre_high_95,"
    "dominant_source,calibrated,restoration\n"
    'sodiated,1,"pore fraction, whole",%,25.8,0.4,25.4,24.4,26.4,,,thresholds,yes,none\n'
    'sodiated,1,Sn clusters,1,1204,,,,,,,,"no, no images",none\n'
    'pristine,2,"pore fraction, whole",%,30.9,,,29.9,31.9,,,wedge,"no, not calibrated here",none\n'
)
DIFFERENCES = """quantity,unit,state_a,state_b,n_a,n_b,difference,low_95,high_95,below_error,p_welch,p_holm,effect_size
"pore fraction, whole",%,sodiated,pristine,1,2,5.5,4.1,6.9,False,,,
"Sn fraction, whole",%,sodiated,pristine,1,2,-0.2,-0.9,0.5,True,,,
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A results folder by hand: one run, one that failed, one whose folder is empty."""
    place = tmp_path_factory.mktemp("private-study")
    phantom = make_phantom("pristine", shape=(32, 24, 32), spacing=0.4, seed=5)
    recipe = Recipe(
        name="fibre",
        input={"volume": str(write_volume(place / "fibre.tif", phantom.volume))},
        threshold={"values": [0.5, 6.0]},
        envelope={"ray_length_nm": 4.0, "directions": 16},
        measure={"details": False},
        uncertainty={"draws": 3},
        output={"figures": []},
    )
    out = place / "results"
    run_study(recipe, out / "sodiated" / "one")
    (out / "states.csv").write_text(STATES, encoding="utf-8")
    (out / "differences.csv").write_text(DIFFERENCES, encoding="utf-8")
    (out / "study.toml").write_text(f'[study]\ntitle = "x"\nfiles = ["{place}/fibre.tif"]\n')
    record = json.loads((out / "sodiated" / "one" / "record.json").read_text(encoding="utf-8"))
    fibres = [
        {"state": "sodiated", "fibre": "one", "folder": "sodiated/one", "failed": None},
        {"state": "pristine", "fibre": "two", "folder": "pristine/two",
         "failed": f"There is no file {place}/two.mrc."},
    ]  # fmt: skip
    record |= {"command": "compare", "parameters": {"study": {"title": "Two states"}}}
    record["results"] = {"fibres": fibres, "notes": [f"Voxel sizes differ ({place}/two.mrc)."]}
    (out / "comparison.json").write_text(json.dumps(record), encoding="utf-8")
    return out


def section(report, title):
    return next(one for one in report.sections if one.title == title)


def test_states_stand_side_by_side_in_their_order(study):
    report = make_report(study)
    assert report.title == "Two states"
    (table,) = section(report, "States side by side").blocks
    assert table.head == ("quantity", "unit", "sodiated (n = 1)", "pristine (n = 2)")
    assert table.rows == (
        ("pore fraction, whole", "%", "25.4 ± 1.0", "30.9 ± 1.0 †"),
        ("Sn clusters", "", "1,204", "–"),
    )


def test_differences_below_their_error_are_marked(study):
    table = section(make_report(study), "Differences").blocks[0]
    assert table.caption.startswith("pristine less sodiated (n = 2 and 1)")
    marks = [row[table.head.index("against its error")] for row in table.rows]
    assert marks == ["beyond", "≈ below the error"]
    assert [row[2:4] for row in table.rows] == [("+5.5", "4.1 to 6.9"), ("−0.2", "−0.9 to 0.5")]
    assert "p (Welch)" not in table.head


def test_p_values_and_effect_sizes_of_several_fibres_are_shown(study, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(study, copy)
    table = pd.read_csv(copy / "differences.csv")
    table.assign(p_welch=0.012, p_holm=0.024, effect_size=1.5).to_csv(
        copy / "differences.csv", index=False
    )
    shown = section(make_report(copy), "Differences").blocks[0]
    assert shown.head[-3:] == ("p (Welch)", "p (Holm)", "effect size")
    assert shown.rows[0][-3:] == ("0.0120", "0.0240", "1.50")


def test_each_fibre_has_a_folded_section_and_a_failed_one_a_sentence(study):
    one, two = section(make_report(study), "Fibres").parts
    assert (one.title, one.folded) == ("sodiated: one", True)
    assert [part.title for part in one.parts][:2] == ["Numbers", "Pictures"]
    assert two.blocks[0].text == "Not in the report. There is no file two.mrc."


def test_no_folder_is_in_the_files_and_missing_pieces_are_sentences(study, tmp_path):
    files = write_report(study, tmp_path / "a.html")
    text = files.html.read_text(encoding="utf-8")
    assert "private-study" not in text
    assert "Voxel sizes differ (two.mrc)." in text
    assert "No figures: this folder holds none." in text
    assert "distributions.csv is not in the folder" in text
    assert "fibre.tif" in text
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(study / "states.csv", bare)
    report = make_report(bare)
    assert report.title == "sodiated and pristine"
    assert "No differences" in section(report, "Differences").blocks[0].text


def test_the_plate_is_left_out_where_its_parts_are_there(study, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(study, copy)
    (copy / "figures").mkdir()
    for name in ("comparison", "table", "differences", "bars", "own_plot"):
        Image.new("RGB", (30, 20)).save(copy / "figures" / f"{name}.png")
    found = [one.name for one in study_figures(copy)]
    assert found == ["bars", "differences", "own_plot"]
    for name in ("bars", "differences", "own_plot"):
        (copy / "figures" / f"{name}.png").unlink()
    assert [one.name for one in study_figures(copy)] == ["comparison", "table"]


def test_slices_of_the_states_are_drawn_where_the_folder_has_no_figure_of_them(study):
    slices, missing, absent = section(make_report(study), "Figures").blocks
    assert slices.name == "slices"
    assert "one scale" in slices.caption
    assert missing.items == ("No slice of 'pristine': no fibre of it is there.",)
    assert "No figures" in absent.text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("states.csv", "state,n\na,1\n", "no column quantity"),
        ("states.csv", STATES.split("\n", maxsplit=1)[0] + "\n", "no row"),
        ("differences.csv", "quantity,unit\na,%\n", "no column state_a"),
        ("comparison.json", "{", "record of a study"),
        ("comparison.json", '{"schema": 99}', "newer"),
    ],
)
def test_damaged_tables_of_a_study_are_refused(study, tmp_path, name, content, words):
    copy = tmp_path / "copied"
    shutil.copytree(study, copy)
    (copy / name).write_text(content)
    with pytest.raises(FileFormatError, match=words):
        write_report(copy, tmp_path / "a.html")
    assert not list(tmp_path.glob("a.*"))
