"""Placement of Sn clusters on pore walls, apart from each other, denser and larger towards the
surface.

Random sequential addition (Widom, doi 10.1063/1.1726548), longest cluster first: a wall voxel is
drawn, a cluster that overlaps nothing there is kept, else another voxel is drawn. Long clusters are
placed first because few positions remain for them later; one without a position removes all shorter
ones, which are placed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.phantom.body import Body
from napari_snpore.phantom.cluster_shapes import Shape
from napari_snpore.phantom.pores import face_neighbors, main_piece

BOOL = NDArray[np.bool_]
Box = tuple[slice, slice, slice]

_TRIES = 8192
"""Positions tried per cluster and wall share: enough to find a position on one wall voxel in a
thousand; then the wall counts as full."""

_BATCH = 64
"""Positions drawn at once: numpy calls are shared, and few draws are lost once a position is found.
"""

_REPLACEMENTS = 20
"""Times that shorter clusters may be removed before the fibre is called too small."""

_PROBES = 12
"""Voxels of a cluster that the quick overlap test looks at."""

_WALL_SHARES = (0.1, 0.0)
"""Least share of the voxels next to a cluster that is pore, and that is carbon; the second if the
first fails."""

_AXIS_SHARE = (0.2, 0.5)
"""Cluster density on a wall at the axis, relative to the surface, for the longest and the shortest
clusters: more and larger clusters towards the surface, as in the source (doi
10.1002/adma.202307151)."""

_SINK_PART = 4
"""A cluster lies at most a quarter of its size inside the wall or out of it."""


class Clusters:
    """Shapes, positions and label volume of the clusters of one fibre.

    Parameters
    ----------
    shapes : sequence of Shape
        Longest first; the cluster of shape ``k`` has the label ``k + 1``.
    body : Body
        The fibre.
    rng : Generator
        Source of the random positions.

    Attributes
    ----------
    labels : array, uint32, shape (z, y, x)
        0 without a cluster, ``k + 1`` in the cluster of shape ``k``.
    """

    def __init__(self, shapes: Sequence[Shape], body: Body, rng: np.random.Generator) -> None:
        self.shapes = shapes
        self.body = body
        self.labels = np.zeros(body.envelope.shape, np.uint32)
        self._placed: dict[int, tuple[Shape, Box]] = {}
        self._rng = rng

    def place(
        self, which: Iterable[int], pore: BOOL, *, should_stop: ShouldStop | None = None
    ) -> None:
        """Place the chosen clusters (indices of shapes) on the walls of these pores, without
        overlap.

        Parameters
        ----------
        which : iterable of int
            Indices of the shapes to place.
        pore : array, bool, shape (z, y, x)
            Pore voxels.
        should_stop : callable, optional
            See :mod:`napari_snpore.compute`.

        Raises
        ------
        InputError
            A cluster has no free position, even after the shorter ones were removed.
        """
        walls = np.flatnonzero(
            face_neighbors(self.body.envelope & ~pore & (self.labels == 0)) & pore
        )
        _, rows, columns = pore.shape
        row_of = walls // columns % rows
        waiting, replacements = sorted(which), 0
        while waiting:
            check_stop(should_stop)
            index, *rest = waiting
            shape = self.shapes[index]
            box_rows = shape.mask.shape[1]
            # a cut cluster is fixed along the fibre: the middle of its box has this row
            middle = box_rows // 2 if shape.cut < 0 else rows - box_rows + box_rows // 2
            here = walls[row_of == middle] if shape.cut else walls
            if here.size and any(
                self._place_one(index, here, pore, share) for share in _WALL_SHARES
            ):
                waiting = rest
                continue
            shorter = [other for other in self._placed if other > index]
            replacements += 1
            if not shorter or replacements > _REPLACEMENTS:
                raise InputError(
                    "The fibre has no space for its Sn clusters; make the phantom larger (shape)"
                    " or its voxels finer (spacing)."
                )
            self.remove(shorter)
            waiting = sorted({*waiting, *shorter})

    def _place_one(
        self, index: int, walls: NDArray[np.intp], pore: BOOL, wall_share: float
    ) -> bool:
        """Place one cluster at the first random wall position that fits; false if none of the tries
        does.
        """
        shape, envelope = self.shapes[index], self.body.envelope
        rank = index / len(self.shapes)
        at_axis = _AXIS_SHARE[0] + (_AXIS_SHARE[1] - _AXIS_SHARE[0]) * rank
        size = np.array(shape.mask.shape)
        # a halo may extend past the ends of the fibre, its cluster ends at least one voxel before
        # them, so that the mirrored fibre beyond the end has its clusters apart as well
        past = np.array([0, shape.rim - 1, 0]) if not shape.cut else np.zeros(3, np.int64)
        free_axes = (1, 0 if shape.cut else 1, 1)
        for _ in range(_TRIES // _BATCH):
            middles = np.stack(
                np.unravel_index(self._rng.choice(walls, _BATCH), envelope.shape), axis=1
            )
            acceptance = (
                at_axis + (1 - at_axis) * self.body.depth[middles[:, 0], 0, middles[:, 2]] ** 2
            )
            sink = size // _SINK_PART
            sunk = self._rng.integers(-sink, sink + 1, size=(_BATCH, 3)) * free_axes
            starts = (middles + sunk)[self._rng.random(_BATCH) < acceptance] - size // 2
            inside = (starts >= -past).all(axis=1) & (starts + size <= envelope.shape + past).all(
                axis=1
            )
            for start in self._without_overlap(starts[inside], shape).tolist():
                before, after = (
                    max(0, -start[1]),
                    max(0, start[1] + int(size[1]) - envelope.shape[1]),
                )
                placed = shape.trimmed(before, after) if before or after else shape
                start[1] += before
                z, y, x = (
                    slice(low, low + n) for low, n in zip(start, placed.mask.shape, strict=True)
                )
                if self._fits(placed, (z, y, x), pore, wall_share):
                    self.labels[z, y, x][placed.mask] = index + 1
                    self._placed[index] = placed, (z, y, x)
                    return True
        return False

    def _without_overlap(self, starts: NDArray[np.intp], shape: Shape) -> NDArray[np.intp]:
        """Return the positions where a few voxels of the shape overlap no cluster: a quick test
        before the full one.
        """
        voxels = np.argwhere(shape.mask)
        probes = voxels[:: max(1, len(voxels) // _PROBES)]
        z, y, x = np.moveaxis(starts[:, None] + probes, 2, 0)
        free: NDArray[np.intp] = starts[~self.labels[z, y, x].any(axis=1)]
        return free

    def _fits(self, shape: Shape, box: Box, pore: BOOL, wall_share: float) -> bool:
        """Return whether a position is free, inside the fibre, and on a wall: next to pore and to
        carbon.
        """
        if self.labels[box][shape.halo].any() or not self.body.envelope[box][shape.mask].all():
            return False
        around, inside = pore[box][shape.shell], self.body.envelope[box][shape.shell]
        open_count = np.count_nonzero(around)
        return bool(
            min(open_count, np.count_nonzero(inside) - open_count)
            >= max(1, wall_share * around.size)
        )

    def remove(self, which: Iterable[int]) -> None:
        """Remove the chosen clusters (indices) from the fibre."""
        for index in which:
            shape, box = self._placed.pop(index)
            self.labels[box][shape.mask] = 0

    def off_the_wall(self, pore: BOOL) -> list[int]:
        """Return the clusters (indices) without a face on a pore, or without one on carbon joined
        to the fibre.
        """
        carbon = main_piece(self.body.envelope & ~pore) & (self.labels == 0)
        return [
            index
            for index, (shape, box) in sorted(self._placed.items())
            if not (pore[box][shape.shell].any() and carbon[box][shape.shell].any())
        ]
