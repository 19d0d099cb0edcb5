"""Feret diameters against closed forms, scipy's hulls and SimpleITK."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from napari_snpore.errors import InputError, Stopped
from napari_snpore.measurement.feret import feret_diameters
from napari_snpore.measurement.hulls import (
    BREADTH,
    LENGTH,
    VOLUME,
    WIDTH,
    ConvexHulls,
    convex_hulls_of,
    diameters_of,
)
from napari_snpore.measurement.objects import label_objects
from napari_snpore.volume import Volume

SIZES = ["length_nm", "width_nm", "breadth_nm"]


def hull_of(points) -> ConvexHulls:
    """Hull of raw integer points."""
    points = np.array(points, np.int64)
    return convex_hulls_of(points, np.array([0, len(points)]))


def hull_diameters(points, spacing=(1.0, 1.0, 1.0)) -> np.ndarray:
    """Length, width, breadth and volume of the hull of raw integer points."""
    return diameters_of(hull_of(points), np.array(spacing, float), np.empty((0, 3)))[0]


def sizes_of(mask, **options) -> np.ndarray:
    table = feret_diameters(np.asarray(mask, np.uint32), **{"spacing": 1.0, **options})
    assert len(table) == 1
    return table[SIZES].to_numpy()[0]


def blobs(shape=(30, 36, 40), *, seed=0, sigma=1.6, share=0.1) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return label_objects(noise > np.quantile(noise, 1 - share))


def corner_points(mask) -> np.ndarray:
    """All corners of all voxel boxes."""
    corners = np.argwhere(mask)[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T
    return np.unique(corners.reshape(-1, 3), axis=0)


def width_of_all_directions(points) -> float:
    """The least true extent over every face normal and every cross product of two edges of scipy's
    hull.
    """
    hull = ConvexHull(points)
    edges = {tuple(sorted((f[i], f[i - 1]))) for f in hull.simplices for i in range(3)}
    along = np.array([points[a] - points[b] for a, b in edges])
    i, j = np.triu_indices(len(along), 1)
    normals = np.cross(along[i], along[j])
    size = np.linalg.norm(normals, axis=1)
    normals = np.concatenate(
        [hull.equations[:, :3], normals[size > 1e-9] / size[size > 1e-9, None]]
    )
    tips = points[hull.vertices]
    return min(
        np.ptp(tips @ part.T, axis=0).min()
        for part in np.array_split(normals, 1 + len(normals) // 20000)
    )


def test_a_voxel_is_its_box():
    assert sizes_of(np.ones((1, 1, 1))) == pytest.approx([math.sqrt(3), 1, math.sqrt(8 / 3)])


def test_a_voxel_of_unequal_edges():
    length, width, _ = sizes_of(np.ones((1, 1, 1)), spacing=(3, 4, 12))
    assert (length, width) == pytest.approx((13, 3))


def test_a_diagonal_of_voxels_is_as_long_as_its_box():
    line = np.zeros((10, 10, 10))
    line[range(1, 9), range(1, 9), range(1, 9)] = 1
    table = feret_diameters(line.astype(np.uint8), spacing=0.5)
    assert table["length_nm"].item() == pytest.approx(8 * math.sqrt(3) * 0.5)


@pytest.mark.parametrize("edges", [(1, 1, 7), (1, 5, 6), (2, 3, 4), (4, 4, 4)])
def test_boxes(edges):
    length, width, breadth = sizes_of(np.pad(np.ones(edges), 2), spacing=(0.5, 0.5, 0.5))
    assert length == pytest.approx(math.dist((0, 0, 0), edges) / 2)
    assert width == pytest.approx(min(edges) / 2)
    assert width <= breadth <= length


def test_regular_tetrahedron_has_its_width_between_edges():
    found = hull_diameters([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]])
    edge = math.sqrt(2)
    assert found[[LENGTH, WIDTH, BREADTH, VOLUME]] == pytest.approx(
        [edge, edge / math.sqrt(2), edge, 1 / 3]
    )
    assert found[WIDTH] < edge * math.sqrt(2 / 3), (
        "no face is opposite at less than the height of the tetrahedron"
    )


def test_regular_octahedron():
    found = hull_diameters(np.concatenate([np.eye(3), -np.eye(3)]) * 6 + 6)
    assert found == pytest.approx([12, 12 / math.sqrt(3), 12, 4 / 3 * 6**3])


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([[5, 5, 5]], (0, 0, 0)),
        ([[0, 0, 0], [1, 2, 2], [2, 4, 4]], (6, 0, 0)),
        ([[0, 0, 0], [0, 3, 0], [0, 0, 4], [0, 3, 4]], (5, 0, 4.8)),
    ],
)
def test_points_lines_and_planes_have_no_width(points, expected):
    assert hull_diameters(points)[:3] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_hulls_of_random_points_against_scipy(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, rng.integers(2, 30, 3), (rng.integers(6, 60), 3))
    spacing = rng.uniform(0.3, 2, 3)
    scaled = points * spacing
    try:
        hull = ConvexHull(scaled)
    except QhullError:
        pytest.skip("flat")
    found = hull_diameters(points, spacing)
    apart = np.linalg.norm(scaled[:, None] - scaled, axis=2)
    assert found[LENGTH] == pytest.approx(apart.max(), rel=1e-12)
    assert found[WIDTH] == pytest.approx(width_of_all_directions(scaled), rel=1e-9)
    assert found[VOLUME] * spacing.prod() == pytest.approx(hull.volume, rel=1e-9)


@pytest.mark.parametrize("reach", [2, 5, 500_000])
def test_hull_is_closed_convex_and_holds_all_points(reach):
    points = np.random.default_rng(reach).integers(0, reach, (300, 3))
    hull = hull_of(points)
    face, beside, normal = hull.face, hull.beside, hull.normal
    assert len(face) == 2 * len(np.unique(face)) - 4, "Euler's formula for triangles"
    # exact integers: Python's own where int64 could overflow
    heights = points.astype(object) @ normal[:, :3].T.astype(object) - normal[:, 3].astype(object)
    assert heights.max() == 0
    for f, around in enumerate(beside):
        for k, g in enumerate(around):
            assert f in beside[g]
            assert {face[f, k], face[f, (k + 1) % 3]} <= set(face[g])


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 1, 0.7)])
def test_blobs_against_scipy_over_all_directions(spacing):
    labels = blobs(share=0.06)
    table = feret_diameters(labels, spacing=spacing).set_index("label")
    chosen = [label for label in table.index if np.count_nonzero(labels == label) > 3][:25]
    assert len(chosen) > 10
    for label in chosen:
        points = corner_points(labels == label) * np.array(spacing)
        tips = points[ConvexHull(points).vertices]
        apart = tips[:, None] - tips
        distance = np.linalg.norm(apart, axis=2)
        ties = apart[distance > distance.max() * (1 - 1e-9)]
        across = []
        for axis in ties / np.linalg.norm(ties, axis=1, keepdims=True):
            flat = tips - np.outer(tips @ axis, axis)
            across.append(np.linalg.norm(flat[:, None] - flat, axis=2).max())
        expected = [distance.max(), width_of_all_directions(points), max(across)]
        assert table.loc[label, SIZES].to_list() == pytest.approx(expected, rel=1e-9)


def test_no_dense_direction_is_narrower_or_longer():
    labels = blobs(share=0.05)
    k = np.arange(20000) + 0.5
    z, turn = 1 - 2 * k / k.size, k * math.pi * (3 - math.sqrt(5))
    rays = np.stack([z, np.sqrt(1 - z**2) * np.sin(turn), np.sqrt(1 - z**2) * np.cos(turn)])
    for label, length, width in feret_diameters(labels, spacing=1.0).iloc[:40, :3].to_numpy():
        extent = np.ptp(corner_points(labels == label) @ rays, axis=0)
        assert width - 1e-9 <= extent.min() <= width + 0.02 * length  # rays lie 0.8° apart at most
        assert length * 0.995 <= extent.max() <= length + 1e-9


def test_length_of_centres_against_simpleitk():
    labels = blobs(share=0.08)
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((0.7, 1.0, 2.0))
    peer = sitk.LabelShapeStatisticsImageFilter()
    peer.ComputeFeretDiameterOn()
    peer.Execute(image)
    table = feret_diameters(
        labels, spacing=(2.0, 1.0, 0.7), convention="centers_plus_one"
    ).set_index("label")
    voxel = (2.0 * 1.0 * 0.7) ** (1 / 3)
    for label in peer.GetLabels():
        assert table.loc[label, "length_nm"] - voxel == pytest.approx(
            peer.GetFeretDiameter(label), rel=1e-6, abs=1e-6
        )


@pytest.mark.parametrize("edges", [(1, 1, 1), (1, 1, 6), (1, 4, 4), (3, 3, 3)])
def test_centres_plus_one_reads_one_voxel_as_one(edges):
    length, width, _ = sizes_of(
        np.pad(np.ones(edges), 1), spacing=0.2, convention="centers_plus_one"
    )
    assert width == pytest.approx(0.2 * min(edges))
    assert length == pytest.approx(0.2 * (math.dist((1, 1, 1), edges) + 1))


def test_thirty_one_directions_lie_between_the_exact_ones():
    labels = blobs()
    exact = feret_diameters(labels, spacing=1.0)
    few = feret_diameters(labels, spacing=1.0, directions=31)
    assert (few["length_nm"] <= exact["length_nm"] + 1e-9).all()
    assert (few["width_nm"] >= exact["width_nm"] - 1e-9).all()
    shortest = (few["length_nm"] / exact["length_nm"]).min()
    assert 0.92 < shortest < 0.99
    many = feret_diameters(labels, spacing=1.0, directions=4000)
    np.testing.assert_allclose(many["length_nm"], exact["length_nm"], rtol=0.005)


def test_a_thin_plate_is_read_too_wide_over_few_directions():
    plate = np.zeros((40, 40, 3), np.uint8)
    plate[1:39, 1:39, 1] = 1
    few = sizes_of(plate, directions=31)[1]
    assert sizes_of(plate)[1] == pytest.approx(1)
    assert few > 1.2


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    spacing=st.tuples(*[st.sampled_from([0.3, 1.0, 1.7])] * 3),
    order=st.permutations(range(3)),
    flips=st.sets(st.integers(0, 2)),
    shift=st.tuples(*[st.integers(0, 3)] * 3),
    convention=st.sampled_from(["corners", "centers_plus_one"]),
)
def test_place_and_axes_do_not_matter(seed, spacing, order, flips, shift, convention):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.normal(size=(7, 6, 8)), 1) > 0.1
    before = sizes_of(mask, spacing=spacing, convention=convention)
    moved = np.flip(np.pad(mask, [(s, 1) for s in shift]), sorted(flips)).transpose(order)
    after = sizes_of(moved, spacing=[spacing[k] for k in order], convention=convention)
    np.testing.assert_allclose(after, before, rtol=1e-9)
    assert before[0] >= before[2] >= before[1] > 0


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_dtypes_and_memory_orders_agree(dtype, order):
    labels = blobs((12, 14, 16), share=0.15)
    expected = feret_diameters(labels, spacing=1.0)
    pd.testing.assert_frame_equal(
        feret_diameters(np.asarray(labels, dtype, order=order), spacing=1.0), expected
    )


def test_gaps_and_huge_labels_keep_their_numbers():
    labels = np.zeros((4, 4, 12), np.int64)
    labels[1, 1, 1:3], labels[2, 2, 5:9] = 7, 3_000_000_000_000
    table = feret_diameters(labels, spacing=1.0)
    assert table["label"].to_list() == [7, 3_000_000_000_000]
    assert table["length_nm"].to_list() == pytest.approx([math.sqrt(6), math.sqrt(18)])


def test_labels_are_not_changed_and_an_empty_volume_is_an_empty_table():
    labels = blobs((10, 10, 10))
    labels.flags.writeable = False
    assert len(feret_diameters(labels, spacing=1.0)) == labels.max()
    empty = feret_diameters(np.zeros((3, 3, 3), np.uint8), spacing=1.0)
    assert list(empty) == ["label", *SIZES, "aspect_ratio", "convention"]
    assert len(empty) == 0
    assert empty["length_nm"].dtype == np.float64


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    labels = blobs((40, 300, 400), sigma=2.5, share=0.2)  # more than one slab
    tables = []
    for threads in ("1", "3"):
        monkeypatch.setenv("SNPORE_THREADS", threads)
        tables.append(feret_diameters(labels, spacing=(0.2, 0.15, 0.1)))
    assert len(tables[0]) > 100
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_a_volume_brings_its_voxel_size_and_progress_ends():
    calls = []
    labels = blobs((12, 12, 12))
    table = feret_diameters(
        Volume(labels, 0.5), progress=lambda done, total: calls.append((done, total))
    )
    pd.testing.assert_frame_equal(table, feret_diameters(labels, spacing=0.5))
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1]


def test_stop():
    with pytest.raises(Stopped):
        feret_diameters(blobs((12, 12, 12)), spacing=1.0, should_stop=lambda: True)


@pytest.mark.parametrize(
    ("labels", "options", "word"),
    [
        (np.zeros((3, 3), int), {}, "labels"),
        (np.zeros((3, 3, 3)), {}, "labels"),
        (np.zeros((3, 3, 3), bool), {}, "label_objects"),
        (np.full((3, 3, 3), -1), {}, "negative"),
        (np.ones((3, 3, 3), int), {"directions": 2}, "directions"),
        (np.ones((3, 3, 3), int), {"directions": "all"}, "directions"),
        (np.ones((3, 3, 3), int), {"convention": "edges"}, "convention"),
        (np.ones((3, 3, 3), int), {"spacing": None}, "voxel size"),
        (np.ones((3, 3, 3), int), {"spacing": -1}, "spacing"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(labels, options, word):
    with pytest.raises(InputError, match=word):
        feret_diameters(labels, **{"spacing": 1.0, **options})
