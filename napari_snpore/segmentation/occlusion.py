"""Ambient occlusion of void voxels, and the envelope that separates vacuum around a fibre from its
pores.

Idea: void enclosed by solid sees solid in most directions, vacuum in front of a flat wall in half
of them (Miller 1994, Zhukov et al. 1998: ambient occlusion in computer graphics). For one
direction, the number of steps for which solid stays within reach is passed from plane to plane
along digital lines, so that a direction costs one pass over the volume whatever the ray length. The
volume is turned so that the sweep runs over its first axis and the inner loop over contiguous
columns. Hits are counted in integers: the sum does not depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, thread_count
from napari_snpore.errors import InputError
from napari_snpore.history import EnvelopeStep, OcclusionStep
from napari_snpore.memory import check_memory
from napari_snpore.segmentation._kernels import sweep
from napari_snpore.volume import Triple, VolumeOrArray, array_and_spacing, volume_like

OCCLUSION_THRESHOLD = 0.5
"""Default τ: the occlusion on a flat wall, where half of the directions are open."""

DIRECTIONS = 128
"""Default number of rays of a voxel: the occlusion on a flat wall is then right to 0.01."""

_RAYS_PER_BATCH = 100
"""Rays, each swept in two directions, whose hits (at most 200 per voxel) fit into a byte."""

_TURNS = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""Axis order (plane, row, column) for a sweep along z, y, x."""


