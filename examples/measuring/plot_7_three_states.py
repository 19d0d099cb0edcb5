"""
Three states, side by side
==========================

Which numbers of pristine, sodiated and desodiated fibres differ by more than their errors? The finished runs of three phantoms
ship with the package; ``snpore compare`` does the same with runs of your own.
"""

import tempfile
from pathlib import Path

import napari_snpore as snpore
from napari_snpore.figures.comparison_plate import comparison_plate
from napari_snpore.study.states.sample import sample_study

with tempfile.TemporaryDirectory() as folder:
    study = sample_study(Path(folder) / "runs")
    results = {
        state.name: [snpore.read_state_result(path) for path in state.fibres]
        for state in study.state
    }
    found = snpore.compare_states(results)
sheet = comparison_plate(found)

# %%
# Differences with their intervals of 95 %. ``below_error`` marks those whose interval holds 0.

columns = ["quantity", "state_a", "state_b", "difference", "low_95", "high_95", "below_error"]
found.differences[columns].head(12).round(1)

# %%
# What limits the comparison is said in sentences:

print(*found.notes, sep="\n\n")
