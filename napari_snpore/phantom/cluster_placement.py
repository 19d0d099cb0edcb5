"""Where Sn clusters sit: on pore walls, apart from each other, more of them and the larger ones towards the surface."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.phantom.cluster_shapes import Shape
from napari_snpore.phantom.pores import Body, face_neighbours, main_piece

BOOL = NDArray[np.bool_]
Box = tuple[slice, slice, slice]

_TRIES = 4000
_GRIP = 0.1  # share of a cluster's faces' neighbours that is pore, and share that is carbon, when it is placed
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
        self._places: dict[int, Box] = {}
        self._rng = rng

    def place(self, which: Iterable[int], pore: BOOL, *, should_stop: ShouldStop | None = None) -> None:
        """Put the chosen clusters (indices) onto the walls of these pores, each at a place of its own.

        Raises
        ------
        InputError
            There is no room left.
        """
        walls = np.flatnonzero(face_neighbours(self.body.envelope & ~pore & (self.labels == 0)) & pore)
        for index in which:
            check_stop(should_stop)
            if not walls.size or not self._settle(index, walls, pore):
                raise InputError(
                    "The fibre has no room for its Sn clusters; make the phantom larger (shape) or its voxels finer (spacing)."
                )

    def _settle(self, index: int, walls: NDArray[np.intp], pore: BOOL) -> bool:
        """Try places for one cluster until one fits."""
        shape, envelope = self.shapes[index], self.body.envelope
        rank = index / len(self.shapes)
        at_axis = _AXIS_SHARE[0] + (_AXIS_SHARE[1] - _AXIS_SHARE[0]) * rank
        for _ in range(_TRIES // 64):
            middles = np.stack(np.unravel_index(self._rng.choice(walls, 64), envelope.shape), axis=1)
            wanted = at_axis + (1 - at_axis) * self.body.depth[middles[:, 0], 0, middles[:, 2]] ** 2
            for middle in middles[self._rng.random(64) < wanted]:
                start = middle - np.array(shape.mask.shape) // 2
                if (start < 0).any() or (start + shape.mask.shape > envelope.shape).any():
                    continue
                z, y, x = (slice(int(low), int(low) + n) for low, n in zip(start, shape.mask.shape, strict=True))
                box = z, y, x
                if (self.labels[box][shape.halo] != 0).any() or not envelope[box][shape.mask].all():
                    continue
                open_share = np.count_nonzero(pore[box][shape.shell]) / np.count_nonzero(shape.shell)
                wall_share = np.count_nonzero((envelope[box] & ~pore[box])[shape.shell]) / np.count_nonzero(shape.shell)
                if min(open_share, wall_share) < _GRIP:
                    continue
                self.labels[box][shape.mask] = index + 1
                self._places[index] = box
                return True
        return False

    def take_away(self, which: Iterable[int]) -> None:
        """Remove the chosen clusters (indices) from the fibre."""
        for index in which:
            self.labels[self._places.pop(index)][self.shapes[index].mask] = 0

    def loose(self, pore: BOOL) -> list[int]:
        """Return the clusters (indices) that do not touch, through faces, both a pore and carbon that holds to the fibre."""
        solid = self.body.envelope & ~pore
        carbon = main_piece(solid) & (self.labels == 0)
        return [
            index
            for index, box in sorted(self._places.items())
            if not (pore[box][self.shapes[index].shell].any() and carbon[box][self.shapes[index].shell].any())
        ]
