"""Conditions of a run, as the run itself found them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, small_blocks
from napari_snpore.compute import ShouldStop
from napari_snpore.engines import run_on_blocks
from napari_snpore.history import PolishStep, ReconstructStep, last_step
from napari_snpore.segmentation.occlusion import OCCLUSION_THRESHOLD
from napari_snpore.segmentation.phases import PORE, PORE_C_SN
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.provenance import plain
from napari_snpore.study.recipe import (
    CleanupSection,
    MeasureSection,
    Recipe,
    UncertaintySection,
)
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.conditions import Conditions

_LEAST_TILT_DEG = 64.0
"""Least greatest tilt to both sides at which the wedge counts as that of the phantoms, ±69°: 64° makes
it a quarter wider."""


def conditions_of_run(
    tomogram: Tomogram,
    segmentation: Segmentation,
    *,
    noise: NoiseModel | None = None,
    should_stop: ShouldStop | None = None,
) -> Conditions | None:
    """Return the conditions of a run; None where it has no images or no polished phases to tell them
    by.

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
    if polished is None or len(polished.levels) < 4 or polished.residual_after is None:
        return None
    noise = noise or noise_model(series, should_stop=should_stop)
    return Conditions(
        made.crowther_nm / series.pixel_size_nm,
        dose_of(series, segmentation, noise),
        polished.levels[-1] / polished.levels[-2],
        polished.residual_after,
    )


def conditions_record(tomogram: Tomogram, conditions: Conditions | None) -> dict[str, Any]:
    """Return the entry ``results.conditions`` of a record: what has to be alike where runs are
    compared.
    """
    volume = tomogram.volume
    found: dict[str, Any] = {"voxel_nm": list(volume.spacing), "shape": list(volume.shape)}
    series = tomogram.aligned
    if series is not None:
        angles = np.sort(np.asarray(series.angles_deg, float))
        found |= {
            "tilts": len(angles),
            "tilt_min_deg": float(angles[0]),
            "tilt_max_deg": float(angles[-1]),
            "tilt_step_deg": float(np.median(np.diff(angles))) if len(angles) > 1 else None,
            "pixel_size_nm": float(series.pixel_size_nm),
        }
    if conditions is not None:
        found |= {
            "dose": conditions.dose,
            "contrast": conditions.contrast,
            "misfit": conditions.misfit,
        }
    return {name: plain(value) for name, value in found.items()}


def unlike_phantoms(
    recipe: Recipe, tomogram: Tomogram, segmentation: Segmentation, measurement: Measurement
) -> str | None:
    """Return what sets a run apart from those on phantoms, whose steps were the default ones; None
    where nothing does.
    """
    series, usual = tomogram.aligned, MeasureSection()
    if series is None:
        return "there are no images"
    if segmentation.envelope is None:
        return "there is no envelope"
    occlusion = segmentation.envelope.options.occlusion_threshold
    if occlusion != OCCLUSION_THRESHOLD:
        return (
            f"the occlusion threshold is {occlusion:g}, and {OCCLUSION_THRESHOLD:g} on the phantoms"
        )
    if tuple(segmentation.scheme.names) != PORE_C_SN.names:
        return "the phases are not pore, C and Sn"
    if recipe.cleanup != CleanupSection():
        return "the volume was smoothed or the phases were cleaned up"
    measured = measurement.section
    for name in ("pore_connectivity", "object_connectivity", "convention", "directions"):
        if getattr(measured, name) != getattr(usual, name):
            return (
                f"{name} is {getattr(measured, name)}, and {getattr(usual, name)} on the phantoms"
            )
    if recipe.uncertainty.draws < UncertaintySection().draws:
        return f"there are {recipe.uncertainty.draws} draws"
    low, high = float(series.angles_deg.min()), float(series.angles_deg.max())
    if min(-low, high) < _LEAST_TILT_DEG:
        return f"the tilts reach from {low:.0f}° to {high:.0f}°, and ±69° on the phantoms"
    return None


def dose_of(series: TiltSeries, segmentation: Segmentation, noise: NoiseModel) -> float:
    """Return the counts per pixel over the specimen in the image nearest to tilt 0."""
    phases = segmentation.phases.data

    def look(block: Block) -> NDArray[np.bool_]:
        highest: NDArray[np.uint8] = np.asarray(phases[block]).max(axis=0)
        return highest > PORE

    blocks = small_blocks(phases)
    solid = np.zeros(phases.shape[1:], np.bool_)
    for block, shadow in zip(blocks, run_on_blocks(look, blocks, arrays=[phases]), strict=True):
        solid[block[1:]] |= shadow
    image = np.asarray(series.images[int(np.argmin(np.abs(series.angles_deg)))])
    return noise.gain * float(image[solid].mean()) if solid.any() else math.nan
