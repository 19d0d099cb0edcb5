"""Simulated in situ series of a swelling fibre with known diameter, break point, brightness and
drift.

The default numbers are those of the source paper (Ma et al., doi 10.1002/adma.202307151): 64.8 nm
at 0 s, 81.1 nm at 500 s, most of the growth before 420 s, and a grey value that rises by an eighth
(10 to 15 %).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import SimulateInSituSeriesStep
from napari_snpore.in_situ import ImageSeries

_VACUUM = 0.08
"""Grey value of the vacuum; the fibre's axis is 1 in the first frame."""

Floats = NDArray[np.floating[Any]]

_FINE = 3
"""Grid points per pixel and axis: the chord has vertical ends, which one point per pixel would
misplace."""

_CLUSTERS_PER_NM = 1.5
"""Number of clusters per nm of fibre: a texture along the fibre, by which the drift can be
measured."""

_CLUSTER_HEIGHT = 0.05
"""Peak grey value of a cluster, relative to the fibre's axis; small against the fibre, above the
noise."""

_CLUSTER_SIDE = 0.8
"""Largest distance of a cluster from the axis, in radii: the edge of the fibre stays that of a
cylinder."""

_CLUSTER_SIGMA_NM = (0.8, 1.6)
"""Range of the standard deviations of the clusters."""

_CLUSTER_REACH = 4
"""Standard deviations at which a cluster is cut off: 0.03 % of its peak."""


@dataclass(frozen=True)
class Swelling:
    """A simulated in situ series and its truth.

    Attributes
    ----------
    series : ImageSeries
        Images (frame, y, x), float32, with pixel size (nm) and times (s).
    truth : DataFrame
        One row per frame: ``frame, time_s, diameter_nm, brightness`` (of the fibre at its axis,
        above vacuum, 1 in the first frame), ``drift_y_nm, drift_x_nm``.
    break_s : float
        Time at which the growth slows down.
    angle_deg : float
        Direction of the fibre, as ``fibre_diameter`` defines it.
    """

    series: ImageSeries
    truth: pd.DataFrame
    break_s: float
    angle_deg: float


