"""Held-out tilts: how a series is split, and the gate against paired tests of scipy."""

import numpy as np
import pytest
import scipy

from napari_snpore.errors import InputError
from napari_snpore.tomography.held_out import (
    FEWEST_TILTS,
    TiltSplit,
    mean_squares,
    paired_gain,
)

ANGLES = np.arange(-69, 70, 2.0)


@pytest.mark.parametrize("seed", range(8))
def test_each_tilt_is_in_one_group_and_the_ends_are_for_training(seed):
    split = TiltSplit.of(ANGLES, seed)
    assert sorted(split.training + split.validation + split.test) == list(range(70))
    assert {0, 69} <= set(split.training)
    for held in (split.validation, split.test):
        assert 70 / 8 - 1 <= len(held) <= 70 / 8 + 1
        assert set(np.diff(held)) == {8}
    assert min(abs(a - b) for a in split.validation for b in split.test) == 4


def test_tilts_in_the_order_of_recording_are_split_by_their_angles():
    order = np.random.default_rng(1).permutation(70)
    split = TiltSplit.of(ANGLES[order], seed=2)
    sorted_split = TiltSplit.of(ANGLES, seed=2)
    assert sorted(ANGLES[order][list(split.test)]) == list(ANGLES[list(sorted_split.test)])


def test_the_seed_alone_decides():
    assert TiltSplit.of(ANGLES, 5) == TiltSplit.of(ANGLES, 5)
    assert len({TiltSplit.of(ANGLES, seed).test for seed in range(30)}) == 8


def test_too_few_tilts_are_refused_with_the_number_that_is_needed():
    TiltSplit.of(ANGLES[:FEWEST_TILTS])
    with pytest.raises(InputError, match=r"19 images; .* 20 or more"):
        TiltSplit.of(ANGLES[: FEWEST_TILTS - 1])


def test_the_interval_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(3)
    usual = rng.uniform(1, 2, 9)
    new = usual - 0.05 + rng.normal(0, 0.04, 9)
    gain = paired_gain(new, usual)
    expected = scipy.stats.ttest_rel(new, usual).confidence_interval(0.95)
    assert gain.difference - gain.error_95 == pytest.approx(expected.low, rel=1e-9)
    assert gain.difference + gain.error_95 == pytest.approx(expected.high, rel=1e-9)
    assert gain.gains == (expected.high < 0)
    assert (gain.residual, gain.usual_residual) == pytest.approx((new.mean(), usual.mean()))


def test_pairs_that_differ_by_chance_gain_in_a_fortieth_of_all_cases():
    rng = np.random.default_rng(4)
    count = sum(
        paired_gain(*rng.normal(1, 0.1, (2, 9))).gains for _ in range(4000)
    )  # 2.5 %, 100 ± 10
    assert 70 <= count <= 130


def test_equal_volumes_and_single_images_never_gain():
    same = np.array([1.1, 1.2, 1.3])
    assert not paired_gain(same, same).gains
    assert not paired_gain([0.1], [5.0]).gains
    assert paired_gain(same - 0.01, same).gains  # the same in each image: no doubt


def test_the_sentence_says_the_verdict_first():
    assert paired_gain([1.0, 1.2], [2.0, 2.4]).sentence == (
        "No gain on 2 held-out images: residual 1.1 against 2.2, difference -1.1 ± 1.3."
    )
    assert paired_gain([1.0, 1.1, 1.2], [2.0, 2.1, 2.3]).sentence.startswith("Gain on 3 held-out")
    assert paired_gain([2.0, 2.2], [2.0, 2.1]).sentence.startswith("No gain on 2 held-out images")


@pytest.mark.parametrize(
    ("new", "usual", "words"),
    [
        ([], [], "at least one"),
        ([1.0, 2.0], [1.0], "one number for each image"),
        ([1.0, np.nan], [1.0, 2.0], "not a finite number"),
    ],
)
def test_residuals_that_are_no_pairs_are_refused(new, usual, words):
    with pytest.raises(InputError, match=words):
        paired_gain(new, usual)


def test_noise_alone_leaves_one_and_an_error_adds_its_square():
    rng = np.random.default_rng(5)
    truth = rng.uniform(0, 10, (4, 200, 200)).astype(np.float32)
    sigma = np.sqrt(0.5 + 0.2 * truth)
    measured = (truth + sigma * rng.normal(size=truth.shape)).astype(np.float32)
    weights = (1 / sigma**2).astype(np.float32)
    assert mean_squares(truth, measured, weights) == pytest.approx(1, abs=0.03)
    off = truth + 0.5 * sigma.astype(np.float32)
    assert mean_squares(off, measured, weights) == pytest.approx(1.25, abs=0.04)
