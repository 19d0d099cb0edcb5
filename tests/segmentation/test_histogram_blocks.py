"""Histogram, suggestions and phases of blocks have the same bits as those of the whole volume."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_snpore.errors import InputError
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.segmentation.exact_sums import SumScale
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.phases import segment
from napari_snpore.segmentation.thresholds import suggest_thresholds
from tests.block_cases import OnDisk, cut_shapes

KINDS = ["u1", "i1", "u2", "i2", "i4", "f2", "f4", "f8", "?", ">f4"]


def volume(shape, seed, kind):
    random = np.random.default_rng(seed)
    gray = random.choice([0.0, 20.0, 90.0], shape) + random.normal(0, 6, shape)
    if kind.endswith(("f4", "f8")) and seed % 3 == 0:
        gray.flat[0] = 1e9  # one voxel far outside
    return (gray > 50) if kind == "?" else np.clip(gray, 0, None).astype(kind)


def same(one, two):
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(two, field.name))


@settings(max_examples=60, deadline=None)
@given(cut_shapes(), st.integers(0, 2**32), st.sampled_from(KINDS), st.booleans())
def test_blocks_count_as_the_whole(cut, seed, kind, masked):
    shape, sizes = cut
    gray = volume(shape, seed, kind)
    mask = None
    if masked:
        mask = np.random.default_rng(seed).random(shape) < 0.7
        mask.flat[-1] = True
    whole = gray_histogram(gray, mask=mask)
    blocks = gray_histogram(
        OnDisk(gray), mask=None if mask is None else OnDisk(mask), block_shape=sizes
    )
    same(whole, blocks)
    chosen = gray.ravel() if mask is None else gray[mask]
    assert whole.mean == pytest.approx(chosen.astype(float).mean(), rel=1e-9, abs=1e-9)
    out = np.full(shape, 99, np.uint8)
    envelope = None if mask is None else OnDisk(mask)
    limits = (0.5,) if kind == "?" else (10.0, 50.5)
    segment(OnDisk(gray), limits, envelope=envelope, out=OnDisk(out), block_shape=sizes)
    np.testing.assert_array_equal(out, segment(gray, limits, envelope=mask))
    table = volume_fractions(OnDisk(out), spacing=0.5, block_shape=sizes)
    assert table.equals(volume_fractions(out, spacing=0.5))
    assert table["voxel_count"].sum() == np.count_nonzero(out)


@pytest.mark.parametrize("kind", ["u1", "f4"])
def test_suggestions_are_the_same(kind):
    random = np.random.default_rng(1)
    gray = random.choice([10.0, 40.0, 200.0], (40, 41, 42), p=[0.5, 0.4, 0.1])
    gray = (gray + random.normal(0, 5, gray.shape)).clip(0, 255).astype(kind)
    whole, blocks = gray_histogram(gray), gray_histogram(OnDisk(gray), block_shape=(7, 41, 13))
    for method in ("haadf", "multiotsu", "valley"):
        one, two = (suggest_thresholds(h, phases=3, method=method) for h in (whole, blocks))
        assert one.thresholds == two.thresholds


def test_sums_are_those_of_fsum_in_any_order():
    random = np.random.default_rng(3)
    for scale in (1e-250, 1.0, 1e280):
        values = random.normal(0, 1, 5000) * scale
        whole = SumScale.of(np.abs(values).max())
        steps = sum(whole.block_steps(part) for part in np.split(values, [1, 17, 4000]))
        assert steps == whole.block_steps(values[::-1].copy())
        expected = math.fsum(values / len(values))
        assert whole.mean(steps, len(values)) == pytest.approx(expected, abs=1e-13 * scale)
    values = random.normal(0, 1, 5000).astype(np.float32)
    steps = SumScale.of(8.0).block_steps(values)
    assert SumScale.of(8.0).mean(steps, 1) == pytest.approx(math.fsum(values), abs=1e-11)


def test_an_empty_mask_and_another_shape_are_refused():
    gray = np.zeros((3, 4, 5), np.float32)
    for empty in (gray, gray.astype(np.uint8)):
        with pytest.raises(InputError, match="no voxel"):
            gray_histogram(empty, mask=np.zeros(gray.shape, bool), block_shape=(1, 2, 5))
    with pytest.raises(InputError, match="mask has shape"):
        gray_histogram(gray, mask=np.ones((3, 4), bool))
    with pytest.raises(InputError, match="out has shape"):
        segment(gray, (1, 2), out=np.zeros((3, 4), np.uint8))
