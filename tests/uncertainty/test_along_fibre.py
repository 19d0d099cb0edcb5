"""Sampling along a fibre: slices of known scatter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_snpore.uncertainty.along_fibre import correlation_length, fibre_half_widths


def test_independent_slabs_have_the_error_of_their_mean():
    rng = np.random.default_rng(0)
    halves = []
    for _ in range(20):
        labels = np.where(rng.random((10, 400, 10)) < 0.3, 1, 2).astype(np.uint8)
        halves.append(fibre_half_widths(labels, [1])[1])
    # 40,000 voxels, each by itself: a half-width of 1.96 standard errors, a little more by Student's t
    wanted = 100 * 1.96 * np.sqrt(0.3 * 0.7 / 40_000)
    assert np.mean(halves) == pytest.approx(wanted, rel=0.1)


def test_thick_grains_count_once():
    rng = np.random.default_rng(1)
    grains = np.repeat(rng.random(40) < 0.5, 10)
    labels = np.where(grains, 1, 2).astype(np.uint8)[None, :, None] * np.ones((4, 1, 4), np.uint8)
    half = fibre_half_widths(labels, [1])[1]
    of_grains = 100 * stats.t.ppf(0.975, 39) * 0.5 / np.sqrt(40)
    assert half == pytest.approx(of_grains, rel=0.5)


def test_too_short_a_piece_says_nothing():
    labels = np.ones((4, 14, 4), np.uint8)
    labels[:, ::2] = 2
    assert fibre_half_widths(labels, [1]) == {}


def test_a_body_that_does_not_change_has_no_scatter():
    assert correlation_length(np.full(30, 5.0), np.full(30, 9.0)) == 1
    labels = np.ones((4, 40, 4), np.uint8)
    assert fibre_half_widths(labels, [1])[1] == 0
