"""
A fibre that swells
===================

Images of one fibre in time: its diameter in each, with a standard error, and the time at which the growth breaks off. The
series is simulated, so that both are known.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore
from napari_snpore.figures.in_situ_plot import diameter_plot

swelling = snpore.make_swelling_fibre(frames=26)
series = swelling.series  # of your own: snpore.read_image_series("fibre.tif")
figure, axes = plt.subplots(1, 3, figsize=(7.1, 2.0), layout="constrained")
for place, frame in zip(axes, (0, 12, 25), strict=True):
    place.imshow(series.images[frame], cmap="gray")
    place.set_title(f"{series.times_s[frame]:.0f} s", fontsize=8)
    place.set_axis_off()

# %%
# The profile across the fibre is fitted by the chord of a cylinder, blurred, on a background; its direction is found.

table = snpore.fibre_diameter(series)
found = snpore.break_point(table["time_s"], table["diameter_nm"], table["diameter_error_nm"])
plot = diameter_plot(table, found)

# %%
# Beside what was simulated:

difference = table["diameter_nm"].to_numpy() - swelling.truth["diameter_nm"].to_numpy()
print(f"largest deviation of a diameter: {np.abs(difference).max():.2f} nm")
print(
    f"break at {found.time_s:.0f} ± {found.time_error_s:.0f} s; simulated: {swelling.break_s:.0f} s"
)
