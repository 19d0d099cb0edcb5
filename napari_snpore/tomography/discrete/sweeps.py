"""Sweeps of single-voxel changes through a labelled volume (iterated conditional modes).

Iterated conditional modes (Besag 1986, doi 10.1111/j.2517-6161.1986.tb01412.x): each voxel in turn
takes the label of least energy, given all others. The energy falls with every change, so the sweeps
end in a minimum near the start; they do not look for another one.

Slabs of rows are polished in parallel: first the even ones, then the odd ones. A slab is so thick
that what two slabs of one colour write does not meet, and its edges depend on the blur alone, so
the result is the same bit for bit on any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_stepped_blocks, share_of
from napari_snpore.tomography._lanes import LaneCount
from napari_snpore.tomography.detector_blur import gaussian_taps
from napari_snpore.tomography.discrete._polish_kernels import (
    HELD,
    LABEL,
    LANES,
    NONE,
    polish_buffers,
    polish_slab,
)
from napari_snpore.tomography.projector import Beam

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]

PAIR_WEIGHTS = (1.0, 1 / 2, 1 / 3)
"""Weights of neighbours across a face, an edge and a corner: one over the squared distance."""

_COLUMNS = 8192
"""Columns along y between two looks at a cancel: some tenths of a second with 70 tilts."""

_COUNT = LaneCount(LANES)


@dataclass(frozen=True)
class SweepResult:
    """Voxels that one sweep changed, and the change of the energy, zero or negative."""

    changed: int
    energy_change: float


class Sweeps:
    """Labels of a volume and the forces of its images, kept up to date with every change.

    Parameters
    ----------
    labels : uint8 array, shape (z, y, x)
        0 is held fixed (exterior), the others may change.
    weights : float32 array, shape (tilt, y, x)
        One over the noise power of the images.
    angles_deg : float64 array, shape (tilt,)
    blur_px : float
        Standard deviation of the Gaussian on the detector.
    boundary_weight : float
        Energy of a pair of unlike voxels across a face.
    exterior_as : int
        Label that neighbours count exterior as: 1 where both are vacuum, else 0.
    grows_from : int
        Labels from here on grow only beside themselves.
    first_row : int
        Place of the first row in the whole volume, a multiple of :func:`rows_at_a_time`: its rows are
        visited in the same order in a part.

    Notes
    -----
    Memory: two arrays of the size of the images, and one byte per voxel.
    """

    def __init__(
        self,
        labels: Labels,
        weights: Floats,
        angles_deg: NDArray[np.float64],
        *,
        blur_px: float,
        boundary_weight: float,
        exterior_as: int,
        grows_from: int,
        first_row: int = 0,
    ) -> None:
        depth, slices, width = labels.shape
        self._shape = (depth, width, slices)
        self._taps = gaussian_taps(blur_px)
        self._radius = len(self._taps) // 2
        self._bins = weights.shape[2]
        self._thickness = rows_at_a_time(blur_px)
        self._window = self._thickness + 2 * self._radius
        beam = Beam(angles_deg, (depth, width), self._bins)
        self._tilts = beam.tilts[:, : len(angles_deg)].copy()
        self._tilts[2] -= beam.rim
        self._grows_from = grows_from
        self._first_row = first_row
        self._strides = ((width + 2) * (slices + 2), slices + 2)
        self.weigh_boundary(boundary_weight)
        self._exterior_as = exterior_as
        self._exterior = labels == 0
        state = np.full((depth + 2, width + 2, slices + 2), NONE, np.uint8)
        state[1:-1, 1:-1, 1:-1] = np.where(self._exterior, HELD | exterior_as, labels).transpose(
            0, 2, 1
        )
        self._state = state
        self._weights = self._padded(weights)
        self._forces = np.zeros_like(self._weights)

    def weigh_boundary(self, boundary_weight: float) -> None:
        """Set the energy of a pair of unlike voxels across a face for the sweeps to come."""
        self._pairs = _pairs(*self._strides, boundary_weight)

    @property
    def labels(self) -> Labels:
        """Labels as they are now, uint8 (z, y, x)."""
        inside = self._state[1:-1, 1:-1, 1:-1].transpose(0, 2, 1) & LABEL
        inside[self._exterior] = 0
        return np.ascontiguousarray(inside)

    @property
    def forces(self) -> Floats:
        """Weighted residuals ``w (G P x - b)`` as they are now, float32 (tilt, y, x)."""
        return np.ascontiguousarray(self._inside(self._forces).transpose(0, 2, 1))

    def set_forces(self, forces: Floats) -> None:
        """Replace the forces, float32 (tilt, y, x): after other levels, or against rounding."""
        self._inside(self._forces)[:] = forces.transpose(0, 2, 1)

    def run(
        self,
        levels: Sequence[float],
        *,
        caution: float = 1.0,
        threads: int | None = None,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> SweepResult:
        """Visit each voxel with an unlike neighbour once and give it the label of least energy."""
        state = self._state.reshape(-1)
        forces, weights = self._forces.reshape(-1), self._weights.reshape(-1)
        values = np.asarray(levels, np.float64)
        layout = (self._bins, self._weights.shape[2])
        slices, framed = self._shape[2], np.pad(self._taps, 1)
        thickness = self._thickness

        depth, columns, _ = self._shape
        together = max(1, _COLUMNS // columns)

        def work(rows: tuple[int, int], step: Callable[[], None]) -> NDArray[np.float64]:
            result = np.zeros(2)
            slab = (rows[0], rows[1] - rows[0], self._window)
            room = polish_buffers(self._tilts.shape[1], self._taps, len(values), slices, slab)
            for plane in range(0, depth, together):
                polish_slab(
                    _COUNT,
                    state,
                    self._shape,
                    forces,
                    weights,
                    self._tilts,
                    layout,
                    framed,
                    values,
                    self._pairs,
                    self._grows_from,
                    caution,
                    slab,
                    (plane, min(plane + together, depth)),
                    room,
                    result,
                )
                step()
            return result

        total = np.zeros(2)
        for color in (0, 1):
            blocks = _rows_of(color, thickness, self._first_row, slices)
            if not blocks:
                continue
            results = run_stepped_blocks(
                work,
                blocks,
                steps=-(-depth // together),
                threads=threads,
                progress=share_of(progress, color / 2, (color + 1) / 2),
                should_stop=should_stop,
            )
            total += np.sum(results, axis=0)
        return SweepResult(int(total[0]), float(total[1]))

    def _padded(self, images: Floats) -> Floats:
        """Copy images into the layout of the kernels, zero in the rim."""
        tilts, slices, bins = images.shape
        rim = self._radius + 1
        out = np.zeros((tilts, bins + 2 * rim, self._radius + slices + self._window), np.float32)
        self._inside(out)[:] = images.transpose(0, 2, 1)
        return out

    def _inside(self, padded: Floats) -> Floats:
        rim = self._radius + 1
        rows = slice(self._radius, self._radius + self._shape[2])
        return padded[:, rim : rim + self._bins, rows]


def _rows_of(color: int, thickness: int, first: int, count: int) -> list[tuple[int, int]]:
    """Return the slabs (first, last) of one colour, counted from row ``first`` of the whole volume, where
    one begins.

    >>> _rows_of(0, 4, 0, 10), _rows_of(0, 4, 4, 10)
    ([(0, 4), (8, 10)], [(4, 8)])
    """
    start = (first // thickness + color) % 2 * thickness
    return [(low, min(low + thickness, count)) for low in range(start, count, 2 * thickness)]


def rows_at_a_time(blur_px: float) -> int:
    """Return how many rows a slab of one colour has: what two of them write does not meet, since a
    change reaches as far as the blur.

    >>> rows_at_a_time(0.0), rows_at_a_time(1.0)
    (32, 24)
    """
    radius = len(gaussian_taps(blur_px)) // 2
    return (_round_up(4 * radius, LANES) or LANES) - 2 * radius


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def _pairs(
    per_z: int, per_x: int, boundary_weight: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], int, NDArray[np.int64]]:
    """Return index offsets of the 26 neighbours, nearest first, their energies, how many share a
    face or an edge, and for each a bit per neighbour that touches it.
    """
    places = np.argwhere(np.ones((3, 3, 3))) - 1
    kinds = np.abs(places).sum(axis=1)
    order = np.lexsort((places @ [per_z, per_x, 1], kinds))[1:]  # the voxel itself comes first
    places, kinds = places[order], kinds[order]
    offsets = (places @ [per_z, per_x, 1]).astype(np.int64)
    costs = boundary_weight * np.array(PAIR_WEIGHTS)[kinds - 1]
    close = np.abs(places[:, None] - places).max(axis=2) == 1
    return offsets, costs, int(np.sum(kinds <= 2)), close @ (1 << np.arange(len(places)))
