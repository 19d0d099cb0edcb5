"""Detection limit: how small a cluster can be and still be found, in the images that were recorded.

Spheres of known diameter are planted into the user's own tilt images, and the same steps search for
them. What is found of them says what the images, their tilts and the steps let through; it needs no
model of the noise, faults and alignment of the images other than of what is added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.measurement.feret import Convention
from napari_snpore.tomography.detector_blur import check_blur_px
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.detection_options import DetectionOptions
from napari_snpore.uncertainty.found_clusters import cluster_fates
from napari_snpore.uncertainty.planted_clusters import (
    Places,
    PlantedClusters,
    planted_images,
)
from napari_snpore.volume import Volume, check_same_spacing

RepeatPhases = Callable[[TiltSeries, Progress | None], Volume]
"""The steps to repeat: aligned images in, phases out."""

_VOXELS = (1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
"""Diameters that are planted where none are given, in voxels."""

_SHARE_OF_IMAGES = 0.05
"""Share of the work of one run that its images take."""

_MARGIN_SIGMAS = 2 * math.sqrt(2 * math.log(2))
_LEAST_MARGIN_VOXELS = 1.5
"""Gap between clusters: the full width at half maximum of the blur, across which two edges can be told
apart, in its standard deviations; one and a half voxels at least, which keep objects apart."""


def detection_limit(
    phases: Volume,
    series: TiltSeries,
    repeat: RepeatPhases,
    *,
    levels: Sequence[float],
    blur_px: float,
    noise: NoiseModel,
    residual_px: float = 0.0,
    options: DetectionOptions | None = None,
    connectivity: int = 26,
    convention: Convention = "corners",
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return how many clusters of known diameter are found, and how large they are found to be, by
    planting them into the tilt images of a fibre.

    Spheres of the brightest phase (Sn) replace pore or C at random places within the fibre, clear of
    the clusters that were found and of each other. Their projections (the level of Sn less that of
    what they replace), blurred as the images are, are added to the images with their own counting
    noise, and the same steps search for them. A sphere is found where one object of Sn holds at least
    half of its voxels and is not merged with another cluster, planted or found before.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        What the steps found: 0 exterior, 1..N phases.
    series : TiltSeries
        The aligned images behind them.
    repeat : callable
        ``repeat(images, progress)``: the same steps on images with planted clusters, which start at
        the aligned series; returns phases like those given.
    levels : sequence of float
        Grey value of each label from 0 on, in units of the images per voxel.
    blur_px : float
        Standard deviation of the blur of the images, px.
    noise : NoiseModel
        Of the images; its ``b`` gives the noise of what is added.
    residual_px : float
        Standard deviation of the shifts that the alignment left, px, along y and along x each: the
        spheres are shifted likewise.
    options : DetectionOptions, optional
        Diameters, number, runs, margin and seed.
    connectivity : 6, 18 or 26
        Of objects of Sn.
    convention : {"corners", "centers_plus_one"}
        Of lengths; see :func:`~napari_snpore.measurement.feret.feret_diameters`.
    threads : int, optional
        The result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per diameter, rising: ``diameter_nm, n, found, recall, low_95, high_95, length_bias_nm,
        volume_bias_percent, merged``. ``n``: planted; fewer than asked for where the fibre has no place
        for more, 0 with no recall where it has none. ``low_95, high_95``: Wilson interval of the
        recall. ``merged``: spheres of which one object holds half, but that is one with another
        cluster; not found. The biases are means over the spheres that were found: length less the
        diameter of the sphere, volume against its volume; nan for none.
        ``attrs["runs"]``: how often the steps ran. ``attrs["margin_nm"]``: the gap that was kept.

    Raises
    ------
    InputError
        No phase above the others, no cluster found, levels that do not rise to the last one, images
        of another shape, a number out of its range, or what ``repeat`` raises.
    Stopped
        ``should_stop`` returned true.

    Notes
    -----
    It is the limit of single spheres: clusters closer to each other than the margin merge more often.
    Diameters are planted at sub-voxel places with the exact volume of the sphere.
    """
    how = options or DetectionOptions()
    labels = np.asarray(phases.data)
    gray = _checked(phases, labels, series, levels, blur_px, residual_px)
    voxel = float(series.pixel_size_nm)
    margin = how.margin_nm
    if margin is None:
        margin = max(_MARGIN_SIGMAS * blur_px, _LEAST_MARGIN_VOXELS) * voxel
    diameters = how.diameters_nm or tuple(round(factor * voxel, 6) for factor in _VOXELS)
    plans = _plans(labels, len(gray) - 1, voxel, margin, diameters, how, should_stop)
    fates = []
    for run, planted in enumerate(plans):
        start, end = run / len(plans), (run + 1) / len(plans)
        middle = start + _SHARE_OF_IMAGES * (end - start)
        images = planted_images(
            labels,
            series,
            planted,
            levels=gray,
            blur_px=blur_px,
            noise=noise,
            residual_px=residual_px,
            seed=_noise_seed(how.seed, run),
            threads=threads,
            should_stop=should_stop,
        )
        report = share_of(progress, start, middle)
        if report is not None:
            report(1, 1)
        again = np.asarray(repeat(images, share_of(progress, middle, end)).data)
        del images
        if again.shape != labels.shape:
            raise InputError(
                f"The repeated steps returned phases of shape {again.shape}, not {labels.shape}."
            )
        top = len(gray) - 1
        fates.append(
            cluster_fates(
                planted,
                labels == top,
                again == top,
                voxel_nm=voxel,
                connectivity=connectivity,
                convention=convention,
                should_stop=should_stop,
            )
        )
    table = _table(diameters, pd.concat(fates) if fates else None)
    table.attrs |= {"runs": len(plans), "margin_nm": margin}
    return table


