"""Occlusion, envelope and largest body of blocks have the bits of the whole, for any blocks, cut
faces and ray lengths.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.scratch import ScratchSpace
from napari_snpore.segmentation.body import largest_body
from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.segmentation.occlusion import ambient_occlusion, fibre_envelope
from napari_snpore.segmentation.packed_mask import PackedMask
from napari_snpore.threads import use_at_most_threads
from napari_snpore.volume import Volume
from tests.block_cases import OnDisk, cut_shapes

SPACING = (0.8, 0.5, 0.6)


def porous(shape, seed):
    """Solid in the middle of the box, in some seeds at its faces too, with pores."""
    random = np.random.default_rng(seed)
    solid = random.random(shape) < 0.4
    if seed % 2:
        solid[: shape[0] // 3] = False
        solid[..., -(shape[2] // 4) or None :] = False
    return solid


@settings(max_examples=50, deadline=None)
@given(
    cut_shapes(13),
    st.integers(0, 2**32),
    st.sampled_from([0.7, 1.9, 4.3, 11.0]),
    st.sampled_from([(), (1,), (0, 2), (0, 1, 2)]),
)
def test_fields_and_envelopes_do_not_depend_on_blocks(cut, seed, ray_length, cut_axes):
    shape, sizes = cut
    solid = porous(shape, seed)
    options = {
        "spacing": SPACING, "ray_length_nm": ray_length, "directions": 40, "cut_axes": cut_axes,
    }  # fmt: skip
    field = np.full(shape, np.nan, np.float32)
    ambient_occlusion(OnDisk(solid), out=OnDisk(field), block_shape=sizes, **options)
    np.testing.assert_array_equal(field, ambient_occlusion(solid, **options))
    mask = np.zeros(shape, bool)
    fibre_envelope(OnDisk(solid), out=OnDisk(mask), block_shape=sizes, **options)
    np.testing.assert_array_equal(mask, fibre_envelope(solid, **options))
    # what the envelope is, from the field
    candidates = (field < 0.5) & ~solid
    labels, _ = ndimage.label(candidates)
    uncut = [axis for axis in range(3) if axis not in cut_axes]
    faces = [labels.take(end, axis=axis).ravel() for axis in uncut for end in (0, -1)]
    outside = np.isin(labels, np.concatenate(faces)) & candidates if faces else labels < 0
    np.testing.assert_array_equal(mask, ~outside)


@settings(max_examples=30, deadline=None)
@given(cut_shapes(9), st.integers(0, 2**32))
def test_largest_body_is_that_of_scipy(cut, seed):
    shape, sizes = cut
    solid = np.random.default_rng(seed).random(shape) < 0.35
    labels, count = ndimage.label(solid)
    expected = np.zeros(shape, bool)
    if count:
        expected = labels == np.argmax(np.bincount(labels[solid])[1:]) + 1
    np.testing.assert_array_equal(largest_body(OnDisk(solid), block_shape=sizes), expected)


@pytest.mark.parametrize("largest", [True, False])
def test_an_envelope_from_a_volume_on_disk(tmp_path, largest):
    z, _, x = np.indices((40, 14, 40))
    gray = np.where(np.hypot(z - 19, x - 19) < 13, 1.0, 0.0) + (np.hypot(z - 19, x - 23) < 3) * -1
    gray = (gray + np.random.default_rng(0).normal(0, 0.12, gray.shape)).astype(np.float32)
    gray[1, 3, 1] = 1.0  # a speck
    options = EnvelopeOptions(directions=40, largest_body=largest)
    whole = make_envelope(Volume(gray, 0.5), 0.5, options)
    for threads in (1, 2):
        out = np.zeros(gray.shape, bool)
        with use_at_most_threads(threads):
            blocks = make_envelope(
                Volume(OnDisk(gray), 0.5), 0.5, options,
                out=OnDisk(out), scratch=ScratchSpace(1000, tmp_path), block_shape=(9, 14, 11),
            )  # fmt: skip
        np.testing.assert_array_equal(out, whole.mask)
        np.testing.assert_array_equal(blocks.mask, whole.mask)
        for field in fields(whole):
            if field.name != "packed":
                assert getattr(blocks, field.name) == getattr(whole, field.name)
    assert whole.loose_voxel_count == int(largest)


@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 1, 1), (4, 2, 8)])
def test_masks_are_packed_slab_by_slab(shape, monkeypatch):
    mask = np.random.default_rng(0).random(shape) < 0.5
    monkeypatch.setattr("napari_snpore.blocks._SLAB_VOXELS", 1)
    packed = PackedMask.of(OnDisk(mask))
    np.testing.assert_array_equal(packed.bits, np.packbits(mask))
    np.testing.assert_array_equal(packed.unpacked(), mask)


def test_out_of_another_kind_is_refused():
    solid = np.zeros((3, 4, 5), bool)
    with pytest.raises(InputError, match="out"):
        fibre_envelope(solid, spacing=1, ray_length_nm=2, out=np.zeros((3, 4, 5), np.float32))
    with pytest.raises(InputError, match="out"):
        ambient_occlusion(solid, spacing=1, ray_length_nm=2, out=np.zeros((3, 4, 4), np.float32))


def test_blocks_of_an_envelope_on_disk_fit_the_memory(monkeypatch):
    """With 4 bytes per voxel and thread of a quarter of the limit, no block is the whole."""
    solid = porous((30, 31, 32), 1)
    monkeypatch.setattr("napari_snpore.blocks._SLAB_VOXELS", 2000)
    monkeypatch.setattr("napari_snpore.segmentation.rays.memory_limit", lambda: 4 * 5 * 9000)
    lazy = OnDisk(solid)
    options = {"spacing": 1.0, "ray_length_nm": 3.0, "directions": 40, "cut_axes": (1,)}
    with use_at_most_threads(2):
        found = fibre_envelope(lazy, **options)
    assert lazy.largest <= 9000
    np.testing.assert_array_equal(found, fibre_envelope(solid, **options))
