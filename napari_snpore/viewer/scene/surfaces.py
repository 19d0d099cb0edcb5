"""The surface of one phase as triangles, for pictures: nothing is measured on it, and nothing here knows Qt or napari.

How the triangles are found and smoothed, with either library, is in :mod:`napari_snpore.viewer.scene._triangles`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.viewer.scene._triangles import Library, library_at_hand, smoothed, triangles
from napari_snpore.volume import Triple, checked_spacing


@dataclass(frozen=True, eq=False)
class PhaseSurface:
    """Closed triangle mesh around one phase, and how it was made.

    Parameters
    ----------
    vertices : array, float32, shape (n, 3)
        Places ``(z, y, x)`` in nm; the centre of voxel ``(0, 0, 0)`` is at 0, as napari has it: the origin of the volume goes
        into the layer's ``translate``, and its ``scale`` stays 1.
    faces : array, int32, shape (m, 3)
        Vertices of each triangle. ``cross(b - a, c - a)``, taken in ``(z, y, x)``, points out of the phase, and so do the normals
        that a napari Surface makes of it.
    normals : array, float32, shape (n, 3)
        Outward unit vector ``(z, y, x)`` at each vertex, the mean of its triangles by area.
    library : {"vtk", "scikit-image"}
        What found the triangles and smoothed them.
    smoothing : int
        Iterations of smoothing; 0 is the surface as found.
    coarsened_by : int
        Edge, in voxels, of the blocks that were meshed in place of voxels; 1 where none were needed.
    unsmoothed : int
        Bodies (pores, particles, cavities) that are too small to be smoothed, and kept the steps of their voxels.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    library: Library
    smoothing: int
    coarsened_by: int
    unsmoothed: int


def phase_surface(
    phases: NDArray[np.uint8],
    value: int,
    *,
    spacing: float | Sequence[float],
    smoothing: int = 15,
    max_triangles: int = 2_000_000,
    library: Library | None = None,
    cancelled: ShouldStop | None = None,
) -> PhaseSurface:
    """Return the closed surface of a phase as smoothed triangles.

    Marching cubes half way between voxels inside and outside, then a low pass filter on the mesh that keeps volumes. Outside
    the box is outside the phase: where the box cuts a phase, the cut is closed along the box's face. Voxels that touch by an
    edge or a corner only are apart.

    Parameters
    ----------
    phases : array, uint8, shape (z, y, x)
        Labels; read plane by plane, so a memory map or a lazy array will do. Never changed.
    value : int
        Label of the phase, 0 to 255.
    spacing : float or (float, float, float)
        Voxel size ``(dz, dy, dx)`` in nm.
    smoothing : int
        Iterations; 0 leaves the steps of the voxels, more take away more. Bodies that would lose more than a tenth of their
        volume, those less than some five voxels across, are left as they are found.
    max_triangles : int
        With more than this many, blocks of 2³, 3³, … voxels are meshed in place of voxels. A block is inside where the phase
        has at least half of its voxels: finer detail vanishes, and ``coarsened_by`` says so.
    library : {"vtk", "scikit-image"}, optional
        Default VTK where it is installed (the extra ``mesh``), else scikit-image.
    cancelled : callable, optional
        Asked between the steps; true raises :class:`~napari_snpore.errors.Stopped`.

    Returns
    -------
    PhaseSurface
        In nm; the voxel of index 0 is centred at 0. No vertex is outside the box.

    Raises
    ------
    InputError
        Labels that are not uint8 in three axes, a phase that is absent or too fine for so few triangles, a number out of range,
        or VTK asked for and not installed.

    Examples
    --------
    >>> block = np.pad(np.ones((2, 2, 2), np.uint8), 1)
    >>> surface = phase_surface(block, 1, spacing=0.5, smoothing=0)
    >>> surface.vertices.min(axis=0), surface.vertices.max(axis=0)  # faces of the block: half a voxel around 0.5 … 1.0 nm
    (array([0.25, 0.25, 0.25], dtype=float32), array([1.25, 1.25, 1.25], dtype=float32))
    """
    _check(phases, value, smoothing, max_triangles)
    voxel = checked_spacing(spacing)
    maker = library_at_hand(library)
    for factor in range(1, max(phases.shape) + 1):
        inside = _inside(phases, value, factor, cancelled)
        if not inside.any():
            break
        # a closed surface has 2 (vertices) - 4 triangles and 6 vertices or more: 4/3 a vertex is the least, and settles it early
        if _vertex_count(inside, cancelled) * 4 > max_triangles * 3:
            continue
        vertices, faces = triangles(inside, maker, cancelled)
        if len(faces) <= max_triangles:
            vertices, unsmoothed = smoothed(vertices, faces, smoothing, maker, cancelled)
            places = _in_nm(vertices, phases.shape, factor, voxel)
            return PhaseSurface(places, faces, _normals(places, faces), maker, smoothing, factor, unsmoothed)
    if factor == 1 and not inside.any():
        raise InputError(f"Phase {value} is absent: no voxel has this label, and there is no surface to draw.")
    raise InputError(f"Phase {value} is too fine to be drawn with {max_triangles} triangles; allow more of them.")


