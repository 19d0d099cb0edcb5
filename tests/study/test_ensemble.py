"""Ensemble of a run: its quick numbers, and what it knows without images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore import make_phantom
from napari_snpore.study.ensemble import ensemble_of_run
from napari_snpore.study.measuring import measure_phases
from napari_snpore.study.numbers import measured_numbers
from napari_snpore.study.provenance import Record
from napari_snpore.study.quick_numbers import quick_numbers
from napari_snpore.study.recipe import InputSection, MeasureSection, Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import find_phases
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.uncertainty.threshold_ensemble import ensemble_spread


@pytest.fixture(scope="module")
def run():
    volume = make_phantom("pristine", shape=(76, 36, 76), seed=5).volume
    recipe = Recipe(input=InputSection(volume="v.tif"), measure=MeasureSection(details=False))
    context = RunContext(Record("test"))
    found = find_phases(volume, recipe.threshold, recipe.envelope, context=context)
    measured = measure_phases(found.phases, recipe.measure, cut_axes=found.cut_axes)
    return recipe, Tomogram(volume), found, measured


def test_quick_numbers_are_those_of_the_measurement(run):
    _, _, found, measured = run
    quick = quick_numbers(
        found.phases,
        measured.section,
        names=measured.names,
        boxes=measured.boxes,
        cut_axes=found.cut_axes,
        objects=tuple(measured.objects),
    )
    wanted = measured_numbers(measured)
    assert list(quick) == list(wanted)
    assert list(quick.values()) == pytest.approx(list(wanted.values()), nan_ok=True)


def test_a_volume_without_images_has_thresholds_and_envelope_as_its_only_sources(run):
    spread = ensemble_spread(ensemble_of_run(*run, draws=12, context=RunContext(Record("test"))))
    assert set(spread["source"]) == {"together", "thresholds", "envelope"}
    pore = spread[spread["quantity"] == "pore fraction, whole"].set_index("source")["spread"]
    assert 0 < pore["thresholds"] < 10
    assert np.isfinite(pore["envelope"])


def test_the_draws_are_the_same_again(run):
    one, two = (
        ensemble_of_run(*run, draws=3, seed=2, context=RunContext(Record("test"))) for _ in range(2)
    )
    assert one.equals(two)
