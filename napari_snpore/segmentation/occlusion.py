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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, Grid, check_out, grid_of, is_in_memory
from napari_snpore.compute import (
    Progress,
    ShouldStop,
    check_stop,
    run_blocks,
    share_of,
    thread_count,
)
from napari_snpore.errors import InputError
from napari_snpore.history import EnvelopeStep, OcclusionStep
from napari_snpore.memory import check_memory, memory_limit
from napari_snpore.segmentation._kernels import sweep
from napari_snpore.segmentation.components import find_components, outer_pieces, pieces_of
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
    out: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return for each void voxel the share of directions in which a ray meets solid within
    ``ray_length_nm``.

    Parameters
    ----------
    solid : Volume or array, bool, shape (z, y, x)
        True where there is material. Mapped and lazy arrays are read block by block.
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
    out : array of floats, same shape, optional
        Written by ``out[block] = field``, for example a zarr array. Default: a new numpy array.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the field does not depend on it. Each block is
        read with the length of a ray around it, so that blocks should be some times as long.
        Default: an array in memory is one block, others have the largest blocks for which a
        quarter of the memory that may be used is enough.
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
    field: Any = np.empty(mask.shape, np.float32) if out is None else out
    check_out(field, mask.shape, "f")
    rays = Rays(voxel, ray_length_nm, directions, tuple(cut_axes))

    def write(block: Block, hits: NDArray[Any]) -> None:
        part = hits.astype(np.float32)
        part /= 2 * (directions // 2)
        part[np.asarray(mask[block])] = 1.0
        field[block] = part

    _over_blocks(mask, rays, block_shape, write, progress, should_stop)
    return volume_like(solid, field, OcclusionStep(ray_length_nm, directions, tuple(cut_axes)))


def fibre_envelope(
    solid: VolumeOrArray,
    *,
    spacing: float | Sequence[float] | None = None,
    ray_length_nm: float,
    occlusion_threshold: float = OCCLUSION_THRESHOLD,
    directions: int = DIRECTIONS,
    cut_axes: Sequence[int] = (),
    out: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return the body with its pores: all but the void of low occlusion that is joined to an uncut
    face of the box.

    Parameters
    ----------
    solid, spacing, ray_length_nm, directions, cut_axes, block_shape, progress, should_stop
        As for :func:`ambient_occlusion`.
    out : array of booleans, same shape, optional
        Written and read by blocks. Default: a new numpy array.
    occlusion_threshold : float
        τ; void with less occlusion is exterior where it is 6-connected, through such void, to an
        uncut face. 0.5 is the value on a flat wall.

    Returns
    -------
    Volume or array, bool, shape (z, y, x)
        As given; ``out`` where it was given.
    """
    if not 0 < occlusion_threshold < 1:
        raise InputError(
            f"occlusion_threshold is {occlusion_threshold}; a number between 0 and 1 is needed."
        )
    mask, voxel = array_and_spacing(solid, spacing)
    _check(mask, ray_length_nm, directions, cut_axes)
    envelope: Any = np.empty(mask.shape, np.bool_) if out is None else out
    check_out(envelope, mask.shape, "b")
    rays = Rays(voxel, ray_length_nm, directions, tuple(cut_axes))
    count = 2 * (directions // 2)
    open_counts = np.arange(count + 1, dtype=np.float32) / count < occlusion_threshold
    fewest = np.count_nonzero(open_counts)  # hits are counts: these are the low ones

    def write(block: Block, hits: NDArray[Any]) -> None:
        envelope[block] = np.greater(hits < fewest, np.asarray(mask[block]))

    _over_blocks(mask, rays, block_shape, write, progress, should_stop)
    _enclosed(envelope, grid_of(mask, block_shape), cut_axes, should_stop)
    made_by = EnvelopeStep(ray_length_nm, occlusion_threshold, directions, tuple(cut_axes))
    return volume_like(solid, envelope, made_by)


def _enclosed(
    candidates: Any, grid: Grid, cut_axes: Sequence[int], should_stop: ShouldStop | None
) -> None:
    """Turn void of low occlusion, in place, into the envelope: all but what of it is 6-connected to
    an uncut face.
    """
    blocks = grid.blocks
    uncut = [axis for axis in range(3) if axis not in cut_axes]

    def label(block: Block) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        labels = pieces_of(np.asarray(candidates[block]), 6)
        return labels, outer_pieces(labels, block, grid.shape, uncut)

    found, outer = find_components(grid, label, 6, should_stop=should_stop)
    inside = ~found.any(outer)

    def write(number: int) -> None:
        labels, _ = label(blocks[number])
        candidates[blocks[number]] = inside[found.numbers[number]][labels]

    run_blocks(write, range(len(blocks)), should_stop=should_stop)


@dataclass(frozen=True)
class Rays:
    """Directions and length of rays in voxels of some size; see :func:`ambient_occlusion`."""

    spacing: Triple
    length_nm: float
    directions: int
    cut_axes: tuple[int, ...] = ()

    @property
    def margin(self) -> tuple[int, ...]:
        """Voxels around a block that its rays can reach, along each axis: a digital line leaves its
        ray by up to a voxel.
        """
        return tuple(math.ceil(self.length_nm / edge) + 2 for edge in self.spacing)


def _over_blocks(
    solid: Any,
    rays: Rays,
    block_shape: BlockShape | None,
    write: Callable[[Block, NDArray[Any]], None],
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> None:
    """Count for each voxel how many rays meet solid, and write the counts of each block."""
    reach = [math.ceil(rays.length_nm / edge) + 1 for edge in rays.spacing]
    body = _body_box(solid, reach, should_stop)
    if block_shape is None and is_in_memory(solid):
        grid = Grid(tuple((0, n) for n in solid.shape))
    elif block_shape is None:
        grid = _largest_blocks(solid.shape, rays.margin)
    else:
        grid = grid_of(solid, block_shape)
    if body is not None and len(grid.blocks) == 1:
        _check_mirrored(body, solid.shape, rays.spacing, rays.length_nm, rays.cut_axes)
    for number, block in enumerate(grid.blocks):
        check_stop(should_stop)
        share = (number / len(grid.blocks), (number + 1) / len(grid.blocks))
        tick = progress if len(grid.blocks) == 1 else share_of(progress, *share)
        kind = np.min_scalar_type(2 * (rays.directions // 2))
        hits = np.zeros([part.stop - part.start for part in block], kind)
        if body is not None:
            add_hits(solid, block, body, rays, hits, tick, should_stop)
        write(block, hits)


def _largest_blocks(shape: Sequence[int], margin: Sequence[int]) -> Grid:
    """Return the fewest blocks that, with their margins, leave most of the memory free."""
    counts = [1] * len(shape)
    budget = memory_limit() / 4
    while True:
        sizes = [-(-n // count) for n, count in zip(shape, counts, strict=True)]
        voxels = math.prod(
            min(n, size + 2 * m) for n, size, m in zip(shape, sizes, margin, strict=True)
        )
        if voxels * (3.0 + thread_count()) <= budget or max(sizes) == 1:
            return Grid(
                tuple((*range(0, n, size), n) for n, size in zip(shape, sizes, strict=True))
            )
        counts[int(np.argmax(sizes))] += 1


def add_hits(
    solid: Any,
    block: Block,
    body: Block,
    rays: Rays,
    hits: NDArray[Any],
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> None:
    """Add to ``hits``, the voxels of a block, how many rays of each meet solid.

    solid: array (z, y, x) of booleans, of which the block and :attr:`Rays.margin` around it are
    read. body: the box of all solid and the length of a ray around it; beyond it nothing is hit.

    At a cut face the part in that box is mirrored: along each axis ``sources`` holds the index of
    the voxel that stands at each place of the mirrored box. Lines are counted from the beginning of
    that box, wherever a block begins: they are the same in all blocks.
    """
    pads = _mirror_widths(body, solid.shape, rays.spacing, rays.length_nm, rays.cut_axes)
    inner, outer, begins, places = [], [], [], []
    for part, box, pad, margin in zip(block, body, pads, rays.margin, strict=True):
        first, last = max(part.start, box.start), min(part.stop, box.stop)
        if first >= last:
            return
        sources = np.pad(np.arange(box.start, box.stop), pad, mode="symmetric")
        at = first - box.start + pad[0]
        begin = max(0, at - margin)
        sources = sources[begin : at + last - first + margin]
        inner.append(slice(at - begin, at - begin + last - first))
        outer.append(sources)
        begins.append(begin)
        places.append(slice(first - part.start, last - part.start))
    lowest = [int(sources.min()) for sources in outer]
    read = tuple(
        slice(low, int(sources.max()) + 1) for low, sources in zip(lowest, outer, strict=True)
    )
    near = np.asarray(solid[read])
    for axis, (sources, low) in enumerate(zip(outer, lowest, strict=True)):
        if len(sources) != near.shape[axis] or (np.diff(sources) != 1).any():
            near = near.take(sources - low, axis=axis)
    _count_hits(near, tuple(inner), begins, hits[tuple(places)], rays, progress, should_stop)


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
    inner: Block,
    begins: Sequence[int],
    hits: NDArray[Any],
    rays: Rays,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> None:
    """Add to ``hits``, the inner part of the box, how many rays of each voxel meet solid.

    begins: place of the box, along each axis, in the body that lines are counted from.
    """
    steps = half_sphere(rays.directions // 2) / np.array(rays.spacing)  # in voxels per nm
    leading = np.argmax(np.abs(steps), axis=1)
    done = 0
    for axis, turn in enumerate(_TURNS):
        turned = np.ascontiguousarray(solid.transpose(turn))
        chosen = steps[leading == axis]
        for start in range(0, len(chosen), _RAYS_PER_BATCH):
            batch = chosen[start : start + _RAYS_PER_BATCH]

            def tick(now: int, total: int, before: int = done) -> None:
                del total
                if progress is not None:
                    progress(before + now, len(steps))

            for counts in _batch_hits(
                turned, batch[:, turn], rays.length_nm, begins[axis], tick, should_stop
            ):
                hits += counts.transpose(np.argsort(turn))[inner]
            del counts  # a volume each: gone before the next is made
            done += len(batch)
        del turned


def _batch_hits(
    solid: NDArray[np.bool_],
    rays: NDArray[np.float64],
    ray_length_nm: float,
    begin: int,
    progress: Progress,
    should_stop: ShouldStop | None,
) -> list[NDArray[np.uint8]]:
    """Sweep rays along the first axis, forward and backward; return one array of counts per thread.

    rays (n, 3): (plane, row, column) in voxels per nm. begin: number of the first plane.
    """
    held = [np.zeros(solid.shape, np.uint8) for _ in range(min(thread_count(), len(rays)))]
    spare: SimpleQueue[NDArray[np.uint8]] = SimpleQueue()
    for counts in held:
        spare.put(counts)
    places = np.arange(begin, begin + solid.shape[0] + 1)

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


def _body_box(
    solid: Any, margin: Sequence[int], should_stop: ShouldStop | None = None
) -> tuple[slice, ...] | None:
    """Return the box of the body and a margin around it; beyond it nothing is occluded."""
    shape = tuple(solid.shape)

    def look(block: Block) -> list[tuple[int, int]] | None:
        part = np.asarray(solid[block])
        ends = []
        for axis, place in enumerate(block):
            others = tuple(other for other in range(3) if other != axis)
            there = np.flatnonzero(part.any(axis=others))
            if there.size == 0:
                return None
            ends.append((place.start + int(there[0]), place.start + int(there[-1]) + 1))
        return ends

    boxes = run_blocks(look, grid_of(solid).blocks, should_stop=should_stop)
    found = [box for box in boxes if box is not None]
    if not found:
        return None
    return tuple(
        slice(
            max(0, min(box[axis][0] for box in found) - margin[axis]),
            min(shape[axis], max(box[axis][1] for box in found) + margin[axis]),
        )
        for axis in range(3)
    )


def _check(solid: Any, ray_length_nm: float, directions: int, cut_axes: Sequence[int]) -> None:
    if solid.ndim != 3 or np.dtype(solid.dtype) != np.bool_:
        raise InputError(
            f"solid is {solid.dtype} of shape {tuple(solid.shape)}; a boolean array (z, y, x) is needed."
        )
    if not (math.isfinite(ray_length_nm) and ray_length_nm > 0):
        raise InputError(f"ray_length_nm is {ray_length_nm}; a positive length in nm is needed.")
    if directions < 8 or directions > 60000:
        raise InputError(f"directions is {directions}; 8 to 60000 are possible.")
    if any(axis not in (0, 1, 2) for axis in cut_axes):
        raise InputError(f"cut_axes is {tuple(cut_axes)}; axes 0 (z), 1 (y) and 2 (x) exist.")
