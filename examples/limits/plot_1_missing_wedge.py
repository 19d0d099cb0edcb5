"""
What the missing wedge does
===========================

A tilt series ends at some ±70°. Small features are elongated along the beam, by a factor that the tilt range alone gives, and
walls across the beam are lost.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

# %%
# A small ball, imaged without noise up to ±69°, ±60° and ±45°, and reconstructed by weighted backprojection, which is linear.

z, y, x = np.indices((64, 16, 64))
ball = ((z - 31.5) ** 2 + (y - 7.5) ** 2 + (x - 31.5) ** 2 <= 3.0**2).astype(np.float32)
volume = snpore.Volume(ball, 0.3)


def elongation(limit_deg):
    """Return the factor by which small features are longer along the beam."""
    a = np.deg2rad(limit_deg)
    return np.sqrt((a + np.sin(a) * np.cos(a)) / (a - np.sin(a) * np.cos(a)))


figure, axes = plt.subplots(1, 4, figsize=(7.1, 2.2), layout="constrained")
axes[0].imshow(ball[:, 8, :], cmap="gray")
axes[0].set_title("object", fontsize=8)
for place, limit in zip(axes[1:], (69, 60, 45), strict=True):
    angles = np.arange(-limit, limit + 1, 3.0)
    images = snpore.project(volume, angles)
    series = snpore.TiltSeries(np.asarray(images), angles, 0.3)
    found = snpore.reconstruct(series, method="wbp")
    place.imshow(found.data[:, 8, :], cmap="gray")
    place.set_title(f"±{limit}°, factor {elongation(limit):.2f}", fontsize=8)
for place in axes:
    place.set_axis_off()

# %%
# The beam is along z, the vertical of the pictures. ``assess`` gives the factor with every volume; the guide to the
# resolution along the beam is ``D·Δθ`` times the factor.

for limit in (80, 69, 60, 45):
    print(f"±{limit}°: {elongation(limit):.2f}")
