"""A piece of a fibre, some rows in its middle, in which the effect of a choice on the numbers is found
where the whole would take too long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_snpore.compute import ShouldStop
from napari_snpore.study.measuring import Box, Measurement
from napari_snpore.study.numbers import Quantity
from napari_snpore.study.quick_numbers import quick_numbers
from napari_snpore.subvolume import edges_of
from napari_snpore.tomography.tv_reconstruction import middle_rows
from napari_snpore.volume import Volume

_GROW_WITH_IT = ("1", "nm³")
"""Units of numbers that grow with the piece."""


@dataclass(frozen=True)
class Piece:
    """Rows ``first`` to ``last`` (excluded) along y of a volume."""

    first: int
    last: int

    @classmethod
    def of(cls, rows: int, count: int) -> Piece:
        """Return ``count`` rows in the middle of ``rows``, or all."""
        return cls(*middle_rows(rows, count))

    def cut(self, volume: Volume, data: Any = None) -> Volume:
        """Return the rows of a volume in their place; ``data`` are those of another volume, already
        cut.
        """
        rows = np.asarray(volume.data[:, self.first : self.last]) if data is None else data
        z, y, x = volume.origin
        origin = (z, y + self.first * volume.spacing[1], x)
        return Volume(np.ascontiguousarray(rows), volume.spacing, origin, volume.history)

    def inner(self, edge: int) -> Piece:
        """Return the piece without so many rows at either end."""
        return Piece(self.first + edge, self.last - edge)


def numbers_of_piece(
    phases: Volume,
    measurement: Measurement,
    cut_axes: Sequence[int],
    *,
    rows: int,
    should_stop: ShouldStop | None = None,
) -> dict[Quantity, float]:
    """Return the numbers of phases that were cut to a piece of so many ``rows`` along y.

    Cubes that do not lie in it are moved along y, and are no higher. Counts and volumes are those
    that all rows would have.
    """
    height = phases.size_nm[1]
    middle = phases.origin[1] + (phases.shape[1] - 1) / 2 * phases.spacing[1]
    boxes: dict[str, Box] = {}
    for name, ((z, y, x), size) in measurement.boxes.items():
        edges = edges_of(size)
        inside = abs(y - middle) + edges[1] / 2 <= height / 2
        lower = min(edges[1], height)
        # a cube stays one: its numbers go by that name
        cut = (edges[0], lower, edges[2]) if isinstance(size, tuple) else lower
        boxes[name] = ((z, y if inside else middle, x), cut)
    numbers = quick_numbers(
        phases,
        measurement.section,
        names=measurement.names,
        boxes=boxes,
        cut_axes=cut_axes,
        objects=tuple(measurement.objects),
        should_stop=should_stop,
    )
    share = rows / phases.shape[1]
    return {
        key: value * share if key[1] in _GROW_WITH_IT else value for key, value in numbers.items()
    }
