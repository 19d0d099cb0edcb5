"""Clean-up of blocks is that of the whole: specks against a search written out, holes against scipy."""

from __future__ import annotations

import threading
from time import sleep

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_snpore.errors import InputError, Stopped
from napari_snpore.segmentation.cleanup import clean_up
from napari_snpore.threads import use_at_most_threads
from tests.block_cases import OnDisk, cut_shapes

RANKS = {6: 1, 18: 2, 26: 3}


def without_specks(phases, phase, least, connectivity):
    """Object by object, as the definition has it."""
    structure = ndimage.generate_binary_structure(3, RANKS[connectivity])
    labels, count = ndimage.label(phases == phase, structure)
    out = phases.copy()
    for label in range(1, count + 1):
        here = labels == label
        ring = ndimage.binary_dilation(here, np.ones((3, 3, 3), bool)) & (phases != phase)
        if here.sum() < least and ring.any():
            out[here] = np.bincount(phases[ring]).argmax()
    return out


def filled(phases, phase):
    holes = ndimage.binary_fill_holes(phases >= phase) & (phases > 0) & (phases < phase)
    return np.where(holes, phase, phases).astype(phases.dtype)


def phases_of(shape, seed):
    random = np.random.default_rng(seed)
    return random.choice([0, 1, 2, 3], shape, p=[0.1, 0.3, 0.35, 0.25]).astype(np.uint8)


@settings(max_examples=50, deadline=None)
@given(cut_shapes(8), st.integers(0, 2**32), st.sampled_from([6, 18, 26]), st.integers(1, 9))
def test_parts_of_the_clean_up_do_not_depend_on_blocks(cut, seed, connectivity, least):
    shape, sizes = cut
    phases = phases_of(shape, seed)
    phases.flat[0] = 3
    expected = without_specks(phases, 2, least, connectivity)
    out = np.full(shape, 9, np.uint8)
    clean, (step,) = clean_up(
        OnDisk(phases), specks=[(2, least)], connectivity=connectivity, out=out, block_shape=sizes
    )
    assert clean is out
    np.testing.assert_array_equal(out, expected)
    assert step.changed_voxel_count == np.count_nonzero(expected != phases)
    out, (step,) = clean_up(OnDisk(phases), fill=[3], block_shape=sizes)
    np.testing.assert_array_equal(out, filled(phases, 3))
    assert step.changed_voxel_count == np.count_nonzero(out != phases)
    everything = {"majority_radius": 1 + seed % 2, "fill": [2, 3], "specks": [(3, least), (2, 3)]}
    made = OnDisk(np.empty(shape, np.uint8))
    lazy = {"connectivity": connectivity, "block_shape": sizes, "out": made, **everything}
    try:
        whole, steps = clean_up(phases, connectivity=connectivity, **everything)
    except InputError as refused:  # a part left none of the phase that the next one names
        with pytest.raises(InputError, match=str(refused)):
            clean_up(OnDisk(phases), **lazy)
        return
    blocks = clean_up(OnDisk(phases), **lazy)
    np.testing.assert_array_equal(blocks[0].data, whole)
    assert blocks[1] == steps
    voted, _ = clean_up(phases, majority_radius=everything["majority_radius"])
    expected = filled(filled(voted, 2), 3)
    for phase, size in everything["specks"]:
        expected = without_specks(expected, phase, size, connectivity)
    np.testing.assert_array_equal(whole, expected)


@pytest.mark.parametrize("block", [(1, 1, 1), (3, 9, 2), (9, 1, 9)])
def test_a_speck_across_blocks_asks_each_voxel_around_it_once(block):
    """A diagonal speck of three voxels: carbon on one side, pore on the other, one voxel more."""
    phases = np.full((5, 9, 9), 1, np.uint8)
    phases[:, :, 5:] = 2
    phases[2, [3, 4, 5], [4, 5, 6]] = 3
    expected = without_specks(phases, 3, 4, 26)
    assert 3 not in expected
    for threads in (1, 2):
        with use_at_most_threads(threads):
            clean, _ = clean_up(phases, specks=[(3, 4)], block_shape=block)
        np.testing.assert_array_equal(clean, expected)


def test_a_hole_across_all_blocks_is_filled_until_it_opens():
    phases = np.full((9, 9, 9), 2, np.uint8)
    phases[1:8, 4, 4] = phases[4, 1:8, 4] = 1
    clean, _ = clean_up(phases, fill=[2], block_shape=(2, 2, 2))
    assert (clean == 2).all()
    phases[4, 8, 4] = 1
    clean, _ = clean_up(phases, fill=[2], block_shape=(2, 2, 2))
    np.testing.assert_array_equal(clean, phases)


def test_nothing_to_do_is_a_copy_and_nonsense_is_refused():
    phases = phases_of((3, 4, 5), 0)
    clean, steps = clean_up(phases, out=np.empty(phases.shape, np.int16), block_shape=(2, 2, 2))
    np.testing.assert_array_equal(clean, phases)
    assert steps == []
    for wrong in (
        {"fill": [7]},
        {"specks": [(2, 0)]},
        {"majority_radius": 9},
        {"fill": [2], "out": np.empty((1, 2, 3), np.uint8)},
    ):
        with pytest.raises(InputError):
            clean_up(phases, **wrong)


def test_nothing_is_written_to_out_after_a_stop():
    phases = phases_of((200, 3, 3), 0)
    written = []

    class Watched(OnDisk):
        def __setitem__(self, place, values):
            written.append(threading.get_ident())
            super().__setitem__(place, values)

    out = Watched(np.zeros(phases.shape, np.uint8))
    with pytest.raises(Stopped):
        clean_up(
            phases, majority_radius=1, out=out, block_shape=(1, 3, 3),
            should_stop=lambda: len(written) > 2,
        )  # fmt: skip
    count = len(written)
    assert count < 200
    sleep(0.2)
    assert len(written) == count
