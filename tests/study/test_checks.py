"""Cross-checks of a run against numbers worked out from what was planted."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

import napari_snpore as snpore
from napari_snpore.errors import InputError
from napari_snpore.study.checks import CHECK_COLUMNS, check_statements, checks_table
from napari_snpore.study.checks_section import ChecksSection
from napari_snpore.study.measuring import measure_phases
from napari_snpore.study.numbers import measured_numbers, numbers_table
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import MeasureSection, Recipe
from napari_snpore.study.report import text_of
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import RunErrors, no_sources
from napari_snpore.study.segmenting import Segmentation

TIN, CARBON = 7.31, 1.8


@pytest.fixture(scope="module")
def case():
    """A phantom's phases as a run with its true thresholds would have found them."""
    phantom = snpore.make_phantom("pristine", shape=(64, 40, 64), spacing=0.4, seed=2)
    phases = snpore.Volume(phantom.phases, (0.4,) * 3)
    grays = np.array([0.0, 0.0, 1.0, 12.0], np.float32)[phantom.phases]
    inside = snpore.gray_histogram(grays, mask=phantom.phases > 0)
    segmentation = Segmentation(
        phases, (0.5, 6.0), None, inside, "given", None, None, None, None, (), inside=inside
    )
    measured = measure_phases(phases, MeasureSection(details=False))
    return phantom, segmentation, measured


def table_of(case, interval=None, **given):
    _, segmentation, measured = case
    numbers = numbers_table(measured_numbers(measured), None, "a test")
    if interval is not None:
        row = numbers["quantity"] == "Sn fraction, whole"
        numbers.loc[row, "low_95"] = numbers.loc[row, "value"] - interval
        numbers.loc[row, "high_95"] = numbers.loc[row, "value"] + interval
    errors = RunErrors(numbers, no_sources(), None)
    context = RunContext(Record("test"), lambda name: nullcontext(None))
    return checks_table(ChecksSection(**given), segmentation, measured, errors, context)


def planted(phantom):
    counts = np.bincount(phantom.phases.ravel(), minlength=4)
    return counts[1], counts[2], counts[3]


def test_the_planted_mass_share_agrees_and_another_does_not(case):
    _, carbon, tin = planted(case[0])
    share = 100 * tin * TIN / (tin * TIN + carbon * CARBON)
    table = table_of(case, interval=1.0, sn_mass_percent=share).set_index("quantity")
    assert tuple(table.reset_index().columns) == CHECK_COLUMNS
    assert table.loc["Sn share of the mass", "found"] == pytest.approx(share)
    solid = table.loc["Sn share of the solid"]
    assert solid["expected"] == pytest.approx(100 * tin / (tin + carbon))
    assert solid["found"] == pytest.approx(solid["expected"])
    assert (table["agrees"].iloc[:3] == "yes").all()
    # between the grey values of carbon and tin every threshold gives the planted share
    assert 1 < table.loc["threshold of Sn (t2)", "expected"] < 12
    wrong = table_of(case, interval=1.0, sn_mass_percent=share + 12)
    assert (wrong["agrees"].iloc[:3] == "no").all()


def test_without_an_interval_nothing_is_judged(case):
    table = table_of(case, sn_mass_percent=50.0)
    assert (table["agrees"] == "not known").all()
    assert "no interval to judge by" in text_of(check_statements(table))


def test_growth_is_judged_by_the_volume_budget(case):
    pore, carbon, tin = planted(case[0])
    fraction = 100 * tin / (pore + carbon + tin)
    table = table_of(case, interval=0.5, growth_percent=10.0)
    assert table["found"].iloc[0] == pytest.approx(100 * 21 / fraction)
    assert table["found"].iloc[1] == pytest.approx(100 * 33.1 / fraction)
    assert table["low"].iloc[0] == pytest.approx(100 * 21 / (fraction + 0.5))
    assert table["agrees"].tolist() == ["yes", "yes"]
    most = table_of(case, interval=0.5, growth_percent=40.0)
    assert most["agrees"].tolist() == ["no", "no"]
    text = text_of(check_statements(most))
    assert "expected at most 420" in text
    assert "does not agree" in text


def test_surface_area_says_what_it_presumes(case):
    table = table_of(case, bet_m2_per_g=151.3)
    row = table.iloc[0]
    assert row["low"] <= row["found"] <= row["high"]
    assert row["agrees"] in ("yes", "no")
    assert "N2" in row["note"]


def test_nothing_given_nothing_checked(case):
    assert table_of(case) is None


def test_a_run_writes_its_checks(tmp_path):
    phantom = snpore.make_phantom("pristine", shape=(64, 40, 64), spacing=0.4, seed=2)
    grays = np.array([0.0, 0.0, 1.0, 12.0], np.float32)[phantom.phases]
    source = tmp_path / "gray.tif"
    snpore.write_volume(source, snpore.Volume(grays, (0.4,) * 3))
    recipe = Recipe(
        input={"volume": str(source)},
        threshold={"values": [0.5, 6.0]},
        envelope={"directions": 32},
        measure={"details": False},
        checks={"sn_mass_percent": 53.9, "bet_m2_per_g": 151.3, "growth_percent": 25.2},
        output={"figures": []},
    )
    result = run_study(recipe, tmp_path / "results")
    table = pd.read_csv(result.folder / "tables" / "checks.csv")
    assert tuple(table.columns) == CHECK_COLUMNS
    assert len(table) == 7
    assert "Checks" in result.summary
    assert "surface area: expected 151" in result.summary
    assert table["found"].notna().all()
    again = snpore.Recipe(**recipe.model_dump(exclude_none=True))
    assert again.checks == recipe.checks
    assert "[checks]" in recipe.to_toml()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sn_mass_percent": 100}, "checks.sn_mass_percent"),
        ({"bet": 3}, "checks.bet is not an option"),
        ({"growth_percent": -100}, "checks.growth_percent"),
    ],
)
def test_bad_options_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        Recipe(input={"volume": "a.tif"}, checks=given)
