"""Two-point correlation against closed forms and all pairs of voxels."""

from __future__ import annotations

import math

import numpy as np
import pytest

import napari_snpore as snpore
from napari_snpore.errors import InputError
from napari_snpore.measurement import correlation


def along(table, direction):
    return table[table["direction"] == direction].reset_index(drop=True)


def test_a_chessboard_of_blocks():
    # blocks of 4 voxels: along an axis s2 falls from 1/2 to 0 at 4 and is back at 8
    board = (np.indices((48, 40, 32)) // 4).sum(axis=0) % 2 == 0
    table = snpore.two_point_correlation(board, spacing=(0.5, 0.5, 0.5), max_nm=4.0)
    for direction in "zyx":
        rows = along(table, direction)
        assert rows["distance_nm"].tolist() == [0.5 * k for k in range(9)]
    # whole periods along z: 48 voxels less a lag of 8 hold whole periods too
    assert along(table, "z")["s2"][[0, 4, 8]].tolist() == [0.5, 0.0, 0.5]
    # lag 1: of 8 pairs per period 3 of 4 in each block of the phase
    assert along(table, "z")["s2"][1] == pytest.approx(3 / 8, abs=0.01)
    assert along(table, "z")["correlation"][[0, 4, 8]].tolist() == [1.0, -1.0, 1.0]


def overlapping_balls(seed, edge, radius, density):
    """Union of balls about the points of a Poisson process, periodic."""
    rng = np.random.default_rng(seed)
    solid = np.zeros((edge,) * 3, bool)
    reach = math.ceil(radius) + 1
    offsets = np.arange(-reach, reach + 1)
    for center in rng.uniform(0, edge, (rng.poisson(density * edge**3), 3)):
        base = np.floor(center).astype(int)
        steps = [base[k] + offsets - center[k] for k in range(3)]
        ball = steps[0][:, None, None] ** 2 + steps[1][:, None] ** 2 + steps[2] ** 2 <= radius**2
        at = np.ix_(*((base[k] + offsets) % edge for k in range(3)))
        solid[at] |= ball
    return solid


def test_random_overlapping_balls():
    # void between them: s2(r) = exp(-density · volume of two balls at distance r)
    # (Torquato 2002, section 5.1.1; the volume of a union of two balls is elementary)
    radius, density = 7.0, 4e-4
    tables = [
        snpore.two_point_correlation(
            ~overlapping_balls(seed, 112, radius, density), spacing=1.0, max_nm=20.0
        )
        for seed in (1, 2, 3)
    ]
    rows = along(tables[0], "all")
    s2 = np.mean([along(table, "all")["s2"] for table in tables], axis=0)
    r = np.minimum(rows["distance_nm"].to_numpy(), 2 * radius)
    ball = 4 / 3 * math.pi * radius**3
    union = ball * (1 + 3 * r / (4 * radius) - r**3 / (16 * radius**3))
    expected = np.exp(-density * union)
    np.testing.assert_allclose(s2, expected, atol=0.02)
    correlation = np.mean([along(table, "all")["correlation"] for table in tables], axis=0)
    void = expected[0]
    np.testing.assert_allclose(correlation, (expected - void**2) / (void - void**2), atol=0.015)
    scaled = (expected - expected[-1]) / (expected[0] - expected[-1])
    length = np.interp(-math.exp(-1), -scaled, r)
    found = np.mean([snpore.correlation_length(table) for table in tables])
    assert found == pytest.approx(length, rel=0.06)


def all_pairs(labels, phase, spacing, lag):
    """Pairs in the body and in the phase at one lag, counted one by one."""
    body = pairs = 0
    for place in np.argwhere(labels > 0):
        other = place + lag
        if (other < 0).any() or (other >= labels.shape).any() or labels[tuple(other)] == 0:
            continue
        body += 1
        pairs += labels[tuple(place)] == phase and labels[tuple(other)] == phase
    return body, pairs


@pytest.mark.parametrize("slab", [1, 1 << 22])
def test_as_all_pairs_of_voxels_within_an_envelope(monkeypatch, slab):
    monkeypatch.setattr(correlation, "_SLAB_VOXELS", slab)
    rng = np.random.default_rng(4)
    labels = rng.integers(1, 4, (15, 17, 13)).astype(np.uint8)
    z, y, x = np.indices(labels.shape)
    labels[(z - 7) ** 2 + (x - 6) ** 2 > 36] = 0
    labels[y == 3] = 0
    spacing = (0.5, 1.0, 0.7)
    table = snpore.two_point_correlation(labels, spacing=spacing, max_nm=2.5)
    for axis, direction in enumerate("zyx"):
        rows = along(table, direction)
        for k, row in rows.iterrows():
            lag = np.eye(3, dtype=int)[axis] * k
            body, pairs = all_pairs(labels, 1, spacing, lag)
            assert row["pairs"] == body
            assert row["s2"] == pairs / body
            assert row["distance_nm"] == pytest.approx(k * spacing[axis])


def test_the_mean_over_the_sphere_counts_every_lag_once():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, (6, 7, 8)).astype(np.uint8)
    table = snpore.two_point_correlation(labels, spacing=1.0, max_nm=1.6)
    rows = along(table, "all")
    lags = [lag for lag in np.ndindex(5, 5, 5) if 0.5 < math.dist(lag, (2, 2, 2)) < 1.5]
    counts = np.array([all_pairs(labels, 1, 1.0, np.array(lag) - 2) for lag in lags])
    body, pairs = counts.sum(axis=0)  # each pair from both of its ends
    assert rows["pairs"][1] == body / 2
    assert rows["s2"][1] == pytest.approx(pairs / body)


def test_voxels_without_any_relation_have_no_correlation():
    mask = np.random.default_rng(6).random((64, 64, 64)) < 0.3
    table = snpore.two_point_correlation(mask, spacing=0.2)
    rows = along(table, "all")
    assert rows["correlation"][0] == 1
    assert abs(rows["correlation"][1:]).max() < 0.01
    length = snpore.correlation_length(table, "x")  # linear from 1 to 0 within a voxel
    assert length == pytest.approx(0.2 * (1 - math.exp(-1)), rel=0.02)


def test_a_phase_that_is_nowhere_or_everywhere_has_no_correlation():
    table = snpore.two_point_correlation(np.ones((8, 8, 8), bool), spacing=1.0)
    assert (table["s2"] == 1).all()
    assert table["correlation"].isna().all()
    assert math.isnan(snpore.correlation_length(table))


@pytest.mark.parametrize(
    ("phases", "options", "words"),
    [
        (np.zeros((4, 4, 4), np.uint8), {}, "exterior"),
        (np.ones((4, 4, 4), np.uint8), {"max_nm": 0.0}, "max_nm is 0"),
        (np.ones((4, 4), np.uint8), {}, "shape"),
    ],
)
def test_bad_input_is_refused(phases, options, words):
    with pytest.raises(InputError, match=words):
        snpore.two_point_correlation(phases, spacing=1.0, **options)
