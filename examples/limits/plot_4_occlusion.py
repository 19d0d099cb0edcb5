"""
Vacuum or pore?
===============

Vacuum beside a fibre is as dark as a pore in it. Ambient occlusion tells them apart by shape: of all directions from a voxel, the
share in which a ray of a given length meets solid.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

# %%
# A block with a closed pore, a deep slit of 3 nm and a wide notch, the same along y. Rays are 6 nm long.

solid = np.zeros((90, 80, 90), dtype=bool)
solid[15:75, :, 15:75] = True
solid[30:42, :, 22:34] = False  # closed along z and x
solid[15:60, :, 45:55] = False  # slit, 10 voxels wide, open at the top
solid[60:75, :, 30:60] = False  # notch, open at the bottom
occlusion = snpore.ambient_occlusion(solid, spacing=0.3, ray_length_nm=6.0, cut_axes=[1])
envelope = snpore.fibre_envelope(solid, spacing=0.3, ray_length_nm=6.0, cut_axes=[1])

figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3.0), layout="constrained")
picture = left.imshow(np.where(solid, np.nan, occlusion)[:, 40], cmap="viridis", vmin=0, vmax=1)
figure.colorbar(picture, ax=left, label="Occlusion", shrink=0.8)
left.set_title("share of rays that meet solid", fontsize=8)
parts = np.where(solid, 2, np.where(envelope, 1, 0))[:, 40]
colors = np.array([[0.85, 0.85, 0.85], [1.0, 1.0, 1.0], [0.18, 0.43, 0.71]])
right.imshow(colors[parts])
right.set_title("grey exterior, white pore, blue solid", fontsize=8)
for place in (left, right):
    place.set_axis_off()

# %%
# In the middle of a slit of width w, rays of length R ≥ w/2 give 1 − w/(2R). Here w is 3 nm, so that 0.75 is expected:

print(f"{np.asarray(occlusion)[38, 40, 49]:.2f}")

# %%
# The ray length has to be above the widest mouth of a pore, and below the radius of the fibre: with rays that are too short, the
# inside of a wide pore counts as exterior.

for ray_length_nm in (1.0, 2.0, 4.0, 6.0, 8.0):
    found = snpore.fibre_envelope(solid, spacing=0.3, ray_length_nm=ray_length_nm, cut_axes=[1])
    pores = np.asarray(found)[~solid].sum() * 0.3**3
    print(f"rays of {ray_length_nm:.0f} nm: {pores:.0f} nm³ of pore")
