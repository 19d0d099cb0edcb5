"""Local thickness against balls painted one by one and bodies of known width; chords against runs
counted by hand.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.measurement.thickness import chord_lengths, local_thickness, size_distribution


def brute_force(mask, spacing):
    """Balls about every voxel's centre: to the nearest centre outside less half an edge for cubes,
    to the nearest box outside for other voxels.
    """
    grid = np.stack(np.indices(mask.shape), axis=-1)
    outside = np.argwhere(~mask)
    half = 0.5 if len(set(spacing)) > 1 else 0.0
    out = np.zeros(mask.shape)
    for place in np.argwhere(mask):
        apart = np.maximum(np.abs(outside - place) - half, 0) * np.array(spacing)
        r = np.linalg.norm(apart, axis=1).min() - (0 if half else spacing[0] / 2)
        r = max(r, min(spacing) / 2)
        ball = np.linalg.norm((grid - place) * np.array(spacing), axis=-1) <= r * (1 + 1e-9)
        out[ball] = np.maximum(out[ball], r)
    return np.where(mask, 2 * out, 0)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 1.0, 0.7)])
def test_every_voxel_has_the_largest_ball_that_holds_it(spacing):
    noise = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((20, 18, 22)), 2)
    mask = noise > 0
    assert local_thickness(mask, spacing=spacing) == pytest.approx(
        brute_force(mask, spacing), abs=1e-4
    )


def test_slab_and_cylinder_have_their_width():
    slab = np.zeros((30, 12, 12), bool)
    slab[10:19] = True
    found = local_thickness(slab, spacing=0.5)
    assert np.median(found[slab]) == pytest.approx(4.5)
    z, _, x = np.mgrid[:60, :8, :60] - np.array([29.5, 0, 29.5])[:, None, None, None]
    rod = np.hypot(z, x) < 20
    # 40 across, its axis between voxels: balls about voxels are 0.7 off it, on both sides, and half
    # a voxel short at the rim
    assert np.median(local_thickness(rod, spacing=1.0)[rod]) == pytest.approx(40 - 2.4, abs=0.5)


def test_thickness_is_the_same_on_any_number_of_threads(monkeypatch):
    mask = ndimage.gaussian_filter(np.random.default_rng(2).standard_normal((40, 20, 20)), 2) > 0
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("SNPORE_THREADS", threads)
        found.append(local_thickness(mask, spacing=1.0))
    assert np.array_equal(*found)


def test_chords_by_hand():
    mask = np.zeros((1, 3, 10), bool)
    mask[0, 0, 2:5] = mask[0, 0, 7:8] = True
    mask[0, 1, 0:4] = True  # cut by the box
    mask[0, 2, 8:10] = True  # likewise
    assert sorted(chord_lengths(mask, axis=2, spacing=0.5)) == [0.5, 1.5]
    assert sorted(chord_lengths(mask, axis=2, spacing=0.5, cut=True)) == [0.5, 1.0, 1.5, 2.0]
    assert chord_lengths(mask, axis=0, spacing=0.5).size == 0


def test_chords_of_a_sphere_have_its_mean_chord():
    """Mean chord of a convex body over lines of one direction: volume over shadow, 4R/3 for a
    sphere.
    """
    z, y, x = np.mgrid[:64, :64, :64] - 31.5
    ball = z**2 + y**2 + x**2 < 25**2
    assert chord_lengths(ball, axis=1, spacing=1.0).mean() == pytest.approx(4 * 25 / 3, rel=0.01)


def test_distribution_by_number_and_by_size():
    table = size_distribution(np.array([1.0, 1.0, 1.0, 3.0]), bin_nm=2.0)
    assert table["share_percent"].tolist() == [75, 25]
    assert table["weighted_share_percent"].tolist() == [50, 50]
    assert len(size_distribution(np.zeros(3))) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: local_thickness(np.ones((3, 3, 3), bool), spacing=1),
        lambda: local_thickness(np.ones((3, 3, 3)), spacing=1),
        lambda: chord_lengths(np.ones((3, 3, 3), bool), axis=3, spacing=1),
        lambda: size_distribution(np.ones(3), bin_nm=0),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()
