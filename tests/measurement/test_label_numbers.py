"""Labels of any size: what a table says of them is what it says of the same objects numbered 1, 2,
3.
"""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from napari_snpore.errors import InputError
from napari_snpore.measurement.contacts import contact_areas
from napari_snpore.measurement.label_numbers import renumbered
from napari_snpore.measurement.objects import measure_objects
from napari_snpore.study.measuring import measure_labels
from napari_snpore.volume import Volume

LARGE = [7, 2**31 - 1, 2**53 + 1, 2**63 - 1]


def four_cubes(dtype=np.int64, numbers=(1, 2, 3, 4)):
    labels = np.zeros((14, 14, 14), dtype)
    for k, number in enumerate(numbers):
        labels[1 + 3 * k : 3 + 3 * k, 2:4, 2 + k : 6] = number
    return labels


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, ">i8"])
@pytest.mark.parametrize("with_outside", [True, False])
def test_labels_up_to_2_63_are_numbered_in_their_order(dtype, with_outside):
    labels = four_cubes(dtype, LARGE)
    if not with_outside:
        labels[labels == 0] = 3
    new, given = renumbered(labels)
    values = np.unique(labels)
    np.testing.assert_array_equal(given, values[values > 0])
    for number, label in enumerate(given.tolist(), 1):
        np.testing.assert_array_equal(new == number, labels == labels.dtype.type(label))


def test_a_label_beyond_2_63_is_refused():
    labels = four_cubes(np.uint64, [1, 2, 3, 2**63])
    phases = np.ones(labels.shape, np.uint8)
    for work in (
        renumbered,
        lambda one: measure_objects(one, spacing=1.0),
        lambda one: contact_areas(one, phases, spacing=1.0),
    ):
        with pytest.raises(InputError, match="9223372036854775808"):
            work(labels)


@pytest.mark.parametrize("numbers", [[3, 4, 5, 2**20 + 5], LARGE])
def test_tables_do_not_depend_on_the_numbers_of_the_labels(numbers):
    plain, large = four_cubes(), four_cubes(np.uint64, numbers)
    phases = np.where(plain > 0, 3, 2).astype(np.uint8)
    phases[:, 4, :] = 1
    for measure in (
        lambda one: measure_objects(one, spacing=1.0),
        lambda one: contact_areas(one, phases, spacing=1.0),
    ):
        expected, found = measure(plain), measure(large)
        assert found["label"].tolist() == numbers
        pd.testing.assert_frame_equal(found.drop(columns="label"), expected.drop(columns="label"))


def test_the_study_keeps_the_given_label_of_each_object():
    found = measure_labels(Volume(four_cubes(np.uint64, LARGE), 1.0))
    table = next(iter(found.objects.values()))
    assert table["given_label"].tolist() == LARGE
    assert table["label"].tolist() == [1, 2, 3, 4]


def test_contacts_of_a_few_large_labels_need_little_memory():
    large = four_cubes(np.int64, LARGE)
    phases = np.where(large > 0, 3, 2).astype(np.uint8)
    tracemalloc.start()
    contact_areas(large, phases, spacing=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
