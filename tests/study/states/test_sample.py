"""The sample "three states": runs that can be compared at once, and hold what was planted."""

from __future__ import annotations

import pandas as pd

from napari_snpore.study.states.comparing import compare_study
from napari_snpore.study.states.sample import STATES, sample_study

PORE_WHOLE = {"sodiated": 25.8, "desodiated": 30.9}
"""Per cent, as the source paper has them and the phantoms plant them."""


def test_the_sample_is_compared_at_once(tmp_path):
    study = sample_study(tmp_path / "sample")
    assert [state.name for state in study.state] == list(STATES)
    said = []
    found = compare_study(study, tmp_path / "out", figures=False, say=said.append)
    assert said == []
    states = found.comparison.states.set_index(["state", "quantity", "unit"])
    for state, planted in PORE_WHOLE.items():
        row = states.loc[(state, "pore fraction, whole", "%")]
        assert row["low_95"] <= planted <= row["high_95"]
    differences = pd.read_csv(tmp_path / "out" / "differences.csv")
    assert len(differences) == 69
    of_structure = {"pore correlation length", "Sn clusters, gap to the nearest, median"}
    assert of_structure <= set(differences["quantity"]), set(differences["quantity"])
    assert (tmp_path / "sample" / "pristine" / "volumes" / "phases.tif").is_file()
    assert sample_study(tmp_path / "sample") == study
