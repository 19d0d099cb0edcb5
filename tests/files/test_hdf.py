"""EMD and HSPY: tilt angles as the Berkeley layout gives them, and stacks too large for memory."""

from __future__ import annotations

import gc

import h5py
import numpy as np
import pytest

from napari_snpore import read_tilt_series, read_volume, write_volume
from napari_snpore.errors import MissingAnglesError
from napari_snpore.files import hdf

STACK = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def berkeley(path, dim1, unit="[deg]", stack=STACK, **storage):
    with h5py.File(path, "w") as file:
        group = file.create_group("data/stack")
        group.attrs["emd_group_type"] = 1
        group.create_dataset("data", data=stack, **storage)
        for name, values, its in (
            ("dim1", dim1, unit),
            ("dim2", [0, 0.3], "[n_m]"),
            ("dim3", [0, 0.3], "[n_m]"),
        ):
            group[name] = np.array(values, np.float64)
            group[name].attrs["units"] = its
    return path


def hspy(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("Experiments/needle")
        group["data"] = STACK
        for k, (scale, offset, unit) in enumerate(
            [(2.0, -3.0, "degrees"), (0.3, 0.0, "nm"), (0.3, 0.0, "nm")]
        ):
            group.create_group(f"axis-{k}").attrs.update(
                {"scale": scale, "offset": offset, "units": unit}
            )
    return path


def velox(path):
    with h5py.File(path, "w") as file:
        file["Data/Image/0123/Data"] = np.moveaxis(STACK, 0, -1)
    return path


@pytest.mark.parametrize(
    ("dim1", "unit", "angles"),
    [
        ([-3, -1], "[deg]", [-3, -1, 1, 3]),
        ([60, 40], "[deg]", [60, 40, 20, 0]),
        ([-60, -10, 10, 59.5], "[deg]", [-60, -10, 10, 59.5]),
        (np.radians([-30, -10]), "[rad]", [-30, -10, 10, 30]),
    ],
)
def test_berkeley_angles(tmp_path, dim1, unit, angles):
    series = read_tilt_series(berkeley(tmp_path / "a.emd", dim1, unit))
    assert series.angles_deg == pytest.approx(angles)
    assert series.pixel_size_nm == pytest.approx(0.3)


def test_two_images_have_the_two_angles(tmp_path):
    series = read_tilt_series(berkeley(tmp_path / "a.emd", [-5, 8], stack=STACK[:2]))
    assert series.angles_deg.tolist() == [-5, 8]


@pytest.mark.parametrize("dim1", [[-3], [-3, -1, 1], [-3, -1, 1, 3, 5]])
def test_berkeley_angles_that_do_not_match_are_refused(tmp_path, dim1):
    path = berkeley(tmp_path / "a.emd", dim1)
    with pytest.raises(
        MissingAnglesError,
        match=rf"a\.emd holds 4 images, but the file gives {len(dim1)} tilt angles",
    ):
        read_tilt_series(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.emd", lambda path: berkeley(path, [-3, -1])), ("a.hspy", hspy), ("a.emd", velox)],
    ids=["berkeley", "hspy", "velox"],
)
def test_large_stack_stays_in_its_file(tmp_path, monkeypatch, name, write):
    monkeypatch.setattr(hdf, "_LAZY_BYTES", STACK.nbytes - 1)
    path = write(tmp_path / name)
    series = read_tilt_series(path, angles_deg=[-3, -1, 1, 3], pixel_size_nm=0.3)
    gc.collect()
    assert not isinstance(series.images, np.ndarray)
    assert series.images.dtype == np.int16
    for k in range(4):
        assert np.array_equal(np.asarray(series.images[k]), STACK[k])
    assert np.array_equal(np.asarray(series.images), STACK)
    monkeypatch.setattr(hdf, "_LAZY_BYTES", STACK.nbytes)
    assert isinstance(
        read_tilt_series(path, angles_deg=[-3, -1, 1, 3], pixel_size_nm=0.3).images, np.ndarray
    )


def test_file_is_closed_once_nothing_needs_it(tmp_path, monkeypatch):
    path = berkeley(tmp_path / "a.emd", [0, 0.3], "[n_m]", chunks=(2, 5, 3), compression="gzip")
    for limit in (STACK.nbytes, 0):
        monkeypatch.setattr(hdf, "_LAZY_BYTES", limit)
        volume = read_volume(path)
        write_volume(tmp_path / "copy.tif", volume, overwrite=True)
        assert np.array_equal(read_volume(tmp_path / "copy.tif").data, STACK)
        if limit:
            h5py.File(path, "r+").close()
        else:
            assert volume.data.chunks[0] == (2, 2)  # whole chunks of the file
            del volume
            gc.collect()
            h5py.File(path, "r+").close()


def test_images_are_read_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf, "_LAZY_BYTES", 0)
    assert read_volume(berkeley(tmp_path / "a.emd", [0, 0.3], "[n_m]")).data.chunks == (
        (1, 1, 1, 1),
        (5,),
        (6,),
    )
    frames = read_tilt_series(velox(tmp_path / "b.emd"), angles_deg=range(4), pixel_size_nm=1)
    assert frames.images.chunks == ((1, 1, 1, 1), (5,), (6,))
