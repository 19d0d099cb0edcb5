"""EMD and HSPY: tilt angles as the Berkeley layout gives them, and stacks too large for memory."""

from __future__ import annotations

import gc

import h5py
import numpy as np
import pytest

from napari_snpore import read_tilt_series, read_volume, write_volume
from napari_snpore.errors import FileFormatError, MissingAnglesError, MissingScaleError
from napari_snpore.files import hdf
from napari_snpore.files.formats import parse

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


def emd(path, groups, *, version=0):
    """Write groups of Berkeley's layout: name to (data, dimensions of (values, name, unit))."""
    with h5py.File(path, "w") as file:
        for name, (data, dimensions) in groups.items():
            group = file.create_group(name)
            group.attrs["emd_group_type"] = "array" if version else 1
            group["data"] = data
            for number, (values, axis, unit) in enumerate(dimensions, 1 - version):
                group[f"dim{number}"] = values
                group[f"dim{number}"].attrs.update({"name": axis, "units": unit})
    return path


def steps(count, step, axis="", unit="nm"):
    return step * np.arange(count, dtype=np.float64), axis, unit


@pytest.mark.parametrize("version", [0, 1])
def test_dimensions_count_from_0_in_emd_1(tmp_path, version):
    dimensions = [steps(4, 3.0), steps(5, 2.0), steps(6, 1.0)]
    path = emd(tmp_path / "a.emd", {"root/a": (STACK, dimensions)}, version=version)
    assert read_volume(path).spacing == (3, 2, 1)
    assert read_volume(path, spacing=(3, 2, 1)).spacing == (3, 2, 1)
    tilts = [(np.array([-60.0, -30, 0, 45]), "", "deg"), *dimensions[1:2], steps(6, 2.0)]
    path = emd(tmp_path / "b.emd", {"root/a": (STACK, tilts)}, version=version)
    assert read_tilt_series(path).angles_deg.tolist() == [-60, -30, 0, 45]


def test_dimensions_named_x_y_z_are_put_in_order(tmp_path):
    # as tomviz writes a volume
    dimensions = [steps(4, 1.0, "x"), steps(5, 2.0, "y"), steps(6, 3.0, "z")]
    volume = read_volume(emd(tmp_path / "a.emd", {"data/tomogram": (STACK, dimensions)}))
    assert np.array_equal(volume.data, STACK.transpose(2, 1, 0))
    assert volume.spacing == (3, 2, 1)


def test_angles_of_the_last_dimension(tmp_path):
    dimensions = [steps(4, 2.0, "x"), steps(5, 2.0, "y"), steps(6, 5.0, "tilt", "deg")]
    series = read_tilt_series(emd(tmp_path / "a.emd", {"a": (STACK, dimensions)}))
    assert np.array_equal(series.images, STACK.transpose(2, 1, 0))
    assert series.angles_deg.tolist() == [0, 5, 10, 15, 20, 25]


def test_labels_of_dimension_scales_name_axes(tmp_path):
    path = emd(tmp_path / "a.emd", {"a": (STACK, [])})
    with h5py.File(path, "r+") as file:
        for dimension, label in zip(file["a/data"].dims, "xyz", strict=True):
            dimension.label = label
    assert read_volume(path, spacing=1).shape == (6, 5, 4)


def test_the_data_set_that_fits_is_taken_and_the_others_offered(tmp_path):
    survey = (STACK[0], [steps(5, 1.0), steps(6, 1.0)])
    tilts = (STACK, [steps(4, 2.0, "tilt", "deg"), steps(5, 2.0), steps(6, 2.0)])
    volume = (STACK[::-1], [steps(4, 3.0), steps(5, 3.0), steps(6, 3.0)])
    spectra = (STACK, [steps(4, 1.0), steps(5, 1.0), steps(6, 0.1, "E", "eV")])
    path = emd(tmp_path / "a.emd", {"a": survey, "b": tilts, "c": volume, "d": spectra})
    assert read_tilt_series(path).pixel_size_nm == 2
    assert read_volume(path).spacing == (3, 3, 3)
    assert read_volume(path).history[-1].parameters["notes"] == [
        "image 'c' was taken; also there: b, a"
    ]
    assert np.array_equal(read_volume(path, image="b", spacing=(1, 2, 2)).data, STACK)
    with pytest.raises(FileFormatError, match="d holds spectra"):
        read_volume(path, image="d")


def test_channels_of_one_data_set(tmp_path):
    stack = np.stack([STACK, STACK + 1000], axis=-1)
    names = (np.array([b"BF", b"HAADF"]), "channel", "")
    dimensions = [steps(4, 3.0), steps(5, 2.0), steps(6, 1.0), names]
    path = emd(tmp_path / "a.emd", {"root/a": (stack, dimensions)}, version=1)
    assert np.array_equal(read_volume(path).data, STACK + 1000)
    assert np.array_equal(read_volume(path, image="root/a: BF").data, STACK)
    assert read_volume(path).spacing == (3, 2, 1)


