"""Where Sn clusters sit: on pore walls, apart from each other, more of them and the larger ones towards the surface."""

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
_BATCH = 64
_DISPLACEMENTS = 20
_PROBES = 12
_GRIPS = (
    0.1,
    0.0,
)  # share of the voxels on a cluster's faces that is pore, and share that is carbon; the second if need be
_AXIS_SHARE = (
    0.2,
    0.5,
)  # density on a wall at the axis, of that at the surface, for the longest and the shortest clusters


class Clusters:
    """The clusters of one fibre: their shapes, their places, and the label volume in which they stand.

    Parameters
    ----------
    shapes : sequence of Shape
        Longest first; the cluster of shape ``k`` has the label ``k + 1``.
    body : Body
        The fibre.
    rng : Generator
        Chooses the places.
    """

    def __init__(self, shapes: Sequence[Shape], body: Body, rng: np.random.Generator) -> None:
        self.shapes = shapes
        self.body = body
        self.labels = np.zeros(body.envelope.shape, np.uint32)
        self._seats: dict[int, tuple[Shape, Box]] = {}
        self._rng = rng

    def place(self, which: Iterable[int], pore: BOOL, *, should_stop: ShouldStop | None = None) -> None:
        """Put the chosen clusters (indices) onto the walls of these pores, each at a place of its own.

        One that finds no room among the others takes it from all smaller ones, which then look for new places.

        Raises
        ------
        InputError
            There is no room left.
        """
        walls = np.flatnonzero(face_neighbors(self.body.envelope & ~pore & (self.labels == 0)) & pore)
        _, rows, columns = pore.shape
        row_of = walls // columns % rows
        waiting, displacements = sorted(which), 0
        while waiting:
            check_stop(should_stop)
            index, *rest = waiting
            shape = self.shapes[index]
            box_rows = shape.mask.shape[1]
            # a cut cluster has its place along the fibre: the middle of its box is this far from its end
            middle = box_rows // 2 if shape.cut < 0 else rows - box_rows + box_rows // 2
            here = walls[row_of == middle] if shape.cut else walls
            if here.size and any(self._settle(index, here, pore, grip) for grip in _GRIPS):
                waiting = rest
                continue
            smaller = [other for other in self._seats if other > index]
            displacements += 1
            if not smaller or displacements > _DISPLACEMENTS:
                raise InputError(
                    "The fibre has no room for its Sn clusters; make the phantom larger (shape) or its voxels finer (spacing)."
                )
            self.take_away(smaller)
            waiting = sorted({*waiting, *smaller})

    def _settle(self, index: int, walls: NDArray[np.intp], pore: BOOL, grip: float) -> bool:
        """Try places for one cluster until one fits."""
        shape, envelope = self.shapes[index], self.body.envelope
        rank = index / len(self.shapes)
        at_axis = _AXIS_SHARE[0] + (_AXIS_SHARE[1] - _AXIS_SHARE[0]) * rank
        size = np.array(shape.mask.shape)
        # halos may reach past the ends of the fibre, clusters stay one voxel inside: their mirror images keep away as well
        past = np.array([0, shape.rim - 1, 0]) if not shape.cut else np.zeros(3, np.int64)
        free_axes = (1, 0 if shape.cut else 1, 1)
        for _ in range(_TRIES // _BATCH):
            middles = np.stack(np.unravel_index(self._rng.choice(walls, _BATCH), envelope.shape), axis=1)
            wanted = at_axis + (1 - at_axis) * self.body.depth[middles[:, 0], 0, middles[:, 2]] ** 2
            # a cluster may sink into the wall or stand out of it by a quarter of its size
            sunk = self._rng.integers(-(size // 4), size // 4 + 1, size=(_BATCH, 3)) * free_axes
            starts = (middles + sunk)[self._rng.random(_BATCH) < wanted] - size // 2
            inside = (starts >= -past).all(axis=1) & (starts + size <= envelope.shape + past).all(axis=1)
            for start in self._promising(starts[inside], shape).tolist():
                before, after = max(0, -start[1]), max(0, start[1] + int(size[1]) - envelope.shape[1])
                seated = shape.trimmed(before, after) if before or after else shape
                start[1] += before
                z, y, x = (slice(low, low + n) for low, n in zip(start, seated.mask.shape, strict=True))
                if self._fits(seated, (z, y, x), pore, grip):
                    self.labels[z, y, x][seated.mask] = index + 1
                    self._seats[index] = seated, (z, y, x)
                    return True
        return False

    def _promising(self, starts: NDArray[np.intp], shape: Shape) -> NDArray[np.intp]:
        """Return the places where a few voxels of the shape meet no other cluster: a cheap test before the full one."""
        voxels = np.argwhere(shape.mask)
        probes = voxels[:: max(1, len(voxels) // _PROBES)]
        z, y, x = np.moveaxis(starts[:, None] + probes, 2, 0)
        free: NDArray[np.intp] = starts[~self.labels[z, y, x].any(axis=1)]
        return free

    def _fits(self, shape: Shape, box: Box, pore: BOOL, grip: float) -> bool:
        """Return whether a place is free, inside the fibre, and a wall: some of what is around is pore, some carbon."""
        if self.labels[box][shape.halo].any() or not self.body.envelope[box][shape.mask].all():
            return False
        around, inside = pore[box][shape.shell], self.body.envelope[box][shape.shell]
        open_count = np.count_nonzero(around)
        return bool(min(open_count, np.count_nonzero(inside) - open_count) >= max(1, grip * around.size))

    def take_away(self, which: Iterable[int]) -> None:
        """Remove the chosen clusters (indices) from the fibre."""
        for index in which:
            shape, box = self._seats.pop(index)
            self.labels[box][shape.mask] = 0

    def loose(self, pore: BOOL) -> list[int]:
        """Return the clusters (indices) that do not touch, through faces, both a pore and carbon that holds to the fibre."""
        carbon = main_piece(self.body.envelope & ~pore) & (self.labels == 0)
        return [
            index
            for index, (shape, box) in sorted(self._seats.items())
            if not (pore[box][shape.shell].any() and carbon[box][shape.shell].any())
        ]
