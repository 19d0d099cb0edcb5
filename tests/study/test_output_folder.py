"""A result folder is complete or not there, and nobody's files are lost."""

from __future__ import annotations

import json
import os

import pytest

from napari_snpore.errors import OutputError
from napari_snpore.study.output_folder import output_folder


def finished(folder, outputs):
    for name in outputs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("result")
    (folder / "record.json").write_text(json.dumps({"outputs": outputs}))


def test_folder_appears_only_when_complete(tmp_path):
    out = tmp_path / "deep" / "results"
    with output_folder(out) as part:
        (part / "a.txt").write_text("a")
        assert not out.exists()
    assert (out / "a.txt").read_text() == "a"
    assert [path.name for path in out.parent.iterdir()] == ["results"]


def fail_half_way(part):
    (part / "a.txt").write_text("a")
    raise ZeroDivisionError


def test_failure_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), output_folder(tmp_path / "results") as part:
        fail_half_way(part)
    assert list(tmp_path.iterdir()) == []


def test_earlier_result_is_replaced_only_by_a_finished_one(tmp_path):
    out = tmp_path / "results"
    out.mkdir()
    finished(out, ["summary.txt", "tables/a.csv"])
    with pytest.raises(ZeroDivisionError), output_folder(out) as part:
        fail_half_way(part)
    assert (out / "tables" / "a.csv").is_file()
    with output_folder(out) as part:
        finished(part, ["new.txt"])
    assert sorted(path.name for path in out.iterdir()) == ["new.txt", "record.json"]


def test_folder_with_a_strangers_file_is_refused(tmp_path):
    out = tmp_path / "results"
    out.mkdir()
    finished(out, ["summary.txt"])
    (out / "my notes.txt").write_text("keep me")
    with pytest.raises(OutputError, match=r"holds my notes\.txt"), output_folder(out):
        pass
    assert (out / "my notes.txt").read_text() == "keep me"


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(OutputError, match="is a file"), output_folder(tmp_path / "results"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_place_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"), output_folder(tmp_path / "results"):
        pass


def test_place_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("a file")
    with (
        pytest.raises(OutputError, match="cannot be written"),
        output_folder(tmp_path / "file" / "results"),
    ):
        pass
