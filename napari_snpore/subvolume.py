"""Boxes in nm: crops that keep their world position, the centre and the edge cube of a fibre, slabs
of whole voxels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import BoxArray
from napari_snpore.engines import anywhere, is_shared
from napari_snpore.errors import InputError
from napari_snpore.history import ExtractSubvolumeStep
from napari_snpore.volume import Triple, Volume, array_and_spacing, checked_spacing, origin_of

Projection = Literal["mean", "max"]
"""How the slices of a slab are projected."""

_LARGEST_EDGE = 0.44
"""Share of a round fibre's width up to which the edge cube does not reach over its axis: 1 / √5,
rounded down.
"""


@dataclass(frozen=True)
class NamedBox:
    """A box along the array axes.

    Parameters
    ----------
    name : str
        Unique among the boxes of a window or figure.
    center_nm, size_nm : (float, float, float)
        World position of the center and edge lengths ``(z, y, x)`` in nm.
    """

    name: str
    center_nm: Triple
    size_nm: Triple

    @property
    def low(self) -> Triple:
        """The corner with the smallest coordinates."""
        z, y, x = (c - s / 2 for c, s in zip(self.center_nm, self.size_nm, strict=True))
        return z, y, x

    @property
    def high(self) -> Triple:
        """The corner with the largest coordinates."""
        z, y, x = (c + s / 2 for c, s in zip(self.center_nm, self.size_nm, strict=True))
        return z, y, x

    def moved(self, axis: int, nm: float) -> NamedBox:
        """Return the box shifted along an axis."""
        center = list(self.center_nm)
        center[axis] += nm
        return replace(self, center_nm=(center[0], center[1], center[2]))

    def with_face(self, axis: int, end: int, place_nm: float, *, least_nm: float) -> NamedBox:
        """Return the box with one face (``end`` 0 low, 1 high) at another place; it keeps a least
        size.
        """
        low, high = list(self.low), list(self.high)
        if end:
            high[axis] = max(place_nm, low[axis] + least_nm)
        else:
            low[axis] = min(place_nm, high[axis] - least_nm)
        return box_between(self.name, low, high)


def box_between(name: str, one: Sequence[float], two: Sequence[float]) -> NamedBox:
    """Return the box between two corners (z, y, x) in nm."""
    center, size = list(
        zip(*(((a + b) / 2, abs(b - a)) for a, b in zip(one, two, strict=True)), strict=True)
    )
    return NamedBox(name, tuple(center), tuple(size))


def region_in_words(region: str, size_nm: float | Triple | None) -> str:
    """Return how numbers name a region: the whole, a cube, or a cuboid of unlike edges.

    Examples
    --------
    >>> region_in_words("whole", None), region_in_words("centre", 8.0), region_in_words("rim", (4.0, 8.0, 2.0))
    ('whole', 'centre cube', 'rim cuboid')
    """
    if size_nm is None:
        return region
    return f"{region} {'cuboid' if isinstance(size_nm, tuple) else 'cube'}"


def region_of_words(words: str) -> str:
    """Return the region of its name in numbers: the inverse of :func:`region_in_words`.

    Examples
    --------
    >>> region_of_words("whole"), region_of_words("centre cube"), region_of_words("my cuboid cube")
    ('whole', 'centre', 'my cuboid')
    """
    region, _, shape = words.rpartition(" ")
    return region if region and shape in ("cube", "cuboid") else words


def edges_of(size_nm: float | Triple) -> Triple:
    """Return the three edges (z, y, x) of a cube of one edge, or of a cuboid."""
    return size_nm if isinstance(size_nm, tuple) else (size_nm, size_nm, size_nm)


def edges_in_words(size_nm: float | Triple) -> str:
    """Return the edge of a cube, or the edges (z × y × x) of a cuboid.

    Examples
    --------
    >>> edges_in_words(8.0), edges_in_words((4.0, 8.0, 2.5))
    ('8 nm', '4 × 8 × 2.5 nm')
    """
    edges = size_nm if isinstance(size_nm, tuple) else (size_nm,)
    return f"{' × '.join(f'{edge:.3g}' for edge in edges)} nm"


def extract_subvolume(
    volume: Volume, *, center_nm: Sequence[float], size_nm: float | Sequence[float]
) -> Volume:
    """Cut a box out of a volume; the result keeps its physical position.

    Parameters
    ----------
    volume : Volume
        What to cut; its data is sliced, not copied.
    center_nm : (float, float, float)
        Centre ``(z, y, x)`` of the box in world coordinates (nm, origin included).
    size_nm : float or (float, float, float)
        Edge lengths in nm. The box holds the voxels whose centres lie in ``[center − size/2, center
        + size/2)``.

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
    origin = tuple(
        o + part.start * d for o, part, d in zip(volume.origin, box, volume.spacing, strict=True)
    )
    z, y, x = map(float, center_nm)
    step = ExtractSubvolumeStep((z, y, x), checked_spacing(size_nm)).step
    data = BoxArray(volume.data, box) if is_shared(volume.data) else volume.data[box]
    return Volume(data, volume.spacing, (origin[0], origin[1], origin[2]), (*volume.history, step))


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
        raise InputError(
            f"center_nm is {tuple(center_nm)}; three finite numbers (z, y, x) in nm are needed."
        )
    found = []
    for axis, label in enumerate("zyx"):
        low = (center_nm[axis] - sizes[axis] / 2 - origin[axis]) / spacing[axis]
        high = (center_nm[axis] + sizes[axis] / 2 - origin[axis]) / spacing[axis]
        # positions within a millionth of a voxel of a centre count as on it: nm are rarely whole in
        # binary
        start, stop = math.ceil(low - 1e-6), math.ceil(high - 1e-6)
        if start < 0 or stop > shape[axis]:
            reach = (
                origin[axis] - spacing[axis] / 2,
                origin[axis] + (shape[axis] - 0.5) * spacing[axis],
            )
            raise InputError(
                f"The box of {sizes[axis]:.4g} nm around {label} = {center_nm[axis]:.4g} nm leaves the volume, which goes from "
                f"{reach[0]:.4g} to {reach[1]:.4g} nm."
            )
        if stop <= start:
            raise InputError(
                f"size_nm is {sizes[axis]:.4g} nm along {label}: no voxel centre lies in the box."
            )
        found.append(slice(start, stop))
    return found[0], found[1], found[2]


