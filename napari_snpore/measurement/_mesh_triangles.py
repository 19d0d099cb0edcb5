"""Marching cubes on a binary mask and smoothing of the mesh, with VTK or with scikit-image and
scipy.

Strategy. Both libraries run the classical marching cubes of Lorensen and Cline (1987, doi
10.1145/37401.37422) on 0 and 1 and find the same triangles: one vertex half way between each two
neighbouring voxels of which one is inside, and each edge in exactly two triangles. (The default of
scikit-image, the variant of Lewiner, leaves edges in four triangles where voxels share only an
edge.) One voxel alone becomes an octahedron: 6 vertices, 8 triangles.

Both smoothing filters are low-pass filters of the same degree in the uniform Laplacian of the mesh.
They keep volumes, which plain averaging over neighbours shrinks. Both are linear, with weights that
depend only on which vertices are neighbours, so they commute with the scaling to nm and run on
indices.

scikit-image holds the GIL while it makes a mesh. It gets a few planes at a time, so that the window
responds and a request to stop is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError

Library = Literal["vtk", "scikit-image"]
Vertices = NDArray[np.float32]
Faces = NDArray[np.int32]

PASS_BAND: Mapping[Library, float] = {"vtk": 0.1, "scikit-image": 0.05}
"""Largest eigenvalue of the mesh's Laplacian (0 flat, 2 the finest zigzag) that the filter keeps.

