"""Smoothing of a grey volume before thresholds are set: explicit, recorded, off by default."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import BlockSteps, Progress, ShouldStop, run_apart, run_stepped_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import SmoothStep
from napari_snpore.segmentation.least_variation import least_variation
from napari_snpore.segmentation.non_local_means import MARGIN, STEPS, non_local_means
from napari_snpore.volume import VolumeOrArray, array_of, volume_like

Smoothing = Literal["gaussian", "median", "nl_means", "tv"]

_SLAB_VOXELS = 1 << 22
_MEDIAN_VOXELS = 1 << 17
"""Voxels whose medians are found between two looks for a stop: a tenth of a second or two."""

_SLAB_VOXELS_NL_MEANS = 1 << 21
"""Non-local means hold four arrays of a slab and its margin."""


def smooth_volume(
    volume: VolumeOrArray,
    method: Smoothing,
    strength: float = 1.0,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return a smoothed volume, float32.

    Parameters
    ----------
    volume : Volume or array, shape (z, y, x)
        Grey values.
    method : {"gaussian", "median", "nl_means", "tv"}
        ``gaussian``: standard deviation ``strength`` voxels. ``median``: over a ball of radius
        ``strength`` voxels (whole). ``nl_means`` (Buades, doi 10.5201/ipol.2011.bcm_nlm):
        ``strength`` times the noise of the volume, patches of 3³ within 5 voxels. ``tv``
        (Chambolle, doi 10.1023/B:JMIV.0000011325.36760.1e): weight ``strength`` times that noise.
    strength : float
        Above 0.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`. A stop does not wait for the slabs that are being worked
        on: they end by themselves and are dropped.

    Returns
    -------
    Volume or array, float32
        The history of a Volume names method and strength, and ``changed_rms``, the root mean square
        change of the grey values.

    Raises
    ------
    InputError
        An unknown method, a strength that is not positive, NaN.

    Notes
    -----
    Works on slabs along z with a margin, so that little memory is held beside the result; a Gaussian, a median and non-local
    means are the same as on the whole, total variation to within its margin of 12 voxels.

    Examples
    --------
    >>> spike = np.zeros((5, 5, 5), np.float32)
    >>> spike[2, 2, 2] = 9
    >>> float(smooth_volume(spike, "median").max())
    0.0
    """
    if method not in get_args(Smoothing):
        raise InputError(
            f"method is {method!r}; one of {', '.join(get_args(Smoothing))} is needed."
        )
    if not (math.isfinite(strength) and strength > 0):
        raise InputError(f"strength is {strength}; a positive number is needed.")
    data = array_of(volume)
    noise = 0.0
    if method in ("nl_means", "tv"):
        noise = run_apart(lambda: _noise(data), should_stop)
    margin = {
        "gaussian": math.ceil(4 * strength),
        "median": math.ceil(strength),
        "nl_means": MARGIN,
        "tv": 12,
    }
    out = np.empty(data.shape, np.float32)
    most = _SLAB_VOXELS_NL_MEANS if method == "nl_means" else _SLAB_VOXELS
    thick = max(8, most // max(1, math.prod(data.shape[1:])))
    starts = range(0, data.shape[0], thick)

    def work(start: int, step: BlockSteps) -> float:
        first, last = (
            max(0, start - margin[method]),
            min(data.shape[0], start + thick + margin[method]),
        )
        slab = np.asarray(data[first:last], np.float32)
        if not np.isfinite(slab).all():
            raise InputError(
                "The volume holds NaN or infinite values; repair it before it is smoothed."
            )
        inner = slice(start - first, min(start + thick, data.shape[0]) - first)
        if method == "nl_means" and noise > 0:
            smooth = non_local_means(slab, inner, cutoff=strength * noise, noise=noise, step=step)
        else:
            smooth = _smoothed(slab, method, strength, noise, step.look)[inner]
        out[start : start + thick] = smooth
        return float(np.square(smooth.astype(np.float64) - slab[inner]).sum())

    moved = sum(
        run_stepped_blocks(
            work,
            starts,
            steps=STEPS if method == "nl_means" else 1,
            progress=progress,
            should_stop=should_stop,
            abandon=True,
        )
    )
    rms = math.sqrt(moved / out.size)
    return volume_like(volume, out, SmoothStep(method, strength, noise, rms))


def _smoothed(
    slab: NDArray[np.float32],
    method: str,
    strength: float,
    noise: float,
    look: Callable[[], None],
) -> NDArray[Any]:
    if method == "gaussian":
        return np.asarray(
            scipy.ndimage.gaussian_filter(slab, strength, mode="nearest", truncate=4.0)
        )
    if method == "median":
        return _median(slab, math.ceil(strength), look)
    return slab if noise == 0 else least_variation(slab, strength * noise, look)


def _median(
    slab: NDArray[np.float32], radius: int, look: Callable[[], None]
) -> NDArray[np.float32]:
    """Return the median over a ball, a few rows at a time."""
    from skimage.morphology import ball

    out, footprint = np.empty_like(slab), ball(radius)
    rows = max(8 * radius, _MEDIAN_VOXELS // max(1, slab[:, 0].size))
    for first in range(0, slab.shape[1], rows):
        look()
        begin = max(0, first - radius)
        part = slab[:, begin : first + rows + radius]
        smooth = scipy.ndimage.median_filter(part, footprint=footprint, mode="nearest")
        out[:, first : first + rows] = smooth[:, first - begin : first - begin + rows]
    return out


def _noise(data: Any) -> float:
    """Return the standard deviation of the noise: what Laplacians of the middle slices leave (doi
    10.1006/cviu.1996.0060).

    Immerkær's mask, a difference of two Laplacians, is 0 on planes and has the norm 6, so that
    noise σ gives 6 σ. The median of an absolute normal value is 0.6745 σ; unlike the mean it leaves
    edges out.
    """
    middle = data.shape[0] // 2
    slab = np.asarray(data[max(0, middle - 8) : middle + 8], np.float64)
    mask = np.outer([1, -2, 1], [1, -2, 1])[None]
    return float(
        np.median(np.abs(scipy.ndimage.convolve(slab, mask)[:, 1:-1, 1:-1])) / (0.6745 * 6)
    )
