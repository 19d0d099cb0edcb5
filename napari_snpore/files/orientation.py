"""Volumes whose header places their axes in space: put along z, y, x, or left as stored and said.

Headers of NRRD, MetaImage and NIfTI give one vector for each stored axis. Where these vectors lie
along the axes of space, the array is transposed and reversed to follow them (a view; no voxel is
copied). Medical programs name the same axes in two ways that differ by half a turn about z: right,
anterior, superior (RAS) or left, posterior, superior (LPS). A specimen has no left: of the two, the
one that reverses fewer axes is taken, so that what ITK writes in either opens as ITK shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.history import HistoryStep, OrientStep, last_step
from napari_snpore.volume import Triple

_ALONG = 0.99999
"""Cosine from which a vector lies along an axis (a quarter of a degree): files round their
digits."""

_SKEW = 1e-2
"""Largest cosine between two axes that count as at right angles."""

_AS_STORED = ("k", "j", "i")

_HALF_TURN = (-1.0, -1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Oriented:
    """An array along (z, y, x), in the unit of the header.

    Parameters
    ----------
    data : array, shape (z, y, x)
        View of the stored array.
    sizes : (float, float, float)
        Voxel size along (z, y, x).
    origin : (float, float, float), optional
        Place of the first voxel (z, y, x); None where the header gives none, or a turn that is not
        applied.
    history : sequence of HistoryStep
        What was reversed, exchanged or left turned; empty where the array is as stored.
    """

    data: Any
    sizes: Triple
    origin: Triple | None
    history: tuple[HistoryStep, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what differs from the stored array."""
        step = last_step(self.history, OrientStep)
        if step is None:
            return ()
        said = []
        if step.stored_axes != _AS_STORED:
            said.append(f"the stored axes {', '.join(step.stored_axes)} are z, y, x")
        if step.reversed_axes:
            said.append(f"{', '.join(step.reversed_axes)} reversed")
        if step.turn_left_deg is not None:
            said.append(f"a turn of {step.turn_left_deg:g}° and the origin are left out")
        return (f"by the vectors of its header, {'; '.join(said)}",)


def without_unit(sizes: Sequence[float]) -> tuple[str, ...]:
    """Return the note about sizes (z, y, x) that have no unit that is a length."""
    return (f"its {' × '.join(f'{size:.6g}' for size in sizes)} (z, y, x) have no unit of length",)


def oriented(data: Any, vectors: ArrayLike, origin: ArrayLike | None, path: Path) -> Oriented:
    """Return a stored volume along (z, y, x).

    Parameters
    ----------
    data : array, shape (k, j, i)
        Voxels as stored; i varies fastest.
    vectors : array-like, shape (3, 3)
        Step (x, y, z) in space from one voxel to the next, for the stored axes i, j, k.
    origin : array-like, shape (3,), optional
        Place (x, y, z) of the center of the first stored voxel.
    path : Path
        For sentences.

    Raises
    ------
    FileFormatError
        A vector that is zero or not finite, or axes that are not at right angles.
    """
    steps = np.asarray(vectors, np.float64)
    with np.errstate(all="ignore"):
        sizes = np.linalg.norm(steps, axis=1)
        units = steps / sizes[:, None]
    if not np.isfinite(units).all() or (sizes <= 0).any():
        raise FileFormatError(
            f"{path} is damaged: the vectors of its axes have no length: {steps.tolist()}."
        )
    skew = float(np.abs(units @ units.T - np.eye(3)).max())
    if skew > _SKEW:
        raise FileFormatError(
            f"{path} has axes that are not at right angles (cosine {skew:.2g}); resample it to a rectangular grid."
        )
    place = None if origin is None else np.asarray(origin, np.float64)
    if place is not None and not np.isfinite(place).all():
        place = None
    along = np.abs(units).argmax(axis=1)
    if sorted(along) != [0, 1, 2] or np.abs(units).max(axis=1).min() < _ALONG:
        return _left_turned(data, units, sizes)
    signs = np.sign(units[np.arange(3), along])
    turned = signs * np.array(_HALF_TURN)[along]
    if (turned < 0).sum() < (signs < 0).sum():
        signs = turned
        place = None if place is None else place * _HALF_TURN
    return _put_along(data, sizes, along, signs, place)


def _put_along(
    data: Any,
    sizes: NDArray[np.float64],
    along: NDArray[np.intp],
    signs: NDArray[np.float64],
    place: NDArray[np.float64] | None,
) -> Oriented:
    """Return an array whose stored axis k lies along axis ``along[k]`` of (x, y, z), with a sign."""
    stored = [int(np.flatnonzero(along == axis)[0]) for axis in (2, 1, 0)]  # for z, y, x
    view = data.transpose([2 - one for one in stored])
    view = view[tuple(slice(None, None, -1 if signs[one] < 0 else 1) for one in stored)]
    reversed_axes = tuple(name for name, one in zip("zyx", stored, strict=True) if signs[one] < 0)
    step = tuple(float(sizes[one]) for one in stored)
    corner = None
    if place is not None:
        ends = [
            float(place[axis]) - (count - 1) * size * (signs[one] < 0)
            for axis, one, count, size in zip((2, 1, 0), stored, view.shape, step, strict=True)
        ]
        corner = (ends[0], ends[1], ends[2])
    order = tuple("ijk"[one] for one in stored)
    changed = reversed_axes or order != _AS_STORED
    made = (OrientStep(order, reversed_axes).step,) if changed else ()
    return Oriented(view, (step[0], step[1], step[2]), corner, made)


def _left_turned(data: Any, units: NDArray[np.float64], sizes: NDArray[np.float64]) -> Oriented:
    """Return an array as stored, but for x, which is reversed where the stored axes are
    left-handed, so that it is no mirror image.
    """
    mirrored = bool(np.linalg.det(units) < 0)
    if mirrored:
        units = units * np.array([[-1.0], [1.0], [1.0]])
    cosine = (float(np.trace(units)) - 1) / 2
    turn = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    made = OrientStep(_AS_STORED, ("x",) if mirrored else (), round(turn, 2))
    view = data[:, :, ::-1] if mirrored else data
    return Oriented(view, (float(sizes[2]), float(sizes[1]), float(sizes[0])), None, (made.step,))
