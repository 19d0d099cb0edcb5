"""Boxes in nm: crops that keep their place in the world, and the centre and the edge cube of a fibre."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.volume import Step, Triple, Volume, checked_spacing


def extract_subvolume(volume: Volume, *, center_nm: Sequence[float], size_nm: float | Sequence[float]) -> Volume:
    """Cut a box out of a volume; the result keeps its physical position.

    Parameters
    ----------
    volume : Volume
        What to cut; its data is sliced, not copied.
    center_nm : (float, float, float)
        Centre ``(z, y, x)`` of the box in world coordinates (nm, origin included).
    size_nm : float or (float, float, float)
        Edge lengths in nm. The box holds the voxels whose centres lie in ``[center − size/2, center + size/2)``.

    Returns
    -------
    Volume
        With the origin of its own first voxel.

    Raises
    ------
    InputError
        The box reaches beyond the volume, or holds no voxel.

    Examples
    --------
    >>> whole = Volume(np.zeros((10, 10, 10)), 0.5)
    >>> extract_subvolume(whole, center_nm=(2, 2, 2), size_nm=1).origin
    (1.5, 1.5, 1.5)
    """
    box = box_slices(volume.shape, volume.spacing, volume.origin, center_nm, size_nm)
    origin = tuple(o + part.start * d for o, part, d in zip(volume.origin, box, volume.spacing, strict=True))
    step = Step(
        "extract subvolume", {"center_nm": list(map(float, center_nm)), "size_nm": list(checked_spacing(size_nm))}
    )
    return Volume(volume.data[box], volume.spacing, (origin[0], origin[1], origin[2]), (*volume.history, step))


def box_slices(
    shape: tuple[int, int, int],
    spacing: Triple,
    origin: Triple,
    center_nm: Sequence[float],
    size_nm: float | Sequence[float],
) -> tuple[slice, slice, slice]:
    """Return the voxels of a box as slices; refuse a box that leaves the volume."""
    sizes = checked_spacing(size_nm)
    if len(center_nm) != 3 or not all(math.isfinite(value) for value in center_nm):
        raise InputError(f"center_nm is {tuple(center_nm)}; three finite numbers (z, y, x) in nm are needed.")
    found = []
    for axis, label in enumerate("zyx"):
        low = (center_nm[axis] - sizes[axis] / 2 - origin[axis]) / spacing[axis]
        high = (center_nm[axis] + sizes[axis] / 2 - origin[axis]) / spacing[axis]
        # positions within a millionth of a voxel of a centre count as on it: nm are rarely whole in binary
        start, stop = math.ceil(low - 1e-6), math.ceil(high - 1e-6)
        if start < 0 or stop > shape[axis]:
            reach = (origin[axis] - spacing[axis] / 2, origin[axis] + (shape[axis] - 0.5) * spacing[axis])
            raise InputError(
                f"The box of {sizes[axis]:.4g} nm around {label} = {center_nm[axis]:.4g} nm leaves the volume, which goes from "
                f"{reach[0]:.4g} to {reach[1]:.4g} nm."
            )
        if stop <= start:
            raise InputError(f"size_nm is {sizes[axis]:.4g} nm along {label}: no voxel centre lies in the box.")
        found.append(slice(start, stop))
    return found[0], found[1], found[2]


def centre_and_edge_boxes(
    envelope: NDArray[np.bool_],
    *,
    spacing: float | Sequence[float],
    origin: Triple = (0.0, 0.0, 0.0),
    size_nm: float,
    fibre_axis: int = 1,
) -> dict[str, Triple]:
    """Place a cube at the fibre's axis and one just below its surface, by the envelope.

    The axis is the centroid of the envelope, half way along the fibre. The edge cube lies beside it along the last axis across
    the fibre, so far out that the middle of its outer face is on the surface; its outer corners may reach beyond, which is why
    fractions are of the envelope inside a box.

    Parameters
    ----------
    envelope : array, bool, shape (z, y, x)
        The body.
    spacing : float or (float, float, float)
        Voxel size in nm.
    origin : (float, float, float)
        World position of voxel (0, 0, 0) in nm.
    size_nm : float
        Edge of the cubes.
    fibre_axis : int
        Array axis along the fibre.

    Returns
    -------
    dict
        ``"centre"`` and ``"edge"``, each the centre ``(z, y, x)`` of its cube in nm. Cubes are kept inside the box.

    Raises
    ------
    InputError
        An empty envelope, or a cube that does not fit into the box.
    """
    voxel = checked_spacing(spacing)
    if not envelope.any():
        raise InputError("The envelope is empty: there is no fibre to place cubes in.")
    for axis, label in enumerate("zyx"):
        if size_nm > envelope.shape[axis] * voxel[axis]:
            raise InputError(f"size_nm is {size_nm:.4g} nm, more than the volume along {label}.")
    middle = envelope.shape[fibre_axis] // 2
    section = envelope.take(range(max(0, middle - 2), min(envelope.shape[fibre_axis], middle + 3)), axis=fibre_axis)
    places = [float(where.mean()) for where in np.nonzero(section)]
    places[fibre_axis] = (envelope.shape[fibre_axis] - 1) / 2
    across = 2 if fibre_axis != 2 else 1
    line = [round(place) for place in places]
    ray = np.flatnonzero(envelope[tuple(slice(None) if axis == across else line[axis] for axis in range(3))])
    half = size_nm / 2
    surface = (ray.max() + 0.5) * voxel[across] if ray.size else (envelope.shape[across] - 0.5) * voxel[across]
    centre = [place * size for place, size in zip(places, voxel, strict=True)]
    edge = list(centre)
    edge[across] = max(surface - half, centre[across])
    return {
        "centre": _inside(centre, half, envelope, voxel, origin),
        "edge": _inside(edge, half, envelope, voxel, origin),
    }


def _inside(center: list[float], half: float, envelope: NDArray[np.bool_], spacing: Triple, origin: Triple) -> Triple:
    """Move a cube into the box and add the origin."""
    z, y, x = (
        float(np.clip(place, half - size / 2, (n - 0.5) * size - half)) + start
        for place, n, size, start in zip(center, envelope.shape, spacing, origin, strict=True)
    )
    return z, y, x
