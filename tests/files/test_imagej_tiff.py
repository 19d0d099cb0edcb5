"""TIFF for ImageJ: what tifffile finds in it as ImageJ's own metadata, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

import napari_snpore as snpore
from napari_snpore.errors import FileFormatError
from napari_snpore.files.write import write_images
from napari_snpore.history import BinStep
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("spacing", [(0.3, 1 / 3, np.pi), (1.0, 1.0, 1.0), (5e-3, 2e4, 7.0)])
def test_all_comes_back_bit_for_bit(tmp_path, dtype, spacing):
    data = (RNG.random((3, 4, 5)) * 200).astype(dtype)
    made = Volume(data, spacing, (-1.5, 2 / 3, 0), (BinStep(2).step,))
    path = snpore.write_volume(tmp_path / "a.imagej.tif", made)
    back = snpore.read_volume(path)
    assert_array_equal(back.data, data)
    assert back.dtype == data.dtype
    assert (back.spacing, back.origin) == (made.spacing, made.origin)
    assert back.history[0] == made.history[0]
    assert isinstance(back.data, np.memmap)


def test_imagej_finds_its_own_fields(tmp_path):
    data = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    path = snpore.write_volume(tmp_path / "a.imagej.tif", Volume(data, (2.0, 0.5, 0.25)))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_imagej
        assert not tiff.is_ome
        about = tiff.imagej_metadata
        assert (about["slices"], about["spacing"], about["unit"]) == (3, 2.0, "nm")
        x, y = (tiff.pages.first.tags[f"{axis}Resolution"].value for axis in "XY")
        assert (x[0] / x[1], y[0] / y[1]) == (4.0, 2.0)  # pixels in a nm
        assert_array_equal(tiff.asarray(), data)


def test_a_size_that_imagej_changed_wins(tmp_path):
    data = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    path = snpore.write_volume(
        tmp_path / "a.imagej.tif", Volume(data, 0.5, (1, 2, 3), (BinStep(2).step,))
    )
    with tifffile.TiffFile(path) as tiff:
        info = tiff.imagej_metadata["Info"]
    changed = tmp_path / "b.tif"
    tifffile.imwrite(
        changed, data, imagej=True, resolution=(1 / 0.7, 1 / 0.7),
        metadata={"axes": "ZYX", "spacing": 0.7, "unit": "nm", "Info": info},
    )  # fmt: skip
    back = snpore.read_volume(changed)
    assert back.spacing == pytest.approx((0.7, 0.7, 0.7))
    assert back.origin == (0, 0, 0)


@pytest.mark.parametrize("dtype", [np.int16, np.float64, np.uint32, bool])
def test_types_that_imagej_lacks_are_refused(tmp_path, dtype):
    with pytest.raises(FileFormatError, match=r"ImageJ holds no .* uint8, uint16, float32"):
        snpore.write_volume(tmp_path / "a.imagej.tif", Volume(np.zeros((2, 2, 2), dtype), 1))
    assert not list(tmp_path.iterdir())


def test_a_tilt_series_keeps_its_axis(tmp_path):
    series = TiltSeries(np.zeros((3, 4, 5), np.float32), [-1, 0, 1], 0.5, 12.5)
    path = write_images(tmp_path / "a.imagej.tif", series)
    back = snpore.read_tilt_series(path, angles_deg=[-1, 0, 1])
    assert (back.pixel_size_nm, back.tilt_axis_angle_deg) == (0.5, 12.5)
