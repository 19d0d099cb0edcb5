"""Level sets against brute force: class by class projected whole, blurred by scipy, fitted by
lstsq.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from napari_snpore.errors import InputError, Stopped
from napari_snpore.tomography.discrete._gram_kernels import add_gram
from napari_snpore.tomography.discrete.level_fits import (
    finer_grid,
    fit_levels,
    search_levels,
)
from napari_snpore.tomography.discrete.level_sets import (
    image_rows,
    project_level_sets,
    slabs_of,
    threshold_grid,
)
from napari_snpore.tomography.projector import project

ANGLES = np.linspace(-66, 66, 12)
BLUR = 1.2


def blurred(images):
    rows = gaussian_filter1d(images, BLUR, axis=1, mode="reflect", truncate=3.5)
    return gaussian_filter1d(rows, BLUR, axis=2, mode="constant", truncate=3.5)


@pytest.fixture(scope="module")
def scene():
    """A smooth random body with images of its classes at levels 1, 4 and 9, and noise."""
    rng = np.random.default_rng(3)
    volume = gaussian_filter(rng.normal(size=(24, 40, 22)), 1.5).astype(np.float32)
    volume /= np.abs(volume).max()
    gray = np.digitize(volume, [0.1, 0.3, 0.5])
    classes = np.array([0.0, 1.0, 4.0, 9.0], np.float32)[gray]
    images = blurred(project(classes, ANGLES)).astype(np.float32)
    images += rng.normal(scale=0.2, size=images.shape).astype(np.float32)
    weights = rng.uniform(0.5, 2, images.shape).astype(np.float32)
    return volume, images, weights


def by_hand(scene, thresholds, rows):
    """Least squares with one projection of the whole volume per class, rows cut out at the end."""
    volume, images, weights = scene
    bounds = [*thresholds, np.inf]
    columns, kept = [], [np.arange(first, last) for first, last in rows]
    kept = np.concatenate(kept)
    root = np.sqrt(weights[:, kept].astype(float)).ravel()
    for low, high in pairwise(bounds):
        shadow = blurred(project(((volume >= low) & (volume < high)).astype(np.float32), ANGLES))
        columns.append(root * shadow[:, kept].ravel())
    target = root * images[:, kept].ravel()
    matrix = np.stack(columns, axis=1)
    levels = np.linalg.lstsq(matrix, target, rcond=None)[0]
    return np.mean((target - matrix @ levels) ** 2), levels


def level_sets(scene, thresholds, rows, **options):
    volume, images, weights = scene
    slabs = [
        image_rows(volume, images, weights[:, first:last], (first, last), BLUR)
        for first, last in rows
    ]
    return project_level_sets(slabs, np.asarray(thresholds), ANGLES, blur_px=BLUR, **options)


GRID = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@pytest.mark.parametrize("rows", [[(0, 40)], [(9, 15), (24, 32)], [(0, 5)]])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_residual_and_levels_are_those_of_brute_force(scene, rows, number):
    sets = level_sets(scene, GRID, rows)
    for choice in list(combinations(range(len(GRID)), number))[::4]:
        residual, levels = fit_levels(sets, np.array([choice]))
        expected, expected_levels = by_hand(scene, GRID[list(choice)], rows)
        if (np.diff(expected_levels, prepend=0) > 0).all():
            np.testing.assert_allclose(residual[0], expected, rtol=1e-4)
            np.testing.assert_allclose(levels[0], expected_levels, rtol=1e-4)
        else:
            assert np.isinf(residual[0])
            assert np.isnan(levels).all()


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_search_finds_the_least_residual_of_all_choices(scene, number):
    rows = [(9, 15)]
    found = search_levels(level_sets(scene, GRID, rows), number)
    residuals = {}
    for choice in combinations(range(len(GRID)), number):
        value, levels = by_hand(scene, GRID[list(choice)], rows)
        if (np.diff(levels, prepend=0) > 0).all():
            residuals[choice] = value
    assert found.best == min(residuals, key=residuals.get)
    expected = np.full((len(GRID),) * min(number, 2), np.nan)
    for choice, value in residuals.items():
        expected[choice[:2]] = np.fmin(expected[choice[:2]], value)
    np.testing.assert_allclose(found.residual, expected, rtol=1e-4)


def test_the_thresholds_of_the_classes_are_found_between_grid_points(scene):
    grid = np.array([0.05, 0.09, 0.13, 0.22, 0.29, 0.33, 0.44, 0.52])
    best = search_levels(level_sets(scene, grid, [(0, 40)]), 3).best
    finer = finer_grid(grid, best)
    found = search_levels(level_sets(scene, finer, [(0, 40)]), 3).best
    np.testing.assert_allclose(finer[list(found)], [0.1, 0.3, 0.5], atol=0.006)


def test_same_bits_on_any_number_of_threads(scene):
    one = level_sets(scene, GRID, [(9, 15), (24, 32)], threads=1)
    two = level_sets(scene, GRID, [(9, 15), (24, 32)], threads=2)
    np.testing.assert_array_equal(one.gram, two.gram)
    np.testing.assert_array_equal(one.moments, two.moments)


def test_chunks_of_tilts_do_not_change_the_sums(scene, monkeypatch):
    whole = level_sets(scene, GRID, [(9, 15)])
    monkeypatch.setattr("napari_snpore.tomography.discrete.level_sets._CHUNK_BYTES", 1)
    cut = level_sets(scene, GRID, [(9, 15)])
    np.testing.assert_allclose(cut.gram, whole.gram, rtol=1e-12)


def test_progress_rises_and_a_stop_ends_the_projection(scene):
    seen = []
    level_sets(scene, GRID, [(9, 15)], progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    with pytest.raises(Stopped):
        level_sets(scene, GRID, [(9, 15)], should_stop=lambda: True)


def test_gram_of_nested_rows_drawn_by_hand():
    rows = np.array([[5, 1, 7], [3, 0, 2], [1, 0, 2]], np.float32)
    weights = np.array([1, 2, 0.5], np.float32)
    out = np.zeros((3, 3))
    add_gram(rows, weights, np.empty(3), out)
    expected = np.triu((rows * weights) @ rows.T.astype(float))
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("contrast", [2.0, 3.5, 12.0])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 3e4])
def test_grid_is_fine_on_both_sides_of_carbon_at_any_contrast_and_scale(contrast, scale):
    rng = np.random.default_rng(0)
    shares = rng.random(200_000)
    values = np.where(shares < 0.5, 0, np.where(shares < 0.85, 1.0, contrast))
    edges = shares > 0.95  # between all levels, as at blurred boundaries
    values[edges] = rng.uniform(0, contrast, np.count_nonzero(edges))
    values = (values + rng.normal(scale=0.1, size=values.size)) * scale
    grid = threshold_grid(values, 64) / scale
    inside = grid[(grid > 0.3) & (grid < 0.7)]
    assert np.diff(inside).max() < 0.1
    upper = grid[(grid > 1 + 0.3 * (contrast - 1)) & (grid < 1 + 0.7 * (contrast - 1))]
    assert len(upper) >= 4
    assert np.diff(upper).max() < 0.12 * (contrast - 1)


def test_one_hot_voxel_leaves_the_grid_where_it_is():
    rng = np.random.default_rng(1)
    values = np.abs(rng.normal(1, 0.3, 500_000))
    hot = values.copy()
    hot[0] = 1e9
    np.testing.assert_allclose(threshold_grid(hot, 64), threshold_grid(values, 64), rtol=1e-3)


def test_values_without_signal_have_no_thresholds():
    assert threshold_grid(np.zeros(10), 64).size == 0
    assert threshold_grid(-np.ones(10), 64).size == 0


def test_slabs_depend_on_the_shape_and_cover_a_small_volume():
    assert slabs_of(20, 32) == [(0, 20)]
    for slices in (49, 96, 177, 512):
        (a, b), (c, d) = slabs_of(slices, 32)
        assert 0 <= a < b <= c < d <= slices
        assert b - a == d - c == 16


def test_nan_in_the_volume_is_refused(scene):
    volume, images, weights = scene
    broken = volume.copy()
    broken[3, 10, 4] = np.nan
    with pytest.raises(InputError, match="NaN"):
        image_rows(broken, images, weights[:, 9:15], (9, 15), BLUR)