def _check(phases: Any, value: int, smoothing: int, max_triangles: int) -> None:
    if getattr(phases, "ndim", 0) != 3 or phases.dtype != np.uint8 or 0 in phases.shape:
        raise InputError(
            f"phases is {getattr(phases, 'dtype', type(phases).__name__)} of shape {np.shape(phases)}; labels uint8 with axes "
            "(z, y, x) are needed."
        )
    for name, number, least, most in (
        ("value", value, 0, 255),
        ("smoothing", smoothing, 0, 1000),
        ("max_triangles", max_triangles, 8, 2**31 - 1),
    ):
        if not isinstance(number, Integral) or isinstance(number, bool) or not least <= number <= most:
            raise InputError(f"{name} is {number}; a whole number from {least} to {most} is needed.")


def _inside(phases: Any, value: int, factor: int, cancelled: ShouldStop | None) -> NDArray[np.uint8]:
    """Return where blocks of ``factor``³ voxels are at least half one phase, as 0 and 1, with a rim of 0.

    Blocks at the far faces of the box may be cut; half of the voxels that they have is what counts.
    """
    starts = [np.arange(0, size, factor) for size in phases.shape]
    sizes = [np.diff(start, append=size) for start, size in zip(starts, phases.shape, strict=True)]
    across = np.multiply.outer(sizes[1], sizes[2])
    inside = np.zeros([len(start) + 2 for start in starts], np.uint8)

    def fill(block: int) -> None:
        slab = np.asarray(phases[block * factor : (block + 1) * factor]) == value
        if factor == 1:
            inside[block + 1, 1:-1, 1:-1] = slab[0]
            return
        counts = np.add.reduceat(slab.sum(axis=0, dtype=np.int64), starts[1], axis=0)
        counts = np.add.reduceat(counts, starts[2], axis=1)
        inside[block + 1, 1:-1, 1:-1] = 2 * counts >= len(slab) * across

    run_blocks(fill, range(len(starts[0])), should_stop=cancelled)
    return inside


def _vertex_count(inside: NDArray[np.uint8], cancelled: ShouldStop | None) -> int:
    """Return how many vertices marching cubes will find: one between any two neighbours of which one is inside."""

    def count(z: int) -> int:
        plane = inside[z]
        return int(
            np.count_nonzero(plane != inside[z + 1])
            + np.count_nonzero(plane[1:] != plane[:-1])
            + np.count_nonzero(plane[:, 1:] != plane[:, :-1])
        )

    return sum(run_blocks(count, range(len(inside) - 1), should_stop=cancelled))


def _in_nm(vertices: NDArray[np.float32], shape: Sequence[int], factor: int, spacing: Triple) -> NDArray[np.float32]:
    """Return vertices (n, 3) in nm, from indices into blocks with a rim of 1.

    Linear between the edges of the blocks, which a block that the box cuts has nearer together; what smoothing pushed out of
    the box ends on its face.
    """
    places = np.empty_like(vertices)
    for axis, (size, step) in enumerate(zip(shape, spacing, strict=True)):
        edges = np.minimum(np.arange(math.ceil(size / factor) + 1) * factor, size) - 0.5  # in voxels
        at = np.arange(len(edges)) + 0.5  # the same edges in blocks: the rim's block is number 0
        places[:, axis] = np.interp(vertices[:, axis], at, edges * step)
    return places


def _normals(places: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the outward unit vector (n, 3) at each vertex."""
    first, second, third = (places[faces[:, corner]] for corner in range(3))
    across = np.repeat(np.cross(second - first, third - first), 3, axis=0)  # twice the area long
    corners = faces.ravel()
    sums = np.stack([np.bincount(corners, across[:, axis], len(places)) for axis in range(3)], axis=1)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    units: NDArray[np.float32] = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0).astype(np.float32)
    return units
