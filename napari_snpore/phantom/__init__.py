"""Simulated fibres with known truth: volumes in three states, tilt series and in situ series.

Every number that the package reports is tested against these phantoms.
"""

from napari_snpore.phantom.fibre import Phantom, make_phantom
from napari_snpore.phantom.in_time import Swelling, make_swelling_fibre
from napari_snpore.phantom.measured_series import Recording, simulate_measured_series
from napari_snpore.phantom.probe import Probe
from napari_snpore.phantom.random_fibre import make_random_phantom
from napari_snpore.phantom.tilts import Misalignment, simulate_tilt_series

__all__ = [
    "Misalignment",
    "Phantom",
    "Probe",
    "Recording",
    "Swelling",
    "make_phantom",
    "make_random_phantom",
    "make_swelling_fibre",
    "simulate_measured_series",
    "simulate_tilt_series",
]
