"""Numbers of the structure of fibres, from the tables of their runs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from fibres import fibre, pores

from napari_snpore.comparison.compare import compare_states
from napari_snpore.comparison.structure_numbers import structure_numbers
from napari_snpore.measurement.correlation import two_point_correlation
from napari_snpore.measurement.cube_sizes import cube_fractions
from napari_snpore.measurement.neighbors import nearest_neighbors, nearest_summary


def test_numbers_of_a_lattice_of_cubes():
    """Cubes of 2 voxels every 6 voxels of 0.5 nm: gaps 2 nm, centres 3 nm apart."""
    labels = np.zeros((30, 30, 30), np.int32)
    count = 0
    for z in range(2, 28, 6):
        for y in range(2, 28, 6):
            for x in range(2, 28, 6):
                count += 1
                labels[z : z + 2, y : y + 2, x : x + 2] = count
    tables = {"nearest": nearest_neighbors(labels, spacing=0.5)}
    assert structure_numbers(tables) == pytest.approx(
        {
            ("Sn clusters, gap to the nearest, median", "nm"): 2.0,
            ("Sn clusters, distance of centres, median", "nm"): 3.0,
        }
    )


def test_the_distance_of_centres_is_the_one_that_the_run_reports():
    """Distances of 4 and 10 nm that count 30/22 and 30/10: half of the weight lies below 8.125 nm."""
    labels = np.zeros((5, 30, 5), np.uint8)
    labels[2, 0, 2], labels[2, 4, 2], labels[2, 14, 2] = 1, 2, 3
    table = nearest_neighbors(labels, spacing=1.0, cut_axes=(1,))
    found = structure_numbers({"nearest": table})
    assert found["Sn clusters, distance of centres, median", "nm"] == pytest.approx(8.125)
    summary = nearest_summary(table, box_nm=(5.0, 30.0, 5.0), cut_axes=(1,))
    assert summary["median_nm"] == pytest.approx(8.125)


def test_columns_that_the_measurements_write_are_read():
    rng = np.random.default_rng(0)
    phases = (rng.random((16, 16, 16)) < 0.3).astype(np.uint8) + 1
    tables = {
        "correlation": two_point_correlation(phases, phase=2, spacing=0.5),
        "cube sizes": cube_fractions(phases, phase=2, spacing=0.5),
    }
    found = structure_numbers(tables)
    # voxels of noise: from 1 to 0 within one voxel
    assert 0 < found["pore correlation length", "nm"] <= 0.5
    comparison = compare_states({"a": [fibre("x", pores(30.0, 1.0), tables=tables)]})
    assert any("points at" in note and "(x, a)" in note for note in comparison.notes)


def test_diffusivity_of_the_whole_is_compared_without_an_interval():
    def table(d):
        return pd.DataFrame(
            {
                "region": ["whole", "whole", "centre cube"],
                "direction": ["y", "surface", "z"],
                "relative_diffusivity": [d, 2 * d, 0.9],
                "tortuosity_factor": [1.5, math.inf, 1.0],
            }
        )

    states = {
        name: [fibre(name, pores(30.0, 1.0), tables={"diffusivity": table(d)})]
        for name, d in (("a", 0.2), ("b", 0.1))
    }
    found = compare_states(states)
    rows = found.differences.set_index("quantity")
    row = rows.loc["pore diffusivity D/D₀, along the fibre"]
    assert row["difference"] == pytest.approx(-0.1)
    assert math.isnan(row["low_95"])
    assert row["calibrated"] == "no, no error is estimated"
    assert math.isnan(rows.loc["pore tortuosity factor, core to surface", "difference"])
    assert "pore diffusivity D/D₀, core to surface" in rows.index
