"""Least squares with total variation in three dimensions, with the blur of the images in the model.

Minimises ``½ Σ w (b - G A x)² + λ Σ |∇x|`` over volumes x ≥ 0: A the projector, G the blur of the
images (:mod:`~napari_snpore.tomography.detector_blur`), w the weights of the pixels, ``|∇x|`` the
length of the gradient along z, y and x in grey units a voxel. The primal-dual method of Chambolle
and Pock (doi 10.1007/s10851-010-0251-1) with the diagonal steps of Pock and Chambolle (doi
10.1109/ICCV.2011.6126441) needs neither a norm of the operator nor a step size from the user.

Total variation lowers the height of small objects: every step costs in proportion to its height.
Weighting λ by one over the gradient of the last solution (doi 10.1007/s00041-008-9045-x) makes a
sharp step cost little more than a faint one, so that walls and pores of a few voxels keep their
grey value.

Strategy: the volume lies in blocks of up to 64 slices side by side (:class:`Planes`), which the
projector needs; only the blur and the gradient along y join neighbouring blocks. One iteration is
three rounds over blocks or tilt images, each spread over the threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.kernels import for_kernel
from napari_snpore.threads import threads_for
from napari_snpore.tomography._kernels import interleave, separate
from napari_snpore.tomography._variation_kernels import (
    FULL_LIMIT,
    join_blocks,
    look_ahead,
    step_fields,
    step_image,
    weigh_edges,
)
from napari_snpore.tomography.detector_blur import gaussian_taps
from napari_snpore.tomography.projector import LANE_COUNTS, Beam, Planes, finite_rows
from napari_snpore.tomography.sirt import operator_sums

Floats = NDArray[np.float32]

_RISE = 0.5
"""One over the sum of a row of the gradient: a difference of two voxels."""

_FALL = 6.0
"""Sum of a column of the gradient: a voxel takes part in six differences."""

_BALANCE = 4.0
"""Steps of the duals over those of the volume: of 1, 2, 4 and 8 the one with which the numbers of
phantoms settled first."""

_BLOCKS_PER_THREAD = 4
"""Blocks of tilt images: enough that no thread waits long for the other."""

_EMPTY = 0.25
"""Share of a part that may be empty: a slice takes twice the time in a part of 8 than in one of 64,
and two parts of equal size keep two threads busy."""


@dataclass(frozen=True, eq=False)
class Part:
    """Slices ``first`` to ``last`` of a volume, side by side, and what the method keeps for
    them.
    """

    planes: Any
    first: int
    last: int
    image: Floats
    ahead: Floats
    along_z: Floats
    along_x: Floats
    along_y: Floats
    limits: NDArray[np.uint16]
    sinogram: Floats
    edge: Floats  # first slice of ``ahead``, for the part before this one
    support: NDArray[np.bool_] | None

    @property
    def slices(self) -> int:
        """Number of slices."""
        return self.last - self.first


def cut_into_parts(slices: int) -> list[tuple[int, int, int]]:
    """Cut slices into parts (first, last, lanes), as wide as possible with less than a quarter of
    the last ones empty.

    The values of the voxels do not depend on the cut.

    Examples
    --------
    >>> cut_into_parts(60), cut_into_parts(112)
    ([(0, 60, 64)], [(0, 64, 64), (64, 96, 32), (96, 104, 8), (104, 112, 8)])
    """
    parts = []
    first = 0
    while first < slices:
        left = slices - first
        lanes = max(
            (count for count in LANE_COUNTS if left > (1 - _EMPTY) * count),
            default=min(LANE_COUNTS),
        )
        last = min(first + lanes, slices)
        parts.append((first, last, lanes))
        first = last
    return parts


class TotalVariation:
    """Primal-dual iteration for one slab of a volume; keeps its state between calls.

    Parameters
    ----------
    images : float32, shape (tilt, y, x)
        Measured images.
    beam : Beam
        The geometry.
    weights : float32, shape (tilt, y, x), optional
        Weight of each pixel, 1 on average; default 1.
    blur_px : float
        Standard deviation of the blur G, px.
    nonnegative : bool
        Keep voxels at 0 or above.
    support : bool, shape (z, y, x), optional
        Where the object may be.
    initial : array, shape (z, y, x), optional
        Start; default zero.
    threads : int
        At most; the result is the same bit for bit.
    planes : optional
        Operator of a single plane that takes the place of :class:`Planes`, for the preview.
    should_stop : callable, optional
        Asked between the blocks of an iteration, which takes seconds for a large slab; true raises
        :class:`~napari_snpore.errors.Stopped`, and the state is of no more use.
    """

    def __init__(
        self,
        images: Floats,
        beam: Beam,
        *,
        weights: Floats | None = None,
        blur_px: float = 0.0,
        nonnegative: bool = True,
        support: Any = None,
        initial: Any = None,
        threads: int = 1,
        planes: Any = None,
        should_stop: ShouldStop | None = None,
    ) -> None:
        self._should_stop = should_stop
        self.images = images
        self.beam = beam
        tilts, slices, _ = images.shape
        self.threads = threads_for(math.prod(beam.shape) * slices * tilts, threads)
        self.blur_px = blur_px
        self._lowest = 0.0 if nonnegative else -math.inf
        self._taps = gaussian_taps(blur_px)
        # one over the weight: what the proximal step needs; of one value where all weights are one
        self._spread = (
            np.broadcast_to(np.float32(1), images.shape)
            if weights is None
            else np.divide(1, weights, dtype=np.float32)
        )
        self._dual = np.zeros(images.shape, np.float32)
        self._scratch: SimpleQueue[tuple[Floats, Floats]] = SimpleQueue()
        # before the parts, so that what it takes is free again; of the narrowest planes: each of
        # their slices has the same sums
        rows, columns = operator_sums(planes or Planes(beam, min(LANE_COUNTS)))
        self.parts = [
            self._part(planes or Planes(beam, lanes), first, last, support, initial)
            for first, last, lanes in cut_into_parts(images.shape[1])
        ]
        rates = np.divide(_BALANCE, rows, out=np.zeros_like(rows), where=rows > 1e-3 * rows.max())
        self._rates = rates.astype(np.float32).reshape(len(beam.angles_deg), beam.detector_px)
        self._steps = (1 / (_BALANCE * (columns + np.float32(_FALL)))).astype(np.float32)
        self._downhill = -self._steps
        self.change = math.inf

    def _part(self, planes: Any, first: int, last: int, support: Any, initial: Any) -> Part:
        image = planes.empty_image()
        if initial is not None:
            planes.put_image(finite_rows(initial, first, last, "initial"), image)
        allowed = None
        if support is not None:
            inside = planes.empty_image()
            planes.put_image(np.ascontiguousarray(support[:, first:last], np.float32), inside)
            allowed = inside > 0
            image *= allowed
        limits = np.full(len(image), FULL_LIMIT, np.uint16)
        edge = np.empty(len(image) // planes.lanes, np.float32)
        edge[:] = image[:: planes.lanes]
        return Part(
            planes,
            first,
            last,
            image,
            image.copy(),
            planes.empty_image(),
            planes.empty_image(),
            planes.empty_image(),
            limits,
            planes.empty_sinogram(),
            edge,
            allowed,
        )

    def iterate(self, weight: float) -> float:
        """Do one iteration with λ ``weight``; return the sum of squares of ``b - G A x̄``.

        ``change`` becomes the mean absolute change of the voxels as a share of their mean absolute
        value.
        """
        count = len(self.parts)
        run_blocks(
            lambda k: self._project(self.parts[k], self._next_edge(k), weight),
            range(count),
            threads=self.threads,
            should_stop=self._should_stop,
        )
        squares = self._for_tilts(self._step_tilt)
        moves = run_blocks(
            self._update, range(count), threads=self.threads, should_stop=self._should_stop
        )
        moved, size = np.sum(moves, axis=0)
        self.change = float(moved / size) if size > 0 else 0.0
        return float(np.sum(squares))

    def favor_edges(self, contrast: float) -> None:
        """Weigh λ in each voxel by ``contrast / (contrast + |∇x|)`` of the present volume."""
        for part in self.parts:  # the plane that the part before needs: of the image, not of x̄
            part.edge[:] = part.image[:: part.planes.lanes]

        def weigh(k: int) -> None:
            part, (beyond, goes_on) = self.parts[k], self._next_edge(k)
            weigh_edges(
                part.planes.lanes,
                part.slices,
                part.image,
                beyond,
                goes_on,
                self.beam.shape,
                contrast,
                part.limits,
            )

        run_blocks(
            weigh, range(len(self.parts)), threads=self.threads, should_stop=self._should_stop
        )
        for part in self.parts:
            part.edge[:] = part.ahead[:: part.planes.lanes]

    def squares_left(self) -> float:
        """Return the sum of squares of ``b - G A x``."""

        def one(tilt: int) -> float:
            image, rows = self._working_image()
            self._gather(tilt, image)
            zeros = np.zeros_like(image)
            rest = step_image(
                image,
                self.images[tilt],
                zeros,
                self._rates[tilt],
                self._spread[tilt],
                self._taps,
                rows,
            )
            self._scratch.put((image, rows))
            return rest

        run_blocks(
            lambda k: self._forward(self.parts[k], self.parts[k].image),
            range(len(self.parts)),
            threads=self.threads,
            should_stop=self._should_stop,
        )
        return float(np.sum(self._for_tilts(one)))

    def squares_of_noise(self, sigma: float) -> float:
        """Return the sum of squares that noise alone leaves of the images, where ``sigma`` is the
        standard deviation of the noise in a pixel of weight 1.
        """
        return sigma**2 * float(np.sum(self._spread, dtype=np.float64))

    def weights_of(self, first: int, last: int) -> Floats:
        """Return the weights of the pixels in some rows, shape (tilt, last - first, x)."""
        return np.asarray(1 / self._spread[:, first:last], np.float32)

    def rows(self, first: int, last: int) -> Floats:
        """Return the volume between two rows, shape (z, last - first, x)."""
        depth, width = self.beam.shape
        out = np.empty((depth, last - first, width), np.float32)
        for start, rows in self.pieces(first, last):
            out[:, start - first : start - first + rows.shape[1]] = rows
        return out

    def pieces(self, first: int, last: int) -> Iterator[tuple[int, Floats]]:
        """Yield the volume between two rows piece by piece: its first row, and its voxels (z, y, x);
        never a second volume at once.
        """
        depth, width = self.beam.shape
        for part in self.parts:
            low, high = max(first, part.first), min(last, part.last)
            if low < high:
                rows = np.empty((depth, part.slices, width), np.float32)
                part.planes.get_image(part.image, rows, (0, part.slices))
                yield low, rows[:, low - part.first : high - part.first]

    def _for_tilts(self, work: Callable[[int], float]) -> list[float]:
        """Return what each tilt image gives; some images a block, since one takes less time than
        handing it to a thread.
        """
        tilts = len(self.images)
        size = max(1, tilts // (_BLOCKS_PER_THREAD * self.threads))
        found = run_blocks(
            lambda first: [work(tilt) for tilt in range(first, min(first + size, tilts))],
            range(0, tilts, size),
            threads=self.threads,
            should_stop=self._should_stop,
        )
        return [one for block in found for one in block]

    def _next_edge(self, k: int) -> tuple[Floats, bool]:
        goes_on = k + 1 < len(self.parts)
        return self.parts[k + 1 if goes_on else k].edge, goes_on

    def _forward(self, part: Part, image: Floats) -> None:
        part.sinogram[:] = 0
        part.planes.forward(image, part.sinogram)

    def _project(self, part: Part, following: tuple[Floats, bool], weight: float) -> None:
        """Project x̄, then begin the next volume with the divergence of the moved field."""
        self._forward(part, part.ahead)
        step_fields(
            part.planes.lanes,
            part.slices,
            part.ahead,
            part.image,
            part.along_z,
            part.along_x,
            part.along_y,
            *following,
            self.beam.shape,
            _RISE * _BALANCE,
            weight,
            part.limits,
            self._steps,
        )

    def _step_tilt(self, tilt: int) -> float:
        """Move the dual of one tilt image and put it, blurred, in the place of the projection."""
        image, rows = self._working_image()
        self._gather(tilt, image)
        rest = step_image(
            image,
            self.images[tilt],
            self._dual[tilt],
            self._rates[tilt],
            self._spread[tilt],
            self._taps,
            rows,
        )
        for part in self.parts:
            flat = self._row_of(part, tilt)
            rows_of_part = for_kernel(image[None, part.first : part.last])
            interleave(part.planes.lanes, rows_of_part, flat, (0, self.beam.rim))
        self._scratch.put((image, rows))
        return rest

    def _gather(self, tilt: int, image: Floats) -> None:
        for part in self.parts:
            flat = self._row_of(part, tilt)
            separate(
                part.planes.lanes, flat, image[None], (part.first, part.last), (0, self.beam.rim)
            )

    def _row_of(self, part: Part, tilt: int) -> Floats:
        size = self.beam.bins * part.planes.lanes
        return part.sinogram[tilt * size : (tilt + 1) * size]

    def _working_image(self) -> tuple[Floats, Floats]:
        try:
            return self._scratch.get_nowait()
        except Empty:
            shape = self.images.shape[1:]
            return np.empty(shape, np.float32), np.empty(shape, np.float32)

    def _update(self, k: int) -> tuple[float, float]:
        """Finish the next volume with the backprojection, and step over it."""
        part = self.parts[k]
        if k > 0:
            before = self.parts[k - 1]
            join_blocks(
                part.planes.lanes,
                part.ahead,
                before.planes.lanes,
                before.slices,
                before.along_y,
                self.beam.shape,
                self._steps,
            )
        part.planes.backward(part.sinogram, part.ahead, self._downhill, self._lowest)
        if part.support is not None:
            np.multiply(part.ahead, part.support, out=part.ahead)
        moved, size = look_ahead(part.ahead, part.image)
        part.edge[:] = part.ahead[:: part.planes.lanes]
        return moved, size
