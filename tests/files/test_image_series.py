"""Images in time: pixel size, times and order come from the files, and what is missing is asked
for.
"""

from __future__ import annotations

from importlib.resources import files

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile

from napari_snpore.errors import FileFormatError, InputError, MissingScaleError
from napari_snpore.files.dm import dm_modules
from napari_snpore.files.image_series import read_image_series

STACK = np.arange(3 * 9 * 10, dtype=np.uint16).reshape(3, 9, 10)


def imagej(path, data=STACK, *, pixel=0.5, **metadata):
    tifffile.imwrite(
        path,
        data,
        imagej=True,
        resolution=(1 / pixel, 1 / pixel),
        metadata={"unit": "nm", **metadata},
    )
    return path


def ome(path, **metadata):
    about = {
        "axes": "TYX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "nm",
    }
    tifffile.imwrite(
        path, STACK, ome=True, photometric="minisblack", metadata={**about, **metadata}
    )
    return path


def test_imagej_stack_with_its_interval(tmp_path):
    series = read_image_series(imagej(tmp_path / "a.tif", axes="TYX", finterval=2.5))
    assert np.array_equal(series.images, STACK)
    assert series.images.dtype == np.uint16
    assert series.pixel_size_nm == pytest.approx(0.5)
    assert series.times_s.tolist() == [0, 2.5, 5]
    assert series.history[-1].parameters == {"file": "a.tif"}


def test_a_stack_that_says_nothing_of_time_has_none(tmp_path):
    assert read_image_series(imagej(tmp_path / "a.tif")).times_s is None
    assert read_image_series(ome(tmp_path / "b.ome.tif")).times_s is None
    with mrcfile.new(tmp_path / "a.mrc", STACK.astype(np.int16)) as file:
        file.voxel_size = 5.0
    series = read_image_series(tmp_path / "a.mrc", times_s=[0, 10, 30])
    assert series.pixel_size_nm == pytest.approx(0.5)
    assert series.times_s.tolist() == [0, 10, 30]


def test_ome_times(tmp_path):
    path = ome(tmp_path / "even.ome.tif", TimeIncrement=500, TimeIncrementUnit="ms")
    assert read_image_series(path).times_s.tolist() == [0, 0.5, 1]
    path = ome(
        tmp_path / "planes.ome.tif", Plane={"DeltaT": [0.0, 4.0, 9.0], "DeltaTUnit": ["s"] * 3}
    )
    assert read_image_series(path).times_s.tolist() == [0, 4, 9]


@pytest.mark.parametrize(
    ("unit", "times"), [("s", [0, 20, 40]), ("min", [0, 1200, 2400]), ("", None)]
)
def test_hspy_axis_in_seconds(tmp_path, unit, times):
    with h5py.File(tmp_path / "a.hspy", "w") as file:
        group = file.create_group("Experiments/movie")
        group["data"] = STACK
        for k, (scale, one) in enumerate([(20.0, unit), (0.5, "nm"), (0.5, "nm")]):
            axis = group.create_group(f"axis-{k}")
            axis.attrs.update({"scale": scale, "offset": 0.0, "units": one, "size": STACK.shape[k]})
    series = read_image_series(tmp_path / "a.hspy")
    assert (None if series.times_s is None else series.times_s.tolist()) == times


def test_dm_stack_has_its_pixel_size_and_no_time_where_its_axis_is_a_tilt():
    series = read_image_series(files("napari_snpore") / "data" / "needle" / "HAADF.dm3")
    assert len(series) == 91
    assert series.pixel_size_nm == pytest.approx(17.995, abs=0.001)
    assert series.times_s is None


def test_a_dm_stack_of_a_movie_has_its_times(tmp_path):
    data_metadata = pytest.importorskip("nion.data.DataAndMetadata")
    calibration = pytest.importorskip("nion.data.Calibration").Calibration
    _, images = dm_modules()
    axes = [calibration(0, 4.0, "s"), calibration(0, 0.5, "nm"), calibration(0, 0.5, "nm")]
    descriptor = data_metadata.DataDescriptor(True, 0, 2)
    movie = data_metadata.new_data_and_metadata(
        STACK.astype(np.float32), dimensional_calibrations=axes, data_descriptor=descriptor
    )
    with (tmp_path / "movie.dm4").open("w+b") as file:
        images.save_image(movie, file, 4)
    series = read_image_series(tmp_path / "movie.dm4")
    assert np.array_equal(series.images, STACK)
    assert series.pixel_size_nm == pytest.approx(0.5)
    assert series.times_s.tolist() == pytest.approx([0, 4, 8])


def test_files_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    for number, image in zip((10, 2, 1), STACK, strict=True):
        imagej(tmp_path / f"frame{number}.tif", image)
    series = read_image_series(tmp_path)
    assert np.array_equal(series.images, STACK[::-1])
    assert series.history[-1].parameters["files"] == ["frame1.tif", "frame2.tif", "frame10.tif"]
    assert (
        read_image_series([tmp_path / "frame10.tif", tmp_path / "frame1.tif"]).images[0, 0, 0]
        == STACK[0, 0, 0]
    )


def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path):
    tifffile.imwrite(tmp_path / "bare.tif", STACK, photometric="minisblack")
    with pytest.raises(MissingScaleError, match="give pixel_size_nm"):
        read_image_series(tmp_path / "bare.tif")
    assert read_image_series(tmp_path / "bare.tif", pixel_size_nm=0.3).pixel_size_nm == 0.3
    wanted = read_image_series(imagej(tmp_path / "a.tif"), pixel_size_nm=0.7)
    assert wanted.pixel_size_nm == 0.7
    assert "the file says 0.5 nm" in wanted.history[-1].parameters["notes"][-1]
    with pytest.raises(InputError, match="2 times for 3 images"):
        read_image_series(tmp_path / "a.tif", times_s=[0, 1])
    with pytest.raises(FileFormatError, match="There is no file"):
        read_image_series(tmp_path / "none.tif")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match="holds no file"):
        read_image_series(tmp_path / "empty")
    imagej(tmp_path / "small.tif", STACK[0, :8])
    imagej(tmp_path / "other.tif", STACK[0])
    with pytest.raises(FileFormatError, match="px large"):
        read_image_series([tmp_path / "small.tif", tmp_path / "other.tif"])
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((9, 10, 3), np.uint8), photometric="rgb")
    with pytest.raises(FileFormatError, match="colour"):
        read_image_series(tmp_path / "rgb.tif")
