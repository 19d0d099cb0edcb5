"""Spheres of the brightest phase planted into a fibre that was found: where they have a place, the
grey values that they add, and tilt images that hold them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.history import PlantClustersStep
from napari_snpore.measurement.distance import distance_map
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.twin_images import correlated_noise, shifted_images

PLANTED_SHARE = 0.2
"""Most volume that is planted in one series, as a share of the phase that was found: the levels and
thresholds that the steps find again stay those of the specimen."""

_JITTER = math.sqrt(3) / 2
"""How far (voxels) a centre can lie from that of its voxel."""

_CANDIDATES = 50_000
"""Places that are tried for one diameter before they are drawn again."""

_SUBVOXELS = 8
"""Parts of a voxel along each axis in which it is asked what a small sphere covers."""


@dataclass(frozen=True, eq=False)
class PlantedClusters:
    """Spheres that are planted in one series.

    Parameters
    ----------
    centers : array, float64, shape (n, 3)
        In voxels (z, y, x): 0 is the centre of the first voxel.
    diameters_nm : array, float64, shape (n,)
    """

    centers: NDArray[np.float64]
    diameters_nm: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.diameters_nm)


def sphere_cover(
    center: NDArray[np.float64], radius: float
) -> tuple[tuple[slice, slice, slice], NDArray[np.float64]]:
    """Return the box of voxels around a sphere and the share of each that it covers.

    Parameters
    ----------
    center : array, shape (3,)
        In voxels.
    radius : float
        In voxels.

    Returns
    -------
    box : three slices
    share : array, float64
        Its sum is the volume of the sphere.

    Examples
    --------
    >>> _, share = sphere_cover(np.array([4.0, 4.0, 4.0]), 2.0)
    >>> share.shape, round(float(share.sum()), 6) == round(4 / 3 * np.pi * 8, 6)
    ((5, 5, 5), True)
    """
    first = np.floor(center - radius + 0.5).astype(int)
    last = np.floor(center + radius + 0.5).astype(int) + 1
    parts = _SUBVOXELS if radius < 4 else _SUBVOXELS // 2
    squares = []
    for low, high, middle in zip(first, last, center, strict=True):
        places = low - 0.5 + (np.arange((high - low) * parts) + 0.5) / parts
        squares.append((places - middle) ** 2)
    inside = (
        squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :]
    ) <= radius**2
    z, y, x = last - first
    share = inside.reshape(z, parts, y, parts, x, parts).mean(axis=(1, 3, 5), dtype=np.float64)
    share *= 4 / 3 * math.pi * radius**3 / share.sum()
    return (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])), share


def sphere_voxels(
    center: NDArray[np.float64], radius: float, shape: Sequence[int]
) -> NDArray[np.intp]:
    """Return the flat indices of the voxels of a sphere: those it covers by half, at least one."""
    box, share = sphere_cover(center, radius)
    inside = np.argwhere(share >= min(0.5, share.max())) + [one.start for one in box]
    return np.asarray(np.ravel_multi_index(tuple(inside.T), tuple(shape)), np.intp)


class Places:
    """Where in a fibre spheres can be planted: within the phases below the brightest, clear of it and
    of each other.

    Parameters
    ----------
    labels : array of integers, shape (z, y, x)
        0 exterior, 1..N phases.
    brightest : int
        N.
    voxel_nm, margin_nm : float
        Edge of a voxel; least gap between the surface of a sphere and another cluster.
    """

    def __init__(
        self,
        labels: NDArray[np.integer],
        brightest: int,
        voxel_nm: float,
        margin_nm: float,
        should_stop: ShouldStop | None = None,
    ) -> None:
        self.labels, self.voxel_nm, self.margin_nm = labels, voxel_nm, margin_nm
        self.found_nm3 = float(np.count_nonzero(labels == brightest)) * voxel_nm**3
        self._clear = self._clearance(brightest, should_stop)

    def _clearance(self, brightest: int, should_stop: ShouldStop | None) -> NDArray[np.float32]:
        """Return the radius (nm) of the largest sphere around each voxel centre."""
        edges = (self.voxel_nm,) * 3
        half = np.float32(self.voxel_nm / 2)
        clear = distance_map(self.labels > 0, edges, should_stop=should_stop) - half
        apart = distance_map(self.labels != brightest, edges, should_stop=should_stop)
        np.minimum(clear, apart - half - np.float32(self.margin_nm), out=clear)
        for axis, size in enumerate(clear.shape):  # a sphere lies in the box as a whole
            place = np.arange(size)
            depth = (np.minimum(place, size - 1 - place) + 0.5) * self.voxel_nm
            shape = [1, 1, 1]
            shape[axis] = size
            np.minimum(clear, depth.reshape(shape).astype(np.float32), out=clear)
        return clear

    def plant(
        self,
        wanted: Sequence[tuple[float, int]],
        rng: np.random.Generator,
        should_stop: ShouldStop | None = None,
    ) -> PlantedClusters:
        """Return as many spheres of each diameter as are wanted and have a place, one of each diameter
        after the other.

        Parameters
        ----------
        wanted : sequence of (diameter in nm, number)
        rng : Generator
        should_stop : callable, optional
            See :mod:`napari_snpore.compute`.
        """
        clear = self._clear.copy()
        budget = PLANTED_SHARE * self.found_nm3
        centers: list[NDArray[np.float64]] = []
        planted: list[float] = []
        left = {diameter: count for diameter, count in sorted(wanted, reverse=True) if count > 0}
        largest = max(left, default=0.0) / 2
        sources = {one: self._candidates(clear, one / 2, rng) for one in left}
        while left:
            for diameter in list(left):
                check_stop(should_stop)
                volume = math.pi / 6 * diameter**3
                center = next(sources[diameter], None) if volume <= budget else None
                if center is None:
                    del left[diameter]
                    continue
                self._close(clear, center, diameter / 2, largest)
                centers.append(center)
                planted.append(diameter)
                budget -= volume
                left[diameter] -= 1
                if not left[diameter]:
                    del left[diameter]
        return PlantedClusters(
            np.array(centers, np.float64).reshape(-1, 3), np.array(planted, np.float64)
        )

    def _candidates(
        self, clear: NDArray[np.float32], radius_nm: float, rng: np.random.Generator
    ) -> Iterator[NDArray[np.float64]]:
        """Yield centres with a place for a sphere, in random order, until there is none; ``clear``
        changes meanwhile.
        """
        flat, need = clear.reshape(-1), radius_nm + _JITTER * self.voxel_nm
        while True:
            free = np.flatnonzero(flat >= need)
            if not free.size:
                return
            # not all of them in random order: there are as many as voxels
            count = min(free.size, _CANDIDATES)
            tried = free[rng.choice(free.size, count, replace=False)]
            del free
            for index in tried:
                if flat[index] >= need:
                    voxel = np.array(np.unravel_index(index, clear.shape), np.float64)
                    yield voxel + rng.uniform(-0.5, 0.5, 3)

    def _close(
        self, clear: NDArray[np.float32], center: NDArray[np.float64], radius: float, largest: float
    ) -> None:
        """Lower the clearance around a sphere that was planted (radii in nm)."""
        reach = (radius + self.margin_nm + largest) / self.voxel_nm + 2
        first = np.maximum(np.floor(center - reach).astype(int), 0)
        last = np.minimum(np.ceil(center + reach).astype(int) + 1, clear.shape)
        axes = [
            (np.arange(a, b) - middle) ** 2
            for a, b, middle in zip(first, last, center, strict=True)
        ]
        distance = np.sqrt(axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None])
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        left = distance * self.voxel_nm - radius - self.margin_nm
        clear[box] = np.minimum(clear[box], left.astype(np.float32))


def added_gray(
    labels: NDArray[np.integer],
    planted: PlantedClusters,
    levels: NDArray[np.float32],
    voxel_nm: float,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return what the spheres add to the grey values: brightest level less the level of the phase that
    they replace, shape (z, y, x).
    """
    added = np.zeros(labels.shape, np.float32)
    for center, diameter in zip(planted.centers, planted.diameters_nm, strict=True):
        check_stop(should_stop)
        box, share = sphere_cover(center, diameter / 2 / voxel_nm)
        added[box] += (share * (levels[-1] - levels[labels[box]])).astype(np.float32)
    return added


