"""
How well do the pores conduct?
==============================

Effective diffusivity is solved on the voxels; the tortuosity factor counts winding *and* narrow paths. The geodesic tortuosity
is the length of the shortest paths alone.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

# %%
# A straight channel through carbon, and the same with a bottleneck. The straight one has a tortuosity factor of 1.

straight = np.full((12, 60, 12), 2, dtype=np.uint8)
straight[3:9, :, 3:9] = 1
narrow = straight.copy()
narrow[3:9, 25:35, 3:9] = 2
narrow[5:7, 25:35, 5:7] = 1
for name, labels in (("straight", straight), ("bottleneck", narrow)):
    found = snpore.effective_diffusivity(labels, direction="y", spacing=0.5)
    print(
        f"{name:10s} D_eff/D₀ {found.relative_diffusivity:.3f}, tortuosity factor {found.tortuosity_factor:.2f}"
    )

# %%
# A fibre whose pores are cut from a random field, along its axis and from its core to its surface:

phantom = snpore.make_random_phantom("field", shape=(72, 48, 72), spacing=0.3, seed=6)
phases = snpore.Volume(phantom.phases, phantom.spacing)
rows = {
    "axis": snpore.effective_diffusivity(phases, direction="y"),
    "surface": snpore.effective_diffusivity(phases, direction="surface", core_nm=2.5),
}
for name, found in rows.items():
    print(
        f"{name:8s} pore fraction {found.volume_fraction:.2f}, D_eff/D₀ {found.relative_diffusivity:.3f}, "
        f"tortuosity factor {found.tortuosity_factor:.1f}"
    )

# %%
# Lengths of the shortest paths from the core outwards, over the straight line:

print(snpore.geodesic_tortuosity(phases, core_nm=2.5))

figure, axes = plt.subplots(figsize=(3.0, 3.0), layout="constrained")
axes.imshow(phantom.phases[:, 24, :] == 1, cmap="gray_r")
axes.set_axis_off()
axes.set_title("pores of the fibre, cross-section", fontsize=8)
