"""Histograms against numpy's own counting."""

import dask.array as da
import numpy as np
import pytest

from napari_snpore.errors import InputError, Stopped
from napari_snpore.segmentation._kernels import count_floats
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.phases import segment
from napari_snpore.volume import Volume

INTEGERS = ("uint8", "int8", "uint16", "int16")
FLOATS = ("float16", "float32", "float64", "int32")


def gray(dtype, shape=(12, 13, 14), seed=0):
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return rng.normal(0, 3, shape).astype(kind)
    low, high = max(-900, np.iinfo(kind).min), min(3000, np.iinfo(kind).max)
    return rng.integers(low, high, shape, endpoint=True).astype(kind)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_counted_value_by_value(dtype):
    data = gray(dtype)
    histogram = gray_histogram(data)
    values, counts = np.unique(data, return_counts=True)
    assert histogram.counts.dtype == np.int64
    assert dict(
        zip(
            histogram.centers[histogram.counts > 0],
            histogram.counts[histogram.counts > 0],
            strict=True,
        )
    ) == dict(zip(values.astype(float), counts, strict=True))
    np.testing.assert_array_equal(np.diff(histogram.edges), 1)
    assert histogram.edges[0] == values[0] - 0.5
    assert histogram.edges[-1] == values[-1] + 0.5


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_counted_as_numpy_counts_them(dtype):
    data = gray(dtype)
    histogram = gray_histogram(data, bins=50)
    low, high = float(data.min()), float(data.max())
    counts, edges = np.histogram(data.astype(float), 50, (low, high))
    np.testing.assert_array_equal(histogram.counts, counts)
    np.testing.assert_allclose(histogram.edges, edges)
    assert histogram.dtype == dtype


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_extent_mean_and_count_come_along(dtype):
    data = gray(dtype)
    histogram = gray_histogram(Volume(data, 0.5))
    assert histogram.minimum == float(data.min())
    assert histogram.maximum == float(data.max())
    assert histogram.mean == pytest.approx(data.astype(float).mean())
    assert histogram.voxel_count == data.size == histogram.counts.sum() == histogram.cumulative[-1]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    "thresholds", [(20,), (20, 60), (19.5, 60.2, 100), (-40, 300), (2.0001, 2.0002)]
)
def test_fractions_of_integers_are_those_of_the_labels(dtype, thresholds):
    data = gray(dtype)
    labels = segment(data, thresholds)
    expected = [np.mean(labels == k) for k in range(1, len(thresholds) + 2)]
    np.testing.assert_allclose(gray_histogram(data).fractions(thresholds), expected, atol=1e-12)


def test_fractions_of_floats_are_within_a_bin():
    data = gray("float32", (40, 40, 40))
    histogram = gray_histogram(data)
    labels = segment(data, (-1.2345, 2.3456))
    expected = [np.mean(labels == k) for k in (1, 2, 3)]
    np.testing.assert_allclose(
        histogram.fractions((-1.2345, 2.3456)), expected, atol=histogram.counts.max() / data.size
    )


def test_only_the_mask_is_counted():
    for dtype in ("uint8", "float32"):
        data = gray(dtype)
        mask = np.zeros(data.shape, bool)
        mask[2:5, 3:9] = True
        inside, crop = gray_histogram(data, mask=mask), gray_histogram(data[2:5, 3:9])
        np.testing.assert_array_equal(inside.counts, crop.counts)
        assert (inside.minimum, inside.maximum, inside.voxel_count) == (
            crop.minimum,
            crop.maximum,
            crop.voxel_count,
        )
        assert inside.mean == pytest.approx(crop.mean)


def test_saturation_is_the_share_at_the_top():
    data = np.zeros((4, 4, 4), np.uint8)
    data[0] = 255
    assert gray_histogram(data).saturated_share == 0.25
    data[data == 255] = 254
    assert gray_histogram(data).saturated_share == 0
    clipped = np.minimum(gray("float32"), 1)
    assert gray_histogram(clipped).saturated_share == np.mean(clipped == 1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "view", ["strided", "transposed", "reversed", "read only", "big endian", "lazy", "memmap"]
)
def test_the_layout_in_memory_does_not_matter(dtype, view, tmp_path):
    data = gray(dtype, (8, 10, 12))
    if view == "memmap":
        np.save(tmp_path / "data.npy", data)
    seen = {
        "strided": lambda: np.repeat(data, 2, axis=2)[:, :, ::2],
        "transposed": lambda: np.ascontiguousarray(data.transpose(2, 1, 0)).transpose(2, 1, 0),
        "reversed": lambda: data[::-1, ::-1],
        "read only": lambda: read_only(data),
        "big endian": lambda: data.astype(np.dtype(dtype).newbyteorder(">")),
        "lazy": lambda: da.from_array(data, chunks=(3, 10, 5)),
        "memmap": lambda: np.load(tmp_path / "data.npy", mmap_mode="r"),
    }[view]()
    ours, plain = gray_histogram(seen, bins=64), gray_histogram(data, bins=64)
    np.testing.assert_array_equal(ours.counts, plain.counts)
    assert ours.mean == pytest.approx(plain.mean)
    thresholds = (float(np.quantile(data, 0.3)), float(np.quantile(data, 0.8)))
    expected = np.digitize(data, thresholds) + 1
    np.testing.assert_array_equal(
        segment(seen, thresholds), expected[::-1, ::-1] if view == "reversed" else expected
    )


