"""How deep each voxel lies below the surface of the envelope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import voxelwise
from napari_snpore.compute import ShouldStop
from napari_snpore.engines import anywhere
from napari_snpore.errors import InputError
from napari_snpore.measurement.face_distance import depth_below_faces, is_cubic
from napari_snpore.measurement.inputs import checked_axes, mask_by_blocks
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.volume import spacing_of


def envelope_depth(
    envelope: Any,
    *,
    spacing: float | Sequence[float] | None = None,
    cut_axes: Sequence[int] = (),
    scratch: ScratchSpace = IN_MEMORY,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return how deep (nm) each voxel's centre lies below the envelope's faces; 0 outside.

    Faces of the box along ``cut_axes`` are no surface; along the others they are. Measured to the
    centre of the nearest voxel outside, less half an edge; where voxels are no cubes, to the
    nearest face of one. An envelope on disk is read slab by slab and the depth lies in ``scratch``, where
    voxels are cubes; others need it in memory.
    """
    voxel, cut_axes = spacing_of(envelope, spacing), checked_axes(cut_axes)
    inside = mask_by_blocks(envelope, name="envelope")
    if len(set(cut_axes)) == 3 and not anywhere(voxelwise(inside, np.logical_not)):
        raise InputError(
            "The envelope fills the box and every axis is cut: there is no surface to be below."
        )
    rim = tuple(0 if axis in cut_axes else 1 for axis in range(3))
    inner = tuple(slice(n, -n or None) for n in rim)
    padded = _RimmedMask(inside, rim)
    out = scratch.empty(padded.shape, np.float32) if is_cubic(voxel) else None
    return depth_below_faces(padded, voxel, out=out, should_stop=should_stop)[inner]


@dataclass(frozen=True)
class _RimmedMask:
    """A mask with planes of false voxels around it, which is read by slabs of its first axis.

    Parameters
    ----------
    source : array
        Anything with shape and slicing, of booleans.
    rim : tuple of int
        Planes on each side along each axis.

    Examples
    --------
    >>> _RimmedMask(np.ones((1, 2), bool), (1, 0))[0:2]
    array([[False, False],
           [ True,  True]])
    """

    source: Any
    rim: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels, the rim included."""
        return tuple(n + 2 * rim for n, rim in zip(self.source.shape, self.rim, strict=True))

    @property
    def block_shape(self) -> Any:
        """As that of the source; None without."""
        return getattr(self.source, "block_shape", None)

    def __getitem__(self, planes: slice) -> NDArray[np.bool_]:
        first, last, _ = planes.indices(self.shape[0])
        low, high = (min(max(k - self.rim[0], 0), self.source.shape[0]) for k in (first, last))
        inside = np.asarray(self.source[low:high], np.bool_)
        below = max(self.rim[0] - first, 0)
        around = [(below, last - first - below - len(inside))]
        return np.pad(inside, [*around, *((rim, rim) for rim in self.rim[1:])])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)
