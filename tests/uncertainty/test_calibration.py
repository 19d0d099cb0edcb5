"""Half-widths from a table, between and beyond its cells, and the table from errors of a known kind."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from benchmarks.fit_calibration import Errors, coverage, fit, fit_number
from napari_snpore.uncertainty.calibration import COLUMNS, interval_reach
from napari_snpore.uncertainty.conditions import Conditions


def table_of(*cells, weight=0.0, factor=2.0, offset=0.0):
    rows = [
        ("pore", "%", *cell[:3], *(cell[4:] or (1.5,)), 48, cell[3], weight, factor, offset)
        for cell in cells
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


CELLS = table_of(  # thickness over step, dose, contrast, left, misfit
    (3.0, 1000.0, 2.0, 0.5),
    (6.0, 1000.0, 2.0, 0.8),
    (3.0, 200.0, 2.0, 1.0),
    (3.0, 1000.0, 12.0, 2.0),
    (3.0, 200.0, 12.0, 3.0),
)


def left(thickness, dose, contrast, table=CELLS, misfit=1.0):
    conditions = Conditions(thickness, dose, contrast, misfit)
    found = interval_reach("pore", "%", 40.0, 0.0, conditions, table=table)
    return found.left / 2, found.reason


def test_a_cell_gives_its_own_number():
    assert left(3.0, 1000.0, 2.0) == (0.5, None)
    assert left(3.1, 980.0, 2.1) == (0.5, None)


def test_between_cells_it_is_that_of_the_next_harder_one():
    assert left(4.5, 1000.0, 2.0) == (0.8, None)
    assert left(3.0, 500.0, 2.0) == (1.0, None)
    assert left(2.0, 1e6, 2.0) == (0.5, None)  # easier than all


def test_between_contrasts_it_is_the_greater_of_both_neighbours():
    assert left(3.0, 1000.0, 5.0) == (2.0, None)


def test_beyond_all_cells_it_is_wider_and_not_calibrated():
    wide, reason = left(12.0, 1000.0, 2.0)
    assert wide == pytest.approx(3.0 * 2)
    assert "D·Δθ is 12 px" in reason
    wide, reason = left(3.0, 50.0, 2.0)
    assert wide == pytest.approx(3.0 * 2)
    assert "50 counts per pixel" in reason
    wide, reason = left(3.0, 1000.0, 1.6)
    assert wide == pytest.approx(3.0 * 2 / 1.6)
    assert "contrast is 1.6" in reason
    assert "not known" in interval_reach("pore", "%", 40.0, 0.0, None, table=CELLS).reason


def test_images_that_are_not_explained_have_a_cell_of_their_own():
    cells = pd.concat([CELLS, table_of((3.0, 1000.0, 12.0, 5.0, 4.0))])
    assert left(3.0, 1000.0, 12.0, cells, misfit=0.7) == (2.0, None)
    assert left(3.0, 1000.0, 12.0, cells, misfit=1.4) == (2.0, None)
    assert left(3.0, 1000.0, 12.0, cells, misfit=2.0) == (5.0, None)
    assert left(3.0, 1000.0, 2.0, cells, misfit=2.0)[1] is not None, "no phantoms of this contrast"
    wide, reason = left(3.0, 1000.0, 12.0, cells, misfit=16.0)
    assert wide == pytest.approx(5.0 * 2)
    assert "16 times their noise" in reason


def test_a_cube_of_ones_own_has_the_wider_half_width_and_is_not_calibrated():
    cells = [table_of((3.0, 1000.0, 2.0, one)) for one in (0.5, 0.7)]
    for cell, cube in zip(cells, ("centre", "edge"), strict=True):
        cell["quantity"], cell["unit"] = f"pore fraction, {cube} cube", "%"
    table = pd.concat(cells)
    conditions = Conditions(3.0, 1000.0, 2.0, 1.0)
    own = interval_reach("pore fraction, mine cube", "%", 40.0, 0.0, conditions, table=table)
    assert own.below == own.above == 2 * 0.7
    assert "elsewhere" in own.reason
    edge = interval_reach("pore fraction, edge cube", "%", 40.0, 0.0, conditions, table=table)
    assert (edge.above, edge.reason) == (2 * 0.7, None)
    assert interval_reach("pore fraction, whole", "%", 40.0, 0.0, conditions, table=table) is None
    assert interval_reach("Sn fraction, mine cube", "%", 40.0, 0.0, conditions, table=table) is None


def test_a_corner_without_phantoms_is_not_calibrated():
    assert left(6.0, 200.0, 2.0)[1] is not None
    assert left(5.0, 1000.0, 12.0)[1] is not None


def test_a_cell_that_is_worse_than_a_harder_one_keeps_its_own_number():
    cells = table_of((3.0, 1000.0, 2.0, 1.0), (6.0, 1000.0, 2.0, 0.4))
    assert left(3.0, 1000.0, 2.0, cells) == (1.0, None)
    assert left(4.5, 1000.0, 2.0, cells) == (0.4, None)


def test_counts_volumes_and_lengths_are_by_their_share_of_the_number():
    cells = table_of((3.0, 1000.0, 2.0, 0.1)).assign(quantity="Sn volume", unit="nm³")
    for value in (100.0, 1e5):
        found = interval_reach(
            "Sn volume", "nm³", value, 0.0, Conditions(3, 1000, 2, 1), table=cells
        )
        assert found.below == found.above == pytest.approx(2 * 0.1 * value)


def test_few_phantoms_and_too_few_draws_are_not_calibrated():
    few = CELLS.assign(phantoms=7)
    assert "35 phantoms" in left(3.0, 1000.0, 2.0, few)[1]
    lost = interval_reach("pore", "%", 40.0, math.nan, Conditions(3, 1000, 2, 1), table=CELLS)
    assert "draws" in lost.reason


def test_a_number_without_phantoms_has_no_half_width():
    assert (
        interval_reach("grey", "%", 40.0, 1.0, Conditions(3.0, 1000.0, 2.0, 1.0), table=CELLS)
        is None
    )


def drawn(rng, count, spread_matters, bias=0.0):
    """Errors of three families whose scale is known: seen by the ensemble, or not; the truth lies
    ``bias`` scales above on the average."""
    spread = rng.uniform(0.5, 4.0, count)
    scale = spread if spread_matters else np.full(count, 2.0)
    family = np.array(["a", "b", "c"])[np.arange(count) % 3]
    return Errors(scale * rng.normal(bias, 1, count), spread, np.zeros(count, np.intp), family)


@pytest.mark.parametrize("spread_matters", [True, False])
def test_new_phantoms_are_covered(spread_matters):
    rng = np.random.default_rng(4)
    covered, widths = [], []
    for _ in range(40):
        found = fit_number(drawn(rng, 48, spread_matters))
        new = drawn(rng, 200, spread_matters)
        below, above = found.reach(new)
        covered.append(np.mean((-new.signed <= below) & (new.signed <= above)))
        widths.append(found.weight)
    assert 0.95 <= np.mean(covered) < 0.99
    # an ensemble that tells the scale is used, one that does not is hardly
    assert np.mean(widths) > 0.6 if spread_matters else np.mean(widths) < 0.4


def test_a_family_that_is_off_widens_the_interval_of_all():
    rng = np.random.default_rng(5)
    errors = drawn(rng, 48, False)
    worse = Errors(
        errors.signed * np.where(errors.family == "c", 4, 1),
        errors.spread,
        errors.cell,
        errors.family,
    )
    assert fit_number(worse).factor > 1.5 * fit_number(errors).factor


def test_an_interval_leans_to_the_side_where_the_truth_lies():
    rng = np.random.default_rng(7)
    covered, halves = [], []
    for bias in (0.0, 2.0):
        found = fit_number(drawn(rng, 120, False, bias))
        new = drawn(rng, 2000, False, bias)
        below, above = found.reach(new)
        covered.append(np.mean((-new.signed <= below) & (new.signed <= above)))
        halves.append((below + above).mean() / 2)
        # biased: no further down than the value itself, which is where the error ends to the other side
        assert (below.mean() < 0.1 * above.mean()) == (bias > 0)
    assert min(covered) >= 0.93
    assert max(covered) < 0.995
    assert halves[1] < 1.2 * halves[0], "a bias that is known costs little"
    assert fit_number(drawn(rng, 120, False)).offset == 0
    biased = drawn(rng, 120, False, 2.0)
    assert coverage(biased).score < 0.75, "of an interval of one width about the value"


def test_an_offset_moves_both_ends():
    table = table_of((3.0, 1000.0, 2.0, 0.5), offset=0.5)
    found = interval_reach("pore", "%", 40.0, 0.0, Conditions(3.0, 1000.0, 2.0, 1.0), table=table)
    assert (found.below, found.above, found.left) == (0.75, 1.25, 1.0)
    far = table_of((3.0, 1000.0, 2.0, 0.5), offset=-3.0)
    found = interval_reach("pore", "%", 40.0, 0.0, Conditions(3.0, 1000.0, 2.0, 1.0), table=far)
    assert (found.below, found.above) == (2.5, 0.0), "the value itself is in the interval"


def test_the_table_has_a_row_per_number_and_cell():
    rng = np.random.default_rng(6)
    case = {"simulator": "model", "shape": "96x48x96", "dose": 1000.0}
    cases = [
        {**case, "family": family, "contrast": contrast, "seed": seed, "polished": 1}
        | {"thickness_step_px_found": 2.9, "dose_found": 1010.0, "contrast_found": found}
        | {"misfit_found": 3.0 if contrast == "realistic" and seed % 2 else 0.9}
        for family in ("fibre", "field")
        for contrast, found in (("easy", 2.1), ("realistic", 12.3))
        for seed in range(8)
    ]
    keys = ("simulator", "family", "contrast", "seed", "shape", "dose")
    numbers = {"quantity": "pore fraction, whole", "unit": "%", "truth": 40.0, "twin_bias": 1.0}
    rows = [
        {name: one[name] for name in keys}
        | {**numbers, "value": 41 + rng.normal(), "together": 1.0}
        for one in cases
    ]
    table = fit(pd.DataFrame(rows), pd.DataFrame(cases))
    assert list(table.columns) == list(COLUMNS)
    assert table["contrast"].tolist() == [2.1, 12.3, 12.3]
    assert table["phantoms"].tolist() == [16, 8, 8]
    assert table["misfit"].tolist() == [1.5, 3.0, 1.5]
    # a half-width of 95 % of a normal error of 1, by 32 phantoms
    found = interval_reach(
        "pore fraction, whole", "%", 40.0, 1.0, Conditions(2.9, 1000.0, 2.1, 0.9), table=table
    )
    assert 1.4 < (found.below + found.above) / 2 < 4
    assert found.reason is not None, "32 phantoms are few"
