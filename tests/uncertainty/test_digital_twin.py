"""The table of a twin, with steps whose effect is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_snpore import NoiseModel, TiltSeries, Volume
from napari_snpore.errors import InputError, Stopped
from napari_snpore.uncertainty.digital_twin import digital_twin

MASS, COUNT = ("mass", "1"), ("count", "1")


@pytest.fixture
def specimen():
    labels = np.zeros((32, 6, 32), np.uint8)
    labels[12:20, :, 12:20] = 2
    volume = Volume(labels, (0.5, 0.5, 0.5))
    images = np.zeros((3, 6, 32), np.float32)
    return volume, TiltSeries(images, np.array([-30.0, 0.0, 30.0]), 0.5)


OPTIONS = {"levels": (0, 0, 1.0), "blur_px": 0.5, "noise": NoiseModel(0.01, 0.0, math.inf)}


def mass(series):
    return float(series.images[1].sum())


def test_steps_that_lose_a_tenth_have_a_bias_of_a_tenth(specimen):
    phases, series = specimen
    planted = 8 * 8 * 6.0

    def repeat(twin, progress):
        return {MASS: 0.9 * mass(twin), COUNT: 1.0}

    table = digital_twin(
        phases, series, {MASS: planted, COUNT: 1.0}, repeat, twins=3, seed=1, **OPTIONS
    ).set_index("quantity")
    assert table.loc["mass", "twin_bias"] == pytest.approx(-0.1 * planted, abs=3)
    assert 0 < table.loc["mass", "sd"] < 5
    assert table.loc["mass", ["n", "failed"]].tolist() == [3, 0]
    assert table.loc["count", "twin_bias"] == 0 == table.loc["count", "sd"]


def test_one_failed_twin_leaves_no_bias(specimen):
    phases, series = specimen
    calls = []

    def repeat(twin, progress):
        calls.append(twin)
        if len(calls) == 2:
            raise InputError("The levels were lost.")
        return {MASS: mass(twin)}

    row = digital_twin(phases, series, {MASS: 384.0}, repeat, twins=3, **OPTIONS).iloc[0]
    assert math.isnan(row["twin_bias"])
    assert math.isnan(row["sd"])
    assert (row["n"], row["failed"]) == (2, 1)
    assert len({one.images.tobytes() for one in calls}) == 3  # each has its own noise


def test_a_number_that_a_twin_does_not_give_has_no_bias(specimen):
    phases, series = specimen
    table = digital_twin(
        phases, series, {MASS: 1.0, COUNT: 2.0}, lambda twin, progress: {COUNT: 2.0}, **OPTIONS
    )
    assert np.isnan(table["twin_bias"]).tolist() == [True, False]
    assert table["failed"].tolist() == [1, 0]


def test_progress_rises_to_its_end_and_a_stop_ends_it(specimen):
    phases, series = specimen
    seen = []

    def repeat(twin, progress):
        progress(1, 2)
        progress(2, 2)
        return {MASS: mass(twin)}

    digital_twin(
        phases, series, {MASS: 1.0}, repeat, twins=2, **OPTIONS,
        progress=lambda done, total: seen.append(done / total),
    )  # fmt: skip
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(Stopped):
        digital_twin(phases, series, {MASS: 1.0}, repeat, should_stop=lambda: True, **OPTIONS)


def test_no_twin_is_refused(specimen):
    phases, series = specimen
    with pytest.raises(InputError, match="twins is 0"):
        digital_twin(phases, series, {MASS: 1.0}, dict, twins=0, **OPTIONS)
