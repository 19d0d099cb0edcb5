"""Nearest-neighbour distances against lattices of balls and all pairs of voxels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import napari_snpore as snpore
from napari_snpore.measurement import neighbors


def balls(shape, centers, radius):
    labels = np.zeros(shape, np.uint16)
    indices = np.indices(shape)
    for number, center in enumerate(centers, 1):
        distance = np.sqrt(sum((indices[k] - center[k]) ** 2 for k in range(3)))
        labels[distance <= radius] = number
    return labels


def lattice(step, count, offset):
    return [
        tuple(offset + step * k for k in (a, b, c))
        for a in range(count)
        for b in range(count)
        for c in range(count)
    ]


def test_balls_on_a_lattice():
    labels = balls((40, 40, 40), lattice(13, 3, 6), 4)
    table = snpore.nearest_neighbors(labels, spacing=0.5, cut_axes=())
    np.testing.assert_allclose(table["center_distance_nm"], 6.5)
    # 9 voxels across: 4 voxels lie between two of them
    np.testing.assert_allclose(table["surface_distance_nm"], 2.0)
    assert table["center_complete"].all()
    assert table["surface_complete"].all()


def test_voxels_that_are_no_cubes():
    labels = np.zeros((20, 8, 8), np.uint32)
    labels[2:4, 2, 2] = 1
    labels[9:11, 2, 2] = 2  # 5 voxels along z between them
    labels[2:4, 2, 6] = 3  # 3 voxels along x from the first
    table = snpore.nearest_neighbors(labels, spacing=(0.5, 1.0, 2.0), cut_axes=())
    assert table["surface_distance_nm"].tolist() == [2.5, 2.5, 6.0]
    assert table["center_distance_nm"].tolist() == [3.5, 3.5, 8.0]
    assert table["surface_label"].tolist() == [2, 1, 1]


def all_pairs(labels, spacing):
    """Gap of every object to the nearest other, from all pairs of all voxels."""
    numbers = np.unique(labels[labels > 0])
    places = [np.argwhere(labels == number) for number in numbers]
    found = []
    for k, own in enumerate(places):
        least = math.inf
        for j, other in enumerate(places):
            if j == k:
                continue
            gaps = np.maximum(np.abs(own[:, None] - other[None]) - 1, 0) * spacing
            least = min(least, np.sqrt((gaps**2).sum(axis=2)).min())
        found.append(least)
    return numbers, np.array(found)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.3, 1.0, 0.7)])
@pytest.mark.parametrize("share", [0.004, 0.03])
def test_as_all_pairs_of_voxels(monkeypatch, share, spacing):
    rng = np.random.default_rng(1)
    mask = rng.random((30, 26, 34)) < share
    mask[3:12, 4:9, 20:30] = True  # an object of many cells
    mask[15:25, 5:20, 3:12] = True
    labels = snpore.label_objects(mask).astype(np.int32) * 7  # gaps between the labels
    monkeypatch.setattr(neighbors, "_SMALL", 50)
    table = snpore.nearest_neighbors(labels, spacing=spacing)
    numbers, gaps = all_pairs(labels, np.array(spacing))
    assert table["label"].tolist() == numbers.tolist()
    np.testing.assert_allclose(table["surface_distance_nm"], gaps, rtol=1e-12)
    centers = np.array([np.argwhere(labels == n).mean(axis=0) * spacing for n in numbers])
    between = cdist(centers, centers)
    np.fill_diagonal(between, np.inf)
    np.testing.assert_allclose(table["center_distance_nm"], between.min(axis=1), rtol=1e-12)


def test_a_network_with_most_of_the_surface_and_specks_in_its_holes(monkeypatch):
    rng = np.random.default_rng(7)
    mask = rng.random((26, 28, 30)) < 0.35
    mask[8:18, 8:18, 8:18] = False
    mask[10, 10, 10] = mask[10, 10, 12] = mask[15, 14, 13] = True  # nearer to each other
    labels = snpore.label_objects(mask)
    _, gaps = all_pairs(labels, np.ones(3))
    assert np.bincount(labels.ravel())[1:].max() > 0.9 * mask.sum()
    for few in (64, 0):
        monkeypatch.setattr(neighbors, "_FEW", few)
        table = snpore.nearest_neighbors(labels, spacing=1.0)
        np.testing.assert_allclose(table["surface_distance_nm"], gaps, rtol=1e-12)


def test_same_table_on_one_and_two_threads_and_for_volumes_of_many_slabs(monkeypatch):
    mask = np.random.default_rng(2).random((90, 220, 230)) < 0.002
    labels = snpore.label_objects(mask)
    tables = []
    for threads in ("1", "2"):
        monkeypatch.setenv("SNPORE_THREADS", threads)
        tables.append(snpore.nearest_neighbors(labels, spacing=1.0))
    assert tables[0].equals(tables[1])
    turned = snpore.nearest_neighbors(np.ascontiguousarray(labels.transpose(2, 1, 0)), spacing=1.0)
    np.testing.assert_array_equal(
        np.sort(turned["surface_distance_nm"]), np.sort(tables[0]["surface_distance_nm"])
    )


def test_objects_at_a_cut_face_are_not_complete():
    labels = np.zeros((5, 30, 5), np.uint8)
    labels[2, 0, 2], labels[2, 4, 2], labels[2, 14, 2] = 1, 2, 3
    table = snpore.nearest_neighbors(labels, spacing=1.0, cut_axes=(1,))
    assert table["touches_border"].tolist() == [True, False, False]
    assert table["border_distance_nm"].tolist() == [0.5, 4.5, 14.5]
    assert table["center_distance_nm"].tolist() == [4, 4, 10]
    assert table["center_complete"].tolist() == [False, True, True]
    # four voxels lie before the second, three between it and the first
    assert table["surface_complete"].tolist() == [False, True, True]
    # of 30 nm along y, 22 and 10 are farther than 4 and 10 from both ends
    np.testing.assert_allclose(table["center_weight"], [0, 30 / 22, 30 / 10])
    open_box = snpore.nearest_neighbors(labels, spacing=1.0, cut_axes=())
    assert not open_box["touches_border"].any()
    assert open_box["center_complete"].all()


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_neighbour_there_is_no_distance(count):
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[1, 1, 1] = count
    table = snpore.nearest_neighbors(labels, spacing=1.0)
    assert len(table) == count
    assert table["center_distance_nm"].isna().all()
    assert table["surface_distance_nm"].isna().all()
    assert not table["center_complete"].any()


def test_the_mean_distance_of_random_points_is_corrected_for_the_border():
    # Poisson process of density n: mean distance to the nearest 0.55396 n^(-1/3) (Hertz 1909)
    rng = np.random.default_rng(3)
    found, raw = [], []
    for _ in range(6):
        labels = np.zeros((48, 48, 48), np.uint16)
        places = rng.integers(0, 48, (60, 3))
        labels[tuple(places.T)] = np.arange(1, 61)
        table = snpore.nearest_neighbors(labels, spacing=1.0)
        summary = snpore.nearest_summary(table, box_nm=(48.0,) * 3, cut_axes=(0, 1, 2))
        found.append(summary["mean_nm"])
        raw.append(table.loc[table["center_complete"], "center_distance_nm"].mean())
    expected = 0.55396 * (60 / 48**3) ** (-1 / 3)
    assert np.mean(found) == pytest.approx(expected, rel=0.06)
    assert abs(np.mean(found) - expected) < abs(np.mean(raw) - expected)
