"""Tables of objects do not depend on the blocks in which their labels are read: the same bits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial import ConvexHull

from napari_snpore.errors import InputError
from napari_snpore.measurement.feret import feret_diameters
from napari_snpore.measurement.labelling import label_objects
from napari_snpore.measurement.objects import measure_objects
from napari_snpore.measurement.scan import merge_scans, scan_block, scan_objects
from napari_snpore.threads import use_at_most_threads
from tests.block_cases import OnDisk, cut_shapes, noise, rings

SPACING = (0.7, 0.5, 0.31)


def blobs(shape, seed):
    """Objects of many sizes, some across the whole volume, others of one voxel."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.0)
    return label_objects(smooth > np.quantile(smooth, 0.6))


def same_tables(labels, sizes, **options):
    whole = measure_objects(labels, spacing=SPACING, **options)
    lazy = {
        name: OnDisk(value) if isinstance(value, np.ndarray) else value
        for name, value in options.items()
    }
    blocks = measure_objects(OnDisk(labels), spacing=SPACING, block_shape=sizes, **lazy)
    pd.testing.assert_frame_equal(whole, blocks, check_exact=True)
    return whole


@settings(max_examples=50, deadline=None)
@given(cut_shapes(12), st.integers(0, 2**32), st.sampled_from(["f4", "f8", "u2", "i4"]))
def test_all_columns_have_the_bits_of_the_whole(cut, seed, kind):
    shape, sizes = cut
    random = np.random.default_rng(seed)
    labels = blobs(shape, seed)
    if seed % 2:
        labels = np.where(labels > 0, labels * np.int64(3_000_000_017), 0)
    gray = (random.normal(0, 1e4, shape) * random.choice([1e-3, 1.0], shape)).astype(kind)
    same_tables(labels, sizes, intensity=gray, envelope=random.random(shape) < 0.8)
    same_tables(labels, sizes, convention="centers_plus_one")
    same_tables(labels, sizes, directions=7)


@pytest.mark.parametrize("block", [(1, 1, 1), (1, 13, 14), (12, 1, 14), (12, 13, 1), (5, 4, 3)])
def test_rings_have_the_diameters_of_a_library_whatever_they_span(block):
    labels = label_objects(rings(), connectivity=26)
    table = same_tables(labels, block)
    whole = table.set_index("label")
    for label in range(1, int(labels.max()) + 1):
        corners = np.concatenate(
            [np.argwhere(labels == label) + step for step in np.ndindex(2, 2, 2)]
        ) * np.array(SPACING)
        hull = ConvexHull(corners)
        tips = corners[hull.vertices]
        length = np.sqrt(((tips[:, None] - tips[None]) ** 2).sum(-1)).max()
        assert whole.loc[label, "length_nm"] == pytest.approx(length, rel=1e-12)
        assert whole.loc[label, "hull_volume_nm3"] == pytest.approx(hull.volume, rel=1e-9)


def test_a_ball_and_a_diagonal_rod_across_many_blocks_have_closed_forms():
    z, y, x = np.indices((41, 41, 41)) - 20
    ball = (z**2 + y**2 + x**2 <= 20**2).astype(np.uint8)
    rod = np.zeros((41, 41, 41), np.uint8)
    rod[tuple([np.arange(5, 37)] * 3)] = 1
    for threads in (1, 2):
        with use_at_most_threads(threads):
            length, width = feret_diameters(ball, spacing=0.5, block_shape=(7, 11, 13)).iloc[0, 1:3]
            assert 20 <= width <= length <= 0.5 * (40 + np.sqrt(3)) + 1e-9
            found = feret_diameters(rod, spacing=0.5, block_shape=(3, 2, 5))
            assert found["length_nm"].iloc[0] == pytest.approx(0.5 * 32 * np.sqrt(3), rel=1e-14)
            pd.testing.assert_frame_equal(
                found, feret_diameters(rod, spacing=0.5), check_exact=True
            )


def test_parts_may_be_merged_in_any_order_and_in_groups():
    labels = blobs((9, 10, 11), 5)
    padded = [
        (
            labels[z : min(z + 4, 9)],
            (slice(0, min(3, 9 - z)), slice(0, 10), slice(0, 11)),
            (z, 0, 0),
        )
        for z in (0, 3, 6)
    ]
    one, two, three = (scan_block(*part) for part in padded)
    whole = scan_objects(labels, block_shape=(9, 10, 11))
    for merged in (
        merge_scans([three, one, two]),
        merge_scans([merge_scans([one, three]), two]),
        merge_scans([merge_scans([one, two]), merge_scans([three])]),
    ):
        np.testing.assert_array_equal(merged.label, whole.label)
        for columns in (slice(0, 1), slice(2, 30)):
            np.testing.assert_array_equal(merged.table[:, columns], whole.table[:, columns])
        np.testing.assert_array_equal(merged.rows, whole.rows)


def test_only_rows_with_corners_of_hulls_are_kept():
    """A full cube: of each plane the first and the last row."""
    scan = scan_objects(np.ones((20, 20, 20), np.uint8), block_shape=(20, 20, 7))
    assert scan.rows.shape == (40, 4)
    assert np.unique(scan.rows[:, 1]).tolist() == [0, 19]
    assert (scan.rows[:, 2:] == [0, 19]).all()


def test_grey_values_are_summed_in_any_order_and_nonsense_is_refused():
    labels = (noise((6, 7, 8), 1, 0.5)).astype(np.uint8)
    gray = np.random.default_rng(2).normal(0, 1, labels.shape)
    gray[labels == 0] = np.nan  # outside objects
    table = same_tables(labels, (2, 3, 5), intensity=gray)
    assert table["intensity_sum"].iloc[0] == pytest.approx(np.nansum(gray), rel=1e-12)
    gray[labels > 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        measure_objects(labels, spacing=1.0, intensity=gray, block_shape=(2, 3, 5))
    with pytest.raises(InputError, match="negative"):
        measure_objects(-labels.astype(np.int8), spacing=1.0, block_shape=(2, 3, 5))
    assert len(measure_objects(np.zeros((3, 4, 5), int), spacing=1.0, block_shape=(1, 2, 5))) == 0
