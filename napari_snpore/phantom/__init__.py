"""Seeded fibres with known truth, in three states or in time, and their simulated images: what every number is tested against."""

from napari_snpore.phantom.fibre import Phantom, make_phantom
from napari_snpore.phantom.in_time import Swelling, make_swelling_fibre
from napari_snpore.phantom.tilts import Misalignment, simulate_tilt_series

__all__ = ["Misalignment", "Phantom", "Swelling", "make_phantom", "make_swelling_fibre", "simulate_tilt_series"]