def center_and_edge_boxes(
    envelope: Volume | NDArray[np.bool_],
    *,
    spacing: float | Sequence[float] | None = None,
    origin: Triple | None = None,
    size_nm: float,
    fibre_axis: int = 1,
) -> dict[str, Triple]:
    """Place a cube at the fibre's axis and one just below its surface, by the envelope.

    The axis is the centroid of the envelope, half way along the fibre. The edge cube lies beside it
    along the last axis across the fibre (x for a fibre along y: across the beam, where the missing
    wedge does least), as far out as 99 % of it are still inside the envelope; where a slim fibre
    leaves no such place, where most of it is. An edge cube that would reach over the axis, and so
    share more than half of the centre cube, is refused: its numbers would be those of the centre.

    Parameters
    ----------
    envelope : Volume or array, bool, shape (z, y, x)
        The body.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    origin : (float, float, float), optional
        World position of voxel (0, 0, 0) in nm; default that of the Volume, zero for an array.
    size_nm : float
        Edge of the cubes.
    fibre_axis : int
        Array axis along the fibre.

    Returns
    -------
    dict
        ``"centre"`` and ``"edge"``, each the centre ``(z, y, x)`` of its cube in nm (world). Cubes
        are kept inside the box.

    Raises
    ------
    InputError
        An empty envelope, a cube that does not fit into the box, or one that leaves no edge of the
        fibre.

    Examples
    --------
    >>> z, y, x = np.mgrid[:20, :10, :20]
    >>> fibre = np.hypot(z - 9.5, x - 9.5) <= 9
    >>> center_and_edge_boxes(Volume(fibre, 1.0, (100, 0, 0)), size_nm=6)["centre"]
    (109.5, 4.5, 9.5)
    """
    corner = origin_of(envelope) if origin is None else origin
    body, voxel = array_and_spacing(envelope, spacing)
    if not anywhere(body):
        raise InputError("The envelope is empty: there is no fibre to place cubes in.")
    for axis, label in enumerate("zyx"):
        if size_nm > body.shape[axis] * voxel[axis]:
            raise InputError(f"size_nm is {size_nm:.4g} nm, more than the volume along {label}.")
    half = size_nm / 2
    places = [float(where.mean()) for where in _middle_section(body, fibre_axis)]
    places[fibre_axis] = (body.shape[fibre_axis] - 1) / 2
    across = 2 if fibre_axis != 2 else 1
    center = _inside(
        [place * size for place, size in zip(places, voxel, strict=True)], half, body.shape, voxel
    )
    edge = list(center)
    edge[across] = _outermost(body, center, half, voxel, across)
    if edge[across] - center[across] < half:
        width = fibre_width(body, spacing=voxel, fibre_axis=fibre_axis)
        raise InputError(
            f"The fibre is {width:.3g} nm across: a cube of {size_nm:.4g} nm leaves no edge, it would lie over the centre; "
            f"take at most {math.floor(10 * _LARGEST_EDGE * width) / 10:g} nm."
        )
    return {name: _moved(place, corner) for name, place in {"centre": center, "edge": edge}.items()}


