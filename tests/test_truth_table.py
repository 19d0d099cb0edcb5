"""The truth table: one phantom through the whole work, resumed tables, and their summary."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from benchmarks import blind_run, truth_chain, truth_report
from benchmarks.blind_run import TruthCase
from benchmarks.case_runner import CaseResult, Tables, run_cases
from benchmarks.case_tables import PhantomCase, has_case, read_rows, replace_case, shape_of
from benchmarks.truth import in_short, planned_cases
from benchmarks.truth_chain import run_case
from napari_snpore.study import tomogram
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.volume import Volume


def case(simulator="model", contrast="easy", seed=901):
    return TruthCase(simulator, PhantomCase("fibre", contrast, seed, (76, 36, 76), 20000.0))


@pytest.fixture
def quick(monkeypatch):
    """Few tilts, and the true blur in place of a search."""
    monkeypatch.setattr(blind_run, "ANGLES_DEG", np.arange(-66.0, 67.0, 4.0))
    true = BlurEstimate(1.0, 0.95, 1.05, (), (), True)
    monkeypatch.setattr(tomogram, "find_blur", lambda series, **options: true)


def test_a_small_phantom_is_measured_from_its_tilts(quick):
    result = run_case(case())
    rows = pd.DataFrame(result.quantities).set_index(["quantity", "unit"])
    assert set(truth_report.QUANTITIES) <= set(rows.index)
    pore = rows.loc[("pore fraction, whole", "%")]
    assert pore["polished_bias"] == pytest.approx(pore["polished_value"] - pore["truth"])
    # a high dose and the true blur
    assert abs(rows.loc[("Sn fraction, whole", "%"), "polished_bias"]) < 2
    assert abs(pore["polished_bias"]) < 5
    assert pore["corrected"] == pytest.approx(pore["polished_value"] - pore["twin_bias"])
    assert pore["low_95"] < pore["corrected"] < pore["high_95"]
    about = result.case
    assert about["polished"]
    assert about["wrong_percent_polished"] < 20
    assert about["wrong_percent_thresholds"] < 20
    assert about["level_carbon_polished"] == pytest.approx(1, abs=0.1)
    assert about["counts_per_unit_found"] == pytest.approx(about["counts_per_unit_true"], rel=0.2)


def test_true_phases_have_no_wrong_voxel():
    phantom = case().phantom.make()
    right = Volume(phantom.phases, phantom.spacing)
    assert truth_chain.wrong_percent(right, phantom) == 0


def fake(bias, simulator):
    rows = [
        {"quantity": name, "unit": unit, "truth": 40.0,
         "thresholds_value": 40 + 2 * bias, "thresholds_bias": 2 * bias,
         "polished_value": 40 + bias, "polished_bias": bias}
        for name, unit in truth_report.QUANTITIES
    ]  # fmt: skip
    about = {
        "blur_px": 1.0, "blur_reliable": True, "counts_per_unit_found": 2.0, "counts_per_unit_true": 2.0,
        "wrong_percent_thresholds": 4.0, "wrong_percent_polished": 3.0, "polished": True, "total_s": 4.0,
        "find_blur_s": 2.0, "tv_s": 1.0, "polish_s": 1.0,
    }  # fmt: skip
    return CaseResult(rows, about)


def test_finished_cases_are_not_run_again_and_failed_ones_are(tmp_path):
    ran, broken = [], True

    def run(one):
        ran.append(one)
        if broken and one.phantom.seed == 902:
            raise ValueError("no")
        return fake(1.0, one.simulator)

    tables = Tables.in_folder(tmp_path, "truth")
    cases = [case(seed=901), case(seed=902)]
    assert run_cases(cases, tables, run, in_short) == 1
    assert read_rows(tables.cases)["error"].isna().tolist() == [True, False]
    broken = False
    assert run_cases(cases, tables, run, in_short) == 0
    assert [one.phantom.seed for one in ran] == [901, 902, 902]
    quantities = read_rows(tables.quantities)
    assert len(quantities) == 2 * len(truth_report.QUANTITIES)
    assert len(read_rows(tables.cases)) == 2


def test_rows_of_a_case_replace_earlier_ones(tmp_path):
    path = tmp_path / "rows.csv"
    replace_case(path, {"seed": 2}, [{"value": 1.0}, {"value": 2.0}])
    replace_case(path, {"seed": 1}, [{"value": 0.1}])
    replace_case(path, {"seed": 2}, [{"value": 3.0}])
    rows = read_rows(path)
    assert rows.to_dict("list") == {"seed": [1, 2], "value": [0.1, 3.0]}
    assert has_case(rows, {"seed": 1})
    assert not has_case(rows, {"seed": 3})


def test_the_plan_holds_thirty_cases_seed_by_seed():
    plan = planned_cases()
    assert len(plan) == 30
    assert [one.phantom.seed for one in plan[:5]] == [11, 11, 11, 11, 11]
    assert [one.simulator for one in planned_cases(only="measured fibre easy 13")] == ["measured"]


def test_shapes_in_words():
    assert shape_of("96") == (96, 96, 96)
    with pytest.raises(ValueError, match="128x48x128"):
        shape_of("12x3")


def test_summary_tables_and_figure(tmp_path):
    tables = Tables.in_folder(tmp_path, "truth")
    # biases known by hand: by the model -1, 2, 3; outside the model twice as large
    for seed, bias in ((1, -1.0), (2, 2.0), (3, 3.0)):
        for simulator, factor in (("model", 1), ("measured", 2)):
            tables.add(case(simulator, seed=seed), fake(factor * bias, simulator))
    document = tmp_path / "truth.md"
    names = ("biases", "figure", "dead pores", "mismatch", "findings")
    document.write_text("".join(f"<!-- {n} -->\noutdated\n<!-- end of {n} -->\n" for n in names))
    truth_report.write_report(tables.quantities, tables.cases, document=document)
    rows = pd.read_csv(tmp_path / "truth_summary.csv")
    pore = rows[rows["quantity"] == "pore fraction, whole"].set_index("simulator")
    assert pore.loc["model", "polished_median"] == 2
    assert pore.loc["model", "polished_worst"] == 3
    assert pore.loc["model", "thresholds_worst_percent"] == 15
    assert math.isnan(pore.loc["model", "mismatch_median"])
    assert pore.loc["measured", "mismatch_median"] == 2
    assert pore.loc["measured", "mismatch_worst"] == 3
    text = document.read_text()
    assert "| pore, whole | the model | points | 4.00 (+6.00) | 2.00 (+3.00) |" in text
    # a count has its bias in % of the truth, 40
    assert "| Sn clusters, count | the model | % of truth | 10.00 (+15.00) | 5.00 (+7.50) |" in text
    assert "outdated" not in text
    assert (tmp_path / "truth.png").stat().st_size > 1000
    assert (tmp_path / "truth.svg").exists()
