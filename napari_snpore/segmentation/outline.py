"""Outline of a fibre over the mouths of its pores.

The envelope of :mod:`~napari_snpore.segmentation.occlusion` sags into a mouth: where a fibre curves,
less than half of the directions are closed at the line between the rims, and beside a wall of voxels
more than half of them are where the fibre has ended. Here the outline rests on the walls: where the
outermost solid lies on the outline, that is where it is; over a mouth it goes on smoothly from rim to
rim. It holds for one fibre along an axis whose sections are star-shaped (every point of the outline
is seen from the middle), of whatever form they are.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop, run_blocks
from napari_snpore.segmentation.phases import EXTERIOR, PORE

_STEP = 0.25
"""Of a search along a radius, voxels."""

_SKIN = 1.5
"""Voxels of void between an envelope and the solid in it that is a wall all the same."""

_BELOW = 0.6
"""Voxels by which the outermost solid may lie below the outline and be a wall; what lies deeper is the
inside of a mouth. The largest error of voxels of a smooth surface is 0.87."""

_TURNS = 8
"""Times that walls are sorted from mouths."""

_FINEST = 5.0
"""Standard deviation of the finest smoothing along the outline, voxels: some twenty walls count."""

_COARSEST = 0.5
"""Of the coarsest one, over the radius."""

_FEW = 0.05
"""Share of walls around a place at which the outline there lies half way between what they say and what
a coarser smoothing says."""

_FEWEST_WALLS = 0.1
"""Share of directions that have to see a wall."""

_BEYOND = 0.01
"""Share of the solid that may lie more than two voxels beyond the outline."""

_CHANGED = 0.15
"""Share of the envelope by which the inside of the outline may differ from it: more is no matter of
mouths. It is 0.05 where half of the surface is mouths."""


_LANES = 16
"""Sections of a block of work."""


def fibre_outline(
    phases: NDArray[np.integer],
    axis: int,
    *,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.bool_] | None:
    """Return the inside of the outline of a fibre.

    Parameters
    ----------
    phases : array of integers, three axes
        0 exterior, 1 pore, more are solid; isotropic voxels.
    axis : int
        Along which the fibre lies.
    threads : int, optional
        The result is the same bit for bit.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    bool, shape of the phases, or None
        None where no such outline was found: a section that is not star-shaped, or hardly a wall.
    """
    along = np.moveaxis(phases, axis, 0)
    middles = _middles(along)
    if middles is None:
        return None
    radius = _farthest(along, middles)
    count = math.ceil(2 * math.pi * radius)
    solid, envelope = (np.empty((len(along), count), np.float32) for _ in range(2))

    def search(first: int) -> None:
        for k in range(first, min(first + _LANES, len(along))):
            solid[k], envelope[k] = _outermost(along[k], middles[k], radius, count)

    run_blocks(search, range(0, len(along), _LANES), threads=threads, should_stop=should_stop)
    walls = envelope - solid <= _SKIN
    outline = _smooth(solid, walls, radius)
    for _ in range(_TURNS):
        check_stop(should_stop)
        walls = solid >= outline - _BELOW
        outline = _smooth(solid, walls, radius)
    if walls.mean() < _FEWEST_WALLS:
        return None
    inside = np.empty(phases.shape, np.bool_)
    ahead = np.moveaxis(inside, axis, 0)

    def fill(first: int) -> NDArray[np.intp]:
        counts = np.zeros(4, np.intp)
        for k in range(first, min(first + _LANES, len(along))):
            distance, limit = _to_outline(along[k].shape, middles[k], outline[k])
            ahead[k] = distance <= limit
            matter, body = along[k] > PORE, along[k] > EXTERIOR
            beyond = matter & (distance > limit + 2)
            changed = body != (ahead[k] | matter)
            counts += [np.count_nonzero(part) for part in (beyond, matter, changed, body)]
        return counts

    counts = run_blocks(
        fill, range(0, len(along), _LANES), threads=threads, should_stop=should_stop
    )
    beyond, matter, changed, body = np.sum(counts, axis=0)
    if beyond > _BEYOND * matter or changed > _CHANGED * body:
        return None
    return inside


def with_outline(phases: NDArray[np.integer], inside: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Return phases whose void is pore inside of an outline, and exterior outside of it."""
    found = phases.copy()
    found[inside & (phases == EXTERIOR)] = PORE
    found[~inside & (phases == PORE)] = EXTERIOR
    return found


