"""Commands whose output would be their input are refused before any work; no output holds the path
of the machine it was made on.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from napari_snpore import Volume, write_volume
from napari_snpore.cli.main import main

RECIPE = (
    '[input]\nvolume = "{volume}"\n[threshold]\nvalues = [2.5]\n[envelope]\ndirections = 8\n'
    '[measure]\ndetails = false\n[output]\nfigures = ["svg"]\n'
)


@pytest.fixture
def snpore(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    z, _, x = np.mgrid[:24, :24, :24] - 11.5
    rod = np.where(np.hypot(z, x) < 8, 5, 0).astype(np.float32)
    write_volume("grey.tif", Volume(rod, 0.5))
    Path("recipe.toml").write_text(RECIPE.format(volume="grey.tif"), encoding="utf-8")

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return ended.value.code, said.err + said.out

    return run


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_output_over_an_input_is_refused_and_nothing_changes(snpore, tmp_path):
    assert snpore("run", "recipe.toml", "-o", "result")[0] == 0
    Path("again.toml").write_text(RECIPE.format(volume="result/volumes/phases.tif"))
    Path("link.tif").symlink_to("grey.tif")
    Path("link").symlink_to("result")
    before = content(tmp_path)
    for words in (
        ["segment", "grey.tif", "-o", "grey.tif", "--overwrite", "-t", "2.5"],
        ["segment", "grey.tif", "-o", "link.tif", "--overwrite", "-t", "2.5"],
        ["segment", "link.tif", "-o", "./grey.tif", "--overwrite", "-t", "2.5"],
        ["reconstruct", "grey.tif", "-o", "grey.tif", "--overwrite", "--angles", "0:23:1"],
        ["measure", "result/volumes/phases.tif", "-o", "result"],
        ["measure", "result/volumes/phases.tif", "-o", "link"],
        ["run", "again.toml", "-o", "result"],
        ["run", "result/recipe.toml", "-o", "result"],
        ["figure", "result", "-o", "result/record.json"],
    ):
        status, said = snpore(*words)
        assert status == 1, words
        assert "inside the program" not in said
        assert "output" in said or "suffix" in said
        assert content(tmp_path) == before, words


def test_result_of_a_run_is_not_replaced_by_a_measurement(snpore, tmp_path):
    assert snpore("run", "recipe.toml", "-o", "result")[0] == 0
    assert snpore("segment", "grey.tif", "-o", "phases.tif", "-t", "2.5", "--directions", 8)[0] == 0
    before = content(tmp_path)
    status, said = snpore("measure", "phases.tif", "-o", "result", "--phase", "solid")
    assert status == 1
    assert "holds the result of 'snpore run'" in said
    assert content(tmp_path) == before


def test_strange_record_beside_the_output_is_kept(snpore):
    Path("phases.tif.record.json").write_text('{"mine": 1}')
    status, said = snpore("segment", "grey.tif", "-o", "phases.tif", "-t", "2.5")
    assert (status, "is not a record of phases.tif" in said) == (1, True)
    assert json.loads(Path("phases.tif.record.json").read_text()) == {"mine": 1}


def test_no_output_holds_an_absolute_path(snpore, tmp_path, monkeypatch):
    absolute = tmp_path / "absolute.toml"
    absolute.write_text(RECIPE.format(volume=tmp_path / "grey.tif"), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    out = tmp_path / "out"
    for words in (
        ["run", absolute, "-o", out / "result"],
        ["segment", tmp_path / "grey.tif", "-o", out / "p.tif", "-t", "2.5", "--directions", 8],
        ["measure", out / "p.tif", "-o", out / "sizes", "--phase", "solid", "--no-details"],
        ["figure", out / "result", "-o", out / "plate.svg"],
    ):
        status, said = snpore(*words)
        assert status == 0, said
    for path, written in content(out).items():
        assert os.fsencode(tmp_path) not in written, path
    record = json.loads((out / "sizes" / "record.json").read_text())
    assert record["parameters"]["phases"] == "../p.tif"
    assert [one["path"] for one in record["inputs"]] == ["../p.tif"]
    assert snpore("figure", out / "plate.svg", "-o", out / "again.svg")[0] == 0
    assert (out / "again.svg").read_bytes() == (out / "plate.svg").read_bytes()
