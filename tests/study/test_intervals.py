"""Intervals of a run's numbers: put together by hand from a spread, a twin and a small calibration."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from napari_snpore.study.errors_of_run import three_times_words
from napari_snpore.study.intervals import fractions_along, with_intervals
from napari_snpore.study.numbers import numbers_table
from napari_snpore.uncertainty.calibration import COLUMNS
from napari_snpore.uncertainty.conditions import Conditions

PORE, LENGTH = ("pore fraction, whole", "%"), ("Sn cluster length, median", "nm")
NUMBERS = {PORE: 40.0, LENGTH: 1.5}
CONDITIONS = Conditions(3.0, 1000.0, 12.0, 0.9)
CALIBRATION = pd.DataFrame(
    [
        (*PORE, 3.0, 1000.0, 12.0, 1.5, 48, 0.8, 0.5, 2.0, 0.0),
        (*LENGTH, 3.0, 1000.0, 12.0, 1.5, 48, 0.1 / 1.5, 0.0, 3.0, 0.0),
    ],
    columns=list(COLUMNS),
)
SPREAD = pd.DataFrame(
    [
        (*PORE, "together", 1.2),
        (*PORE, "thresholds", 1.0),
        (*PORE, "envelope", 0.6),
        (*LENGTH, "together", 0.02),
    ],
    columns=["quantity", "unit", "source", "spread"],
)


def twin_of(pore, length):
    rows = [(*PORE, pore, math.nan, 1, 0), (*LENGTH, length, math.nan, 1, 0)]
    return pd.DataFrame(rows, columns=["quantity", "unit", "twin_bias", "sd", "n", "failed"])


def found(twin=None, conditions=CONDITIONS, **given):
    table = numbers_table(NUMBERS, twin, "not calibrated here")
    made = with_intervals(
        table, SPREAD, twin=twin, conditions=conditions, calibration=CALIBRATION, **given
    )
    return made, made.numbers.set_index("quantity")


def test_a_corrected_number_is_in_the_middle_of_its_interval():
    made, table = found(twin_of(-1.0, 0.2))
    row = table.loc[PORE[0]]
    half = 2 * math.hypot(0.5 * 1.2, 0.8)
    assert row["corrected"] == 41
    assert (row["low_95"], row["high_95"]) == pytest.approx((41 - half, 41 + half))
    assert row["calibrated"] == "yes"
    assert row["dominant_source"] == "thresholds"
    sources = made.sources.set_index(["quantity", "source"])
    thresholds = sources.loc[(PORE[0], "thresholds")]
    assert (thresholds["low"], thresholds["high"]) == pytest.approx((41 - 1.96, 41 + 1.96))
    assert made.notes == ()


def test_a_number_that_is_not_corrected_is_wider_on_the_side_of_the_twins_change():
    _, table = found(twin_of(-1.0, 0.2))
    row = table.loc[LENGTH[0]]
    assert math.isnan(row["corrected"])
    # the twin reads 0.2 nm too long, so the truth may be that much shorter
    assert (row["low_95"], row["high_95"]) == pytest.approx((1.5 - 0.3 - 0.2, 1.5 + 0.3))


def test_without_images_the_ensemble_is_all_and_nothing_is_calibrated():
    made, table = found(images=False)
    row = table.loc[PORE[0]]
    assert (row["low_95"], row["high_95"]) == pytest.approx((40 - 1.96 * 1.2, 40 + 1.96 * 1.2))
    assert row["calibrated"] == "no, not calibrated here"
    assert row["dominant_source"] == "thresholds"
    assert set(made.sources["source"]) == {"thresholds", "envelope"}


def test_beyond_the_phantoms_it_is_wider_and_says_so():
    made, table = found(twin_of(-1.0, 0.2), Conditions(9.0, 1000.0, 12.0, 0.9))
    row = table.loc[PORE[0]]
    assert row["calibrated"] == "no, not calibrated here"
    assert row["high_95"] - 41 == pytest.approx(2 * math.hypot(0.6, 0.8 * 3))
    assert made.notes == (
        "The intervals are not calibrated here: D·Δθ is 9 px, and 3 px at most on the phantoms.",
    )


def test_without_a_twin_an_interval_is_no_narrower_than_with_one():
    _, with_twin = found(twin_of(0.0, 0.0))
    _, without = found()
    row = without.loc[PORE[0]]
    assert row["calibrated"] == "no, not calibrated here"
    assert row["high_95"] - row["low_95"] == pytest.approx(
        with_twin.loc[PORE[0], "high_95"] - with_twin.loc[PORE[0], "low_95"]
    )


def test_steps_unlike_those_on_phantoms_are_not_calibrated():
    made, table = found(twin_of(-1.0, 0.2), reason="there is no envelope")
    assert not (table["calibrated"] == "yes").any()
    assert made.notes == ("The intervals are not calibrated here: there is no envelope.",)


def test_a_number_that_the_run_cannot_give_has_no_interval():
    table = numbers_table({LENGTH: math.nan}, None, "not calibrated here")
    made = with_intervals(table, SPREAD, conditions=CONDITIONS, calibration=CALIBRATION)
    assert made.sources.empty
    assert made.numbers["low_95"].isna().all()


def test_a_corrected_number_stays_within_what_it_can_be():
    table = numbers_table({PORE: 0.7}, twin_of(2.0, 0.0), "not calibrated here")
    made = with_intervals(
        table, SPREAD, twin=twin_of(2.0, 0.0), conditions=CONDITIONS, calibration=CALIBRATION
    )
    row = made.numbers.iloc[0]
    assert row["low_95"] == row["corrected"] == 0 < row["high_95"]


def test_the_fibres_interval_adds_the_sampling_along_it():
    _, table = found(twin_of(-1.0, 0.2), along={PORE: 1.5})
    row = table.loc[PORE[0]]
    assert row["fibre_high_95"] - 41 == pytest.approx(math.hypot(row["high_95"] - 41, 1.5))
    assert math.isnan(table.loc[LENGTH[0], "fibre_low_95"])


def test_nothing_is_less_than_none_or_more_than_all():
    table = numbers_table({("Sn fraction, whole", "%"): 0.5}, None, "no images")
    spread = pd.DataFrame(
        [("Sn fraction, whole", "%", "together", 2.0)],
        columns=["quantity", "unit", "source", "spread"],
    )
    assert with_intervals(table, spread, images=False).numbers["low_95"].tolist() == [0.0]


def test_only_a_fibre_that_is_cut_along_one_axis_is_sampled_along_it():
    phases = np.random.default_rng(0).integers(1, 4, (6, 64, 6)).astype(np.uint8)
    assert fractions_along(phases, ("pore", "C", "Sn"), (1,)).keys() == {
        (f"{name} fraction, whole", "%") for name in ("pore", "C", "Sn")
    }
    assert fractions_along(phases, ("pore", "C", "Sn"), ()) == {}


def test_three_draws_are_reported_as_work_done_three_times():
    rows = [
        (draw, "pore fraction, whole", "%", change)
        for draw, change in enumerate((0.0, 1.0, 2.0, 3.0))
    ]
    ensemble = pd.DataFrame(rows, columns=["draw", "quantity", "unit", "change"])
    assert three_times_words(ensemble) == (
        "Done three times, standard deviation, no interval: pore fraction, whole ± 1.0 points."
    )


def test_an_offset_makes_the_interval_lean():
    twin = twin_of(-1.0, 0.2)
    numbers = numbers_table(NUMBERS, twin, "not calibrated here")
    usual, leaning = (
        with_intervals(
            numbers, SPREAD, twin=twin, conditions=CONDITIONS, calibration=table
        ).numbers.iloc[0]
        for table in (CALIBRATION, CALIBRATION.assign(offset=0.5))
    )
    scale = math.hypot(0.5 * 1.2, 0.8)
    assert leaning["corrected"] == usual["corrected"] == 41
    assert leaning["low_95"] - usual["low_95"] == pytest.approx(0.5 * scale)
    assert leaning["high_95"] - usual["high_95"] == pytest.approx(0.5 * scale)
