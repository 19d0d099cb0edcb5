"""Grey levels of given phases, by least squares on the images of each."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from napari_snpore.compute import ShouldStop
from napari_snpore.tomography.discrete.input_checks import checked_labels, slab_of_images
from napari_snpore.tomography.discrete.label_images import LabelImages, best_levels
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.row_slabs import row_slabs
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.weights import image_weights, least_power_of_slabs
from napari_snpore.volume import Volume


def levels_of_phases(
    phases: Volume,
    series: TiltSeries,
    *,
    blur_px: float,
    noise: NoiseModel,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[float, ...]:
    """Return the grey level of each phase whose blurred projections fit the images best.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        0 exterior and 1, the darkest phase, are vacuum; read slab by slab.
    series : TiltSeries
        Aligned images of the same rows along y, vacuum at 0.
    blur_px : float
        Standard deviation of the blur of the images, in pixels.
    noise : NoiseModel
        Of the images: a pixel counts by one over the power of its noise.
    threads : int, optional
        The result is the same bit for bit.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    tuple of float
        One level per label from 0 to the highest that has voxels, in units of the images per voxel;
        0 for labels 0 and 1, nan for a label without voxels in the images.

    Raises
    ------
    InputError
        Labels or images that :mod:`~napari_snpore.tomography.discrete.input_checks` refuses.
    Stopped
        ``should_stop`` returned true.
    """
    slabs = row_slabs(phases.shape, blur_px)
    parts = (checked_labels(phases.data[:, slab.first : slab.last]) for slab in slabs)
    solid = list(range(2, max(int(part.max()) for part in parts) + 1))
    if not solid:
        return (0.0, 0.0)
    angles = np.asarray(series.angles_deg, np.float64)
    least = least_power_of_slabs(slabs, series.images, noise, threads, should_stop)
    matrix, right = np.zeros((len(solid), len(solid))), np.zeros(len(solid))
    for slab in slabs:
        labels, images = slab_of_images(phases.data, series, slab)
        weights = image_weights(
            images, noise, least_power=least, threads=threads, should_stop=should_stop
        )
        model = LabelImages(
            images, weights, angles, blur_px, solid, threads, should_stop, slab.inside
        )
        model.project(labels)
        for total, part in zip((matrix, right), model.normal_equations(), strict=True):
            total += part
    return (0.0, 0.0, *best_levels(matrix, right))


def levels_rise(levels: tuple[float, ...]) -> bool:
    """Return whether there is a level above vacuum, and the levels of phases 1..N rise.

    Examples
    --------
    >>> levels_rise((0.0, 0.0, 1.0, 12.0)), levels_rise((0.0, 0.0)), levels_rise((0.0, 0.0, -1.0))
    (True, False, False)
    """
    finite = all(map(math.isfinite, levels))
    return len(levels) > 2 and finite and all(low < high for low, high in pairwise(levels[1:]))
