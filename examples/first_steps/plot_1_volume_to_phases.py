"""
A volume in three phases
========================

A grey volume becomes pore, carbon and tin by two thresholds. The volume here is simulated; one of your own comes from
``snpore.read_volume("fibre.mrc")``.
"""

import napari_snpore as snpore
from napari_snpore.figures import phase_slices, slice_pair, threshold_histogram

phantom = snpore.make_phantom("pristine", shape=(128, 64, 128), spacing=0.2, seed=1)
volume = phantom.volume
print(volume.shape, volume.spacing)

# %%
# The histogram suggests thresholds. Tin is some twelve times as bright as carbon, so that the default rule looks for tin
# first, and for the edge between vacuum and carbon in what is left.

histogram = snpore.gray_histogram(volume)
suggestion = snpore.suggest_thresholds(histogram)
print(suggestion.thresholds, suggestion.warning)
counts = threshold_histogram(histogram, suggestion.thresholds)

# %%
# Vacuum beside the fibre is as dark as a pore. The envelope separates the two, so that fractions are shares of the fibre.

envelope = snpore.make_envelope(volume, suggestion.thresholds[0])
phases = snpore.segment_volume(volume, suggestion.thresholds, envelope=envelope).phases
pair = slice_pair(volume, phases)

# %%
# Three planes through the middle; the fibre lies along y, so that XZ is its cross-section.

planes = phase_slices(phases)

# %%
# How much there is of each phase, as a share of the envelope and of the whole box. The phantom knows the truth: the blur
# of the grey values alone, without any tomography, takes some five points from the pores. Around each cluster a rim of
# grey values reads as carbon. Where the tilt images are at hand, thresholds and phases are better found by them.

found = snpore.volume_fractions(phases)
found["truth_percent"] = snpore.volume_fractions(phantom.phases, spacing=0.2)["fraction_percent"]
found[["name", "fraction_percent", "truth_percent", "fraction_box_percent"]].round(1)
