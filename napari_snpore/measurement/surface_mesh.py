"""Closed triangle mesh around one phase (marching cubes and smoothing), for 3D pictures and other
programs.

Surface areas in the tables are not measured on this mesh, because smoothing changes them. The
triangles are found and smoothed in :mod:`napari_snpore.measurement._mesh_triangles`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.measurement._mesh_triangles import Library, choose_library, smoothed, triangles
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

_VERTEX_BYTES, _VOXEL_BYTES = 460.0, 2.0
"""Peak in bytes per vertex, the same with both libraries, and per voxel, for the mask."""

_FEWER = "allow fewer triangles"


@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """Closed triangle mesh around one phase, and how it was made.

    Parameters
    ----------
    vertices_nm : array, float32, shape (n, 3)
        World positions ``(z, y, x)`` in nm; the centre of voxel ``(0, 0, 0)`` is at the origin of
        the volume, at 0 for a plain array.
    faces : array, int32, shape (m, 3)
        Vertices of each triangle. ``cross(b - a, c - a)``, taken in ``(z, y, x)``, points out of
        the phase, and so do the normals that a napari Surface makes of it.
    normals : array, float32, shape (n, 3)
        Outward unit vector ``(z, y, x)`` at each vertex, the mean of its triangles by area.
    library : {"vtk", "scikit-image"}
        Library that found and smoothed the triangles.
    smoothing : int
        Iterations of smoothing; 0: none.
    coarsened_by : int
        Edge, in voxels, of the blocks that were meshed in place of voxels; 1: voxels themselves.
    unsmoothed : int
        Number of bodies (pores, particles, cavities) that are too small to be smoothed: they keep
        the steps of their voxels.
    """

    vertices_nm: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    library: Library
    smoothing: int
    coarsened_by: int
    unsmoothed: int


@stops_at_once
def surface_mesh(
    phases: Volume | NDArray[Any],
    phase: int = 1,
    *,
    spacing: float | Sequence[float] | None = None,
    smoothing: int = 15,
    max_triangles: int = 2_000_000,
    library: Library | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> SurfaceMesh:
    """Return the closed surface of a phase as smoothed triangles.

    Marching cubes half way between voxels inside and outside, then a low-pass filter on the mesh
    that keeps volumes. Voxels outside the box count as outside the phase: where the box cuts a
    phase, the cut is closed along the face of the box. Voxels that share only an edge or a corner
    are not joined.

    Parameters
    ----------
    phases : Volume or array, uint8 or bool, shape (z, y, x)
        Labels or a mask; read plane by plane, so that a memory map or a lazy array stays out of
        memory. Never changed.
    phase : int
        Label of the phase, 0 to 255; 1 is the inside of a mask.
    spacing : float or (float, float, float), optional
        Voxel size ``(dz, dy, dx)`` in nm; needed for a plain array.
    smoothing : int
        Iterations; 0 keeps the steps of the voxels, more iterations remove more. Bodies that would
        lose more than a tenth of their volume, those less than some five voxels across, are not
        smoothed.
    max_triangles : int
        Above this number, blocks of 2³, 3³, … voxels are meshed in place of voxels. A block is
        inside where the phase has at least half of its voxels: finer detail vanishes, and
        ``coarsened_by`` says so.
    library : {"vtk", "scikit-image"}, optional
        Default: VTK where it is installed (the extra ``mesh``), else scikit-image.
    progress : callable, optional
        ``progress(done, total)`` after each of the three steps: mask, triangles, smoothing.
    should_stop : callable, optional
        Asked between and within the steps; true raises :class:`~napari_snpore.errors.Stopped`.

    Returns
    -------
    SurfaceMesh
        World positions in nm. No vertex lies outside the box.

    Raises
    ------
    InputError
        Labels that are not uint8 or bool in three axes, a phase that is absent or too fine for so
        few triangles, a number out of range, or VTK asked for and not installed.
    MissingScaleError
        A plain array without ``spacing``.

    Examples
    --------
    >>> block = np.pad(np.ones((2, 2, 2), np.uint8), 1)
    >>> mesh = surface_mesh(block, spacing=0.5, smoothing=0)
    >>> mesh.vertices_nm.min(axis=0).tolist(), mesh.vertices_nm.max(axis=0).tolist()  # half a voxel around 0.5 to 1.0 nm
    ([0.25, 0.25, 0.25], [1.25, 1.25, 1.25])
    """
    labels = _checked_labels(phases, phase, smoothing, max_triangles)
    voxel = spacing_of(phases, spacing)
    origin = phases.origin if isinstance(phases, Volume) else (0.0, 0.0, 0.0)
    maker = choose_library(library)
    tick = progress or (lambda done, total: None)
    what = f"The surface of {shape_text(labels.shape)} voxels"
    mask = _VOXEL_BYTES * math.prod(labels.shape)
    check_memory(what, mask, advice=_FEWER)
    for factor in range(1, max(labels.shape) + 1):
        inside = _inside(labels, phase, factor, should_stop)
        if not inside.any():
            break
        tick(1, 3)
        # a closed surface of t triangles has at least 3/4 t vertices (6 and 8 around one voxel):
        # too fine is known from the count
        count = _vertex_count(inside, should_stop)
        if count * 4 > max_triangles * 3:
            continue
        check_memory(what, mask + _VERTEX_BYTES * count, advice=_FEWER)
        vertices, faces = triangles(inside, maker, should_stop)
        tick(2, 3)
        if len(faces) <= max_triangles:
            vertices, unsmoothed = smoothed(vertices, faces, smoothing, maker, should_stop)
            places = _in_nm(vertices, labels.shape, factor, voxel)
            normals = _normals(places, faces)
            tick(3, 3)
            world = places + np.array(origin, np.float32)
            return SurfaceMesh(world, faces, normals, maker, smoothing, factor, unsmoothed)
    if factor == 1 and not inside.any():
        raise InputError(
            f"Phase {phase} is absent: no voxel has this label, and there is no surface to draw."
        )
    raise InputError(
        f"Phase {phase} is too fine to be drawn with {max_triangles} triangles; allow more of them."
    )


def _checked_labels(phases: Any, phase: int, smoothing: int, max_triangles: int) -> Any:
    """Return the labels (lazy ones stay lazy), or refuse them or one of the numbers."""
    labels = array_of(phases)
    if labels.ndim != 3 or labels.dtype not in (np.uint8, np.bool_) or 0 in labels.shape:
        raise InputError(
            f"phases is {labels.dtype} of shape {labels.shape}; labels uint8 or a mask, with axes (z, y, x), are needed."
        )
    for name, number, least, most in (
        ("phase", phase, 0, 255),
        ("smoothing", smoothing, 0, 1000),
        ("max_triangles", max_triangles, 8, 2**31 - 1),
    ):
        if (
            not isinstance(number, Integral)
            or isinstance(number, bool)
            or not least <= number <= most
        ):
            raise InputError(
                f"{name} is {number}; a whole number from {least} to {most} is needed."
            )
    return labels


def _inside(
    labels: Any, phase: int, factor: int, should_stop: ShouldStop | None
) -> NDArray[np.uint8]:
    """Return where blocks of ``factor``³ voxels are at least half one phase, as 0 and 1, with a rim
    of 0.

    Blocks at the far faces of the box may be cut; half of the voxels that they have is what counts.
    """
    starts = [np.arange(0, size, factor) for size in labels.shape]
    sizes = [np.diff(start, append=size) for start, size in zip(starts, labels.shape, strict=True)]
    across = np.multiply.outer(sizes[1], sizes[2])
    inside = np.zeros([len(start) + 2 for start in starts], np.uint8)

    def fill(block: int) -> None:
        slab = np.asarray(labels[block * factor : (block + 1) * factor]) == phase
        if factor == 1:
            inside[block + 1, 1:-1, 1:-1] = slab[0]
            return
        counts = np.add.reduceat(slab.sum(axis=0, dtype=np.int64), starts[1], axis=0)
        counts = np.add.reduceat(counts, starts[2], axis=1)
        inside[block + 1, 1:-1, 1:-1] = 2 * counts >= len(slab) * across

    run_blocks(fill, range(len(starts[0])), should_stop=should_stop)
    return inside


def _vertex_count(inside: NDArray[np.uint8], should_stop: ShouldStop | None) -> int:
    """Return how many vertices marching cubes will find: one between any two neighbours of which
    one is inside.
    """

    def count(z: int) -> int:
        plane = inside[z]
        return int(
            np.count_nonzero(plane != inside[z + 1])
            + np.count_nonzero(plane[1:] != plane[:-1])
            + np.count_nonzero(plane[:, 1:] != plane[:, :-1])
        )

    return sum(run_blocks(count, range(len(inside) - 1), should_stop=should_stop))


def _in_nm(
    vertices: NDArray[np.float32], shape: Sequence[int], factor: int, spacing: Triple
) -> NDArray[np.float32]:
    """Return vertices (n, 3) in nm, from indices into blocks with a rim of 1.

    Linear between the edges of the blocks, which a block that the box cuts has nearer together;
    what smoothing pushed out of the box ends on its face.
    """
    places = np.empty_like(vertices)
    for axis, (size, step) in enumerate(zip(shape, spacing, strict=True)):
        edges = (
            np.minimum(np.arange(math.ceil(size / factor) + 1) * factor, size) - 0.5
        )  # in voxels
        at = np.arange(len(edges)) + 0.5  # the same edges in blocks: the rim's block is number 0
        places[:, axis] = np.interp(vertices[:, axis], at, edges * step)
    return places


def _normals(places: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the outward unit vector (n, 3) at each vertex."""
    first, second, third = (places[faces[:, corner]] for corner in range(3))
    across = np.repeat(np.cross(second - first, third - first), 3, axis=0)  # twice the area long
    corners = faces.ravel()
    sums = np.stack(
        [np.bincount(corners, across[:, axis], len(places)) for axis in range(3)], axis=1
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    units: NDArray[np.float32] = np.divide(
        sums, lengths, out=np.zeros_like(sums), where=lengths > 0
    ).astype(np.float32)
    return units
