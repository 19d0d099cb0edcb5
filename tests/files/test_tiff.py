"""TIFF: sizes that nobody set count as none, a single plane stays a volume, a series keeps its tilt
axis.
"""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_snpore import Volume, read_tilt_series, read_volume, write_volume
from napari_snpore.errors import FileFormatError, MissingScaleError, OutputError
from napari_snpore.files.image_input import contents_of, parse_input
from napari_snpore.files.write import write_images
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import HistoryStep

STACK = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)


def ome(path, data, sizes, unit=None, axes="ZYX"):
    metadata = {"axes": axes}
    for axis, size in zip("ZYX", sizes, strict=True):
        if size is not None:
            metadata[f"PhysicalSize{axis}"] = size
            if unit:
                metadata[f"PhysicalSize{axis}Unit"] = unit
    tifffile.imwrite(path, data, ome=True, metadata=metadata, photometric="minisblack")
    return path


def test_ome_size_of_one_without_unit_counts_as_none(tmp_path):
    path = ome(tmp_path / "a.ome.tif", STACK, (1, 1, 1))
    with pytest.raises(MissingScaleError, match="give spacing"):
        read_volume(path)
    assert read_volume(path, spacing=0.5).spacing == (0.5, 0.5, 0.5)
    assert contents_of(parse_input(path)).lacks_size


def test_ome_sizes_that_somebody_measured_count(tmp_path):
    read = read_volume(ome(tmp_path / "unit.ome.tif", STACK, (1, 2, 2), "µm"))
    assert read.spacing == (1000, 2000, 2000)
    read = read_volume(ome(tmp_path / "bare.ome.tif", STACK, (0.5, 2, 4)))
    assert read.spacing == (500, 2000, 4000)
    with pytest.raises(MissingScaleError, match="along z"):
        read_volume(ome(tmp_path / "half.ome.tif", STACK, (1, 2, 4)))


@pytest.mark.parametrize("shape", [(1, 5, 6), (1, 1, 6), (3, 1, 1), (1, 1, 1)])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.zarr", "a.mrc"])
def test_thin_volume_comes_back_as_a_volume(tmp_path, name, shape):
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    write_volume(tmp_path / name, Volume(data, (0.3, 0.2, 0.4)))
    read = read_volume(tmp_path / name)
    assert np.array_equal(np.asarray(read.data), data)
    assert read.spacing == pytest.approx((0.3, 0.2, 0.4))


def test_plane_of_another_program_is_a_volume_only_with_a_thickness(tmp_path):
    thick = ome(tmp_path / "thick.ome.tif", STACK[:1], (0.3, 0.2, 0.2), "nm")
    assert read_volume(thick).shape == (1, 5, 6)
    flat = ome(tmp_path / "flat.ome.tif", STACK[0], (None, 0.2, 0.2), "nm", axes="YX")
    with pytest.raises(FileFormatError, match="three axes"):
        read_volume(flat, spacing=0.2)
    series = read_tilt_series([flat, thick], angles_deg=[0, 1])
    assert np.array_equal(series.images, STACK[[0, 0]])


def test_time_may_stand_for_tilt_where_every_image_has_a_thickness(tmp_path):
    path = ome(tmp_path / "a.ome.tif", STACK[:, None], (0.3, 0.2, 0.2), "nm", axes="TZYX")
    series = read_tilt_series(path, angles_deg=[-30, -10, 10, 30])
    assert np.array_equal(series.images, STACK)


@pytest.mark.parametrize("axis", [30.0, -87.25, 0.0])
def test_series_keeps_its_tilt_axis(tmp_path, axis):
    series = TiltSeries(STACK, [-30, -10, 10, 30], 0.5, axis, (HistoryStep("x", {"q": 1}),))
    path = write_images(tmp_path / "a.tif", series)
    read = read_tilt_series(path, angles_deg=[-30, -10, 10, 30])
    assert read.tilt_axis_angle_deg == axis
    assert read.history[0] == HistoryStep("x", {"q": 1})
    assert read.pixel_size_nm == pytest.approx(0.5)
    assert (
        read_tilt_series(
            path, angles_deg=[-30, -10, 10, 30], tilt_axis_angle_deg=5
        ).tilt_axis_angle_deg
        == 5
    )


def test_series_is_not_written_over_another_nor_in_another_format(tmp_path):
    series = TiltSeries(STACK, [-30, -10, 10, 30], 0.5)
    with pytest.raises(
        FileFormatError, match=r"a\.mrc has a suffix that a tilt series is not written with"
    ):
        write_images(tmp_path / "a.mrc", series)
    write_images(tmp_path / "a.tif", series)
    with pytest.raises(OutputError, match="overwrite=True"):
        write_images(tmp_path / "a.tif", series)
