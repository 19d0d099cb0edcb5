"""What files say in ways that are rare: axes that run backwards, cells that are no boxes, inverted
greys, metadata of a later version, voxels of any ratio.
"""

from __future__ import annotations

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile
import zarr

import napari_snpore as snpore
from napari_snpore.errors import FileFormatError

GRAYS = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)


def notes_of(volume):
    return volume.history[0].parameters.get("notes", ())


def test_positions_that_fall_are_said(tmp_path):
    with h5py.File(tmp_path / "a.emd", "w") as file:
        group = file.create_group("data/x")
        group.attrs["emd_group_type"] = 1
        group["data"] = GRAYS
        for number, (name, step) in enumerate((("z", -0.5), ("y", 0.5), ("x", 0.5)), 1):
            axis = group.create_dataset(
                f"dim{number}", data=np.arange(GRAYS.shape[number - 1]) * step
            )
            axis.attrs["name"], axis.attrs["units"] = name, "[n_m]"
    volume = snpore.read_volume(tmp_path / "a.emd")
    assert volume.spacing == (0.5, 0.5, 0.5)
    np.testing.assert_array_equal(volume.data, GRAYS)
    assert notes_of(volume) == ["positions along z fall: voxels are in the order of the file"]


@pytest.mark.parametrize(("angles", "said"), [((90, 90, 120), True), ((0, 0, 0), False)])
def test_a_cell_that_is_no_box_is_said(tmp_path, angles, said):
    with mrcfile.new(tmp_path / "a.mrc", GRAYS) as file:
        file.voxel_size = 5.0
        file.header.cellb = angles
    assert bool(notes_of(snpore.read_volume(tmp_path / "a.mrc"))) is said


def test_greys_that_are_shown_inverted_are_said(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAYS.astype(np.uint8), photometric="miniswhite")
    volume = snpore.read_volume(tmp_path / "a.tif", spacing=0.5)
    np.testing.assert_array_equal(volume.data, GRAYS)
    assert "MinIsWhite" in notes_of(volume)[0]


@pytest.mark.parametrize("version", ["0.6", "0.6.dev3", "1.0"])
def test_a_later_version_of_ome_zarr_is_refused(tmp_path, version):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    group.create_array("0", data=GRAYS)
    scale = [{"type": "scale", "scale": [0.5] * 3, "input": "0", "output": "physical"}]
    about = {"datasets": [{"path": "0", "coordinateTransformations": scale}]}
    group.attrs["ome"] = {"version": version, "multiscales": [about]}
    with pytest.raises(FileFormatError, match=rf"\(NGFF\) {version}; versions to 0.5 are read"):
        snpore.read_volume(tmp_path / "a.zarr", spacing=0.5)


@pytest.mark.parametrize("name", ["a.tif", "a.imagej.tif", "a.ome.zarr", "a.nrrd", "a.mrc"])
@pytest.mark.parametrize(
    "spacing", [(0.5, 0.5, 5.0), (10.0, 0.1, 0.1), (1.0, 1.0, 1e-6), (1e9, 1.0, 1.0)]
)
def test_voxels_of_any_ratio_come_back(tmp_path, name, spacing):
    snpore.write_volume(tmp_path / name, snpore.Volume(GRAYS, spacing))
    read = snpore.read_volume(tmp_path / name)
    assert read.spacing == pytest.approx(spacing, rel=1e-6)
    np.testing.assert_array_equal(np.asarray(read.data), GRAYS)


def test_what_imagej_cannot_hold_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"holds no pixels of 1e\+12 × 1e\+12 nm"):
        snpore.write_volume(tmp_path / "a.imagej.tif", snpore.Volume(GRAYS, 1e12))
