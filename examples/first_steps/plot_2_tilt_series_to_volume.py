"""
A tilt series becomes a volume
==============================

The needle is a measured HAADF-STEM tilt series that ships with the package. It is aligned and reconstructed; one
function per step.
"""

from importlib.resources import as_file, files

import napari_snpore as snpore
from napari_snpore.figures import ortho_slices, quality_plot, sinogram, tilt_images

with as_file(files("napari_snpore") / "data" / "needle" / "HAADF.dm3") as path:
    series = snpore.read_tilt_series(path)
print(series.images.shape, series.pixel_size_nm, series.angles_deg[[0, -1]])

# %%
# Pixels are joined two by two, which is enough for a first look and takes an eighth of the time.

series = snpore.subtract_background(snpore.bin_series(series, 2))
images = tilt_images(series)

# %%
# Shifts of the images and the tilt axis are found in the images. In the sinogram, one row of every image, the trace of
# each feature is a sine only where the series is aligned.

alignment = snpore.align(series)
aligned = alignment.apply(series)
print(f"tilt axis {alignment.tilt_axis_angle_deg:.1f} ± {alignment.tilt_axis_error_deg:.1f}°")
print(*alignment.notes, sep="\n")
row = sinogram(series, aligned, tilt_axis_angle_deg=alignment.tilt_axis_angle_deg)

# %%
# SIRT is the quickest of the iterative methods; ``method="tv"`` is what ``snpore run`` takes.

volume = snpore.reconstruct(aligned, method="sirt", iterations=30)
slices = ortho_slices(volume)

# %%
# Each volume is judged by what its projections do not explain of the images. ``D·Δθ`` is a guide to its resolution.

quality = snpore.assess(aligned, volume)
print(f"residual {100 * quality.residual:.1f} %, D·Δθ {quality.crowther_nm:.2f} nm")
print(f"elongation along the beam {quality.wedge_elongation:.2f}")
residuals = quality_plot(quality, aligned.angles_deg)
