"""Results do not depend on the slabs that keep the memory low."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from skimage.measure import euler_number

from napari_snpore import blocks
from napari_snpore.measurement import networks
from napari_snpore.measurement.contacts import contact_areas
from napari_snpore.measurement.dead_pores import accessible_pores, dead_pores
from napari_snpore.measurement.labelling import voxel_counts
from napari_snpore.segmentation.packed_mask import PackedMask


@pytest.fixture
def phases():
    random = np.random.default_rng(4)
    coarse = random.choice([0, 1, 1, 2, 3], (9, 7, 8)).astype(np.uint8)
    found = coarse.repeat(3, 0).repeat(3, 1).repeat(3, 2)
    found[random.random(found.shape) < 0.05] = 2
    return found


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("planes", [1, 2, 5, 100])
def test_euler_number_of_slabs_adds_up_to_that_of_the_library(rank, planes, phases, monkeypatch):
    monkeypatch.setattr(networks, "_EULER_VOXELS", planes * phases[0].size)
    for mask in (phases == 1, phases > 1, np.ones((5, 4, 3), bool), np.zeros((3, 3, 3), bool)):
        assert networks._euler_number(mask, rank) == euler_number(mask, connectivity=rank)


def test_pores_and_contacts_of_thin_slabs_are_those_of_one(phases, monkeypatch):
    spacing = (0.5, 1.0, 0.75)
    objects = (phases == 3).astype(np.uint32)

    def tables():
        dead = dead_pores(phases, spacing=spacing, probe_radius_nm=0.8, cut_axes=(1,))
        reached = accessible_pores(phases, [0, 0.5, 0.8, 1.4], spacing=spacing, cut_axes=(1,))
        return dead.table, reached, contact_areas(objects, phases, spacing=spacing), dead.mask(6)

    *whole, dead = tables()
    monkeypatch.setattr(blocks, "_SLAB_VOXELS", 2 * phases[0].size)
    *thin, dead_of_thin = tables()
    for one, two in zip(whole, thin, strict=True):
        pd.testing.assert_frame_equal(one, two)
    assert dead.any()
    np.testing.assert_array_equal(dead, dead_of_thin)


def test_voxels_of_labels_are_counted_over_all_slabs(monkeypatch):
    monkeypatch.setattr(blocks, "_SLAB_VOXELS", 4)
    labels = np.array([[[0, 2]], [[2, 5]], [[0, 0]]], np.uint16)
    assert voxel_counts(labels, 5).tolist() == [3, 0, 2, 0, 0, 1]


def test_packed_mask_comes_back():
    mask = np.random.default_rng(0).random((3, 5, 7)) < 0.5
    np.testing.assert_array_equal(PackedMask.of(mask).unpacked(), mask)
    assert PackedMask.of(mask).bits.nbytes == 14  # 105 voxels
