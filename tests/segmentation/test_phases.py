"""Labels from thresholds, by hand and against numpy's comparison in the same dtype."""

import numpy as np
import pytest

from napari_snpore.errors import InputError, Stopped
from napari_snpore.segmentation.phases import (
    CARBON,
    EXTERIOR,
    PORE,
    PORE_C_SN,
    TIN,
    PhaseScheme,
    segment,
)
from napari_snpore.volume import Volume


def test_a_threshold_belongs_to_the_brighter_phase():
    data = np.array([[[9, 10, 11, 19, 20, 21]]], np.uint8)
    assert segment(data, (10, 20)).tolist() == [[[PORE, CARBON, CARBON, CARBON, TIN, TIN]]]


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "uint16", "int32", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("thresholds", [(5,), (5, 40.5), (-3.25, 5, 6, 40)])
def test_labels_count_the_thresholds_reached(dtype, thresholds):
    data = np.random.default_rng(1).integers(0, 100, (20, 21, 22)).astype(dtype)
    before = data.copy()
    labels = segment(Volume(data, 1.0), thresholds)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, 1 + sum((data >= t).astype(int) for t in thresholds))
    np.testing.assert_array_equal(data, before)


def test_floats_are_compared_exactly():
    threshold = 0.1  # lies between two float32
    below, above = np.float32(0.1), np.float32(0.1)
    below = np.nextafter(below, np.float32(0)) if float(below) >= threshold else below
    above = np.nextafter(below, np.float32(1))
    assert float(below) < threshold <= float(above)
    assert segment(np.array([[[below, above]]]), (threshold,)).tolist() == [[[1, 2]]]


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64"],
)
@pytest.mark.parametrize(
    "thresholds", [(-1e300, 3), (-0.5, 0.5), (254.5, 255.5), (3, 1e9), (2.0, 1e300), (1e-50, 1e-3)]
)
def test_thresholds_beyond_the_dtype_are_compared_as_numbers(dtype, thresholds):
    kind = np.dtype(dtype)
    values = [
        0,
        1,
        2,
        3,
        100,
        *(
            (np.finfo(kind).max, -1)
            if kind.kind == "f"
            else (np.iinfo(kind).max, np.iinfo(kind).min)
        ),
    ]
    data = np.array(values, kind).reshape(1, 1, -1)
    expected = [1 + sum(int(value) >= limit for limit in thresholds) for value in data.ravel()]
    assert segment(data, thresholds).ravel().tolist() == expected


def test_extreme_values_have_a_phase():
    data = np.array([[[-np.inf, np.inf]]], np.float32)
    assert segment(data, (0.0, 1.0)).tolist() == [[[PORE, TIN]]]


def test_outside_the_envelope_is_exterior():
    data = np.full((3, 4, 5), 7, np.uint8)
    envelope = np.zeros(data.shape, bool)
    envelope[1] = True
    labels = segment(data, (5, 9), envelope=envelope)
    assert (labels[1] == CARBON).all()
    assert (labels[[0, 2]] == EXTERIOR).all()


def test_nonsense_is_refused_in_one_sentence():
    data = np.zeros((3, 3, 3), np.uint8)
    for thresholds in ((5, 5), (9, 5), (), (np.nan,), (np.inf,)):
        with pytest.raises(InputError, match="increasing"):
            segment(data, thresholds)
    with pytest.raises(InputError, match="envelope has shape"):
        segment(data, (5,), envelope=np.ones((3, 3), bool))
    with pytest.raises(InputError, match="NaN"):
        segment(np.full((2, 2, 2), np.nan), (5,))
    with pytest.raises(InputError, match="at most"):
        segment(data, range(300))
    with pytest.raises(Stopped):
        segment(data, (5,), should_stop=lambda: True)


def test_the_preset_is_the_papers():
    assert PORE_C_SN.names == ("pore", "C", "Sn")
    assert (EXTERIOR, PORE, CARBON, TIN) == (0, 1, 2, 3)
    with pytest.raises(InputError, match="colour"):
        PhaseScheme(("a", "b"), ("#ffffff",))
