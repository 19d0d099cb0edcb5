"""Conditions of a run, as the run itself found them."""

from __future__ import annotations

import math

import numpy as np

from napari_snpore.compute import ShouldStop
from napari_snpore.history import PolishStep, ReconstructStep, last_step
from napari_snpore.segmentation.phases import PORE
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.conditions import Conditions


def conditions_of_run(
    tomogram: Tomogram,
    segmentation: Segmentation,
    *,
    noise: NoiseModel | None = None,
    should_stop: ShouldStop | None = None,
) -> Conditions | None:
    """Return thickness over step, dose and contrast of a run; None where it has no images, no
    polished phases or no envelope to tell them by.

    Parameters
    ----------
    tomogram, segmentation
        What the run made.
    noise : NoiseModel, optional
        Of the aligned images; default: estimated.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    series, made = tomogram.aligned, last_step(tomogram.volume.history, ReconstructStep)
    polished = last_step(segmentation.phases.history, PolishStep)
    if series is None or made is None or made.crowther_nm is None:
        return None
    if polished is None or len(polished.levels) < 4:
        return None
    noise = noise or noise_model(series, should_stop=should_stop)
    return Conditions(
        made.crowther_nm / series.pixel_size_nm,
        dose_of(series, segmentation, noise),
        polished.levels[-1] / polished.levels[-2],
    )


def dose_of(series: TiltSeries, segmentation: Segmentation, noise: NoiseModel) -> float:
    """Return the counts per pixel over the specimen in the image nearest to tilt 0."""
    solid = (np.asarray(segmentation.phases.data) > PORE).any(axis=0)
    image = np.asarray(series.images[int(np.argmin(np.abs(series.angles_deg)))])
    return noise.gain * float(image[solid].mean()) if solid.any() else math.nan
