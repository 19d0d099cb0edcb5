"""Distance from the centres of voxels to the faces of others, for voxels of any shape.

The distance between centres, less half an edge, is that to a face where voxels are cubes. Across
longer voxels it is off by as much as their edges differ, which can be more than the body is wide.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import slabs
from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.measurement._face_kernels import nearest_face
from napari_snpore.measurement.distance import distance_map
from napari_snpore.volume import SPACING_TOLERANCE, Triple


def distance_to_faces(
    solid: NDArray[np.bool_], spacing: Triple, *, should_stop: ShouldStop | None = None
) -> NDArray[np.float32]:
    """Return the exact distance (nm) from each voxel's centre to the box of the nearest solid voxel.

    Parameters
    ----------
    solid : bool array, shape (z, y, x)
    spacing : (float, float, float)
        Voxel size in nm.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    float32 array, shape (z, y, x)
        0 in solid; inf everywhere where there is none.

    Examples
    --------
    >>> distance_to_faces(np.array([[[True, False, False]]]), (1.0, 1.0, 4.0)).tolist()
    [[[0.0, 2.0, 6.0]]]
    """
    squared = np.where(solid, np.float32(0), np.float32(np.inf))
    for axis, edge in enumerate(spacing):
        if solid.shape[axis] < 2:
            continue
        planes = np.moveaxis(squared, axis, 2)

        def pass_over(
            number: int, planes: NDArray[np.float32] = planes, edge: float = edge
        ) -> None:
            lines = np.ascontiguousarray(
                planes[number]
            )  # along other axes a copy: lines lie together
            nearest_face(lines, edge, np.empty((3, lines.shape[1])))
            planes[number] = lines

        run_blocks(pass_over, range(len(planes)), should_stop=should_stop)
    return np.sqrt(squared, out=squared)


def is_cubic(spacing: Triple) -> bool:
    """Return whether voxels are cubes, to 1 %."""
    return max(spacing) <= (1 + SPACING_TOLERANCE) * min(spacing)


def depth_below_faces(
    inside: Any,
    spacing: Triple,
    *,
    out: NDArray[np.float32] | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return how far (nm) each voxel's centre lies from the faces of voxels outside; 0 outside.

    Between centres and less half an edge where voxels are cubes (to 1 %), which counts a corner as
    the ball within its voxel: closer to a curved surface than corners of boxes are. To the boxes of
    voxels of another shape. inf where nothing is outside. A mask (z, y, x) of cubes may lie on disk and
    its distances in a mapped file, ``out``.
    """
    if is_cubic(spacing):
        deep = distance_map(inside, spacing, out=out, should_stop=should_stop)
        half = np.float32(min(spacing) / 2)

        def from_face(planes: slice) -> None:
            deep[planes] -= half  # in place: no second array of this size
            np.maximum(deep[planes], 0, out=deep[planes])

        run_blocks(from_face, slabs(deep.shape), should_stop=should_stop)
        return deep
    return distance_to_faces(~np.asarray(inside), spacing, should_stop=should_stop)
