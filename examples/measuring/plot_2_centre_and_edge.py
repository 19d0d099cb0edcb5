"""
Centre and edge of a fibre
==========================

Two cubes are placed by the envelope: one on the axis of the fibre, one at its surface. The radial profile shows what lies
between.
"""

from matplotlib import pyplot as plt

import napari_snpore as snpore
from napari_snpore.figures import phase_fractions

phantom = snpore.make_phantom("pristine", shape=(88, 64, 88), spacing=0.3, seed=1)
phases = snpore.Volume(phantom.phases, phantom.spacing)
envelope = phases.data > 0
centers = snpore.center_and_edge_boxes(envelope, spacing=0.3, size_nm=7.2)
for name, center_nm in centers.items():
    print(name, [round(float(one), 2) for one in center_nm])

# %%
# Fractions of the whole fibre and of both cubes:

tables = {"whole": snpore.volume_fractions(phases)}
for name, center_nm in centers.items():
    cube = snpore.extract_subvolume(phases, center_nm=center_nm, size_nm=7.2)
    tables[name] = snpore.volume_fractions(cube)
bars = phase_fractions(tables)

# %%
# Shells of equal distance from the surface. The fibre goes on beyond the box along y (axis 1).

profile = snpore.radial_profile(phases, shell_nm=1.0, cut_axes=[1])
whole = profile[profile["sector"] == "all"]
middle = (whole["depth_from_nm"] + whole["depth_to_nm"]) / 2
figure, axes = plt.subplots(figsize=(3.5, 2.4), layout="constrained")
axes.plot(middle, whole["pore_percent"], "o-", color="#808080", label="pore")
axes.plot(middle, whole["Sn_percent"], "s-", color="#c99700", label="Sn")
axes.set_xlabel("Depth below the surface (nm)")
axes.set_ylabel("Share of the shell (%)")
axes.set_ylim(0)
axes.legend(frameon=False)

# %%
# Would another cube have given another number? The spread of all cubes of one edge says how much depends on the place.

cubes = snpore.cube_fractions(phases)
cubes[["edge_nm", "independent_count", "mean_percent", "sd_percent"]].round(1)
