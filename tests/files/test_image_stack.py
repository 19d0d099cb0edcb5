"""Folders of files of one slice each: order, sizes, many files, and what is missing."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

import napari_snpore as snpore
from napari_snpore.errors import DisagreementError, FileFormatError, MissingScaleError
from napari_snpore.files.image_input import contents_of, parse_input
from napari_snpore.files.image_stack import MANY_FILES
from napari_snpore.history import ReadStep, last_step

DATA = np.arange(12 * 5 * 6, dtype=np.uint16).reshape(12, 5, 6)


def slices(folder, data=DATA, **tags):
    folder.mkdir(exist_ok=True)
    for number, plane in enumerate(data):
        tifffile.imwrite(folder / f"slice_{number}.tif", plane, **tags)
    return folder


def ome_size(edge_nm):
    sizes = {f"PhysicalSize{axis}": edge_nm for axis in "XYZ"}
    return {"axes": "YX", **sizes, **{f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"}}


def test_slices_are_stacked_by_their_numbers(tmp_path):
    volume = snpore.read_volume(slices(tmp_path / "a"), spacing=(2, 1, 1))
    assert_array_equal(volume.data, DATA)  # slice_10 after slice_9
    assert volume.spacing == (2, 1, 1)
    assert last_step(volume.history, ReadStep).files[-1] == "slice_11.tif"
    assert last_step(volume.history, ReadStep).notes is None


def test_pixels_of_the_files_and_thickness_of_the_caller(tmp_path):
    folder = slices(tmp_path / "a", resolution=(2e7, 2e7), resolutionunit="CENTIMETER")
    with pytest.raises(MissingScaleError, match="along z"):
        snpore.read_volume(folder)
    source = parse_input(folder)
    assert "volume" in contents_of(source).kinds


def test_slices_that_state_their_thickness_are_a_volume(tmp_path):
    folder = slices(tmp_path / "a", ome=True, metadata=ome_size(2.5))
    contents = contents_of(parse_input(folder))
    assert contents.kind == "volume"
    assert contents.is_complete
    volume = snpore.read_volume(folder)
    assert_array_equal(volume.data, DATA)
    assert volume.spacing == (2.5, 2.5, 2.5)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files of Linux")
def test_many_files_stay_closed(tmp_path):
    data = np.arange((MANY_FILES + 6) * 4 * 4, dtype=np.uint16).reshape(-1, 4, 4)
    folder = slices(tmp_path / "a", data)
    with open("/proc/self/maps") as maps:
        before = sum("slice_" in line for line in maps)
    source = parse_input(folder)
    with open("/proc/self/maps") as maps:
        assert sum("slice_" in line for line in maps) == before
    assert_array_equal(snpore.read_volume(folder, spacing=1).data, data)
    angles = np.linspace(-60, 60, len(data))
    assert_array_equal(
        snpore.read_tilt_series(folder, angles_deg=angles, pixel_size_nm=1).images, data
    )
    (folder / "slice_3.tif").unlink()
    with pytest.raises(FileFormatError, match="slice_3"):
        np.asarray(source.files[3].data)


def test_large_stacks_are_lazy(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_snpore.files.image_stack._LAZY_BYTES", 100)
    monkeypatch.setattr("napari_snpore.files.image_input.MANY_FILES", 2)
    volume = snpore.read_volume(slices(tmp_path / "a"), spacing=1)
    assert not isinstance(volume.data, np.ndarray)
    assert_array_equal(np.asarray(volume.data[3:5]), DATA[3:5])


def test_a_missing_number_is_said(tmp_path):
    folder = slices(tmp_path / "a")
    (folder / "slice_4.tif").unlink()
    note = last_step(snpore.read_volume(folder, spacing=1).history, ReadStep).notes[0]
    assert note == "slice_3.tif is followed by slice_5.tif: files between them may be missing"


def test_what_lies_beside_the_slices(tmp_path):
    folder = slices(tmp_path / "a")
    (folder / "notes.info").write_text("sample 7")
    (folder / "._slice_0.tif").write_bytes(b"what macOS puts beside a file")
    assert snpore.read_volume(folder, spacing=1).shape == DATA.shape
    tifffile.imwrite(folder / "slice_12.tif", np.zeros((7, 7), np.uint16))
    with pytest.raises(FileFormatError, match=r"slice_12\.tif is \(7, 7\) px large"):
        snpore.read_volume(folder, spacing=1)


def test_slices_of_different_sizes_in_nm_are_refused(tmp_path):
    folder = slices(tmp_path / "a", ome=True, metadata=ome_size(2.5))
    tifffile.imwrite(folder / "slice_3.tif", DATA[3], ome=True, metadata=ome_size(5))
    with pytest.raises(DisagreementError, match=r"slice_3\.tif"):
        snpore.read_volume(folder)
    assert snpore.read_volume(folder, spacing=0.5).spacing == (0.5, 0.5, 0.5)