def _checked(
    phases: Volume,
    labels: NDArray[np.integer],
    series: TiltSeries,
    levels: Sequence[float],
    blur_px: float,
    residual_px: float,
) -> NDArray[np.float32]:
    """Refuse what clusters cannot be planted into; return the levels as an array."""
    if labels.shape[1:] != series.shape[1:]:
        raise InputError(
            f"The phases have shape {labels.shape}, and the images {series.shape[1:]} pixels (y, x);"
            " the detection limit needs the phases of the whole volume and the images behind it."
        )
    check_same_spacing(
        phases.spacing, (series.pixel_size_nm,) * 3, second="pixel size of the series"
    )
    check_blur_px(blur_px)
    if not (math.isfinite(residual_px) and residual_px >= 0):
        raise InputError(f"residual_px is {residual_px}; 0 px or more is needed.")
    gray = np.asarray(levels, np.float32)
    if gray.size < 3 or int(labels.max()) >= gray.size or not np.isfinite(gray).all():
        raise InputError(
            f"levels is {tuple(levels)}; a finite grey value for the exterior and for each of at least"
            " two phases is needed."
        )
    if not (gray[-1] > gray[:-1]).all():
        raise InputError(
            f"levels is {tuple(levels)}; the last phase must be the brightest to be planted."
        )
    if not (labels == gray.size - 1).any():
        raise InputError("No cluster of the brightest phase was found: its grey level is unknown.")
    return gray


def _plans(
    labels: NDArray[np.integer],
    brightest: int,
    voxel_nm: float,
    margin_nm: float,
    diameters: Sequence[float],
    how: DetectionOptions,
    should_stop: ShouldStop | None,
) -> list[PlantedClusters]:
    """Return what is planted in each run; runs in which nothing has a place are left out."""
    places = Places(labels, brightest, voxel_nm, margin_nm, should_stop)
    rng = np.random.default_rng(how.seed)
    left = dict.fromkeys(diameters, how.clusters)
    plans = []
    for _ in range(how.runs):
        planted = places.plant(list(left.items()), rng, should_stop)
        if not len(planted):
            break
        plans.append(planted)
        for diameter in planted.diameters_nm:
            left[float(diameter)] -= 1
    return plans


def _noise_seed(seed: int, run: int) -> int:
    """Return the seed of the noise of one run: not that of the places."""
    return int(np.random.SeedSequence((seed, run + 1)).generate_state(1)[0])


def _table(diameters: Sequence[float], fates: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame([_row(diameter, fates) for diameter in diameters])


def _row(diameter: float, fates: pd.DataFrame | None) -> dict[str, float]:
    if fates is None:
        mine = pd.DataFrame({"found": [], "merged": [], "length_nm": [], "volume_nm3": []})
    else:
        mine = fates[fates["diameter_nm"] == diameter]
    good = mine[mine["found"].astype(bool)]
    n, found = len(mine), len(good)
    low = high = math.nan
    if n:
        interval = binomtest(found, n).proportion_ci(method="wilson")
        low, high = float(interval.low), float(interval.high)
    volume = math.pi / 6 * diameter**3
    return {
        "diameter_nm": diameter,
        "n": n,
        "found": found,
        "recall": found / n if n else math.nan,
        "low_95": low,
        "high_95": high,
        "length_bias_nm": float(good["length_nm"].mean()) - diameter if found else math.nan,
        "volume_bias_percent": (
            100 * (float(good["volume_nm3"].mean()) / volume - 1) if found else math.nan
        ),
        "merged": int(mine["merged"].sum()),
    }
