"""Surfaces as STL, PLY and GLB for other programs: positions (x, y, z) in nm, triangles that face
outwards.

None of the three formats has a field for nanometres: STL and PLY have no unit, glTF has metres, in
which a specimen would vanish. The numbers are nm in all three, which a comment (PLY), the label
(STL) or ``extras`` (GLB) say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError, OutputError
from napari_snpore.files.atomic import atomic_path
from napari_snpore.history import HistoryStep, stored_history
from napari_snpore.measurement.surface_mesh import SurfaceMesh

_LABEL = "napari-snpore: x, y, z in nm"
_STL_HEADER = 80


def write_surface(
    path: str | Path,
    surface: SurfaceMesh,
    *,
    history: Sequence[HistoryStep] = (),
    overwrite: bool = False,
) -> Path:
    """Write a surface as binary ``.stl``, binary ``.ply`` or ``.glb``.

    Parameters
    ----------
    path : path
        File to write; its suffix selects the format.
    surface : SurfaceMesh
        What :func:`~napari_snpore.measurement.surface_mesh.surface_mesh` returns; its world
        positions are written in the order x, y, z, in nm.
    history : sequence of HistoryStep
        How the phases were made (``volume.history``); kept in PLY and GLB.
    overwrite : bool
        Whether an existing file is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OutputError
        The file exists, or cannot be written.
    FileFormatError
        Another suffix.
    """
    path = Path(path)
    export = _EXPORTS.get(path.suffix.lower())
    if export is None:
        raise FileFormatError(
            f"{path} has a suffix that a surface is not written with; these are: {' '.join(SURFACES)}."
        )
    if path.exists() and not overwrite:
        raise OutputError(f"{path} is there already; overwrite=True replaces it.")
    with atomic_path(path) as part:
        part.write_bytes(export(_mesh(surface), history))
    return path


def surface_of(vertices_nm: NDArray[Any], faces: NDArray[Any]) -> SurfaceMesh:
    """Return triangles of another origin as a surface, with normals by trimesh.

    Parameters
    ----------
    vertices_nm : array, shape (n, 3)
        World positions (z, y, x) in nm.
    faces : array of int, shape (m, 3)
        Vertices of each triangle, as in :class:`SurfaceMesh`.
    """
    # imported here: a third of a second that only surfaces need
    import trimesh

    places = np.asarray(vertices_nm, np.float32)
    triangles = np.asarray(faces, np.int32)
    normals = trimesh.Trimesh(places, triangles, process=False, validate=False).vertex_normals
    return SurfaceMesh(places, triangles, np.asarray(normals, np.float32), "scikit-image", 0, 1, 0)


def _mesh(surface: SurfaceMesh) -> Any:
    """Return a surface as trimesh has it: along (x, y, z), where the same triangles are
    left-handed unless their corners are taken in the other order.
    """
    import trimesh

    return trimesh.Trimesh(
        surface.vertices_nm[:, ::-1],
        surface.faces[:, ::-1],
        vertex_normals=surface.normals[:, ::-1],
        process=False,
        validate=False,
    )


def _about(history: Sequence[HistoryStep]) -> dict[str, Any]:
    return {"unit": "nm", "axes": "x, y, z", **stored_history(history)}


def _stl(mesh: Any, history: Sequence[HistoryStep]) -> bytes:
    del history  # the format has 80 bytes for a label
    from trimesh.exchange.stl import export_stl

    return _LABEL.encode().ljust(_STL_HEADER) + bytes(export_stl(mesh))[_STL_HEADER:]


def _ply(mesh: Any, history: Sequence[HistoryStep]) -> bytes:
    from trimesh.exchange.ply import export_ply

    magic, kind, rest = bytes(export_ply(mesh, vertex_normal=True)).split(b"\n", 2)
    about = json.dumps(_about(history), default=str)  # ASCII, and without a line's end
    lines = [magic, kind, f"comment {_LABEL}".encode(), f"comment {about}".encode(), rest]
    return b"\n".join(lines)


def _glb(mesh: Any, history: Sequence[HistoryStep]) -> bytes:
    import trimesh
    from trimesh.exchange.gltf import export_glb

    about = json.loads(json.dumps(_about(history), default=str))
    scene = trimesh.Scene(mesh, metadata={"napari-snpore": about})
    return bytes(export_glb(scene, include_normals=True))


_EXPORTS: dict[str, Callable[[Any, Sequence[HistoryStep]], bytes]] = {
    ".stl": _stl,
    ".ply": _ply,
    ".glb": _glb,
}

SURFACES = tuple(_EXPORTS)
"""Suffixes that surfaces are written with."""
