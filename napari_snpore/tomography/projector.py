"""Projection of a volume to tilt images, and its exact adjoint (a matched pair).

The geometry is that of one ``(z, x)`` plane at a time: at tilt θ the detector coordinate of (x, z),
from the centre, is ``x cosθ + z sinθ``, the rotation centre is ``(n - 1) / 2`` on every axis, and a
projection is the sum of voxel values along the ray in voxel units (Joseph's interpolation, doi
10.1109/TMI.1982.4307572). Planes are independent, so work is cut into blocks of planes along the
tilt axis y; a block is the unit of threads, progress, cancel and memory.

:class:`Beam` and :class:`Planes` are what iterative methods build on; :func:`project` and :func:`backproject` are for all
others.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.kernels import for_kernel
from napari_snpore.threads import threads_for
from napari_snpore.tomography._kernels import (
    AREA,
    BUNDLE,
    GROUP,
    STRIP,
    TILE,
    gather_rays,
    gather_voxels,
    interleave,
    separate,
    weigh_residual,
)
from napari_snpore.volume import Volume, array_of

LANE_COUNTS = (8, 32, 64)
_ALIGNMENT = 64  # bytes: a vector that starts on a cache line is read at full speed


@dataclass(frozen=True)
class _Walk:
    """Tilts whose rays step through the same set of planes, ready for :func:`gather_rays`."""

    rays: NDArray[np.float64]  # (tilt, 4)
    bins: NDArray[np.int64]  # (tilt, 3), in bins
    planes: int
    cells: int
    steps: tuple[int, int, int]  # in voxels


class Beam:
    """Parallel rays through one plane of a given shape at given tilts.

    Parameters
    ----------
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees, any order.
    shape : (int, int)
        Voxels (z, x) of a plane.
    detector_px : int
        Pixels across the tilt axis.
    """

    def __init__(self, angles_deg: ArrayLike, shape: tuple[int, int], detector_px: int) -> None:
        self.angles_deg = np.asarray(angles_deg, dtype=np.float64).reshape(-1)
        self.shape = shape
        self.detector_px = detector_px
        angles = np.deg2rad(self.angles_deg)
        cos, sin = np.cos(angles), np.sin(angles)
        steepest = np.maximum(np.abs(cos), np.abs(sin))
        center_z, center_x, center = (shape[0] - 1) / 2, (shape[1] - 1) / 2, (detector_px - 1) / 2
        reach = float((np.abs(cos) * center_x + np.abs(sin) * center_z).max())
        self.rim = max(1, math.ceil(reach - center) + 2 + 2 * TILE)
        self.bins = detector_px + 2 * self.rim
        origin = self.rim + center - center_x * cos - center_z * sin
        padded = -(-len(angles) // GROUP) * GROUP
        self.tilts = np.zeros((5, padded))
        self.tilts[:, : len(angles)] = cos, sin, origin, 1 / steepest, 1 / steepest**2
        flat = np.abs(cos) >= np.abs(sin)
        row = shape[1] + 2
        self.walks = tuple(
            walk
            for walk in (
                self._walk(np.flatnonzero(flat), cos, sin, shape, (row, row, 1)),
                self._walk(np.flatnonzero(~flat), sin, cos, shape[::-1], (1, 1, row)),
            )
            if len(walk.rays)
        )

    def _walk(
        self,
        chosen: NDArray[np.intp],
        across: NDArray[np.float64],
        along: NDArray[np.float64],
        size: tuple[int, int],
        steps: tuple[int, int, int],
    ) -> _Walk:
        """Trace the chosen tilts through ``size[0]`` planes of ``size[1]`` voxels; ``across`` is
        the larger direction cosine.
        """
        chosen = chosen[np.argsort(along[chosen] / across[chosen], kind="stable")]
        across, slope = across[chosen], -along[chosen] / across[chosen]
        per_bin = 1 / np.abs(across)
        # where the detector runs against the voxels, bins are counted from its other end, so that
        # positions always rise
        mirrored = across < 0
        start = (
            1 + (size[1] - 1) / 2 - (self.detector_px - 1) / 2 * per_bin - (size[0] - 1) / 2 * slope
        )
        first = chosen * self.bins + self.rim + np.where(mirrored, self.detector_px - 1, 0)
        return _Walk(
            rays=np.stack([start, per_bin, slope, per_bin], axis=1),
            bins=np.stack(
                [first, np.where(mirrored, -1, 1), np.full(len(chosen), self.detector_px)], axis=1
            ),
            planes=size[0],
            cells=size[1],
            steps=steps,
        )

    @property
    def image_size(self) -> int:
        """Voxels of a plane, rim included."""
        return (self.shape[0] + 2) * (self.shape[1] + 2)

    @property
    def sinogram_size(self) -> int:
        """Bins of all tilts, rim included."""
        return self.tilts.shape[1] * self.bins


class Planes:
    """Some planes side by side, as images and sinograms of one :class:`Beam`, and the operator
    between them.

    Parameters
    ----------
    beam : Beam
        The geometry.
    lanes : int
        Planes side by side: 8, 32 or 64.
    """

    def __init__(self, beam: Beam, lanes: int) -> None:
        self.beam = beam
        self.lanes = lanes

    def empty_image(self) -> NDArray[np.float32]:
        """Return a zero image, flat."""
        return aligned_zeros(self.beam.image_size * self.lanes)

    def empty_sinogram(self) -> NDArray[np.float32]:
        """Return a zero sinogram, flat."""
        return aligned_zeros(self.beam.sinogram_size * self.lanes)

    def put_image(self, rows: NDArray[np.float32], image: NDArray[np.float32]) -> None:
        """Copy voxels (z, slice, x) into an image."""
        interleave(self.lanes, for_kernel(rows), image, (1, 1))

    def put_sinogram(self, rows: NDArray[np.float32], sinogram: NDArray[np.float32]) -> None:
        """Copy images (tilt, slice, x) into a sinogram."""
        interleave(self.lanes, for_kernel(rows), sinogram, (0, self.beam.rim))

    def get_image(
        self, image: NDArray[np.float32], rows: NDArray[np.float32], part: tuple[int, int]
    ) -> None:
        """Copy an image into the slices ``part`` (first, last) of voxels (z, slice, x)."""
        separate(self.lanes, image, rows, part, (1, 1))

    def get_sinogram(
        self, sinogram: NDArray[np.float32], rows: NDArray[np.float32], part: tuple[int, int]
    ) -> None:
        """Copy a sinogram into the slices ``part`` (first, last) of images (tilt, slice, x)."""
        separate(self.lanes, sinogram, rows, part, (0, self.beam.rim))

    def forward(
        self, image: NDArray[np.float32], sinogram: NDArray[np.float32], factor: float = 1.0
    ) -> None:
        """Add ``factor`` times the projections of ``image`` to ``sinogram``."""
        room = (
            np.empty(2 * BUNDLE, np.int64),
            np.empty(STRIP, np.int32),
            np.empty(2 * STRIP, np.float32),
        )
        for walk in self.beam.walks:
            rays = walk.rays * np.array([1, 1, 1, factor])
            bins = walk.bins * np.array([self.lanes, self.lanes, 1])
            base, across, along = walk.steps
            steps = (base * self.lanes, across * self.lanes, along * self.lanes)
            gather_rays(
                self.lanes, image, sinogram, rays, bins, walk.planes, walk.cells, steps, room
            )

    def backward(
        self,
        sinogram: NDArray[np.float32],
        image: NDArray[np.float32],
        weights: NDArray[np.float32],
        lowest: float = -math.inf,
    ) -> None:
        """Add ``weights`` (one a voxel, flat) times the backprojection to ``image`` and raise what
        is below ``lowest``.
        """
        self._gather(self.beam.tilts, sinogram, image, weights, lowest)

    def smear(
        self,
        sinogram: NDArray[np.float32],
        image: NDArray[np.float32],
        weights: NDArray[np.float32],
    ) -> None:
        """Like :meth:`backward`, reading the detector by plain linear interpolation: not the
        adjoint, but smoother.
        """
        tilts = self.beam.tilts.copy()
        tilts[3:, : len(self.beam.angles_deg)] = 1
        self._gather(tilts, sinogram, image, weights, -math.inf)

    def weigh(
        self, residual: NDArray[np.float32], weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the sum of squares of each lane of a residual, and multiply it by ``weights``
        (tilt, detector), flat.
        """
        squares = np.zeros(self.lanes)
        tilts = len(self.beam.angles_deg)
        weigh_residual(
            self.lanes, residual, weights, tilts, self.beam.detector_px, self.beam.rim, squares
        )
        return squares

    def _gather(
        self,
        tilts: NDArray[np.float64],
        sinogram: NDArray[np.float32],
        image: NDArray[np.float32],
        weights: NDArray[np.float32],
        lowest: float,
    ) -> None:
        shape = self.beam.shape
        gather_voxels(
            self.lanes,
            sinogram,
            image,
            tilts,
            self.beam.bins,
            shape,
            weights,
            lowest,
            (0, shape[0]),
            (
                np.empty(GROUP, np.int64),
                np.empty(GROUP * AREA, np.int32),
                np.empty((2 * GROUP + self.lanes) * AREA, np.float32),
            ),
        )


