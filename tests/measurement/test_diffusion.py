"""Effective diffusivity against closed forms, TauFactor and a direct solution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import spsolve

import napari_snpore as snpore
from napari_snpore.errors import InputError, Stopped


def smooth_noise(seed, shape):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, 2.0, mode="wrap")


def darkest(seed, shape, share):
    smooth = smooth_noise(seed, shape)
    return smooth < np.quantile(smooth, share)


@pytest.mark.parametrize("direction", ["z", "y", "x"])
def test_an_open_box_conducts_like_its_medium(direction):
    found = snpore.effective_diffusivity(
        np.ones((5, 6, 7), bool), direction=direction, spacing=(1.0, 0.5, 3.0)
    )
    assert found.relative_diffusivity == pytest.approx(1, rel=1e-6)
    assert found.tortuosity_factor == pytest.approx(1, rel=1e-6)
    assert found.connected_share == 1


@pytest.mark.parametrize("spacing", [1.0, (0.3, 1.0, 0.7)])
def test_layers_conduct_in_series_and_in_parallel(spacing):
    layers = np.full((8, 10, 5), 2, np.uint8)
    layers[:, :4] = 1
    values = {1: 1.0, 2: 0.25}
    across = snpore.effective_diffusivity(
        layers, conductivities=values, direction="y", spacing=spacing
    )
    along = snpore.effective_diffusivity(
        layers, conductivities=values, direction="z", spacing=spacing
    )
    assert across.relative_diffusivity == pytest.approx(1 / (0.4 + 0.6 / 0.25), rel=1e-6)
    assert along.relative_diffusivity == pytest.approx(0.4 + 0.6 * 0.25, rel=1e-6)
    assert along.tortuosity_factor == pytest.approx(1, rel=1e-6)


TAUFACTOR = [
    # tau.Solver of taufactor 1.2.1 (float32, conv_crit=1e-5): seed, shape, share of the darkest, D_eff, τ
    (1, (48, 48, 48), 0.35, 0.0935847, 3.73991),
    (2, (64, 48, 40), 0.5, 0.2359905, 2.11873),
    (3, (64, 64, 64), 0.7, 0.4841697, 1.44578),
]


@pytest.mark.parametrize(("seed", "shape", "share", "diffusivity", "factor"), TAUFACTOR)
def test_as_taufactor(seed, shape, share, diffusivity, factor):
    found = snpore.effective_diffusivity(darkest(seed, shape, share), direction="z", spacing=0.2)
    assert found.relative_diffusivity == pytest.approx(diffusivity, rel=1e-3)
    assert found.tortuosity_factor == pytest.approx(factor, rel=1e-3)


def test_as_taufactor_with_voxels_that_are_no_cubes():
    # tau.AnisotropicSolver of taufactor 1.2.1, spacing (1, 1.5, 2)
    found = snpore.effective_diffusivity(
        darkest(2, (64, 48, 40), 0.5), direction="z", spacing=(1.0, 1.5, 2.0)
    )
    assert found.relative_diffusivity == pytest.approx(0.171188, rel=1e-3)


def direct_flux(mask, axis):
    """Solve the same finite volumes by sparse LU, from a matrix that is put together face by face."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    rows, columns = [], []
    for k in range(3):
        low = number[(slice(None),) * k + (slice(None, -1),)]
        high = number[(slice(None),) * k + (slice(1, None),)]
        both = (low >= 0) & (high >= 0)
        rows += [low[both], high[both]]
        columns += [high[both], low[both]]
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    count = int(mask.sum())
    joined = coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    first, last = (number.take(end, axis=axis) for end in (0, -1))
    diagonal = np.asarray(joined.sum(axis=1)).ravel()
    right = np.zeros(count)
    for plane, value in ((first, 1.0), (last, 0.0)):
        nodes = plane[plane >= 0]
        diagonal[nodes] += 2
        right[nodes] += 2 * value
    diagonal += 1e-12  # pores that join nothing
    system = coo_array((diagonal, (np.arange(count),) * 2)).tocsr() - joined
    x = spsolve(csc_array(system), right)
    nodes = last[last >= 0]
    return 2 * x[nodes].sum()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_as_a_direct_solution_within_the_stated_error(axis):
    mask = darkest(7, (18, 20, 22), 0.45)
    expected = direct_flux(mask, axis) * mask.shape[axis] ** 2 / mask.size
    for tolerance in (1e-2, 1e-5, 1e-10):
        found = snpore.effective_diffusivity(
            mask, direction="zyx"[axis], spacing=1.0, tolerance=tolerance
        )
        assert found.flux_error <= tolerance
        assert found.relative_diffusivity == pytest.approx(expected, rel=3 * tolerance + 1e-7)