def make_swelling_fibre(
    *,
    frames: int = 51,
    duration_s: float = 500.0,
    break_s: float = 420.0,
    diameters_nm: tuple[float, float, float] = (64.8, 80.0, 81.1),
    brightening: float = 0.125,
    pixel_size_nm: float = 0.6,
    shape: tuple[int, int] = (192, 256),
    angle_deg: float = 8.0,
    drift_nm: tuple[float, float] = (9.0, -5.0),
    blur_nm: float = 1.2,
    dose: float | None = 400.0,
    seed: int = 7,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Swelling:
    """Simulate HAADF images of a solid fibre that takes up sodium.

    Parameters
    ----------
    frames : int
        Number of images, evenly spaced from 0 to ``duration_s``.
    duration_s, break_s : float
        Duration of the series, and time at which the growth slows down.
    diameters_nm : (float, float, float)
        At the start, at the break and at the end; linear in between.
    brightening : float
        Rise of the grey value at the axis from the first to the last frame, as a share.
    pixel_size_nm : float
        Edge of a pixel.
    shape : (int, int)
        Pixels along (y, x).
    angle_deg : float
        Direction of the fibre, ``(dy, dx) = (cos φ, sin φ)``.
    drift_nm : (float, float)
        Total displacement of the specimen (y, x), reached at a constant speed.
    blur_nm : float
        Standard deviation of the Gaussian blur.
    dose : float or None
        Mean number of detected electrons per pixel for grey value 1 (the axis in the first frame,
        without vacuum); each pixel is a Poisson count. None: no noise.
    seed : int
        Seed of the clusters on the fibre and of the noise.
    progress, should_stop : callable, optional
        As in :func:`~napari_snpore.compute.run_blocks`; ``progress`` counts frames.

    Returns
    -------
    Swelling
        The same for the same seed, bit for bit, on any number of threads: every frame has its own
        random generator, seeded by ``[seed, frame]``.

    Raises
    ------
    InputError
        Fewer than two frames, a break outside the series, or a size that is not positive.

    References
    ----------
    Default numbers: Ma et al., doi 10.1002/adma.202307151.
    """
    sizes = (*diameters_nm, pixel_size_nm, duration_s, blur_nm)
    if not all(math.isfinite(size) and size > 0 for size in sizes):
        raise InputError("Diameters, pixel size, duration and blur have to be positive.")
    if frames < 2 or not 0 < break_s < duration_s:
        raise InputError(
            f"{frames} frames and a break at {break_s} s do not make a series of {duration_s} s."
        )
    times = np.linspace(0, duration_s, frames)
    part = times / duration_s
    truth = pd.DataFrame(
        {
            "frame": np.arange(frames),
            "time_s": times,
            "diameter_nm": np.interp(times, (0, break_s, duration_s), diameters_nm),
            "brightness": 1 + brightening * part,
            "drift_y_nm": drift_nm[0] * part,
            "drift_x_nm": drift_nm[1] * part,
        }
    )
    rng = np.random.default_rng(seed)
    length = math.hypot(*shape) * pixel_size_nm
    count = round(_CLUSTERS_PER_NM * length)
    # positions across the fibre are shares of the radius: clusters move outwards with the carbon
    # around them
    clusters = np.column_stack(
        [
            rng.uniform(-length, length, count),  # along the fibre, nm
            rng.uniform(-_CLUSTER_SIDE, _CLUSTER_SIDE, count),
            rng.uniform(*_CLUSTER_SIGMA_NM, count),
        ]
    )
    grid = _grid(shape, pixel_size_nm)
    rows = truth.to_dict("records")

    def draw(k: int) -> Floats:
        image = _image(grid, rows[k], clusters, angle_deg, blur_nm / pixel_size_nm)
        if dose is not None:
            image = np.random.default_rng([seed, k]).poisson(image * dose) / dose
        return np.asarray(image, np.float32)

    images = np.stack(run_blocks(draw, range(frames), progress=progress, should_stop=should_stop))
    history = (
        SimulateInSituSeriesStep(
            frames=frames,
            duration_s=duration_s,
            break_s=break_s,
            diameters_nm=tuple(diameters_nm),
            brightening=brightening,
            pixel_size_nm=pixel_size_nm,
            shape=tuple(shape),
            angle_deg=angle_deg,
            drift_nm=tuple(drift_nm),
            blur_nm=blur_nm,
            dose=dose,
            seed=seed,
        ).step,
    )
    return Swelling(ImageSeries(images, pixel_size_nm, times, history), truth, break_s, angle_deg)


def _grid(shape: tuple[int, int], pixel_nm: float) -> tuple[Floats, Floats]:
    """Return y, shape (rows, 1), and x, shape (1, columns), in nm from the centre, of a grid finer
    than the pixels.
    """
    y, x = ((np.arange(n * _FINE) + 0.5) / _FINE - 0.5 - (n - 1) / 2 for n in shape)
    return y[:, None] * pixel_nm, x[None, :] * pixel_nm


def _image(
    grid: tuple[Floats, Floats],
    row: Mapping[Any, float],
    clusters: Floats,
    angle_deg: float,
    blur_px: float,
) -> Floats:
    """Return one noise-free image: the chord of a cylinder and the clusters on it, blurred and
    averaged per pixel.

    A ray at distance u from the axis of a solid cylinder of radius R has the chord ``2·sqrt(R² −
    u²)``; it is divided by 2R, so that the axis has grey value 1 times the brightness at any
    diameter.
    """
    y, x = grid[0] - row["drift_y_nm"], grid[1] - row["drift_x_nm"]
    turn = math.radians(angle_deg)
    across = x * math.cos(turn) - y * math.sin(turn)
    radius = row["diameter_nm"] / 2
    image = np.sqrt(np.maximum(1 - (across / radius) ** 2, 0))
    for place, side, width in clusters:
        center = (
            place * math.cos(turn) - side * radius * math.sin(turn) + row["drift_y_nm"],
            place * math.sin(turn) + side * radius * math.cos(turn) + row["drift_x_nm"],
        )
        rows, columns = (
            _near(axis.ravel(), at, _CLUSTER_REACH * width)
            for axis, at in zip(grid, center, strict=True)
        )
        down, right = grid[0][rows] - center[0], grid[1][:, columns] - center[1]
        image[rows, columns] += _CLUSTER_HEIGHT * np.exp(-(down**2 + right**2) / (2 * width**2))
    image = scipy.ndimage.gaussian_filter(
        image * row["brightness"], blur_px * _FINE, mode="nearest"
    )
    height, width = (n // _FINE for n in image.shape)
    mean: Floats = image.reshape(height, _FINE, width, _FINE).mean(axis=(1, 3))
    return _VACUUM + mean


def _near(places: Floats, at: float, reach: float) -> slice:
    """Return the slice of an ascending axis within ``reach`` of ``at`` (nm)."""
    return slice(*np.searchsorted(places, (at - reach, at + reach)))
