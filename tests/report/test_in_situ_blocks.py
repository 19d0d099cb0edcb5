"""Growth in situ and cross-checks in the report of a run, against numbers by hand."""

from __future__ import annotations

import re
import shutil

import pandas as pd
import pytest

from napari_snpore import Recipe, make_phantom, run_study, write_volume
from napari_snpore.report.content import Picture, Sentences
from napari_snpore.report.run_folder import read_run
from napari_snpore.report.writing import make_report, write_report


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    phantom = make_phantom("pristine", shape=(40, 24, 40), spacing=0.4, seed=5)
    recipe = Recipe(
        input={"volume": str(write_volume(folder / "fibre.tif", phantom.volume))},
        threshold={"values": [0.5, 2.5]},
        envelope={"ray_length_nm": 4.0, "directions": 16},
        measure={"details": False},
        uncertainty={"draws": 3},
        checks={"growth_percent": 10.0},
        output={"figures": []},
    )
    run_study(recipe, folder / "results")
    return folder / "results"


def section(folder, title):
    found = [one for one in make_report(folder).sections if one.title == title]
    return found[0] if found else None


def diameters(*values):
    count = len(values)
    return pd.DataFrame(
        {
            "frame": range(count),
            "time_s": [10.0 * k for k in range(count)],
            "diameter_nm": values,
            "diameter_error_nm": [1.0] * count,
            "fitted": [value > 0 for value in values],
        }
    )


def test_checks_that_a_recipe_asked_for_are_sentences(run_folder):
    (block,) = section(run_folder, "Cross-checks with other methods").blocks
    assert isinstance(block, Sentences)
    assert len(block.items) == 2  # the length kept, and growing alike
    assert block.items[0].startswith(
        "Growth of Sn for that of the fibre, length kept: expected at most 420"
    )
    assert section(run_folder, "Growth in situ") is None


def test_a_series_in_the_folder_is_drawn_and_compared_with_the_volume_budget(run_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    diameters(100.0, 105.0, 0.0, 115.0, 120.0).to_csv(copy / "tables" / "in_situ.csv", index=False)
    profile = pd.DataFrame({"x_nm": [0.0], "intensity": [1.0]})
    profile.to_csv(copy / "tables" / "in_situ_profile.csv", index=False)
    picture, said = section(copy, "Growth in situ").blocks
    assert isinstance(picture, Picture)
    assert "by +20.0 ± 1.6 % (n = 4 frames)" in said.items[0]  # 1.2 · √(1/100² + 1/120²) = 1.56 %
    errors = read_run(copy).errors.numbers.set_index("quantity")
    tin = errors.loc["Sn fraction, whole"]
    best = tin["value"] if pd.isna(tin["corrected"]) else tin["corrected"]
    needed = 100 * 44 / best  # the cross-section grows by 44 %, all of it Sn
    found = float(re.search(r"found ([\d.,]+)", said.items[1])[1].replace(",", ""))
    assert found == pytest.approx(needed, rel=0.01)
    assert "length grows alike" in said.items[2]
    files = write_report(copy, tmp_path / "a.html")
    assert "Growth in situ" in files.html.read_text(encoding="utf-8")


def test_a_series_without_a_fibre_is_a_sentence(run_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    diameters(100.0, 0.0).to_csv(copy / "tables" / "in_situ.csv", index=False)
    (said,) = section(copy, "Growth in situ").blocks
    assert "fewer than two frames" in said.text
