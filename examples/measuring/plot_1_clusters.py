"""
Sizes of tin clusters
=====================

Clusters are connected voxels of tin. Length and width are the largest and the smallest Feret diameter over all directions.
"""

import napari_snpore as snpore
from napari_snpore.figures import object_histograms

phantom = snpore.make_phantom("desodiated", shape=(88, 64, 88), spacing=0.3, seed=1)
phases = snpore.Volume(phantom.phases, phantom.spacing)
clusters = snpore.label_objects(phases == 3)
table = snpore.measure_objects(clusters)
table[["volume_nm3", "length_nm", "width_nm", "aspect_ratio", "touches_border", "resolved"]].head()

# %%
# Clusters that the box cuts are left out. The hatched ones have fewer than 64 voxels: that they are there is known, their
# shape is not.

sizes = object_histograms(table, noun="Sn clusters", voxel_nm=0.3)

# %%
# The numbers of a paper, in one line each:

summary = snpore.size_summary(table, limit_nm=2.0)
print(f"{summary.count} clusters, {summary.cut_by_box} of them cut by the box")
print(f"median length {summary.median_length_nm:.2f} nm")
print(f"shorter than 2 nm: {100 * summary.share_below_limit_by_number:.0f} % of the clusters,")
print(f"{100 * summary.share_below_limit_by_volume:.0f} % of their volume")
print(f"not resolved: {100 * summary.unresolved_share:.0f} %")

# %%
# How far is it from one cluster to the next? Rows beside a face of the box are incomplete and left out of the summary.

neighbours = snpore.nearest_neighbors(clusters)
print(snpore.nearest_summary(neighbours, box_nm=clusters.size_nm, cut_axes=(0, 1, 2)).round(2))
