"""Cross-checks against closed forms and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import napari_snpore as snpore
from napari_snpore.errors import InputError
from napari_snpore.measurement.cross_checks import (
    mass_share,
    needed_expansion,
    specific_surface,
    threshold_for_share,
    volume_share,
)


def test_volume_share_from_mass_and_back():
    # 53.9 g of Sn are 7.3735 cm³, 46.1 g of C 25.611 cm³
    assert volume_share(53.9, 7.31, 1.8) == pytest.approx(100 * 7.37346 / 32.98457, rel=1e-5)
    for percent in (0.0, 10.0, 53.9, 100.0):
        assert mass_share(volume_share(percent, 7.31, 1.8), 7.31, 1.8) == pytest.approx(percent)


def test_the_threshold_gives_the_share():
    rng = np.random.default_rng(0)
    grays = np.concatenate(
        [rng.normal(0, 0.1, 50_000), rng.normal(1, 0.1, 40_000), rng.normal(12, 1, 10_000)]
    ).astype(np.float32)
    histogram = snpore.gray_histogram(grays)
    for share in (5.0, 20.0, 60.0):
        found = threshold_for_share(histogram, share, above=0.5)
        solid = grays[grays >= 0.5]
        assert 100 * (solid >= found).mean() == pytest.approx(share, abs=0.2)
    assert math.isnan(threshold_for_share(histogram, 20.0, above=1e3))


def ball(radius, edge):
    offset = np.arange(edge) - (edge - 1) / 2
    return offset[:, None, None] ** 2 + offset[:, None] ** 2 + offset**2 <= radius**2


def test_the_surface_of_a_ball_per_gram():
    phases = np.where(ball(20.3, 48), 2, 0).astype(np.uint8)
    found = specific_surface(phases, densities_g_cm3={2: 1.8}, spacing=0.5)
    # 3 / (radius · density): 3 / (10.15 nm · 1.8 g/cm³) = 164 m²/g
    assert found.area_m2_per_g == pytest.approx(3 / (10.15 * 1.8) * 1e3, rel=0.03)
    assert found.coarse_m2_per_g == pytest.approx(found.area_m2_per_g, rel=0.05)
    assert found.dimension == pytest.approx(2, abs=0.07)


def test_walls_of_dead_pores_and_faces_of_the_box_do_not_count():
    phases = np.full((40, 40, 40), 2, np.uint8)
    hole = ball(9.2, 40)
    phases[hole] = 1
    phases[0] = 0  # one flat face of 40 x 40 voxels
    open_walls = specific_surface(phases, densities_g_cm3={2: 1.0}, spacing=1.0)
    closed = specific_surface(phases, densities_g_cm3={2: 1.0}, dead=hole, spacing=1.0)
    volume = (phases == 2).sum()
    walls = (open_walls.area_m2_per_g - closed.area_m2_per_g) * volume / 1e3
    assert walls == pytest.approx(4 * math.pi * 9.2**2, rel=0.05)
    assert closed.area_m2_per_g * volume / 1e3 == pytest.approx(1600, rel=0.12)


def test_mixed_solids_weigh_by_their_densities():
    phases = np.where(ball(12.3, 30), 2, 0).astype(np.uint8)
    light = specific_surface(phases, densities_g_cm3={2: 2.0}, spacing=1.0)
    phases[:15][phases[:15] == 2] = 3
    mixed = specific_surface(phases, densities_g_cm3={2: 2.0, 3: 6.0}, spacing=1.0)
    assert mixed.area_m2_per_g == pytest.approx(light.area_m2_per_g / 2)


def test_a_rough_surface_says_at_which_voxels_another_area_would_be_found():
    rng = np.random.default_rng(1)
    phases = np.where(rng.random((32, 32, 32)) < 0.5, 1, 2).astype(np.uint8)  # rough at all sizes
    found = specific_surface(phases, densities_g_cm3={2: 2.0}, spacing=0.4)
    assert found.dimension > 2.5
    twice = found.resolution_for(2 * found.area_m2_per_g)
    assert found.at(twice) == pytest.approx(2 * found.area_m2_per_g)
    assert twice < 0.4
    assert found.at(0.8) == pytest.approx(found.coarse_m2_per_g)


def test_growth_by_hand():
    # diameter 64.8 to 81.1 nm: section (81.1 / 64.8)² - 1 = 56.6 %
    growth = 100 * (81.1 / 64.8 - 1)
    assert needed_expansion(growth, 100.0) == pytest.approx(56.6, abs=0.05)
    assert needed_expansion(growth, 15.0) == pytest.approx(56.63 / 0.15, rel=1e-3)
    assert needed_expansion(0.0, 15.0) == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: volume_share(101, 7, 2), "mass_percent"),
        (lambda: volume_share(50, 0, 2), "density_g_cm3 is 0"),
        (lambda: needed_expansion(25, 0), "tin_percent"),
        (lambda: needed_expansion(-100, 10), "growth_percent"),
        (
            lambda: specific_surface(np.ones((4, 4, 4), int), densities_g_cm3={}, spacing=1),
            "no solid",
        ),
        (
            lambda: specific_surface(np.full((4, 4, 4), 3), densities_g_cm3={2: 1.0}, spacing=1),
            "density of phase 3 is missing",
        ),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