def planted_images(
    labels: NDArray[np.integer],
    series: TiltSeries,
    planted: PlantedClusters,
    *,
    levels: NDArray[np.float32],
    blur_px: float,
    noise: NoiseModel,
    residual_px: float,
    seed: int,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return the images of a series with spheres in them: their blurred projections, and the counting
    noise that these bring with them.

    The noise of the images stays as it is. Counts add up, so that what is added has the variance
    b · (grey value added), as correlated from pixel to pixel as the alignment leaves white noise.
    Parameters as in :func:`~napari_snpore.uncertainty.twin_images.twin_images`.
    """
    added = added_gray(labels, planted, levels, series.pixel_size_nm, should_stop)
    images = project(added, series.angles_deg, threads=threads, should_stop=should_stop)
    del added
    images = blur_images(images, blur_px, threads=threads, should_stop=should_stop)
    rng = np.random.default_rng(seed)
    if residual_px:
        shifts = rng.normal(scale=residual_px, size=(len(images), 2))
        images = shifted_images(images, shifts, threads=threads, should_stop=should_stop)
    if noise.b > 0:
        white = correlated_noise(series, rng, threads=threads, should_stop=should_stop)
        for image, one in zip(images, white, strict=True):
            one *= np.sqrt(noise.b * np.maximum(image, 0))
            image += one
        del white
    for tilt, image in enumerate(images):
        check_stop(should_stop)
        image += np.asarray(series.images[tilt], np.float32)
    sizes, counts = np.unique(planted.diameters_nm, return_counts=True)
    made_by = PlantClustersStep(
        diameters_nm=tuple(map(float, sizes)),
        counts=tuple(map(int, counts)),
        levels=tuple(map(float, levels)),
        blur_px=float(blur_px),
        noise_b=noise.b,
        residual_px=float(residual_px),
        seed=seed,
    )
    return series.after(made_by, images)