def ambient_occlusion(
    solid: VolumeOrArray,
    *,
    spacing: float | Sequence[float] | None = None,
    ray_length_nm: float,
    directions: int = DIRECTIONS,
    cut_axes: Sequence[int] = (),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return for each void voxel the share of directions in which a ray meets solid within
    ``ray_length_nm``.

    Parameters
    ----------
    solid : Volume or array, bool, shape (z, y, x)
        True where there is material.
    spacing : float or (float, float, float)
        Voxel size in nm; that of a Volume may be left out.
    ray_length_nm : float
        In nm, from the voxel's centre to the solid voxel's face: above the widest pore mouth, below
        the fibre's radius.
    directions : int
        Number of rays, even: half of them on a Fibonacci lattice of the half sphere, and their
        opposites.
    cut_axes : sequence of int
        Axes along which the body extends beyond the box: there the volume is mirrored. A ray that
        leaves through another face meets nothing.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Volume or array, float32, shape (z, y, x)
        As given; 0 (open) to 1 (closed cavity); 1 on solid voxels.

    Raises
    ------
    InputError
        Not three axes, a length that is not positive, too few directions, an axis that does not
        exist.
    """
    mask, voxel = array_and_spacing(solid, spacing)
    _check(mask, ray_length_nm, directions, cut_axes)
    hits = _hits(mask, voxel, ray_length_nm, directions, cut_axes, progress, should_stop)
    field = hits.astype(np.float32)
    del hits
    field /= 2 * (directions // 2)
    field[mask] = 1.0
    return volume_like(solid, field, OcclusionStep(ray_length_nm, directions, tuple(cut_axes)))


def fibre_envelope(
    solid: VolumeOrArray,
    *,
    spacing: float | Sequence[float] | None = None,
    ray_length_nm: float,
    occlusion_threshold: float = OCCLUSION_THRESHOLD,
    directions: int = DIRECTIONS,
    cut_axes: Sequence[int] = (),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return the body with its pores: all but the void of low occlusion that is joined to an uncut
    face of the box.

    Parameters
    ----------
    solid, spacing, ray_length_nm, directions, cut_axes, progress, should_stop
        As for :func:`ambient_occlusion`.
    occlusion_threshold : float
        τ; void with less occlusion is exterior where it is 6-connected, through such void, to an
        uncut face. 0.5 is the value on a flat wall.

    Returns
    -------
    Volume or array, bool, shape (z, y, x)
        As given.
    """
    if not 0 < occlusion_threshold < 1:
        raise InputError(
            f"occlusion_threshold is {occlusion_threshold}; a number between 0 and 1 is needed."
        )
    mask, voxel = array_and_spacing(solid, spacing)
    _check(mask, ray_length_nm, directions, cut_axes)
    hits = _hits(mask, voxel, ray_length_nm, directions, cut_axes, progress, should_stop)
    rays = 2 * (directions // 2)
    open_counts = np.arange(rays + 1, dtype=np.float32) / rays < occlusion_threshold
    candidates = hits < np.count_nonzero(open_counts)  # hits are counts: these are the low ones
    del hits
    np.greater(candidates, mask, out=candidates)
    labels = cc3d.connected_components(candidates, connectivity=6, binary_image=True)
    del candidates
    outside = _labels_on_uncut_faces(labels, cut_axes)
    is_outside = np.zeros(int(labels.max()) + 1, np.bool_)
    is_outside[outside] = True
    envelope: NDArray[np.bool_] = ~is_outside[labels]
    made_by = EnvelopeStep(ray_length_nm, occlusion_threshold, directions, tuple(cut_axes))
    return volume_like(solid, envelope, made_by)


def _hits(
    solid: NDArray[np.bool_],
    voxel: Triple,
    ray_length_nm: float,
    directions: int,
    cut_axes: Sequence[int],
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> NDArray[Any]:
    """Return how many rays of each voxel meet solid, in the smallest type that holds the number of
    rays.
    """
    out = np.zeros(solid.shape, np.min_scalar_type(2 * (directions // 2)))
    box = _body_box(solid, [math.ceil(ray_length_nm / d) + 1 for d in voxel])
    if box is None:
        return out
    _check_mirrored(box, solid.shape, voxel, ray_length_nm, cut_axes)
    padded, inner = _mirrored(solid[box], box, solid.shape, voxel, ray_length_nm, cut_axes)
    _count_hits(padded, inner, out[box], voxel, ray_length_nm, directions, progress, should_stop)
    return out


def half_sphere(count: int) -> NDArray[np.float64]:
    """Return ``count`` unit vectors (z, y, x) of a Fibonacci lattice on the half sphere z > 0.

    Equal steps in z give equal areas (Archimedes), and turning by the golden angle π(3 − √5) per
    step keeps neighbours apart at any count.

    Examples
    --------
    >>> half_sphere(2)[:, 0].tolist()
    [0.75, 0.25]
    """
    k = np.arange(count) + 0.5
    z = 1 - k / count
    azimuth = k * math.pi * (3 - math.sqrt(5))
    radius = np.sqrt(1 - z**2)
    return np.stack([z, radius * np.sin(azimuth), radius * np.cos(azimuth)], axis=1)


def _count_hits(
    solid: NDArray[np.bool_],
    inner: tuple[slice, ...],
    hits: NDArray[Any],
    spacing: Triple,
    ray_length_nm: float,
    directions: int,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> None:
    """Add to ``hits``, the inner part of the box, how many rays of each voxel meet solid."""
    rays = half_sphere(directions // 2) / np.array(spacing)  # in voxels per nm
    leading = np.argmax(np.abs(rays), axis=1)
    done = 0
    for axis, turn in enumerate(_TURNS):
        turned = np.ascontiguousarray(solid.transpose(turn))
        chosen = rays[leading == axis]
        for start in range(0, len(chosen), _RAYS_PER_BATCH):
            batch = chosen[start : start + _RAYS_PER_BATCH]

            def tick(now: int, total: int, before: int = done) -> None:
                del total
                if progress is not None:
                    progress(before + now, len(rays))

            for counts in _batch_hits(turned, batch[:, turn], ray_length_nm, tick, should_stop):
                hits += counts.transpose(np.argsort(turn))[inner]
            del counts  # a volume each: gone before the next is made
            done += len(batch)
        del turned


def _batch_hits(
    solid: NDArray[np.bool_],
    rays: NDArray[np.float64],
    ray_length_nm: float,
    progress: Progress,
    should_stop: ShouldStop | None,
) -> list[NDArray[np.uint8]]:
    """Sweep rays along the first axis, forward and backward; return one array of counts per thread.

    rays (n, 3): (plane, row, column) in voxels per nm.
    """
    held = [np.zeros(solid.shape, np.uint8) for _ in range(min(thread_count(), len(rays)))]
    spare: SimpleQueue[NDArray[np.uint8]] = SimpleQueue()
    for counts in held:
        spare.put(counts)
    places = np.arange(solid.shape[0] + 1)

    def one(ray: NDArray[np.float64]) -> None:
        plane, row, column = ray
        # the face of the k-th voxel lies k − ½ steps away; no ray meets more planes than there are
        reach = min(math.floor(ray_length_nm * abs(plane) + 0.5), len(solid))
        rows, columns = (
            np.diff(np.rint(places * side / plane)).astype(np.int64) for side in (row, column)
        )
        rest = np.empty(2 * solid[0].size, np.min_scalar_type(reach))
        counts = spare.get()
        for forward in (True, False):
            sweep(
                solid.reshape(-1).view(np.uint8),
                solid.shape,
                rows,
                columns,
                reach,
                rest,
                forward,
                counts.reshape(-1),
            )
        spare.put(counts)

    run_blocks(one, list(rays), threads=len(held), progress=progress, should_stop=should_stop)
    return held


def _mirrored(
    part: NDArray[np.bool_],
    box: tuple[slice, ...],
    shape: tuple[int, ...],
    spacing: Triple,
    ray_length_nm: float,
    cut_axes: Sequence[int],
) -> tuple[NDArray[np.bool_], tuple[slice, ...]]:
    """Mirror the part at the cut faces that it reaches, by the length of a ray; return it and the
    place of the part.
    """
    pads = _mirror_widths(box, shape, spacing, ray_length_nm, cut_axes)
    if not any(map(sum, pads)):
        return part, (slice(None),) * 3
    inner = tuple(
        slice(before, before + n) for (before, _), n in zip(pads, part.shape, strict=True)
    )
    return np.pad(part, pads, mode="symmetric"), inner


def _mirror_widths(
    box: tuple[slice, ...],
    shape: tuple[int, ...],
    spacing: Triple,
    ray_length_nm: float,
    cut_axes: Sequence[int],
) -> list[tuple[int, int]]:
    """Return how many voxels are mirrored at both ends of each axis."""
    pads = []
    for axis in range(3):
        reach = math.ceil(ray_length_nm / spacing[axis]) + 1 if axis in cut_axes else 0
        before = reach if box[axis].start == 0 else 0
        after = reach if box[axis].stop == shape[axis] else 0
        pads.append((before, after))
    return pads


def _check_mirrored(
    box: tuple[slice, ...],
    shape: tuple[int, ...],
    spacing: Triple,
    ray_length_nm: float,
    cut_axes: Sequence[int],
) -> None:
    """Refuse rays that reach over so many voxels beyond a cut face that mirroring them takes more
    memory than may be used.
    """
    pads = _mirror_widths(box, shape, spacing, ray_length_nm, cut_axes)
    inner = [side.stop - side.start for side in box]
    voxels = math.prod(n + sum(pad) for n, pad in zip(inner, pads, strict=True))
    if voxels > math.prod(inner):
        longest = max(range(3), key=lambda axis: sum(pads[axis]))
        check_memory(
            f"A ray length of {ray_length_nm:.4g} nm is {max(pads[longest]) - 1:,} voxels along "
            f"{'zyx'[longest]}, where the body is cut and is mirrored as far, which",
            voxels
            * (2.0 + thread_count()),  # the solid, the turned solid, and the hits of a thread
            advice="take shorter rays",
        )


def _body_box(solid: NDArray[np.bool_], margin: Sequence[int]) -> tuple[slice, ...] | None:
    """Return the box of the body and a margin around it; beyond it nothing is occluded."""
    box = []
    for axis in range(3):
        there = np.flatnonzero(solid.any(axis=tuple(other for other in range(3) if other != axis)))
        if there.size == 0:
            return None
        box.append(
            slice(
                max(0, int(there[0]) - margin[axis]),
                min(solid.shape[axis], int(there[-1]) + 1 + margin[axis]),
            )
        )
    return tuple(box)


def _labels_on_uncut_faces(
    labels: NDArray[np.unsignedinteger], cut_axes: Sequence[int]
) -> NDArray[np.unsignedinteger]:
    faces = [
        np.unique(labels.take(end, axis=axis))
        for axis in range(labels.ndim)
        if axis not in cut_axes
        for end in (0, -1)
    ]
    found = np.unique(np.concatenate(faces)) if faces else np.zeros(0, labels.dtype)
    return found[found > 0]


def _check(
    solid: NDArray[np.bool_], ray_length_nm: float, directions: int, cut_axes: Sequence[int]
) -> None:
    if solid.ndim != 3 or solid.dtype != np.bool_:
        raise InputError(
            f"solid is {solid.dtype} of shape {solid.shape}; a boolean array (z, y, x) is needed."
        )
    if not (math.isfinite(ray_length_nm) and ray_length_nm > 0):
        raise InputError(f"ray_length_nm is {ray_length_nm}; a positive length in nm is needed.")
    if directions < 8 or directions > 60000:
        raise InputError(f"directions is {directions}; 8 to 60000 are possible.")
    if any(axis not in (0, 1, 2) for axis in cut_axes):
        raise InputError(f"cut_axes is {tuple(cut_axes)}; axes 0 (z), 1 (y) and 2 (x) exist.")
