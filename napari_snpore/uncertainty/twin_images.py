"""Images of a digital twin: what the microscope and the alignment would have made of a fibre that
is exactly as the phases say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep, BinStep, HistoryStep, SimulateTwinStep, required_step
from napari_snpore.tomography.detector_blur import blur_images, check_blur_px
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import aligned_shape, warp_images
from napari_snpore.volume import Volume, check_same_spacing

_MARGIN = 8
"""Rows and columns around an image that is shifted: the boundary condition of a cubic spline decays
by 0.27 per pixel, to 3e-5."""


def twin_images(
    phases: Volume,
    series: TiltSeries,
    *,
    levels: Sequence[float],
    blur_px: float,
    noise: NoiseModel,
    residual_px: float = 0.0,
    seed: int,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return simulated tilt images of phases: grey levels projected, blurred, shifted and noisy as
    the images of a series are.

    Beyond the first and the last row along the tilt axis the fibre goes on, mirrored; across it there
    is vacuum. The noise is normal, with the variance of the noise model at each pixel's own grey
    value, and as correlated from pixel to pixel as the interpolations in the history of the series
    leave white noise.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        0 exterior, 1..N phases.
    series : TiltSeries
        The aligned images behind the phases: angles, pixel size and history are taken from it, no
        grey value.
    levels : sequence of float
        Grey value of each label from 0 on, in units of the images per voxel.
    blur_px : float
        Standard deviation of the blur of the images, px.
    noise : NoiseModel
        Of the images of the series.
    residual_px : float
        Standard deviation of the shifts that the alignment left, px, along y and along x each.
    seed : int
        Of shifts and noise.
    threads : int, optional
        The result is the same bit for bit.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    TiltSeries of float32
        With the history of the series and a :class:`~napari_snpore.history.SimulateTwinStep`.

    Raises
    ------
    InputError
        A label without a level, a number out of its range, images of another shape.
    Stopped
        ``should_stop`` returned true.
    """
    labels = np.asarray(phases.data)
    if labels.shape[1:] != series.shape[1:]:
        raise InputError(
            f"The phases have shape {labels.shape}, and the images {series.shape[1:]} pixels (y, x);"
            " a twin needs the phases of the whole volume and the images that it was made from."
        )
    check_same_spacing(
        phases.spacing, (series.pixel_size_nm,) * 3, second="pixel size of the series"
    )
    check_blur_px(blur_px)
    gray = np.asarray(levels, np.float32)
    if labels.size == 0 or int(labels.max()) >= len(gray) or not np.isfinite(gray).all():
        raise InputError(f"levels is {tuple(levels)}; a finite grey value per phase is needed.")
    if not (math.isfinite(residual_px) and residual_px >= 0):
        raise InputError(f"residual_px is {residual_px}; 0 px or more is needed.")
    images = project(gray[labels], series.angles_deg, threads=threads, should_stop=should_stop)
    images = blur_images(images, blur_px, threads=threads, should_stop=should_stop)
    rng = np.random.default_rng(seed)
    shifts = rng.normal(scale=residual_px, size=(len(images), 2)) if residual_px else None
    if shifts is not None:
        images = shifted_images(images, shifts, threads=threads, should_stop=should_stop)
    white = correlated_noise(series, rng, threads=threads, should_stop=should_stop)
    for image, one in zip(images, white, strict=True):
        one *= np.sqrt(noise.power(image))
        image += one
    made_by = SimulateTwinStep(
        levels=tuple(map(float, gray)),
        blur_px=float(blur_px),
        noise_a=noise.a,
        noise_b=noise.b,
        residual_px=float(residual_px),
        seed=seed,
    )
    return series.after(made_by, images)


def correlated_noise(
    series: TiltSeries,
    rng: np.random.Generator,
    *,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return white noise of variance 1 after the alignments in the history of a series, shape (tilt,
    y, x).

    Those before a binning count no more: averages of squares are nearly white again.
    """
    steps = _alignments(series.history, len(series.angles_deg))
    shapes = [series.shape[1:]]
    for step in reversed(steps):  # the shape of an image is its own inverse
        shapes.insert(0, aligned_shape(shapes[0], step.axis_angle_deg))
    out: NDArray[np.float32] = rng.standard_normal(
        (len(series.angles_deg), *shapes[0]), dtype=np.float32
    )
    for step in steps:
        out = warp_images(
            out,
            np.asarray(step.shifts_px, np.float64),
            step.axis_angle_deg,
            step.axis_offset_px,
            should_stop=should_stop,
        )
    return out


def _alignments(history: Sequence[HistoryStep], tilts: int) -> list[AlignStep]:
    names = [step.name for step in history]
    first = len(names) - names[::-1].index(BinStep.NAME) if BinStep.NAME in names else 0
    found = [
        required_step(history[: index + 1], AlignStep)
        for index in range(first, len(names))
        if names[index] == AlignStep.NAME
    ]
    return [step for step in found if len(step.shifts_px) == tilts]


def shifted_images(
    images: NDArray[np.float32],
    shifts: NDArray[np.float64],
    *,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return each image shifted by ``(dy, dx)`` px: mirrored along the fibre, vacuum across it.

    Parameters
    ----------
    images : array, float32, shape (tilt, y, x)
    shifts : array, shape (tilt, 2)
        In pixels.
    threads, should_stop
        See :func:`twin_images`.
    """
    out = np.empty_like(images)

    def one(tilt: int) -> None:
        from scipy import ndimage

        wide = np.pad(images[tilt], ((_MARGIN, _MARGIN), (0, 0)), mode="symmetric")
        wide = np.pad(wide, ((0, 0), (_MARGIN, _MARGIN)))
        moved = ndimage.shift(wide, shifts[tilt], order=3)
        out[tilt] = moved[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]

    run_blocks(one, range(len(images)), threads=threads, should_stop=should_stop)
    return out
