"""
From a tilt series to numbers with intervals
============================================

A fibre whose truth is known is imaged, reconstructed, cut into phases by the images and measured; a digital twin then says
what the steps themselves do to each number. Put a file of your own in the place of the simulated series: nothing else changes.
"""

import napari_snpore as snpore
from napari_snpore.figures import object_histograms, ortho_slices, phase_slices, sinogram

# %%
# The series
# ----------
#
# Of your own file it is ``series = snpore.read_tilt_series("series.mrc")``: angles and pixel size are read from the file or
# from the files beside it, and asked for where there are none. Here a pristine fibre of tin and pores in carbon is simulated
# at 47 tilts, with counting noise. Its phases are the truth that the numbers are held against at the end.

truth = snpore.make_phantom("pristine", shape=(56, 40, 56), spacing=0.3, seed=1)
angles = range(-69, 70, 3)
series = snpore.simulate_tilt_series(truth, angles_deg=angles, dose=2e3, seed=1)
print(series.images.shape, "images (tilt, y, x) of", series.pixel_size_nm, "nm a pixel")

# %%
# Alignment
# ---------
#
# Background is subtracted, then shifts and the tilt axis are found in the images. Notes say what a reader should know.

series = snpore.subtract_background(series)
alignment = snpore.align(series)
aligned = alignment.apply(series)
print(f"tilt axis {alignment.tilt_axis_angle_deg:.2f} ± {alignment.tilt_axis_error_deg:.2f}°")
print(*alignment.notes, sep="\n")
rows = sinogram(series, aligned, tilt_axis_angle_deg=alignment.tilt_axis_angle_deg)
rows

# %%
# Reconstruction
# --------------
#
# The blur of the images is found in the images and becomes part of the model of the reconstruction, so that edges are not
# blurred once more. ``quality`` says what the projections of the volume leave unexplained.

blur = snpore.find_blur(aligned)
volume = snpore.reconstruct(aligned, method="tv", blur=blur)
quality = snpore.assess(aligned, volume)
print(f"blur {blur.sigma_px:.2f} px ({blur.low_95:.2f} to {blur.high_95:.2f})")
print(f"residual {100 * quality.residual:.1f} %, D·Δθ {quality.crowther_nm:.2f} nm")
slices = ortho_slices(volume)
slices

# %%
# Phases
# ------
#
# Thresholds are those whose phases, blurred and projected, fit the images best. Vacuum beside the fibre is as dark as a pore:
# the envelope separates them. Polishing then corrects the phases voxel by voxel by the images.

found = snpore.projection_residual(aligned, volume, blur_px=blur.sigma_px)
thresholds = found.suggestion.thresholds
envelope = snpore.make_envelope(volume, thresholds[0])
phases = snpore.segment(volume, thresholds, envelope=envelope.mask)
levels = (0.0, *found.levels)  # grey values of exterior, pore, C, Sn
phases, levels = snpore.polish_phases(phases, aligned, levels=levels, blur_px=blur.sigma_px)
maps = phase_slices(phases)
maps

# %%
# Fractions beside the truth, which no file of your own has:

fractions = snpore.volume_fractions(phases)
fractions["planted_percent"] = truth.fractions["fraction_percent"]
fractions[["name", "fraction_percent", "planted_percent"]].round(1)

# %%
# Sizes
# -----
#
# One row per cluster, with the largest and the smallest Feret diameter; hatched are clusters of fewer than 64 voxels, whose
# shape says nothing.

clusters = snpore.label_objects(phases == 3)
table = snpore.measure_objects(clusters)
sizes = object_histograms(table, noun="Sn clusters", voxel_nm=0.3)
sizes

# %%
# Intervals
# ---------
#
# Images of a fibre that is exactly as these phases say go through the same steps: what comes out differently is what the
# steps do, and is taken off. Thresholds, blur and envelope are varied as far as the images allow. ``calibrated`` says whether
# such intervals were tested on phantoms of known truth under these conditions; here they were not, and a note says why.

errors = snpore.estimate_errors(phases, volume, aligned)
print(*errors.notes, sep="\n")
columns = ["quantity", "unit", "value", "corrected", "low_95", "high_95", "calibrated"]
errors.numbers[columns].head(9).round(1)

# %%
# Which of the intervals hold the planted fractions?

numbers = errors.numbers.set_index("quantity")
planted = truth.fractions.set_index("name")["fraction_percent"]
for phase in ("pore", "C", "Sn"):
    row = numbers.loc[f"{phase} fraction, whole"]
    held = row.low_95 <= planted[phase] <= row.high_95
    print(f"{phase}: {planted[phase]:.1f} %, {row.low_95:.1f} to {row.high_95:.1f}, held: {held}")

# %%
# As one command
# --------------
#
# ``snpore run series.mrc`` does all of this. The phases carry the record of what was done to them, which becomes a recipe with
# every parameter, for ``snpore run recipe.toml`` and for a referee:

recipe = snpore.saved_recipe(phases.history, source="series.mrc")
print(*recipe.to_toml().splitlines()[:30], "...", sep="\n")
