"""Dead pores of blocks are those of the whole, and those that a search from outside leaves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import accessible_pores, dead_pores
from napari_snpore.threads import use_at_most_threads
from tests.block_cases import OnDisk, cut_shapes

RANKS = {6: 1, 18: 2, 26: 3}


def searched(phases, connectivity, cut_axes):
    """Dead voxels, and those open to a cut face alone, by scipy's propagation from outside."""
    structure = ndimage.generate_binary_structure(3, RANKS[connectivity])
    void = phases <= 1
    seeds, cuts = phases == 0, np.zeros(phases.shape, bool)
    for axis in range(3):
        into = cuts if axis in cut_axes else seeds
        for end in (0, -1):
            np.moveaxis(into, axis, 0)[end] = True
    is_open = ndimage.binary_propagation(seeds & void, structure, void)
    reached = ndimage.binary_propagation((seeds | cuts) & void, structure, void)
    return (phases == 1) & ~reached, (phases == 1) & reached & ~is_open


@settings(max_examples=40, deadline=None)
@given(cut_shapes(9), st.integers(0, 2**32), st.sampled_from([(), (1,), (0, 2)]))
def test_tables_and_masks_do_not_depend_on_blocks(cut, seed, cut_axes):
    shape, sizes = cut
    random = np.random.default_rng(seed)
    phases = random.choice([0, 1, 2, 3], shape, p=[0.03, 0.3, 0.6, 0.07]).astype(np.uint8)
    whole = dead_pores(phases, spacing=0.3, cut_axes=cut_axes)
    out = {6: np.ones(shape, bool), 26: OnDisk(np.ones(shape, bool))}
    blocks = dead_pores(OnDisk(phases), spacing=0.3, cut_axes=cut_axes, out=out, block_shape=sizes)
    pd.testing.assert_frame_equal(whole.table, blocks.table, check_exact=True)
    for k, connectivity in enumerate(RANKS):
        dead, beside = searched(phases, connectivity, cut_axes)
        np.testing.assert_array_equal(whole.mask(connectivity), dead)
        assert whole.table["dead_voxel_count"][k] == dead.sum()
        assert whole.table["open_to_cut_voxel_count"][k] == beside.sum()
    np.testing.assert_array_equal(out[6], whole.mask(6))
    np.testing.assert_array_equal(out[26].data, whole.mask(26))
    with pytest.raises(InputError, match="out"):
        blocks.mask(6)


@pytest.mark.parametrize("block", [(4, 3, 2), (3, 15, 4), (15, 1, 15)])
def test_a_winding_pore_through_many_blocks_opens_at_its_end(block):
    phases = np.full((15, 15, 15), 2, np.uint8)
    for k in range(1, 14, 2):  # a meander in one plane
        phases[7, k, 1:14] = 1
        phases[7, k + 1, 13 if k % 4 == 1 else 1] = 1
    phases[7, 14] = 2
    for threads in (1, 2):
        with use_at_most_threads(threads):
            closed = dead_pores(phases, spacing=1.0, out={}, block_shape=block)
        assert (closed.table["dead_share_of_pore"] == 1).all()
    phases[7, 13, 14] = 1
    opened = dead_pores(phases, spacing=1.0, out={}, block_shape=block)
    assert (opened.table["dead_voxel_count"] == 0).all()


def test_a_probe_reads_the_whole_and_writes_where_it_is_asked_to():
    random = np.random.default_rng(7)
    phases = random.choice([0, 1, 2], (12, 13, 14), p=[0.05, 0.5, 0.45]).astype(np.uint8)
    phases = phases.repeat(2, 0)
    whole = dead_pores(phases, spacing=1.0, probe_radius_nm=0.9)
    out = {18: np.zeros(phases.shape, bool)}
    blocks = dead_pores(
        OnDiskWhole(phases), spacing=1.0, probe_radius_nm=0.9, out=out, block_shape=(5, 4, 3)
    )
    pd.testing.assert_frame_equal(whole.table, blocks.table, check_exact=True)
    np.testing.assert_array_equal(out[18], whole.mask(18))
    shares = accessible_pores(phases, [0.9], spacing=1.0)["accessible_share_of_pore"]
    assert shares[0] == pytest.approx(1 - whole.table["dead_share_of_pore"][0])


def test_masks_of_another_shape_or_kind_are_refused():
    phases = np.full((3, 3, 3), 2, np.uint8)
    for wrong in (np.zeros((2, 3, 3), bool), np.zeros((3, 3, 3), np.uint8)):
        with pytest.raises(InputError, match="out"):
            dead_pores(phases, spacing=1.0, out={6: wrong})
    with pytest.raises(InputError, match="above 255"):
        dead_pores(np.full((3, 3, 3), 256), spacing=1.0, block_shape=(1, 1, 1))


class OnDiskWhole(OnDisk):
    """Read as a whole too."""

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype)
