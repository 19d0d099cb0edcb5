"""Weights of the pixels of tilt images in a least-squares fit: one over the power of their noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.row_slabs import RowSlab

_OBJECT = 0.05
"""Share of the brightest grey value (99.9 % of the pixels are darker) from which a pixel counts as
object: what a projector smears into the vacuum is darker, a carbon fibre beside tin is brighter."""

_BRIGHTEST = 99.9

_SMOOTH_PX, _FLOOR = 2.0, 0.05


def image_weights(
    images: Any,
    noise: NoiseModel,
    *,
    smooth_px: float = _SMOOTH_PX,
    floor: float = _FLOOR,
    least_power: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return one over the noise power of each pixel.

    Parameters
    ----------
    images : array, shape (tilt, y, x)
        Grey values; read one image at a time.
    noise : NoiseModel
        Of the series, see :func:`~napari_snpore.tomography.noise.noise_model`.
    smooth_px : float
        Standard deviation, px, of the Gaussian that smooths the images first. A weight from single
        pixels is high where noise has made them dark, which draws the fit down: by about one count
        divided by the pixels averaged. 2 px average 4π · 2² = 50 pixels; the borders of a body,
        where the power changes, stay where they are to 2 px.
    floor : float
        Least power, as a share of its mean over the object. In vacuum counting noise is nearly 0,
        and the errors that the noise model does not know (residual shifts, background, blur) are
        not: with the default a pixel of the vacuum weighs at most 20 times one of the object.
    least_power : float, optional
        That least power, from :func:`least_power_of_slabs`, where these are rows of larger images.
    threads, progress, should_stop
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    float32 array, shape (tilt, y, x)
        In grey units to the power −2, not normalised: the weighted square of pure noise has mean 1
        (raw pixels). 1 everywhere where the model knows no noise (a = b = 0).

    Raises
    ------
    InputError
        Images without three axes, a smoothing that is negative, or a floor outside (0, 1].
    Stopped
        ``should_stop`` returned true.

    Examples
    --------
    >>> image_weights(np.full((1, 8, 8), 3.0), NoiseModel(1.0, 1.0, 1.0))[0, 0, 0].item()
    0.25
    """
    if np.ndim(images) != 3:
        raise InputError(f"images have shape {np.shape(images)}; (tilt, y, x) is needed.")
    if not 0 <= smooth_px < np.inf:
        raise InputError(f"smooth_px is {smooth_px}; 0 px or more is needed.")
    if not 0 < floor <= 1:
        raise InputError(f"floor is {floor}; a share of the mean power in (0, 1] is needed.")
    out = np.empty(images.shape, np.float32)

    def smooth(tilt: int) -> None:
        out[tilt] = _smoothed(images[tilt], smooth_px)

    run_blocks(smooth, range(len(out)), threads=threads, should_stop=should_stop)
    if least_power is None:
        least_power = _least_power(out.__getitem__, len(out), noise, floor, threads, should_stop)
    if noise.a == noise.b == 0 or not least_power > 0:
        out.fill(1.0)
        return out

    def invert(tilt: int) -> None:
        np.divide(1.0, np.maximum(noise.power(out[tilt]), least_power), out=out[tilt])

    run_blocks(invert, range(len(out)), threads=threads, progress=progress, should_stop=should_stop)
    return out


def least_power_of_slabs(
    slabs: Sequence[RowSlab],
    images: Any,
    noise: NoiseModel,
    threads: int | None,
    should_stop: ShouldStop | None,
) -> float | None:
    """Return the least power that :func:`image_weights` gives a pixel of whole images by its defaults,
    where they are worked on in several slabs of rows; None for one slab, which finds its own.

    Two images are in memory per thread.
    """
    if len(slabs) == 1:
        return None

    def smoothed(tilt: int) -> NDArray[np.float32]:
        return _smoothed(images[tilt], _SMOOTH_PX)

    return _least_power(smoothed, len(images), noise, _FLOOR, threads, should_stop)


def _smoothed(image: Any, smooth_px: float) -> NDArray[np.float32]:
    data = np.asarray(image, np.float32)
    found: NDArray[np.float32] = scipy.ndimage.gaussian_filter(data, smooth_px, mode="nearest")
    return found


def _least_power(
    smoothed: Callable[[int], NDArray[np.float32]],
    count: int,
    noise: NoiseModel,
    floor: float,
    threads: int | None,
    should_stop: ShouldStop | None,
) -> float:
    """Return a share of the mean power over the object of images that are smooth."""

    def brightest_of(tilt: int) -> float:
        return float(np.percentile(smoothed(tilt), _BRIGHTEST))

    tilts = range(count)
    brightest = max(run_blocks(brightest_of, tilts, threads=threads, should_stop=should_stop))

    def over_object(tilt: int) -> tuple[float, int]:
        image = smoothed(tilt)
        inside = image >= _OBJECT * brightest
        return float(noise.power(image)[inside].sum(dtype=np.float64)), int(inside.sum())

    sums = run_blocks(over_object, tilts, threads=threads, should_stop=should_stop)
    total, pixels = np.sum(sums, axis=0)
    return float(floor * total / max(pixels, 1))
