"""A volume by itself: what numpy, notebooks and xarray see of it, and the voxel size that
counts.
"""

import json

import dask.array as da
import numpy as np
import pytest

from napari_snpore.errors import DisagreementError, MissingExtraError, MissingScaleError
from napari_snpore.history import BinStep, HistoryStep, ReadStep, SegmentStep, parsed_history
from napari_snpore.volume import Volume, array_and_spacing, spacing_of, volume_like

GRAY = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
STEPS = (ReadStep("a.mrc").step, SegmentStep((3, 9)).step)


def volume(data=GRAY):
    return Volume(data, (2.0, 1.0, 0.5), (10, -3, 0.25), STEPS)


def test_shape_dtype_and_number_of_axes():
    assert (volume().ndim, volume().shape, volume().dtype) == (3, (2, 3, 4), np.uint16)
    assert np.ndim(volume()) == 3


def test_a_short_repr_names_shape_dtype_voxel_origin_and_the_last_step():
    assert repr(volume()) == (
        "<Volume (2, 3, 4) uint16, voxel 2 × 1 × 0.5 nm, origin (10, -3, 0.25) nm, last step segment>"
    )
    assert repr(Volume(GRAY, 0.5)) == "<Volume (2, 3, 4) uint16, voxel 0.5 nm, origin (0, 0, 0) nm>"


def test_notebooks_show_a_table_whose_words_are_escaped():
    shown = Volume(GRAY, (2, 1, 0.5), history=(HistoryStep("<b>"),))._repr_html_()
    assert shown.startswith("<table>")
    assert "2 × 1 × 0.5 nm" in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


def test_an_array_shares_memory_unless_a_copy_is_asked_for():
    shared, copied = volume().__array__(), volume().__array__(copy=True)
    assert np.shares_memory(shared, GRAY)
    assert not np.shares_memory(copied, GRAY)
    assert np.array_equal(shared, GRAY)
    assert np.array_equal(copied, GRAY)
    assert not np.shares_memory(np.array(volume()), GRAY)
    assert np.shares_memory(np.asarray(volume()), GRAY)


def test_without_a_copy_another_dtype_and_lazy_data_are_refused():
    assert np.shares_memory(volume().__array__(np.uint16, copy=False), GRAY)
    with pytest.raises(ValueError, match="without a copy"):
        volume().__array__(np.float32, copy=False)
    with pytest.raises(ValueError, match="without a copy"):
        volume(da.from_array(GRAY)).__array__(copy=False)
    assert np.asarray(volume(), np.float32).dtype == np.float32
    assert np.array_equal(np.asarray(volume(da.from_array(GRAY))), GRAY)


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="NumPy 1 passes no copy on"
)
def test_numpy_2_passes_copy_on():
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(volume(), np.float32, copy=False)
    assert not np.shares_memory(np.asarray(volume(), copy=True), GRAY)


@pytest.mark.parametrize(
    ("compared", "expected"),
    [
        (lambda v: v == 5, GRAY == 5),
        (lambda v: v != 5, GRAY != 5),
        (lambda v: v < 5, GRAY < 5),
        (lambda v: v <= 5, GRAY <= 5),
        (lambda v: v > 5, GRAY > 5),
        (lambda v: v >= 5, GRAY >= 5),
        (lambda v: (v > 3) & (v < 9), (GRAY > 3) & (GRAY < 9)),
        (lambda v: (v < 3) | (v > 9), (GRAY < 3) | (GRAY > 9)),
        (lambda v: (v > 3) ^ (v > 9), (GRAY > 3) ^ (GRAY > 9)),
        (lambda v: ~(v == 5), GRAY != 5),
        (lambda v: v == GRAY, np.ones(GRAY.shape, bool)),
        (lambda v: v == v, np.ones(GRAY.shape, bool)),
    ],
)
@pytest.mark.parametrize("data", [GRAY, da.from_array(GRAY)], ids=["numpy", "dask"])
def test_comparisons_are_volumes_of_the_same_place(compared, expected, data):
    found = compared(volume(data))
    assert isinstance(found, Volume)
    assert type(found.data) is type(data)
    assert found.dtype == bool
    assert np.array_equal(found, expected)
    assert (found.spacing, found.origin, found.history) == (
        volume().spacing,
        volume().origin,
        STEPS,
    )


def test_volumes_of_other_voxels_do_not_compare():
    with pytest.raises(DisagreementError, match=r"2 × 1 × 0\.5"):
        _ = volume() == Volume(GRAY, 0.5)


def test_a_volume_is_no_truth_value_but_a_key():
    one = volume()
    with pytest.raises(ValueError, match="neither true nor false"):
        bool(one == one)
    assert {one: 1}[one] == 1


def test_to_xarray_holds_positions_in_nm():
    pytest.importorskip("xarray")
    array = volume().to_xarray()
    assert array.dims == ("z", "y", "x")
    assert array.coords["z"].values.tolist() == [10, 12]
    assert array.coords["y"].values.tolist() == [-3, -2, -1]
    assert array.coords["x"].values.tolist() == [0.25, 0.75, 1.25, 1.75]
    assert {array.coords[axis].attrs["units"] for axis in "zyx"} == {"nm"}
    assert parsed_history(json.loads(array.attrs["history"]), "array") == STEPS
    assert np.shares_memory(array.values, GRAY)
    assert float(array.sel(z=12, y=-1, x=1.75)) == 23
    assert type(volume(da.from_array(GRAY)).to_xarray().data) is da.Array


def test_without_xarray_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "xarray", None)
    with pytest.raises(
        MissingExtraError, match=r"pip install 'napari-snpore\[xarray\]'"
    ) as refused:
        volume().to_xarray()
    assert isinstance(refused.value, ImportError)
    assert isinstance(refused.value, ValueError)


def test_a_volume_brings_its_voxel_size():
    array, spacing = array_and_spacing(volume())
    assert array is GRAY
    assert spacing == (2.0, 1.0, 0.5)
    assert spacing_of(volume(), (2.01, 1.0, 0.4995)) == (2.0, 1.0, 0.5)
    assert spacing_of(GRAY, 0.5) == (0.5, 0.5, 0.5)
    with pytest.raises(MissingScaleError, match="spacing"):
        spacing_of(GRAY)


@pytest.mark.parametrize("spacing", [0.5, (2.03, 1.0, 0.5), (2.0, 0.98, 0.5)])
def test_a_spacing_that_is_off_by_more_than_one_percent_is_refused(spacing):
    with pytest.raises(DisagreementError, match="1 %"):
        spacing_of(volume(), spacing)


def test_volumes_beside_the_first_have_to_agree():
    assert spacing_of(GRAY, 0.5, Volume(GRAY, 0.502), None, GRAY) == (0.5, 0.5, 0.5)
    with pytest.raises(DisagreementError):
        spacing_of(GRAY, 0.5, Volume(GRAY, 0.51))


def test_a_result_is_what_came_in():
    made = volume_like(volume(), GRAY > 3, BinStep(3))
    assert (made.spacing, made.origin) == (volume().spacing, volume().origin)
    assert made.history == (*STEPS, BinStep(3).step)
    assert volume_like(GRAY, GRAY, BinStep(3)) is GRAY
