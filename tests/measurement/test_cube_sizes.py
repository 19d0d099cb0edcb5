"""Spread of fractions between cubes against closed forms and cubes that are cut out."""

from __future__ import annotations

import math

import numpy as np
import pytest

import napari_snpore as snpore
from napari_snpore.errors import InputError


def test_the_spread_of_unrelated_voxels_is_binomial():
    mask = np.random.default_rng(0).random((96, 96, 96)) < 0.3
    table = snpore.cube_fractions(mask, spacing=0.5, edges_nm=[1.0, 2.0, 4.0, 8.0])
    assert table["edge_nm"].tolist() == [1, 2, 4, 8]
    expected = 100 * np.sqrt(0.3 * 0.7 / np.array([2, 4, 8, 16]) ** 3)
    np.testing.assert_allclose(table["sd_percent"], expected, rtol=0.06)
    np.testing.assert_allclose(table["mean_percent"], 30, atol=0.2)
    np.testing.assert_allclose(
        table["independent_count"], 96**3 / np.array([2, 4, 8, 16]) ** 3, rtol=1e-9
    )


def test_as_cubes_that_are_cut_out():
    rng = np.random.default_rng(1)
    labels = rng.integers(1, 4, (20, 24, 22)).astype(np.uint8)
    z, _, x = np.indices(labels.shape)
    labels[(z - 10) ** 2 + (x - 11) ** 2 > 100] = 0  # the body reaches all faces but the last x
    labels = labels[:, :, 1:]
    table = snpore.cube_fractions(labels, spacing=(0.5, 1.0, 1.0), edges_nm=[5.0, 3.0])
    found = []
    for n, step in (((6, 3, 3), 1), ((10, 5, 5), None)):
        shares = []
        apart = (1, 1, 1) if step else (2, 1, 1)
        # a quarter of an edge apart, one of them in the middle
        for a in range((20 - n[0]) // 2 % apart[0], 20 - n[0] + 1, apart[0]):
            for b in range((24 - n[1]) // 2 % apart[1], 24 - n[1] + 1, apart[1]):
                for c in range((21 - n[2]) // 2 % apart[2], 21 - n[2] + 1, apart[2]):
                    cube = labels[a : a + n[0], b : b + n[1], c : c + n[2]]
                    if (cube > 0).all():
                        shares.append(100 * (cube == 1).mean())
        found.append((len(shares), np.mean(shares), min(shares), max(shares)))
    columns = ["cube_count", "mean_percent", "min_percent", "max_percent"]
    assert table["edge_nm"].tolist() == pytest.approx([3, 5])
    np.testing.assert_allclose(table[columns].to_numpy(float), found, rtol=1e-12)


def test_cubes_larger_than_the_body_have_no_row():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:15, :, 5:15] = 2
    table = snpore.cube_fractions(labels, spacing=1.0, edges_nm=[5, 10, 12, 30])
    assert table["edge_nm"].tolist() == pytest.approx([5, 10])
    assert table["independent_count"].tolist() == pytest.approx(
        [16, 1.8]
    )  # 4 voxels apart, 1 left over


def test_default_edges_rise_to_the_box():
    mask = np.random.default_rng(2).random((40, 48, 44)) < 0.5
    table = snpore.cube_fractions(mask, spacing=0.25)
    assert table["edge_nm"].is_monotonic_increasing
    assert table["edge_nm"].iloc[0] == 1.0
    assert table["edge_nm"].iloc[-1] == 10.0


def test_the_representative_edge_is_that_from_which_all_spreads_are_small():
    mask = np.random.default_rng(3).random((80, 80, 80)) < 0.5
    table = snpore.cube_fractions(mask, spacing=1.0, edges_nm=[4, 8, 16, 32])
    # two standard deviations of n³ voxels: 100 / n^1.5 points: 12.5, 4.4, 1.6, 0.55
    assert snpore.representative_edge(table, 5.0) == 8
    assert snpore.representative_edge(table, 2.0) == 16
    assert math.isnan(snpore.representative_edge(table, 0.01))
    with pytest.raises(InputError, match="error_percent"):
        snpore.representative_edge(table, 0.0)


@pytest.mark.parametrize(
    ("phases", "edges", "words"),
    [
        (np.zeros((4, 4, 4), np.uint8), None, "exterior"),
        (np.ones((4, 4, 4), np.uint8), [0.0], "edges_nm"),
        (np.ones((4, 4, 4), np.uint8), [], "edges_nm"),
    ],
)
def test_bad_input_is_refused(phases, edges, words):
    with pytest.raises(InputError, match=words):
        snpore.cube_fractions(phases, spacing=1.0, edges_nm=edges)