def test_a_data_set_of_prismatic(tmp_path):
    with h5py.File(tmp_path / "p.emd", "w") as file:
        file.create_group("4DSTEM_simulation/data").attrs["emd_group_type"] = 2
        file["4DSTEM_simulation"].attrs["emd_group_type"] = 2
        group = file.create_group("4DSTEM_simulation/data/realslices/virtual_detector_depth0000")
        group.attrs["emd_group_type"] = 1
        group["realslice"] = STACK
        for number, (values, name, unit) in enumerate(
            [
                steps(4, 2.0, "R_x", "[n_m]"),
                steps(5, 2.0, "R_y", "[n_m]"),
                steps(6, 1.0, "bin_outer_angle", "[mrad]"),
            ],
            1,
        ):
            group[f"dim{number}"] = values.astype(np.float32)
            group[f"dim{number}"].attrs.update({"name": name, "units": unit})
    volume = read_volume(tmp_path / "p.emd", spacing=(1, 2, 2))
    assert np.array_equal(volume.data, STACK.transpose(2, 1, 0))
    with pytest.raises(MissingScaleError, match="no voxel size along z"):
        read_volume(tmp_path / "p.emd")


def signals(path, contents):
    """Write signals as HyperSpy does: name to (data, axes); an axis is a dict of attributes, with
    ``positions`` where it is uneven.
    """
    with h5py.File(path, "w") as file:
        for name, (data, axes) in contents.items():
            group = file.create_group(f"Experiments/{name}")
            group["data"] = data
            for number, axis in enumerate(axes):
                place = group.create_group(f"axis-{number}")
                place.attrs.update(
                    {key: value for key, value in axis.items() if key != "positions"}
                )
                if "positions" in axis:
                    place["axis"] = np.asarray(axis["positions"], np.float64)
    return path


PIXELS = {"units": "nm", "scale": 2.0, "offset": 0.0, "navigate": False}


def test_uneven_tilts_of_hyperspy(tmp_path):
    tilt = {"units": "°", "positions": [-60, -40, -10, 65], "navigate": True}
    path = signals(tmp_path / "a.hspy", {"a": (STACK, [tilt, PIXELS, PIXELS])})
    series = read_tilt_series(path)
    assert series.angles_deg.tolist() == [-60, -40, -10, 65]
    assert series.pixel_size_nm == 2


@pytest.mark.parametrize("along", [0, 1, 2])
def test_uneven_lengths_of_hyperspy_are_refused(tmp_path, along):
    axes = [dict(PIXELS) for _ in range(3)]
    axes[along] = {"units": "nm", "positions": np.arange(STACK.shape[along]) ** 2}
    path = signals(tmp_path / "a.hspy", {"a": (STACK, axes)})
    with pytest.raises(FileFormatError, match=f"uneven steps along {'zyx'[along]}"):
        read_volume(path)


@pytest.mark.parametrize(
    "axis", [{"units": "nm"}, {"units": "nm", "scale": "_None_"}, {"scale": 3.0}]
)
def test_a_step_that_hyperspy_does_not_give_is_none(tmp_path, axis):
    path = signals(tmp_path / "a.hspy", {"a": (STACK, [axis, PIXELS, PIXELS])})
    with pytest.raises(MissingScaleError, match="along z"):
        read_volume(path)
    assert read_volume(path, spacing=(5, 2, 2)).spacing == (5, 2, 2)


def test_a_signal_of_spectra_is_no_volume(tmp_path):
    place = {"units": "nm", "scale": 2.0, "navigate": True}
    spectra = (STACK, [place, place, {"scale": 1.0, "navigate": False}])
    images = (STACK, [place, PIXELS, PIXELS])
    path = signals(tmp_path / "a.hspy", {"EDS": spectra, "HAADF": images})
    assert read_volume(path).spacing == (2, 2, 2)
    assert parse(path).other_images == ()
    with pytest.raises(FileFormatError, match="holds spectra"):
        read_volume(signals(tmp_path / "b.hspy", {"EDS": spectra}))


def test_the_dark_field_of_several_signals(tmp_path):
    contents = {name: (STACK + k, [PIXELS] * 3) for k, name in enumerate(["BF", "HAADF", "survey"])}
    path = signals(tmp_path / "a.hspy", contents)
    assert np.array_equal(read_volume(path).data, STACK + 1)
    assert parse(path).other_images == ("BF", "survey")


def test_several_signals_a_file_give_one_series(tmp_path):
    paths = [
        signals(
            tmp_path / f"{k}.hspy",
            {name: (STACK[0] * 0 + value, [PIXELS] * 2) for name, value in order},
        )
        for k, order in enumerate([[("a", 1), ("b", 2)], [("b", 2)], [("b", 2), ("c", 3)]])
    ]
    series = read_tilt_series(paths, angles_deg=[0, 1, 2])
    assert np.unique(series.images).tolist() == [2]


def test_files_of_one_image_each_must_not_differ_in_the_detector(tmp_path):
    def named(*names):
        return [
            signals(tmp_path / f"{k}.hspy", {name: (STACK[0], [PIXELS] * 2)})
            for k, name in enumerate(names)
        ]

    tilts = {"angles_deg": [0, 1, 2]}
    assert read_tilt_series(named("HAADF -2", "HAADF 0", "HAADF 2"), **tilts).shape == (3, 5, 6)
    assert read_tilt_series(named("a", "b", "c"), **tilts).shape == (3, 5, 6)
    with pytest.raises(
        FileFormatError, match=r"0\.hspy holds HAADF 0, 2\.hspy holds BF 2: no image"
    ):
        read_tilt_series(named("HAADF 0", "HAADF 1", "BF 2"), **tilts)


def test_an_axis_by_a_formula_is_not_evaluated(tmp_path):
    formula = {"_type": "FunctionalDataAxis", "units": "nm", "expression": "x ** 2"}
    path = signals(tmp_path / "a.hspy", {"a": (STACK, [formula, PIXELS, PIXELS])})
    with pytest.raises(FileFormatError, match="uneven steps, given by a formula"):
        read_volume(path, spacing=1)
