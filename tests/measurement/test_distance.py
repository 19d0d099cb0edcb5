"""Distances to the nearest voxel outside, against scipy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.errors import Stopped
from napari_snpore.measurement.distance import distance_map


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (0.15, 0.15, 0.15), (2.0, 0.5, 1.3)])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97, 0.999])
@pytest.mark.parametrize("shape", [(19, 30, 37), (1, 17, 5), (33, 2, 64)])
def test_it_is_that_of_scipy(shape, share, voxel):
    mask = np.random.default_rng(3).random(shape) < share
    mask[0, 0, 0] = False  # scipy has no answer where nothing is outside
    truth = ndimage.distance_transform_edt(mask, sampling=voxel)
    np.testing.assert_allclose(distance_map(mask, voxel), truth, rtol=3e-7, atol=0)


def test_faces_of_the_box_are_no_boundary():
    assert np.isinf(distance_map(np.ones((3, 4, 5), bool), (1.0, 1.0, 1.0))).all()
    assert not distance_map(np.zeros((3, 4, 5), bool), (1.0, 1.0, 1.0)).any()
    assert distance_map(np.ones((0, 4, 5), bool), (1.0, 1.0, 1.0)).shape == (0, 4, 5)


def test_equal_distances_are_equal_numbers():
    """3, 4 and 5, 0 voxels away are both 5 voxels away, in whatever direction: plateaus stay flat."""
    mask = np.ones((13, 13, 13), bool)
    mask[6, 6, 6] = False
    found = distance_map(mask, (0.15, 0.15, 0.15))
    five = [(3, 4, 0), (4, 0, 3), (0, 3, 4), (5, 0, 0), (0, 0, 5), (-5, 0, 0), (0, -4, -3)]
    assert {float(found[6 + z, 6 + y, 6 + x]) for z, y, x in five} == {float(np.float32(0.75))}


def test_any_number_of_threads_gives_the_same(monkeypatch):
    mask = np.random.default_rng(5).random((20, 21, 22)) < 0.9
    one = distance_map(mask, (0.3, 0.2, 0.1), threads=1)
    monkeypatch.setattr("napari_snpore.measurement.distance._BLOCK_VOXELS", 1)
    np.testing.assert_array_equal(distance_map(mask, (0.3, 0.2, 0.1), threads=3), one)


def test_a_stop_ends_it_between_two_planes(monkeypatch):
    """Of 40 planes and 40 rows, each a block of its own, few are worked on after the first look."""
    done = []
    monkeypatch.setattr("napari_snpore.measurement.distance._BLOCK_VOXELS", 1)
    monkeypatch.setattr(
        "napari_snpore.measurement.distance.minimum_along", lambda *_: done.append(1)
    )
    with pytest.raises(Stopped):
        distance_map(
            np.ones((40, 40, 40), bool),
            (1.0, 1.0, 1.0),
            threads=1,
            should_stop=lambda: bool(done),
        )
    assert len(done) < 10
