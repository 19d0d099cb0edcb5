"""Seeded fibres with known truth, in three states, and their simulated tilt series: what every number is tested against."""

from napari_snpore.phantom.fibre import Phantom, make_phantom
from napari_snpore.phantom.tilts import Misalignment, simulate_tilt_series

__all__ = ["Misalignment", "Phantom", "make_phantom", "simulate_tilt_series"]
