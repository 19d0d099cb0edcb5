"""Where an output may go: never over an input, through links, over nothing but results."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from napari_snpore import Volume, read_volume, write_volume
from napari_snpore.errors import OutputError
from napari_snpore.files.atomic import atomic_path
from napari_snpore.outputs.places import check_apart
from napari_snpore.study.output_folder import output_folder

VOLUME = Volume(np.zeros((3, 4, 5), np.uint8), 0.5)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run" / "volumes").mkdir(parents=True)
    (tmp_path / "run" / "volumes" / "phases.tif").write_text("phases")
    (tmp_path / "grey.tif").write_text("grey")
    (tmp_path / "link.tif").symlink_to("grey.tif")
    (tmp_path / "run_link").symlink_to("run")
    (tmp_path / "hard.tif").hardlink_to(tmp_path / "grey.tif")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "source"),
    [
        ("grey.tif", "grey.tif"),
        ("link.tif", "grey.tif"),
        ("grey.tif", "link.tif"),
        ("hard.tif", "grey.tif"),
        ("run/../grey.tif", "grey.tif"),
        ("run", "run/volumes/phases.tif"),
        ("run_link", "run/volumes/phases.tif"),
        ("run", "run_link/volumes/phases.tif"),
        ("run/volumes/new.tif", "run/volumes"),
    ],
)
def test_output_that_is_an_input_is_refused(folder, monkeypatch, output, source):
    monkeypatch.chdir(folder)
    with pytest.raises(OutputError, match="give another output"):
        check_apart(output, ["other.tif", source])


def test_output_beside_its_input_is_fine(folder):
    check_apart(folder / "run2", [folder / "run" / "volumes" / "phases.tif"])
    check_apart(folder / "grey.tiff", [folder / "grey.tif"])


def test_link_is_written_through(folder):
    with atomic_path(folder / "link.tif") as part:
        part.write_text("new")
    assert (folder / "link.tif").is_symlink()
    assert (folder / "grey.tif").read_text() == "new"
    assert (folder / "hard.tif").read_text() == "grey", "another name of the earlier file keeps it"


def test_link_to_a_folder_of_results_is_followed(tmp_path):
    (tmp_path / "disk2").mkdir()
    (tmp_path / "results").symlink_to("disk2")
    with output_folder(tmp_path / "results") as part:
        (part / "x").write_text("x")
    assert (tmp_path / "results").is_symlink()
    assert (tmp_path / "disk2" / "x").read_text() == "x"


def test_link_inside_a_result_is_the_users(tmp_path):
    out = tmp_path / "results"
    out.mkdir()
    (tmp_path / "precious.csv").write_text("1")
    (out / "table.csv").symlink_to(tmp_path / "precious.csv")
    (out / "record.json").write_text(json.dumps({"outputs": ["table.csv"]}))
    with pytest.raises(OutputError, match=r"holds table\.csv, which no earlier run wrote"):
        output_folder(out).__enter__()
    assert (tmp_path / "precious.csv").read_text() == "1"


@pytest.mark.parametrize("name", ["volume.tif", "volume.mrc"])
def test_folder_in_place_of_a_file_is_kept(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match="is a folder"):
        write_volume(tmp_path / name, VOLUME, overwrite=True)
    assert (tmp_path / name / "notes.txt").read_text() == "keep"


def test_zarr_with_something_else_in_it_is_kept(tmp_path):
    path = tmp_path / "v.ome.zarr"
    write_volume(path, VOLUME)
    write_volume(path, VOLUME, overwrite=True)
    (path / "0" / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match=r"holds 0/notes\.txt, which is not part of a Zarr"):
        write_volume(path, VOLUME, overwrite=True)
    assert read_volume(path).shape == (3, 4, 5)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipe_and_circle_of_links_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.tif")
    (tmp_path / "a.tif").symlink_to("b.tif")
    (tmp_path / "b.tif").symlink_to("a.tif")
    for name, words in (("pipe.tif", "device or a pipe"), ("a.tif", "leads in a circle")):
        with pytest.raises(OutputError, match=words):
            write_volume(tmp_path / name, VOLUME, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "b.tif", "pipe.tif"]


def test_result_of_another_command_is_not_replaced(tmp_path):
    out = tmp_path / "results"
    out.mkdir()
    (out / "record.json").write_text(json.dumps({"command": "run", "outputs": []}))
    with pytest.raises(OutputError, match="holds the result of 'snpore run'"):
        output_folder(out, command="measure").__enter__()
    with output_folder(out, command="run") as part:
        (part / "x").write_text("x")
    assert [path.name for path in out.iterdir()] == ["x"]
