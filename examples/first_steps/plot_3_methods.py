"""
Reconstruction methods beside the truth
=======================================

The same noisy tilt images, reconstructed by weighted backprojection, SIRT and total variation. Only a phantom can say which
volume is nearer to the truth.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

phantom = snpore.make_phantom("sodiated", shape=(72, 32, 72), spacing=0.3, seed=2)
angles = np.arange(-69, 70, 3.0)
series = snpore.simulate_tilt_series(phantom, angles_deg=angles, dose=1000, seed=2)

# %%
# The blur of the images is known here: 0.15 nm, half a pixel. For measured images ``find_blur`` looks for it.

methods = {
    "WBP": snpore.Wbp(),
    "SIRT": snpore.Sirt(iterations=50),
    "TV": snpore.Tv(blur_px=0.5),
}
volumes = {name: snpore.reconstruct(series, method=one) for name, one in methods.items()}

# %%
# Cross-sections of the fibre at one grey scale. The images end at ±69°: what is missing is along z, the vertical here.

truth = np.array([0.0, 0.0, 1.0, 3.5])[phantom.phases]  # grey values of exterior, pore, C, Sn-rich
shown = {"truth": truth, **{name: volume.data for name, volume in volumes.items()}}
figure, axes = plt.subplots(1, 4, figsize=(7.1, 2.1), layout="constrained")
for place, (name, data) in zip(axes, shown.items(), strict=True):
    place.imshow(data[:, 16, :], cmap="gray", vmin=-0.3, vmax=3.5)
    place.set_title(name, fontsize=8)
    place.set_axis_off()

# %%
# The root of the mean squared difference from the true grey values, inside the fibre:

inside = phantom.phases > 0
for name, volume in volumes.items():
    difference = np.asarray(volume.data)[inside] - truth[inside]
    print(f"{name:5s} {np.sqrt((difference**2).mean()):.2f}")
