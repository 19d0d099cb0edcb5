"""
Length and width of voxels
==========================

Feret diameters are distances between parallel planes that touch an object. A voxel has a size of its own, so that the diameter of
a small object depends on the convention, which is a column of every table.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

# %%
# A bar of two by five voxels of 1 nm, seen along z. Its length is the diagonal of the box, its width the short side.

labels = np.zeros((3, 9, 9), dtype=np.uint8)
labels[1, 2:4, 2:7] = 1
figure, axes = plt.subplots(figsize=(3.2, 3.0), layout="constrained")
axes.pcolormesh(labels[1], cmap="Blues", vmax=2, edgecolor="white", linewidth=0.5)
axes.plot([2, 7], [2, 4], color="#b03a2e", label="length, in this plane √29 = 5.39")
axes.plot([6.5, 6.5], [2, 4], color="#1e8449", label="height 2")
axes.set_aspect("equal")
axes.legend(fontsize=6, loc="upper left", frameon=False)
axes.set_xlabel("x (nm)")
axes.set_ylabel("y (nm)")

# %%
# In 3D the bar is one voxel thick: the length is the diagonal of 1 × 2 × 5 nm, √30 = 5.48 nm; the width is that one voxel.

for convention in ("corners", "centers_plus_one"):
    table = snpore.measure_objects(labels, spacing=1.0, convention=convention)
    row = table.iloc[0]
    print(
        f"{convention:17s} length {row.length_nm:.2f} nm, width {row.width_nm:.2f} nm, ratio {row.aspect_ratio:.2f}"
    )

# %%
# Software that tries some dozen directions finds other numbers than the exact ones: lengths too short, widths too large.

plate = np.zeros((5, 40, 40), dtype=np.uint8)
plate[2, 4:36, 4:36] = 1
for directions in ("exact", 31):
    row = snpore.measure_objects(plate, spacing=1.0, directions=directions).iloc[0]
    print(
        f"plate of 32 × 32 × 1 voxels, directions {directions}: length {row.length_nm:.1f}, width {row.width_nm:.1f} nm"
    )
