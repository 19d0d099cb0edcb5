"""Shells, contacts and fractions by slice of blocks on disk are those of the whole in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_snpore import Volume, label_objects, make_phantom, measure_objects
from napari_snpore.blocks import VoxelwiseArray
from napari_snpore.errors import InputError
from napari_snpore.measurement import distance
from napari_snpore.measurement.contacts import contact_areas
from napari_snpore.measurement.distance import distance_map
from napari_snpore.measurement.envelope_depth import envelope_depth
from napari_snpore.measurement.profiles import radial_profile, slice_fractions
from napari_snpore.scratch import scratch_beside
from tests.block_cases import OnDisk, cut_shapes

VOXEL = (0.3, 0.3, 0.3)


def in_blocks(data, sizes):
    """An array that is read block by block alone."""
    array = OnDisk(data)
    array.block_shape = sizes
    return array


@settings(max_examples=60, deadline=None)
@given(cut_shapes(9), st.integers(0, 2**32), st.booleans())
def test_contacts_do_not_depend_on_blocks(cut, seed, with_dead):
    shape, sizes = cut
    random = np.random.default_rng(seed)
    phases = random.choice([0, 1, 2, 3], shape, p=[0.1, 0.2, 0.4, 0.3]).astype(np.uint8)
    labels = label_objects(phases == 3, connectivity=6).astype(np.uint32)
    dead = (phases == 1) & (random.random(shape) < 0.5)
    whole = contact_areas(labels, phases, spacing=VOXEL, dead=dead if with_dead else None)
    found = contact_areas(
        in_blocks(labels, sizes),
        in_blocks(phases, sizes),
        spacing=VOXEL,
        dead=in_blocks(dead, sizes) if with_dead else None,
    )
    pd.testing.assert_frame_equal(whole, found, check_exact=True)


@settings(max_examples=60, deadline=None)
@given(cut_shapes(9), st.integers(0, 2**32), st.sampled_from([(), (1,), (0, 2)]))
def test_shells_and_slices_do_not_depend_on_blocks(cut, seed, cut_axes):
    shape, sizes = cut
    random = np.random.default_rng(seed)
    phases = random.choice([0, 1, 2, 3], shape, p=[0.1, 0.3, 0.4, 0.2]).astype(np.uint8)
    phases[0, 0, 0] = 2
    blocks = in_blocks(phases, sizes)
    options = {"spacing": VOXEL, "shell_nm": 0.5, "cut_axes": cut_axes}
    pd.testing.assert_frame_equal(
        radial_profile(phases, **options), radial_profile(blocks, **options), check_exact=True
    )
    for axis in range(3):
        tables = [slice_fractions(one, axis=axis, spacing=VOXEL) for one in (phases, blocks)]
        pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_distances_lie_in_mapped_files_where_memory_is_short(tmp_path, monkeypatch):
    monkeypatch.setattr(distance, "_BLOCK_VOXELS", 1)
    phantom = make_phantom("pristine", shape=(40, 36, 40), spacing=0.3, seed=2)
    phases = np.asarray(phantom.phases)
    labels = label_objects(Volume(phases == 3, 0.3))
    objects = measure_objects(labels)
    sources = [in_blocks(data, (16, 16, 16)) for data in (phases, np.asarray(labels.data))]
    with scratch_beside(tmp_path / "out", 200_000) as scratch:
        assert isinstance(scratch.empty(phases.shape), np.memmap)
        shells = radial_profile(
            Volume(sources[0], 0.3), shell_nm=1.0, objects=objects, cut_axes=(1,), scratch=scratch
        )
        contacts = contact_areas(
            Volume(sources[1], 0.3), Volume(sources[0], 0.3), edge_width_nm=0.4, scratch=scratch
        )
    assert not list(tmp_path.iterdir())
    usual = radial_profile(Volume(phases, 0.3), shell_nm=1.0, objects=objects, cut_axes=(1,))
    pd.testing.assert_frame_equal(shells, usual, check_exact=True)
    usual = contact_areas(labels, Volume(phases, 0.3), edge_width_nm=0.4)
    pd.testing.assert_frame_equal(contacts, usual, check_exact=True)
    # a slab of planes at a time, 16 of them and the next one
    assert max(one.largest for one in sources) <= 17 * 36 * 40


def test_a_lazy_mask_has_the_distances_of_the_one_that_it_computes():
    values = np.random.default_rng(1).integers(0, 5, (13, 11, 9))
    lazy = VoxelwiseArray(in_blocks(values, (4, 11, 9)), lambda part: part > 0, np.dtype(bool))
    out = np.empty(values.shape, np.float32)
    assert distance_map(lazy, VOXEL, out=out) is out
    np.testing.assert_array_equal(out, distance_map(values > 0, VOXEL))


def test_an_envelope_on_disk_may_be_a_volume():
    body = np.random.default_rng(0).random((12, 9, 11)) < 0.9
    lazy = Volume(in_blocks(body, (5, 4, 3)), 0.3)
    np.testing.assert_array_equal(envelope_depth(lazy), envelope_depth(body, spacing=VOXEL))
    with pytest.raises(InputError, match="booleans"):
        envelope_depth(Volume(in_blocks(body.astype(np.uint8), (5, 4, 3)), 0.3))
    phases = in_blocks(np.ones((4, 4, 4), np.uint8), (4, 4, 4))
    with pytest.raises(InputError, match="dead has shape"):
        contact_areas(phases, phases, spacing=VOXEL, dead=in_blocks(body, (5, 4, 3)))


def test_labels_with_gaps_take_no_table_of_all_numbers():
    phases = np.full((6, 5, 7), 2, np.uint8)
    phases[1, 1, 1], phases[4, 3, 5], phases[4, 3, 3] = 3, 3, 1
    labels = np.zeros(phases.shape, np.uint32)
    labels[1, 1, 1], labels[4, 3, 5] = 4_000_000_000, 7
    table = contact_areas(in_blocks(labels, (2, 5, 7)), in_blocks(phases, (2, 5, 7)), spacing=VOXEL)
    assert table["label"].tolist() == [7, 4_000_000_000]
    assert table["pore_distance_nm"][0] == pytest.approx(0.6)


def test_one_object_that_fills_the_box_has_no_faces():
    full = np.ones((3, 4, 5), np.uint8)
    table = contact_areas(full, np.full(full.shape, 3, np.uint8), spacing=VOXEL)
    assert table["label"].tolist() == [1]
    assert table["pore_face_percent"].isna().all()
    assert contact_areas(full * 0, full, spacing=VOXEL).empty


def test_phases_on_disk_are_bytes():
    wide = in_blocks(np.ones((3, 3, 3), np.int32), (3, 3, 3))
    with pytest.raises(InputError, match="bytes"):
        slice_fractions(wide, axis=0, spacing=1.0)