def _middles(along: NDArray[np.integer]) -> NDArray[np.float64] | None:
    """Return the middle (row, column) of the envelope in each section, smoothed along the fibre;
    None where a section is empty.
    """
    found = np.empty((len(along), 2))
    for k, section in enumerate(along):
        inside = section > EXTERIOR
        rows, columns = inside.sum(axis=1), inside.sum(axis=0)
        total = rows.sum()
        if total == 0:
            return None
        found[k] = (
            rows @ np.arange(len(rows)) / total,
            columns @ np.arange(len(columns)) / total,
        )
    return np.asarray(scipy.ndimage.gaussian_filter1d(found, _FINEST, axis=0, mode="nearest"))


def _farthest(along: NDArray[np.integer], middles: NDArray[np.float64]) -> float:
    """Return the largest distance of a voxel of the envelope from the middle of its section."""
    most = 0.0
    for section, middle in zip(along, middles, strict=True):
        places = np.argwhere(section > EXTERIOR)
        most = max(most, float(np.hypot(*(places - middle).T).max()))
    return most + 1


def _outermost(
    section: NDArray[np.integer], middle: NDArray[np.float64], radius: float, count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the distance from the middle of the outermost solid and of the outermost envelope, in
    ``count`` directions; 0 where there is none.
    """
    distances = np.arange(0, radius + 1, _STEP)
    angles = (2 * np.pi / count) * np.arange(count)[:, None]
    rows = np.rint(middle[0] + distances * np.sin(angles)).astype(np.intp)
    columns = np.rint(middle[1] + distances * np.cos(angles)).astype(np.intp)
    there = (rows >= 0) & (rows < section.shape[0]) & (columns >= 0) & (columns < section.shape[1])
    values = np.where(there, section[rows * there, columns * there], EXTERIOR)
    found = []
    for above in (PORE, EXTERIOR):
        hit = values > above
        last = len(distances) - 1 - np.argmax(hit[:, ::-1], axis=1)
        found.append(np.where(hit.any(axis=1), distances[last] + _STEP / 2, 0).astype(np.float32))
    return found[0], found[1]


def _smooth(
    solid: NDArray[np.float32], walls: NDArray[np.bool_], radius: float
) -> NDArray[np.float64]:
    """Return the outline that goes through the walls: mean values of more and more near ones, each
    of what the coarser ones leave.
    """
    weights = walls.astype(np.float64)
    outline = np.full(solid.shape, np.sum(solid * weights) / max(weights.sum(), 1))
    spread = max(_COARSEST * radius, _FINEST)
    while True:
        share = _blurred(weights, spread)
        outline += _blurred(weights * (solid - outline), spread) / (share + _FEW)
        if spread == _FINEST:
            return outline
        spread = max(spread / 2, _FINEST)


def _blurred(values: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Return values (along, direction) blurred by a Gaussian, mirrored at both ends of the fibre.

    By Fourier and cosine transforms: the same time for any spread, and without Python's lock.
    """
    rows, count = values.shape
    along = np.exp(-0.5 * (spread * np.pi * np.arange(rows) / rows) ** 2)
    around = np.exp(-0.5 * (spread * 2 * np.pi * np.fft.rfftfreq(count)) ** 2)
    parts = scipy.fft.rfft(scipy.fft.dct(values, axis=0, norm="ortho"), axis=1)
    parts *= along[:, None] * around
    found = scipy.fft.idct(scipy.fft.irfft(parts, count, axis=1), axis=0, norm="ortho")
    return np.asarray(found, np.float64)


def _to_outline(
    shape: tuple[int, ...], middle: NDArray[np.float64], outline: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distance of each voxel of a section from the middle, and that of the outline in its
    direction.
    """
    rows, columns = np.arange(shape[0])[:, None] - middle[0], np.arange(shape[1]) - middle[1]
    count = len(outline)
    turns = np.mod(np.arctan2(rows, columns) * (count / (2 * np.pi)), count)
    limit = np.interp(turns.ravel(), np.arange(count + 1), np.append(outline, outline[0]))
    return np.hypot(rows, columns), limit.reshape(turns.shape)