Measured on balls with 15 iterations: from a radius of 2.5 voxels on, volumes change by less than 1
% (VTK) and 2.2 % (scikit-image; its filter amplifies what lies in its band, therefore the band is
half as wide). Smaller bodies would shrink: by 4 to 11 % and 19 to 22 % at radii of 1.5 to 2 voxels,
by about half at 1; one voxel would vanish. They are not smoothed, see :data:`LEAST_KEPT`.
"""

LEAST_KEPT = 0.9
"""Smallest share of its volume that a smoothed body may have; a body that would lose more is not
smoothed.
"""

_TAUBIN_SHRINK = 0.6307
"""Factor λ of the shrinking step (Taubin 1995, doi 10.1145/218380.218473)."""

_TAUBIN_GROW = 1 / (
    PASS_BAND["scikit-image"] - 1 / _TAUBIN_SHRINK
)  # negative: undoes the shrinking within the pass band

_SLAB_VOXELS = 2**18


def choose_library(library: Library | None) -> Library:
    """Return the library to use: the given one, else VTK if it is installed.

    Raises
    ------
    InputError
        A library of another name, or VTK where it is not installed.
    """
    if library not in (None, "vtk", "scikit-image"):
        raise InputError(f"library is {library!r}; 'vtk' or 'scikit-image' is needed.")
    if library == "scikit-image":
        return "scikit-image"
    try:
        import vtkmodules.vtkFiltersCore  # noqa: F401
    except ImportError:
        if library == "vtk":
            raise InputError(
                "VTK is not installed; install it, or choose the library 'scikit-image'."
            ) from None
        return "scikit-image"
    return "vtk"


def triangles(
    inside: NDArray[np.uint8], library: Library, should_stop: ShouldStop | None
) -> tuple[Vertices, Faces]:
    """Return vertices (n, 3), in indices (z, y, x), and triangles (m, 3) around the ones of a mask
    with a rim of 0.

    Oriented so that ``cross(b - a, c - a)`` points from 1 to 0.
    """
    check_stop(should_stop)
    return (
        _triangles_by_vtk(inside)
        if library == "vtk"
        else _triangles_by_skimage(inside, should_stop)
    )


def smoothed(
    vertices: Vertices,
    faces: Faces,
    iterations: int,
    library: Library,
    should_stop: ShouldStop | None,
) -> tuple[Vertices, int]:
    """Return low-pass filtered vertices (n, 3), and the number of bodies that were too small to be
    smoothed.

    ``iterations`` pairs of a shrinking and a growing step with scikit-image (Taubin 1995, doi
    10.1145/218380.218473), a windowed sinc of the same degree, twice ``iterations``, with VTK
    (Taubin, Zhang and Golub 1996, doi 10.1007/BFb0015544).
    """
    check_stop(should_stop)
    if iterations == 0:
        return vertices, 0
    by_vtk = library == "vtk"
    places = (
        _windowed_sinc(vertices, faces, iterations)
        if by_vtk
        else _taubin(vertices, faces, iterations, should_stop)
    )
    check_stop(should_stop)
    return _without_small_bodies(vertices, places, faces)


def _without_small_bodies(found: Vertices, smooth: Vertices, faces: Faces) -> tuple[Vertices, int]:
    """Return the smooth vertices, but the unsmoothed ones of bodies that would lose volume; and the
    number of these bodies.
    """
    joined = scipy.sparse.coo_array(
        (
            np.ones(2 * len(faces), bool),
            (np.r_[faces[:, 0], faces[:, 1]], np.r_[faces[:, 1], faces[:, 2]]),
        ),
        shape=(len(found), len(found)),
    )
    count, body = scipy.sparse.csgraph.connected_components(joined, directed=False)
    found_volume, smooth_volume = (
        _volumes(places, faces, body, count) for places in (found, smooth)
    )
    small = np.abs(smooth_volume) < LEAST_KEPT * np.abs(
        found_volume
    )  # a cavity's volume is negative
    return np.where(small[body][:, None], found, smooth), int(small.sum())


def _volumes(
    vertices: Vertices, faces: Faces, body: NDArray[np.int32], count: int
) -> NDArray[np.float64]:
    """Return the volume (count,) that each body encloses, by the divergence theorem, about its own
    first vertex.
    """
    first = np.zeros((count, 3))
    first[body[::-1]] = vertices[::-1]  # far from 0 the sums would cancel
    a, b, c = (vertices[faces[:, corner]] - first[body[faces[:, 0]]] for corner in range(3))
    parts = (a * np.cross(b, c)).sum(axis=1) / 6
    volumes: NDArray[np.float64] = np.bincount(body[faces[:, 0]], parts, count).astype(
        np.float64, copy=False
    )
    return volumes


def _triangles_by_vtk(inside: NDArray[np.uint8]) -> tuple[Vertices, Faces]:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(*inside.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(inside.ravel(), deep=False))
    mesher = vtkFlyingEdges3D()
    mesher.SetInputData(image)
    mesher.SetValue(0, 0.5)
    for unneeded in (
        mesher.ComputeNormalsOff,
        mesher.ComputeGradientsOff,
        mesher.ComputeScalarsOff,
    ):
        unneeded()
    mesher.Update()
    return _from_vtk(mesher.GetOutput())


def _triangles_by_skimage(
    inside: NDArray[np.uint8], should_stop: ShouldStop | None
) -> tuple[Vertices, Faces]:
    """Mesh a few planes at a time and join the parts: both sides of a joint have the same vertices
    on its plane.
    """
    from skimage.measure import marching_cubes

    depth = max(1, _SLAB_VOXELS // inside[0].size)
    parts: list[tuple[Vertices, Faces]] = []
    joint = np.empty(0, np.int64)  # numbers of the vertices on the last plane, by place
    count = 0
    for first in range(0, len(inside) - 1, depth):
        check_stop(should_stop)
        slab = inside[first : first + depth + 1]
        if slab.min() == slab.max():
            joint = joint[:0]
            continue
        # ascent: the ones are the object, and in (z, y, x) its triangles then face outwards
        found, faces, _, _ = marching_cubes(
            slab.astype(np.float32), 0.5, method="lorensen", gradient_direction="ascent"
        )
        known, last = _on_plane(found, 0), _on_plane(found, len(slab) - 1)
        is_new = np.ones(len(found), bool)
        is_new[known] = False
        numbers = np.empty(len(found), np.int64)
        numbers[known] = joint
        numbers[is_new] = count + np.arange(len(found) - len(known))
        count += len(found) - len(known)
        joint = numbers[last]
        parts.append(
            (found[is_new] + np.array([first, 0, 0], np.float32), numbers[faces].astype(np.int32))
        )
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _on_plane(vertices: Vertices, z: int) -> NDArray[np.int64]:
    """Return which vertices lie on a plane of voxels, in order of y and x."""
    which = np.flatnonzero(vertices[:, 0] == z)
    order: NDArray[np.int64] = which[np.lexsort((vertices[which, 2], vertices[which, 1]))]
    return order


def _windowed_sinc(vertices: Vertices, faces: Faces, iterations: int) -> Vertices:
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(_to_vtk(vertices, faces))
    smoother.SetPassBand(PASS_BAND["vtk"])
    smoother.SetNumberOfIterations(2 * iterations)
    smoother.NormalizeCoordinatesOn()
    smoother.FeatureEdgeSmoothingOff()
    smoother.Update()
    return _from_vtk(smoother.GetOutput())[0]


def _taubin(
    vertices: Vertices, faces: Faces, iterations: int, should_stop: ShouldStop | None
) -> Vertices:

    count = len(vertices)
    starts, ends = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    # each edge is in two triangles and runs the other way in the second: all its neighbours are
    # counted once at each vertex
    shares = (1 / np.bincount(starts, minlength=count)).astype(np.float32)
    mean_of_neighbors = scipy.sparse.csr_array(
        (shares[starts], (starts, ends)), shape=(count, count)
    )
    places = vertices
    for _ in range(iterations):
        check_stop(should_stop)
        for weight in (np.float32(_TAUBIN_SHRINK), np.float32(_TAUBIN_GROW)):
            places = places + weight * (mean_of_neighbors @ places - places)
    return places


def _to_vtk(vertices: Vertices, faces: Faces) -> Any:
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    points, cells, mesh = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(vertices[:, ::-1]), deep=True))
    offsets = np.arange(0, 3 * len(faces) + 1, 3, dtype=np.int64)
    corners = np.ascontiguousarray(faces[:, ::-1], np.int64).ravel()
    cells.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(corners, deep=True)
    )
    mesh.SetPoints(points)
    mesh.SetPolys(cells)
    return mesh


def _from_vtk(mesh: Any) -> tuple[Vertices, Faces]:
    """Return vertices and triangles: x, y, z turned round, which mirrors the mesh, so the triangles
    are turned round too.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy

    vertices = vtk_to_numpy(mesh.GetPoints().GetData())[:, ::-1].astype(np.float32)
    faces = (
        vtk_to_numpy(mesh.GetPolys().GetConnectivityArray())
        .reshape(-1, 3)[:, ::-1]
        .astype(np.int32)
    )
    return np.ascontiguousarray(vertices), np.ascontiguousarray(faces)