def fibre_width(
    envelope: Volume | NDArray[np.bool_],
    *,
    spacing: float | Sequence[float] | None = None,
    fibre_axis: int = 1,
) -> float:
    """Return how wide (nm) a fibre is half way along, across its narrower side.

    Parameters
    ----------
    envelope : Volume or array, bool, shape (z, y, x)
        The body.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    fibre_axis : int
        Array axis along the fibre.

    Raises
    ------
    InputError
        The envelope is empty there.
    """
    body, voxel = array_and_spacing(envelope, spacing)
    places = _middle_section(body, fibre_axis)
    return min(
        float((np.ptp(where) + 1) * size)
        for axis, (where, size) in enumerate(zip(places, voxel, strict=True))
        if axis != fibre_axis
    )


def _middle_section(envelope: Any, fibre_axis: int) -> tuple[NDArray[np.intp], ...]:
    """Return where the envelope is in five planes half way along the fibre: (z, y, x), along the
    fibre from the first of them.
    """
    middle = envelope.shape[fibre_axis] // 2
    place = [slice(None)] * 3
    place[fibre_axis] = slice(max(0, middle - 2), min(envelope.shape[fibre_axis], middle + 3))
    section = np.asarray(envelope[tuple(place)])
    if not section.any():
        raise InputError(
            f"The envelope is empty half way along axis {fibre_axis}: there is no fibre to place cubes in."
        )
    return np.nonzero(section)


def _outermost(
    envelope: Any, center: Sequence[float], half: float, spacing: Triple, across: int
) -> float:
    """Return how far out (nm) along an axis a cube may move from the centre before less than 99 %
    of it are in the envelope.
    """
    beam = [
        slice(
            max(0, math.ceil((place - half) / size - 1e-6)), math.ceil((place + half) / size - 1e-6)
        )
        for place, size in zip(center, spacing, strict=True)
    ]
    beam[across] = slice(None)
    part = np.asarray(envelope[tuple(beam)])
    filled = part.mean(axis=tuple(axis for axis in range(3) if axis != across))
    edge = max(1, round(2 * half / spacing[across]))
    shares = np.convolve(
        filled, np.full(edge, 1 / edge), mode="valid"
    )  # of the cube whose first voxel is this one
    first = min(round((center[across] - half) / spacing[across] + 0.5), len(shares) - 1)
    outwards = shares[first:]
    start = first + int(np.flatnonzero(outwards >= min(0.99, outwards.max()))[-1])
    return (start - 0.5) * spacing[across] + half


def _inside(
    center: Sequence[float], half: float, shape: tuple[int, ...], spacing: Triple
) -> Triple:
    """Move a cube into the box."""
    z, y, x = (
        float(np.clip(place, half - size / 2, (n - 0.5) * size - half))
        for place, n, size in zip(center, shape, spacing, strict=True)
    )
    return z, y, x


def _moved(place: Sequence[float], origin: Triple) -> Triple:
    z, y, x = (float(value + start) for value, start in zip(place, origin, strict=True))
    return z, y, x


def slab_of_voxels(middle: float, thickness: float) -> tuple[int, int]:
    """Return the whole voxels that come nearest to a slab: the first, and how many, at least one.

    Parameters
    ----------
    middle : float
        Of the slab, counted in voxels: voxel 3 has its centre at 3.0.
    thickness : float
        In voxels.

    Examples
    --------
    >>> slab_of_voxels(7.2, 3.0), slab_of_voxels(7.2, 2.0), slab_of_voxels(7.0, 0.2)
    ((6, 3), (7, 2), (7, 1))
    """
    count = max(1, math.floor(thickness + 0.5))
    return math.ceil(round(middle - count / 2, 6)), count
