from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.measurement.corrections import (
    box_around,
    merged_parts,
    put_patches,
    replaced_objects,
    split_parts,
)


def row(*labels):
    return np.array([[labels]], np.uint8)


def boxes(labels):
    found = {}
    for label in np.unique(labels[labels > 0]).tolist():
        places = np.argwhere(labels == label)
        found[label] = tuple(
            slice(int(a), int(b) + 1) for a, b in zip(places.min(0), places.max(0), strict=True)
        )
    return found


def test_merged_objects_are_one_and_the_last_takes_the_free_number():
    labels = row(1, 0, 2, 0, 3, 3, 0, 4)
    around = boxes(labels)
    box = box_around([around[1], around[3]])
    change = replaced_objects(labels, 4, (1, 3), box, merged_parts(labels, box, 1, 3), around)
    assert change.count == 3
    assert change.moved == {4: 3}
    put_patches(labels, change.patches)
    assert labels.tolist() == row(1, 0, 2, 0, 1, 1, 0, 3).tolist()
    put_patches(labels, change.patches, back=True)
    assert labels.tolist() == row(1, 0, 2, 0, 3, 3, 0, 4).tolist()


def test_a_split_keeps_the_number_and_adds_one():
    labels = row(1, 0, 2, 2, 2, 2, 0, 3)
    box = boxes(labels)[2]
    parts = split_parts(labels, box, 2, ((0, -5, 3.5), (0, 5, 3.5)), axis=0)
    change = replaced_objects(labels, 3, (2,), box, parts, boxes(labels))
    put_patches(labels, change.patches)
    assert labels.tolist() == row(1, 0, 2, 2, 4, 4, 0, 3).tolist()
    assert change.count == 4
    assert change.new == {1: 2, 2: 4}


def test_a_plane_runs_through_the_depth():
    """A cube of 4 × 4 × 4 cut along its diagonal in the plane (y, x), seen along z: 10 voxels a
    plane on one side, the diagonal with them, and 6 on the other.
    """
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[1:5, 1:5, 1:5] = 1
    parts = split_parts(labels, boxes(labels)[1], 1, ((2, 1, 1), (2, 4, 4)), axis=0)
    assert sorted(np.bincount(parts.ravel())[1:].tolist()) == [24, 40]
    assert (parts == parts[:1]).all(), "the same in every plane"


def test_objects_can_go_and_come():
    labels = row(1, 0, 2, 0, 3)
    gone = replaced_objects(
        labels, 3, (1,), boxes(labels)[1], np.zeros((1, 1, 1), np.uint8), boxes(labels)
    )
    put_patches(labels, gone.patches)
    assert labels.tolist() == row(0, 0, 2, 0, 1).tolist()
    box = (slice(0, 1), slice(0, 1), slice(0, 2))
    come = replaced_objects(labels, 2, (), box, row(1, 1), boxes(labels))
    put_patches(labels, come.patches)
    assert labels.tolist() == row(3, 3, 2, 0, 1).tolist()
    assert come.count == 3


def test_the_256th_object_needs_a_wider_dtype():
    labels = np.zeros((1, 1, 600), np.uint8)
    labels[0, 0, : 2 * 255 : 2] = np.arange(1, 256)
    box = (slice(0, 1), slice(0, 1), slice(598, 600))
    change = replaced_objects(labels, 255, (), box, row(1, 1), {})
    assert change.dtype == np.uint16
    assert change.patches[0].after.tolist() == [[[256, 256]]]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (((0, 0, 9), (0, 3, 9)), "does not pass through"),
        (((0, 0, 1), (0, 0, 1)), "no length"),
        (((0, 0, 1), (9, 0, 1)), "no length"),
    ],
)
def test_a_line_that_cuts_nothing_is_refused(line, words):
    labels = row(1, 1, 1)
    with pytest.raises(InputError, match=words):
        split_parts(labels, boxes(labels)[1], 1, line, axis=0)
