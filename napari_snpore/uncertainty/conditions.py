"""Conditions of a tilt series that decide how true its numbers are: thickness, dose, contrast, and how
well its phases explain its images.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """How hard a specimen is to measure.

    Attributes
    ----------
    thickness_step_px : float
        D·Δθ over the pixel size: thickness D of the specimen (nm) times the tilt step Δθ (rad).
    dose : float
        Detected counts per pixel over the specimen in the image nearest to tilt 0; infinite where the
        images show no counting noise.
    contrast : float
        Grey level of the brightest phase over that of the one below it.
    misfit : float
        Discrete residual R of the phases: mean squared misfit of the images over their noise. About
        1 where noise is all that is left; shifts that an alignment left, another blur, or grey values
        that are not one a phase make it larger.
    """

    thickness_step_px: float
    dose: float
    contrast: float
    misfit: float
