"""
Three states compared, from finished runs
=========================================

Pristine, sodiated, desodiated: which numbers differ by more than their errors, and what limits the answer? The folders of three
finished runs are read; nothing is run again. Put folders that ``snpore run`` wrote in their place.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import napari_snpore as snpore
from napari_snpore.figures import (
    DifferencePanel,
    OverlayPanel,
    StateBarsPanel,
    panel_figure,
)
from napari_snpore.figures.comparison_plate import comparison_plate
from napari_snpore.study.states.sample import sample_study

# %%
# The runs
# --------
#
# Of your own runs: ``results = {"pristine": [snpore.read_state_result("runs/p1")], ...}``, with one entry for each fibre. Here
# the runs of three simulated fibres ship with the package, so that the truth is known.

folder = TemporaryDirectory()
study = sample_study(Path(folder.name) / "runs")
results = {
    state.name: [snpore.read_state_result(path) for path in state.fibres] for state in study.state
}
for state, fibres in results.items():
    print(state, [f"{fibre.name}: {len(fibre.objects['Sn'])} clusters" for fibre in fibres])

# %%
# Side by side
# ------------
#
# Each number of each state, with its interval of 95 %. ``value`` is what the voxels say, ``corrected`` what is left of it
# after the digital twin.

found = snpore.compare_states(results)
columns = ["state", "quantity", "unit", "value", "corrected", "low_95", "high_95"]
wanted = ["pore fraction, whole", "Sn fraction, whole", "Sn cluster length, median"]
found.states[found.states["quantity"].isin(wanted)][columns].round(2)

# %%
# Differences
# -----------
#
# The error of a difference comes from the errors of both sides. ``below_error``: the interval holds 0, the difference is not
# shown by these fibres.

columns = ["quantity", "state_a", "state_b", "difference", "low_95", "high_95", "below_error"]
found.differences[columns].head(12).round(1)

# %%
# Of so many, some lie beyond their error by chance:

beyond = found.differences["below_error"].eq(False).sum()
print(beyond, "of", len(found.differences), "differences lie beyond their error")

# %%
# One panel alone: fractions of the whole fibre and of its two cubes, with their intervals.

places = ("whole", "centre cube", "edge cube")
groups = {place: (f"pore fraction, {place}", "%") for place in places}
bars = panel_figure(StateBarsPanel("Pores", found, groups, "Pore fraction (%)"))
bars

# %%
# The same numbers as differences; filled marks are beyond their error.

differences = panel_figure(DifferencePanel("Pores", found, list(groups.values())))
differences

# %%
# Distributions
# -------------
#
# Sizes of the clusters, one line per state. Intervals come from a bootstrap over slabs of the fibre: neighbouring clusters are
# alike, and do not count as independent.

sizes = panel_figure(OverlayPanel(found, "Sn", "length_nm"))
sizes

# %%
# How far apart are the distributions?

columns = [
    "objects",
    "quantity",
    "weighting",
    "state_a",
    "state_b",
    "ks_distance",
    "low_95",
    "high_95",
]
found.distributions[columns].head(6).round(2)

# %%
# What limits the comparison
# --------------------------
#
# Said in sentences, from the conditions that the runs recorded; to be read before anything is concluded.

print(*found.notes, sep="\n\n")

# %%
# One sheet
# ---------
#
# All of it on a page; ``save_figure(sheet, "three_states", formats=("png", "pdf"))`` of ``napari_snpore.figures`` writes it.

sheet = comparison_plate(found)
sheet

# %%
# The tables of one state go on where a spreadsheet or a script of your own takes over:

found.table("profile").head(3)