def test_same_bits_on_one_and_two_threads(monkeypatch):
    mask = darkest(3, (80, 80, 80), 0.6)  # more nodes than a block has
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("SNPORE_THREADS", threads)
        found.append(snpore.effective_diffusivity(mask, direction="z", spacing=0.2))
    assert found[0] == found[1]


def test_closed_pores_carry_nothing():
    mask = np.zeros((6, 10, 6), bool)
    mask[1, :, 1] = True  # a straight pore
    mask[4, :9, 4] = True  # a dead end
    found = snpore.effective_diffusivity(mask, direction="y", spacing=0.5)
    assert found.relative_diffusivity == pytest.approx(1 / 36, rel=1e-6)
    assert found.connected_share == pytest.approx(10 / 19)
    assert found.tortuosity_factor == pytest.approx(19 / 10, rel=1e-6)


def test_without_a_path_nothing_diffuses():
    mask = np.ones((4, 9, 4), bool)
    mask[:, 4] = False
    found = snpore.effective_diffusivity(mask, direction="y", spacing=1.0)
    assert found.relative_diffusivity == 0
    assert found.tortuosity_factor == math.inf
    assert found.connected_share == 0
    empty = snpore.effective_diffusivity(np.full((3, 3, 3), 2), direction="y", spacing=1.0)
    assert empty.relative_diffusivity == 0
    assert math.isnan(empty.tortuosity_factor)


def test_the_exterior_is_no_part_of_the_section():
    phases = np.zeros((6, 8, 6), np.uint8)
    phases[1:5, :, 1:5] = 2
    phases[1:3, :, 1:5] = 1
    found = snpore.effective_diffusivity(phases, direction="y", spacing=0.3)
    assert found.relative_diffusivity == pytest.approx(0.5, rel=1e-6)
    assert found.volume_fraction == 0.5


def fibre(radius=14, length=3):
    side = 2 * radius + 3
    z, x = np.indices((side, side)) - (side - 1) / 2
    disc = np.hypot(z, x) <= radius
    return np.repeat(disc[:, None, :], length, axis=1), np.arctan2(z, x)


def test_a_fibre_of_pore_is_its_own_reference():
    body, _ = fibre()
    found = snpore.effective_diffusivity(
        body.astype(np.uint8), direction="surface", core_nm=4.0, spacing=1.0
    )
    assert found.relative_diffusivity == pytest.approx(1, rel=1e-4)
    assert found.tortuosity_factor == pytest.approx(1, rel=1e-4)


def test_sectors_of_pore_carry_their_share_to_the_surface():
    body, angle = fibre()
    pore = (angle >= 0) & (angle < math.pi / 2)  # a quarter; symmetry: no flux crosses its edges
    phases = np.where(body, np.where(pore[:, None, :], 1, 2), 0).astype(np.uint8)
    found = snpore.effective_diffusivity(phases, direction="surface", core_nm=4.0, spacing=1.0)
    assert found.relative_diffusivity == pytest.approx(0.25, rel=0.05)
    assert found.tortuosity_factor == pytest.approx(1, rel=0.05)


def test_progress_rises_to_the_end():
    seen = []
    snpore.effective_diffusivity(
        darkest(1, (30, 30, 30), 0.5),
        direction="z",
        spacing=1.0,
        progress=lambda done, total: seen.append(done / total),
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1


@pytest.mark.parametrize("calls", [1, 3, 10])
def test_it_can_be_stopped(calls):
    asked = iter(range(10**6))
    with pytest.raises(Stopped):
        snpore.effective_diffusivity(
            darkest(3, (64, 64, 64), 0.7),
            direction="z",
            spacing=1.0,
            should_stop=lambda: next(asked) >= calls,
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"direction": "up"}, "direction is 'up'"),
        ({"direction": "surface"}, "core_nm"),
        ({"core_nm": 1.0}, "core_nm"),
        ({"direction": "surface", "core_nm": math.nan}, "core_nm is nan"),
        ({"tolerance": 0.0}, "tolerance is 0"),
        ({"conductivities": {1: -1.0}}, "conductivity of phase 1 is -1"),
        ({"conductivities": {}}, "0 phases"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        snpore.effective_diffusivity(np.ones((3, 3, 3), np.uint8), spacing=1.0, **options)
