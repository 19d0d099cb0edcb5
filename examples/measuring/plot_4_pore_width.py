"""
How wide are the pores?
=======================

Pores of carbon are one network, so that "the size of a pore" has no answer. Three numbers that do: local width, chords, and
the correlation length.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

phantom = snpore.make_phantom("pristine", shape=(128, 64, 128), spacing=0.2, seed=1)
phases = snpore.Volume(phantom.phases, phantom.spacing)

# %%
# **Local width**: at each voxel the diameter of the largest ball that fits into the pores and holds the voxel.

width = snpore.local_thickness(phases == 1)
values = width.data[width.data > 0]
print(
    f"median {np.median(values):.2f} nm, 10th to 90th percentile",
    *np.percentile(values, [10, 90]).round(2),
)

# %%
# **Two-point correlation**: how soon does one forget that one started in a pore? It falls to 1/e at the correlation length.

table = snpore.two_point_correlation(phases)
length_nm = snpore.correlation_length(table)
curve = table[table["direction"] == "all"]

figure, (left, right) = plt.subplots(1, 2, figsize=(7.1, 2.4), layout="constrained")
left.hist(values, bins=np.arange(0, values.max() + 0.2, 0.2), density=True, color="#9aa5b1")
left.set_xlabel("Local width of the pores (nm)")
left.set_ylabel("Share of volume per nm")
right.plot(curve["distance_nm"], curve["correlation"], color="#2f6db5")
right.axhline(np.exp(-1), color="gray", linewidth=0.8, linestyle="--")
right.axvline(length_nm, color="gray", linewidth=0.8, linestyle="--")
right.set_xlabel("Distance (nm)")
right.set_ylabel("Correlation of the pores")
right.set_title(f"correlation length {length_nm:.2f} nm", fontsize=8)

# %%
# **Chords**: lengths of straight lines through the pores along one axis. Those that leave the box are left out.

for axis, name in enumerate("zyx"):
    chords = snpore.chord_lengths(phases == 1, axis=axis)
    print(f"mean chord along {name}: {chords.mean():.2f} nm")
