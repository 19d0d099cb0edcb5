"""Clean-up against hand-drawn arrays and a brute-force vote; smoothing against scipy and
scikit-image on the whole volume.
"""

from __future__ import annotations

import threading
from time import sleep

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import ball
from skimage.restoration import denoise_nl_means

from napari_snpore import Volume
from napari_snpore.errors import InputError, Stopped
from napari_snpore.segmentation.cleanup import clean_up, fill_holes, majority_filter, remove_specks
from napari_snpore.segmentation.smoothing import smooth_volume


def test_specks_take_the_phase_around_them():
    phases = np.full((7, 7, 7), 2, np.uint8)
    phases[:, :, 5:] = 1
    phases[3, 3, 3] = 3  # in carbon
    phases[1, 1, 6] = 3  # in a pore
    phases[5, 4:7, 1] = 3  # three voxels: stays
    clean = remove_specks(phases, 3, min_voxels=3)
    assert clean[3, 3, 3] == 2
    assert clean[1, 1, 6] == 1
    assert (clean[5, 4:7, 1] == 3).all()
    assert np.count_nonzero(clean != phases) == 2


def test_a_diagonal_pair_is_one_object_at_26_and_two_at_6():
    phases = np.ones((5, 5, 5), np.uint8)
    phases[1, 1, 1] = phases[2, 2, 2] = 3
    assert (remove_specks(phases, 3, min_voxels=2, connectivity=26) == phases).all()
    assert (remove_specks(phases, 3, min_voxels=2, connectivity=6) == 1).all()


def test_speck_in_the_open_becomes_exterior():
    phases = np.zeros((5, 5, 5), np.uint8)
    phases[2, 2, 2] = 2
    assert not remove_specks(phases, 2, min_voxels=2).any()


def test_holes_are_filled_and_tunnels_and_brighter_phases_are_not():
    phases = np.ones((7, 7, 7), np.uint8)
    phases[1:6, 1:6, 1:6] = 2
    phases[3, 3, 3] = 1  # enclosed
    phases[3, 2, 3] = 3  # tin within carbon
    filled = fill_holes(phases, 2)
    assert filled[3, 3, 3] == 2
    assert filled[3, 2, 3] == 3
    assert np.count_nonzero(filled != phases) == 1
    phases[3, 3, 3:6] = 1  # now it reaches the outside
    assert (fill_holes(phases, 2) == phases).all()


@pytest.mark.parametrize("radius", [1, 2])
def test_majority_is_that_of_a_count_in_every_cube(radius):
    phases = np.random.default_rng(0).integers(0, 4, (6, 9, 7)).astype(np.uint8)
    found = majority_filter(phases, radius=radius)
    for place in np.ndindex(phases.shape):
        cube = phases[tuple(slice(max(0, k - radius), k + radius + 1) for k in place)]
        votes = np.bincount(cube.ravel(), minlength=4)
        own = phases[place]
        if own == 0:
            assert found[place] == 0
        else:
            assert votes[found[place]] == votes[1:].max()
            assert found[place] == own or votes[own] < votes[1:].max()


def test_steps_say_what_they_changed_and_leave_the_input_alone():
    phases = np.full((6, 6, 6), 2, np.uint8)
    phases[3, 3, 3] = 1
    phases[1, 1, 1] = 3
    before = phases.copy()
    clean, steps = clean_up(phases, specks=[(3, 2)], fill=[2])
    assert [(step.name, step.changed_voxel_count) for step in steps] == [
        ("fill holes of phase 2", 1),
        ("specks of phase 3 below 2 voxels", 1),
    ]
    assert (clean == 2).all()
    assert (phases == before).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda phases: remove_specks(phases, 4, min_voxels=2),
        lambda phases: remove_specks(phases, 1, min_voxels=0),
        lambda phases: fill_holes(phases, 0),
        lambda phases: majority_filter(phases, radius=0),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong(np.ones((4, 4, 4), np.uint8))


GRAY = Volume(np.random.default_rng(1).normal(5, 1, (40, 12, 14)).astype(np.float32), 0.5)


@pytest.mark.parametrize(
    ("method", "strength", "peer"),
    [
        ("gaussian", 1.5, lambda data: ndimage.gaussian_filter(data, 1.5, mode="nearest")),
        (
            "median",
            2.0,
            lambda data: ndimage.median_filter(data, footprint=ball(2), mode="nearest"),
        ),
    ],
)
def test_slabs_are_as_the_whole(method, strength, peer, monkeypatch):
    monkeypatch.setattr("napari_snpore.segmentation.smoothing._SLAB_VOXELS", 1)
    smooth = smooth_volume(GRAY, method, strength)
    assert smooth.data == pytest.approx(peer(GRAY.data), abs=1e-5)
    step = smooth.history[-1]
    assert step.name == "smooth"
    assert step.parameters["changed_rms"] == pytest.approx(
        np.sqrt(np.mean((smooth.data - GRAY.data) ** 2)), rel=1e-4
    )


