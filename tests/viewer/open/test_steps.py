"""Dropped files are parsed once, whatever they turn out to be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
import tifffile

from napari_snpore.files import formats, write_volume
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.open.missing_scale import MissingScale
from napari_snpore.viewer.open.opening import open_paths
from napari_snpore.viewer.open.readers import get_reader
from napari_snpore.volume import Volume

STACK = np.arange(3 * 10 * 12, dtype=np.uint16).reshape(3, 10, 12)
NEEDLE = files("napari_snpore") / "data" / "needle" / "HAADF.dm3"


@pytest.fixture
def parses(monkeypatch):
    """Count the calls of the readers of all formats by the name of the file."""
    counts = Counter()

    def counting(read):
        def counted(path):
            counts[path.name] += 1
            return read(path)

        return counted

    for suffix, one in formats.SUFFIXES.items():
        monkeypatch.setitem(formats.SUFFIXES, suffix, replace(one, read=counting(one.read)))
    return counts


def drop(viewer, paths):
    """Open paths as a drop does, with the worker's part in this thread; return what was refused."""
    refused = []
    run = lambda what, work, done: done(work(lambda done, total: None, lambda: False))  # noqa: E731
    open_paths(viewer, [str(path) for path in paths], run, lambda error: refused.append(str(error)))
    return refused


def test_each_file_of_a_drop_is_parsed_once(viewer, tmp_path, parses, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "napari_snpore.viewer.open.opening.ask", lambda viewer, question: asked.append(question)
    )
    volume = write_volume(tmp_path / "block.mrc", Volume(STACK.astype(np.int16), 0.5))
    series = write_tilts(tmp_path / "tilts.tif", TiltSeries(STACK, [-10, 0, 10], 0.5))
    bare = write_volume(tmp_path / "bare.mrc", Volume(STACK.astype(np.int16), 0.5)).rename(
        tmp_path / "bare.st"
    )
    single = [tmp_path / f"image{number}.tif" for number in (1, 2, 10)]
    for path in single:
        tifffile.imwrite(path, STACK[0])
    damaged = tmp_path / "half.emd"
    damaged.write_bytes(b"no HDF5")
    refused = drop(viewer, [volume, series, bare, NEEDLE, damaged, *single])
    assert parses == dict.fromkeys(
        [
            "block.mrc",
            "tilts.tif",
            "bare.st",
            "HAADF.dm3",
            "half.emd",
            *(path.name for path in single),
        ],
        1,
    )
    assert [layer.name for layer in viewer.layers] == ["block", "tilts", "HAADF"]
    assert [question.source.paths for question in asked] == [(bare,), tuple(single)]
    assert len(refused) == 1
    assert "half.emd" in refused[0]


def test_the_answer_to_a_question_does_not_parse_again(
    viewer, qtbot, tmp_path, parses, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        "napari_snpore.viewer.open.opening.ask", lambda viewer, question: asked.append(question)
    )
    np.save(tmp_path / "bare.npy", STACK)
    drop(viewer, [tmp_path / "bare.npy"])
    form = MissingScale(viewer, asked[0])
    qtbot.addWidget(form)
    form.voxel_size.setValue(0.25)
    form.main_button.click()
    form.status.wait()
    assert viewer.layers["bare"].scale == pytest.approx((0.25, 0.25, 0.25))
    assert parses == {"bare.npy": 1}


def test_the_reader_of_the_manifest_parses_once(tmp_path, parses):
    path = write_tilts(tmp_path / "tilts.tif", TiltSeries(STACK, [-10, 0, 10], 0.5))
    (data,) = get_reader(str(path))(str(path))
    assert data[1]["axis_labels"] == ("tilt", "y", "x")
    assert parses == {"tilts.tif": 1}


def test_a_series_with_angles_is_asked_for_its_pixel_size_only(
    viewer, qtbot, tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        "napari_snpore.viewer.open.opening.ask", lambda viewer, question: asked.append(question)
    )
    tifffile.imwrite(tmp_path / "tilts.tif", STACK, photometric="minisblack")
    (tmp_path / "tilts.tlt").write_text("-10\n0\n10\n")
    drop(viewer, [tmp_path / "tilts.tif"])
    form = MissingScale(viewer, asked[0])
    qtbot.addWidget(form)
    assert form.kind_box.currentText() == "tilt series"
    assert not form.form.isRowVisible(form.first)
    form.voxel_size.setValue(0.25)
    form.main_button.click()
    form.status.wait()
    record = viewer.layers["tilts"].metadata["napari_snpore"]
    assert record["angles_deg"] == [-10, 0, 10]
    assert record["pixel_size_nm"] == 0.25
