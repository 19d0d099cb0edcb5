"""Components across blocks against those of scipy on the whole mask, and cuts of a volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_snpore.blocks import Grid, VoxelwiseArray, check_out, grid_of, is_in_memory, with_margin
from napari_snpore.errors import InputError
from napari_snpore.measurement.labelling import label_objects
from napari_snpore.threads import use_at_most_threads
from tests.block_cases import OnDisk, cut_shapes, noise, rings

RANKS = {6: 1, 18: 2, 26: 3}


def by_scipy(mask, connectivity):
    """Labels in the order of first voxels, as scipy numbers them."""
    return ndimage.label(mask, ndimage.generate_binary_structure(3, RANKS[connectivity]))[0]


@settings(max_examples=50, deadline=None)
@given(cut_shapes(), st.integers(0, 2**32), st.sampled_from([0.1, 0.25, 0.5, 0.8]))
def test_labels_of_blocks_are_those_of_scipy(cut, seed, share):
    shape, sizes = cut
    mask = noise(shape, seed, share)
    for connectivity in RANKS:
        expected = by_scipy(mask, connectivity)
        out = np.full(shape, 77, np.uint32)
        found = label_objects(
            OnDisk(mask), connectivity=connectivity, out=OnDisk(out), block_shape=sizes
        )
        np.testing.assert_array_equal(out, expected)
        assert found.data is out
        np.testing.assert_array_equal(label_objects(mask, connectivity=connectivity), expected)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
@pytest.mark.parametrize("block", [(1, 1, 1), (1, 13, 14), (12, 1, 14), (5, 4, 3), (2, 13, 14)])
def test_rings_and_diagonals_cross_any_blocks(block, connectivity):
    mask = rings()
    expected = by_scipy(mask, connectivity)
    for threads in (1, 2):
        with use_at_most_threads(threads):
            found = label_objects(mask, connectivity=connectivity, block_shape=block)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("second", "joined"), [((0, 0, 1), (1, 1, 1)), ((0, 1, 1), (2, 1, 1)), ((1, 1, 1), (2, 2, 1))]
)
def test_a_pair_of_voxels_in_blocks_of_their_own(second, joined):
    """Two voxels that share a face, an edge, a corner, with all cuts between them."""
    mask = np.zeros((2, 2, 2), bool)
    mask[0, 0, 0] = mask[second] = True
    found = [
        int(label_objects(mask, connectivity=c, block_shape=(1, 1, 1)).max()) for c in (6, 18, 26)
    ]
    assert tuple(found) == joined


def test_blocks_are_read_one_at_a_time_and_progress_ends():
    mask = OnDisk(rings())
    done = []
    label_objects(mask, block_shape=(3, 4, 5), progress=lambda *state: done.append(state))
    assert mask.largest == 60
    assert done[-1] == (1000, 1000)
    assert done == sorted(done)


def test_no_voxel_and_a_full_box():
    for mask, count in ((np.zeros((3, 4, 5), bool), 0), (np.ones((3, 4, 5), bool), 1)):
        assert (label_objects(mask, block_shape=(2, 2, 2)) == count).all()


def test_labels_that_do_not_fit_are_refused_before_they_are_written():
    mask = np.zeros((1, 1, 1000), bool)
    mask[..., ::2] = True
    out = np.full(mask.shape, 7, np.uint8)
    for blocks in (None, (1, 1, 9)):
        with pytest.raises(InputError, match="500"):
            label_objects(mask, out=out, block_shape=blocks)
        assert (out == 7).all()
    with pytest.raises(InputError, match="shape"):
        label_objects(mask, out=np.zeros((1, 2, 3), np.uint32))
    with pytest.raises(InputError, match="float32"):
        label_objects(mask, out=np.zeros(mask.shape, np.float32))
    with pytest.raises(InputError, match="connectivity is 8"):
        label_objects(mask, connectivity=8, block_shape=(1, 1, 9))


def test_cuts_follow_chunks_and_sizes_are_checked():
    class Chunked:
        shape, chunks = (100, 4096, 4096), (64, 64, 64)

    assert grid_of(Chunked).cuts[0] == (0, 64, 100)
    assert grid_of(Chunked).cuts[1][:2] == (0, 64)  # one row of chunks is as much as is held
    Chunked.shape = (300, 64, 64)
    assert grid_of(Chunked).cuts == ((0, 300), (0, 64), (0, 64))
    Chunked.shape, Chunked.chunks = (300, 512, 512), ((7, 13, 280), (512,), (512,))
    assert grid_of(Chunked).cuts[0] == (0, 7, 20, 300)
    assert grid_of(np.empty((40, 512, 512), bool)).cuts == ((0, 16, 32, 40), (0, 512), (0, 512))
    for wrong in ((2, 2), (0, 2, 2), ((2, 2), (2,), (2,))):
        with pytest.raises(InputError, match="block_shape"):
            grid_of(np.empty((3, 2, 2)), wrong)


def test_margins_are_cropped():
    grid = Grid(((0, 2, 9), (0, 5)))
    outer, inner = with_margin(grid.blocks[1], grid.shape, (1, 3))
    assert outer == (slice(1, 9), slice(0, 5))
    assert inner == (slice(1, 8), slice(0, 5))


def test_voxelwise_arrays_and_mapped_files(tmp_path):
    gray = np.memmap(tmp_path / "gray.raw", np.float32, "w+", shape=(4, 5, 6))
    gray[:] = np.random.default_rng(0).random(gray.shape)
    assert not is_in_memory(gray)
    assert not is_in_memory(np.asarray(gray)[1:])
    assert is_in_memory(np.zeros(3)[1:])
    bright = VoxelwiseArray(gray, lambda part: part > 0.5, np.dtype(bool))
    np.testing.assert_array_equal(
        label_objects(bright, block_shape=(2, 3, 2)), by_scipy(gray > 0.5, 26)
    )
    np.testing.assert_array_equal(np.asarray(bright), gray > 0.5)


def test_out_of_the_wrong_kind_is_refused():
    with pytest.raises(InputError, match="uint8"):
        check_out(np.zeros(3, np.uint8), (3,), "iu", 256)