def test_noise_falls_and_edges_stay():
    """A step of 10 in noise of 1: its slope keeps 90 % of its height, and the noise beside it falls
    to less than half.
    """
    data = np.where(np.arange(40)[:, None, None] < 20, 0.0, 10.0) + np.random.default_rng(2).normal(
        0, 1, (40, 16, 16)
    )
    for method in ("nl_means", "tv"):
        smooth = smooth_volume(Volume(data.astype(np.float32), 1.0), method, 1.0).data
        assert smooth[:15].std() < 0.5
        assert smooth[20:22].mean() - smooth[18:20].mean() > 9


def test_non_local_means_is_that_of_scikit_image():
    data = GRAY.data[:16]
    found = smooth_volume(Volume(data, 1.0), "nl_means", 0.8)
    noise = found.history[-1].parameters["noise"]
    assert noise == pytest.approx(1, rel=0.1)
    peer = denoise_nl_means(
        data, patch_size=3, patch_distance=5, h=0.8 * noise, sigma=noise, fast_mode=True
    )
    # its exponential function is an approximation to a few per cent
    assert found.data == pytest.approx(peer, abs=0.02 * noise)


def test_non_local_means_is_the_mean_that_its_definition_weighs():
    """Written out for a corner, an edge and the middle, in float64; the sum over a patch has two
    voxels along each axis and is divided by 27, as scikit-image has it.
    """
    data = np.random.default_rng(6).normal(0, 1, (15, 14, 13)).astype(np.float32)
    data[8:] += 3
    found = smooth_volume(Volume(data, 1.0), "nl_means", 1.5)
    noise = found.history[-1].parameters["noise"]
    around = np.pad(data.astype(np.float64), 6, mode="reflect")

    def patch(place):
        return around[tuple(slice(k, k + 2) for k in place)]

    for voxel in ((0, 0, 0), (7, 0, 6), (8, 7, 5), (14, 13, 12)):
        here = np.array(voxel) + 6
        values, weights = 0.0, 0.0
        for shift in np.ndindex(11, 11, 11):
            there = here + shift - 5
            apart = ((patch(here) - patch(there)) ** 2 - 2 * noise**2).sum()
            distance = max(apart / (27 * (1.5 * noise) ** 2), 0.0)
            weight = np.exp(-distance) * (distance <= 5)
            values, weights = values + weight * around[tuple(there)], weights + weight
        assert found.data[voxel] == pytest.approx(values / weights, abs=2e-6)


def test_a_stop_ends_non_local_means_within_its_shifts(monkeypatch):
    """Of the 665 shifts of the only slab few are left when it is asked to stop at the first."""
    begun, done = threading.Event(), []

    def shift(*_):
        done.append(1)
        begun.set()
        assert stopped.wait(30) or len(done) == 1

    stopped = threading.Event()
    monkeypatch.setattr("napari_snpore.segmentation.non_local_means.add_shift", shift)
    before = threading.active_count()
    with pytest.raises(Stopped):
        smooth_volume(GRAY, "nl_means", 1.0, should_stop=begun.is_set)
    stopped.set()
    while threading.active_count() > before:
        sleep(0.01)
    assert len(done) < 10


@pytest.mark.parametrize(
    ("method", "strength", "words"), [("box", 1, "gaussian, median"), ("tv", 0, "positive")]
)
def test_smoothing_refuses_nonsense(method, strength, words):
    with pytest.raises(InputError, match=words):
        smooth_volume(GRAY, method, strength)


def test_slabs_of_non_local_means_are_as_the_whole(monkeypatch):
    data = np.random.default_rng(4).normal(0, 1, (30, 12, 12)).astype(np.float32)
    whole = smooth_volume(data, "nl_means", 1.0)
    monkeypatch.setattr("napari_snpore.segmentation.smoothing._SLAB_VOXELS_NL_MEANS", 1)
    np.testing.assert_allclose(smooth_volume(data, "nl_means", 1.0), whole, atol=1e-5)


def test_a_stop_of_smoothing_does_not_wait_for_its_slabs(monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def endless(slab, *_):
        begun.set()
        assert go_on.wait(30)
        return slab

    monkeypatch.setattr("napari_snpore.segmentation.smoothing._smoothed", endless)
    with pytest.raises(Stopped):
        smooth_volume(GRAY, "median", 1.0, should_stop=begun.is_set)
    go_on.set()
