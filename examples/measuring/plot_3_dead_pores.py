"""
Dead pores, and which voxels are neighbours
===========================================

A pore is dead where no path through void joins it with the outside. Whether voxels that share an edge or a corner only are
joined is a convention, so that the table has one row for each.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

phantom = snpore.make_random_phantom("balls", shape=(72, 48, 72), spacing=0.3, seed=3)
phases = snpore.Volume(phantom.phases, phantom.spacing)
found = snpore.dead_pores(phases, cut_axes=[1])
found.table[["connectivity", "dead_volume_nm3", "dead_share_of_pore", "dead_share_of_envelope"]]

# %%
# Dead pores (red) on the cross-section that holds the most of them, for connectivity 6. Void that leaves the box through the
# cut ends of the fibre counts as open.

dead = found.mask(6)
y = int(dead.sum(axis=(0, 2)).argmax())
colors = np.array([[0.93, 0.93, 0.93], [1, 1, 1], [0.18, 0.43, 0.71], [0.96, 0.76, 0.05]])
picture = colors[phases.data[:, y, :]]
picture[dead[:, y, :]] = (0.85, 0.1, 0.1)
figure, axes = plt.subplots(figsize=(3.0, 3.0), layout="constrained")
axes.imshow(picture)
axes.set_axis_off()
axes.set_title(f"{dead.sum()} dead voxels at connectivity 6", fontsize=8)

# %%
# A molecule or a drop of liquid is larger than a voxel: the share of the pores that a ball reaches from outside.

reached = snpore.accessible_pores(phases, [0.0, 0.3, 0.6, 0.9, 1.2], cut_axes=[1])
reached.round(3)
