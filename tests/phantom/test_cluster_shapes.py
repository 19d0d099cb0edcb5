from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from napari_snpore.phantom.cluster_shapes import corner_length, cut_piece, ellipsoid


def corners(mask):
    place = np.argwhere(mask)
    return np.unique(
        (place[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T).reshape(-1, 3), axis=0
    )


@pytest.mark.parametrize(
    ("shape", "length"),
    [
        ((1, 1, 1), math.sqrt(3)),
        ((1, 1, 5), math.sqrt(27)),
        ((2, 3, 4), math.sqrt(29)),
        ((1, 4, 4), math.sqrt(33)),
    ],
)
def test_length_of_blocks(shape, length):
    assert corner_length(np.ones(shape, bool)) == pytest.approx(length)


def test_length_of_a_diagonal_line_is_eight_space_diagonals():
    assert corner_length(np.einsum("ij,jk->ijk", np.eye(8), np.eye(8)) > 0) == pytest.approx(
        8 * math.sqrt(3)
    )


def test_length_of_ragged_shapes_is_the_largest_distance_of_corners():
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((5, 6, 7)) < 0.2
        assert corner_length(mask) == pytest.approx(pdist(corners(mask)).max())


@pytest.mark.parametrize("length", [0.6, 1.2, 1.97, 3.5])
def test_ellipsoids_have_nearly_the_planned_length_and_keep_to_the_limits(length):
    rng = np.random.default_rng(1)
    limits = (0.5, 2.0) if length < 2 else (2.0, 4.0)
    for _ in range(5):
        shape = ellipsoid(length, limits, 0.15, 2, rng)
        assert limits[0] <= shape.length_nm < limits[1]
        assert shape.length_nm == pytest.approx(length, abs=0.16)
        assert shape.length_nm == pytest.approx(corner_length(shape.mask) * 0.15)
        assert ndimage.label(shape.mask, structure=np.ones((3, 3, 3)))[1] == 1
        np.testing.assert_array_equal(
            shape.halo, ndimage.binary_dilation(shape.mask, np.ones((5, 5, 5)))
        )


def test_turning_keeps_size_and_gives_48_positions():
    shape = ellipsoid(3.0, (2.0, 4.0), 0.15, 2, np.random.default_rng(2))
    turned = [shape.turned(k) for k in range(48)]
    assert len({(one.mask.shape, one.mask.tobytes()) for one in turned}) == 48
    for one in turned[::7]:
        assert corner_length(one.mask) * 0.15 == pytest.approx(shape.length_nm)
        assert one.voxel_count == shape.voxel_count


def test_the_two_pieces_of_a_cut_make_the_whole():
    shape = ellipsoid(3.0, (2.0, 4.0), 0.15, 2, np.random.default_rng(3))
    upper, lower = cut_piece(shape, 5, 1, 0.15), cut_piece(shape, shape.rows - 5, -1, 0.15)
    assert upper is not None
    assert lower is not None
    assert (upper.cut, lower.cut) == (1, -1)
    np.testing.assert_array_equal(np.concatenate([upper.mask, lower.mask], axis=1), shape.mask)
    assert upper.mask[:, -1].any()
    assert lower.mask[:, 0].any()


def test_a_piece_thinner_than_a_cluster_may_be_is_no_piece():
    shape = ellipsoid(3.0, (2.0, 4.0), 0.15, 2, np.random.default_rng(3))
    assert cut_piece(shape, 1, 1, 0.15) is None  # 0.15 nm, where 0.25 nm are the least