def read_only(data):
    seen = data.copy()
    seen.flags.writeable = False
    return seen


def test_a_constant_volume_has_one_value():
    for dtype in ("uint8", "float32"):
        histogram = gray_histogram(np.full((3, 3, 3), 7, dtype))
        assert (histogram.minimum, histogram.maximum, histogram.mean) == (7, 7, 7)
        assert histogram.counts.sum() == 27
        assert histogram.fractions((8,)) == (1, 0)
        assert histogram.fractions((7,)) == (0, 1)


def test_threads_change_nothing(monkeypatch):
    data = gray("float32", (300, 128, 128))
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("SNPORE_THREADS", threads)
        found.append(gray_histogram(data))
    np.testing.assert_array_equal(found[0].counts, found[1].counts)
    assert found[0].mean == found[1].mean


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused(bad):
    data = gray("float32")
    data[1, 2, 3] = bad
    with pytest.raises(InputError, match="NaN or inf"):
        gray_histogram(data)
    mask = np.isfinite(data)
    assert gray_histogram(data, mask=mask).voxel_count == data.size - 1


def test_nonsense_is_refused_in_one_sentence():
    data = gray("uint8")
    with pytest.raises(InputError, match="empty"):
        gray_histogram(np.zeros((0, 3, 3), np.uint8))
    with pytest.raises(InputError, match="empty"):
        gray_histogram(data, mask=np.zeros(data.shape, bool))
    with pytest.raises(InputError, match="mask has shape"):
        gray_histogram(data, mask=np.ones((1, 2, 3), bool))
    with pytest.raises(InputError, match="bins is 1"):
        gray_histogram(data, bins=1)
    with pytest.raises(InputError, match="complex"):
        gray_histogram(data.astype(complex))


def test_it_stops_on_request_and_tells_progress():
    told = []
    gray_histogram(gray("uint8"), progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]
    with pytest.raises(Stopped):
        gray_histogram(gray("uint8"), should_stop=lambda: True)


@pytest.mark.parametrize("scale", [1e-280, 1e-30, 1e30, 1e298])
def test_floats_of_any_magnitude_are_counted_as_at_one(scale):
    data = np.arange(64.0).reshape(4, 4, 4)
    histogram = gray_histogram(data * scale, bins=8)
    np.testing.assert_array_equal(histogram.counts, 8)
    np.testing.assert_allclose(histogram.edges, np.linspace(0, 63, 9) * scale)
    assert histogram.mean == pytest.approx(31.5 * scale)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.0, 1e-306, "differ by 1e-306"),
        (1e9, 1e9 + 1e-6, "subtract their common value"),
        (-1e308, 1e308, "at most ±1e"),
        (0.0, 1.7e308, "scale the volume"),
    ],
)
def test_a_range_that_float64_cannot_divide_is_refused_in_one_sentence(low, high, says):
    data = np.full((2, 8, 8), low)
    data[1] = high
    with pytest.raises(InputError, match=says):
        gray_histogram(data)


def test_a_bulk_of_almost_one_value_beside_far_values_is_counted_whole():
    data = np.zeros((40, 40, 40))
    data[:2] = np.random.default_rng(0).random((2, 40, 40)) * 1e-306
    data[0, 0, :3] = 5.0
    histogram = gray_histogram(data)
    assert histogram.counts.sum() == data.size
    assert (histogram.minimum, histogram.maximum) == (0.0, 5.0)


class Changing:
    """An array whose values are others at the second reading, as a file that is being written."""

    def __init__(self, first, second):
        self.shape, self.dtype, self.ndim = first.shape, first.dtype, 3
        self._readings = [first, second]

    def __getitem__(self, key):
        return self._readings.pop(0)[key] if len(self._readings) > 1 else self._readings[0][key]


@pytest.mark.parametrize("later", [1e30, -1e30, np.nan, np.inf])
def test_data_that_changes_while_it_is_counted_is_refused(later):
    first = np.linspace(0, 1, 4 * 8 * 8, dtype=np.float32).reshape(4, 8, 8)
    second = first.copy()
    second[2, 3, 4] = later
    with pytest.raises(InputError, match="changed while they were counted"):
        gray_histogram(Changing(first, second))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1e300, 1e300])
def test_the_kernel_keeps_every_index_inside_the_bins(value):
    parts = np.zeros(4 * 4, np.uint32)
    count_floats(np.full(3000, value), 0.0, 1.0, 4.0, parts, np.empty(1024, np.uint32))
    counts = parts.reshape(4, 4).sum(axis=0)
    assert counts.sum() == 3000
    assert counts[1:3].sum() == 0, "an end bin takes what lies outside"


def test_bytes_of_a_mask_other_than_one_are_true():
    mask = np.array([[[0, 1, 7, 255]]], np.uint8).view(np.bool_)
    np.testing.assert_array_equal(gray_histogram(mask).counts, [1, 3])