def aligned_zeros(size: int) -> NDArray[np.float32]:
    """Return ``size`` float32 zeros that start on a cache line."""
    raw = np.zeros(size * 4 + _ALIGNMENT, np.uint8)
    skip = -raw.ctypes.data % _ALIGNMENT
    return raw[skip : skip + size * 4].view(np.float32)


def slice_blocks(slices: int, threads: int) -> list[tuple[int, int, int]]:
    """Cut slices into blocks ``(first, last, lanes)``: wide ones where there are many, narrow ones
    for a few.

    The cut has no influence on the result: every slice is computed by the same operations in the
    same order.
    """
    blocks = []
    first = 0
    while first < slices:
        share = -(-(slices - first) // threads) if slices - first < 64 * threads else 64
        lanes = min((count for count in LANE_COUNTS if count >= share), default=64)
        last = min(first + lanes, slices)
        blocks.append((first, last, lanes))
        first = last
    return blocks


def project(
    volume: Volume | NDArray[Any],
    angles_deg: ArrayLike,
    *,
    detector_px: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Project a volume at given tilts: the sum of voxel values along each ray, in voxel units.

    Parameters
    ----------
    volume : Volume or array, shape (z, y, x)
        Any real dtype, on disk or in memory; the tilt axis is y. Its voxels count as cubes.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees.
    detector_px : int, optional
        Pixels of an image along x; default as many as the volume has voxels there.
    threads : int, optional
        Default :func:`~napari_snpore.threads.thread_count`; the result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    float32 array, shape (tilt, y, x)
        Multiply by the voxel size for an integral in nm.

    Raises
    ------
    InputError
        A volume without three axes or with values that are not finite, no angle, an angle that is
        not finite, a detector of less than one pixel.

    Examples
    --------
    >>> import numpy as np
    >>> project(np.ones((4, 1, 3), np.float32), [0.0])[0, 0].tolist()
    [4.0, 4.0, 4.0]
    """
    data = array_of(volume)
    if data.ndim != 3 or 0 in data.shape:
        raise InputError(
            f"volume needs three axes (z, y, x) that are not empty; its shape is {tuple(data.shape)}."
        )
    depth, slices, width = data.shape
    angles = checked_angles(angles_deg)
    beam = Beam(
        angles,
        (depth, width),
        width if detector_px is None else checked_count("detector_px", detector_px),
    )
    images = np.empty((len(angles), slices, beam.detector_px), np.float32)

    def work(block: tuple[int, int, int]) -> None:
        first, last, lanes = block
        planes = Planes(beam, lanes)
        image, sinogram = planes.empty_image(), planes.empty_sinogram()
        planes.put_image(finite_rows(data, first, last, "volume"), image)
        planes.forward(image, sinogram)
        planes.get_sinogram(sinogram, images, (first, last))

    threads = threads_for(len(angles) * slices * depth * width, threads)
    run_blocks(
        work,
        slice_blocks(slices, threads),
        threads=threads,
        progress=progress,
        should_stop=should_stop,
    )
    return images


def backproject(
    images: ArrayLike,
    angles_deg: ArrayLike,
    *,
    thickness_px: int | None = None,
    width_px: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Apply the adjoint of :func:`project`: each voxel sums what its rays read, with the weights of
    the projection.

    This is the transpose, not a reconstruction; for that see
    :mod:`napari_snpore.tomography.reconstruction`.

    Parameters
    ----------
    images : array, shape (tilt, y, x)
        Any real dtype, on disk or in memory.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees.
    thickness_px, width_px : int, optional
        Voxels along z and x of the result; default as many as an image has pixels along x.
    threads, progress, should_stop
        As in :func:`project`.

    Returns
    -------
    float32 array, shape (z, y, x)

    Raises
    ------
    InputError
        Images without three axes or with values that are not finite, a number of angles that
        differs from theirs, a thickness or width of less than one voxel.
    """
    data = array_of(images)  # type: ignore[arg-type]
    if data.ndim != 3 or 0 in data.shape:
        raise InputError(
            f"images need three axes (tilt, y, x) that are not empty; their shape is {tuple(data.shape)}."
        )
    tilts, slices, detector_px = data.shape
    angles = checked_angles(angles_deg)
    if len(angles) != tilts:
        raise InputError(
            f"angles_deg has {len(angles)} tilt angles for {tilts} images; one angle an image is needed."
        )
    depth = detector_px if thickness_px is None else checked_count("thickness_px", thickness_px)
    width = detector_px if width_px is None else checked_count("width_px", width_px)
    beam = Beam(angles, (depth, width), detector_px)
    volume = np.empty((depth, slices, width), np.float32)
    weights = np.ones(depth * width, np.float32)

    def work(block: tuple[int, int, int]) -> None:
        first, last, lanes = block
        planes = Planes(beam, lanes)
        image, sinogram = planes.empty_image(), planes.empty_sinogram()
        planes.put_sinogram(finite_rows(data, first, last, "images"), sinogram)
        planes.backward(sinogram, image, weights)
        planes.get_image(image, volume, (first, last))

    threads = threads_for(len(angles) * slices * depth * width, threads)
    run_blocks(
        work,
        slice_blocks(slices, threads),
        threads=threads,
        progress=progress,
        should_stop=should_stop,
    )
    return volume


def finite_rows(data: Any, first: int, last: int, name: str) -> NDArray[np.float32]:
    """Return slices ``first`` to ``last`` of axis 1 as contiguous float32; refuse complex, NaN and
    infinite values.
    """
    rows = np.asarray(data[:, first:last])
    if np.iscomplexobj(rows):
        raise InputError(f"{name} holds complex numbers; real grey values are needed.")
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    if not np.isfinite(rows).all():
        raise InputError(
            f"{name} holds NaN or infinite values between y = {first} and {last - 1}; finite ones are needed."
        )
    return rows


def checked_angles(angles_deg: ArrayLike) -> NDArray[np.float64]:
    """Return the angles as float64 and refuse none or one that is not finite."""
    angles = np.asarray(angles_deg, dtype=np.float64).reshape(-1)
    if not len(angles) or not np.isfinite(angles).all():
        raise InputError(
            "angles_deg needs at least one tilt angle, each a finite number of degrees."
        )
    return angles


def checked_count(name: str, value: int) -> int:
    """Return a size in pixels or a number of iterations; refuse what is not a whole number of at
    least 1.
    """
    whole = (
        isinstance(value, numbers.Real) and not isinstance(value, bool) and value == np.floor(value)
    )
    if not whole or not 1 <= value < math.inf:
        raise InputError(f"{name} is {value!r}; a whole number, 1 or more, is needed.")
    return int(value)
