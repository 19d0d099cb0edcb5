"""How many rays of each void voxel meet solid, block by block: the count behind ambient occlusion.

For one direction, the number of steps for which solid stays within reach is passed from plane to
plane along digital lines, so that a direction costs one pass over the volume whatever the ray
length. The volume is turned so that the sweep runs over its first axis and the inner loop over
contiguous columns. Hits are counted in integers: the sum does not depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, Grid, grid_of, is_in_memory
from napari_snpore.compute import Progress, ShouldStop, check_stop, run_blocks, share_of
from napari_snpore.engines import blocks_at_a_time, is_shared, run_on_blocks
from napari_snpore.memory import check_memory, memory_limit, shape_text
from napari_snpore.segmentation._kernels import sweep
from napari_snpore.threads import thread_count, threads_for
from napari_snpore.volume import Triple

_RAYS_PER_BATCH = 100
"""Rays, each swept in two directions, whose hits (at most 200 per voxel) fit into a byte."""

_TURNS = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""Axis order (plane, row, column) for a sweep along z, y, x."""


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


def count_hits(
    solid: Any,
    rays: Rays,
    block_shape: BlockShape | None,
    write: Callable[[Block, NDArray[Any]], None],
    progress: Progress | None,
    should_stop: ShouldStop | None,
    *,
    out: Any,
) -> None:
    """Count for each voxel how many rays meet solid, and write the counts of each block into ``out``."""
    reach = [math.ceil(rays.length_nm / edge) + 1 for edge in rays.spacing]
    body = _body_box(solid, reach, should_stop)
    at_a_time = blocks_at_a_time([solid, out])
    if is_shared(out):  # of whole files, however many voxels lie around a block
        grid = _largest_blocks(solid.shape, rays.margin, out.block_shape, at_a_time)
    elif block_shape is None and is_in_memory(solid):
        grid = Grid(tuple((0, n) for n in solid.shape))
    elif block_shape is None:
        grid = _largest_blocks(solid.shape, rays.margin)
    else:
        grid = grid_of(solid, block_shape)
    if body is not None and len(grid.blocks) == 1:
        _check_mirrored(body, solid.shape, rays.spacing, rays.length_nm, rays.cut_axes)

    def count(block: Block, tick: Progress | None = None, stop: ShouldStop | None = None) -> None:
        kind = np.min_scalar_type(2 * (rays.directions // 2))
        hits = np.zeros([part.stop - part.start for part in block], kind)
        if body is not None:
            add_hits(solid, block, body, rays, hits, tick, stop)
        write(block, hits)

    if at_a_time > 1:
        run_on_blocks(
            count, grid.blocks, arrays=[solid, out], progress=progress, should_stop=should_stop
        )
        return
    for number, block in enumerate(grid.blocks):  # the rays of a block have all threads
        check_stop(should_stop)
        share = (number / len(grid.blocks), (number + 1) / len(grid.blocks))
        tick = progress if len(grid.blocks) == 1 else share_of(progress, *share)
        count(block, tick, should_stop)


def _largest_blocks(
    shape: Sequence[int],
    margin: Sequence[int],
    unit: Sequence[int] = (1, 1, 1),
    at_a_time: int = 1,
) -> Grid:
    """Return the fewest blocks, of whole units, that with their margins leave most of the memory
    free.

    Raises
    ------
    NotEnoughMemoryError
        One unit with its margins, in an array on disk, takes more than may be used.
    """
    counts = [1] * len(shape)
    units = [-(-n // one) for n, one in zip(shape, unit, strict=True)]
    threads = thread_count() if at_a_time == 1 else 1  # of several blocks each has one
    while True:
        sizes = [one * -(-n // count) for n, one, count in zip(units, unit, counts, strict=True)]
        voxels = math.prod(
            min(n, size + 2 * m) for n, size, m in zip(shape, sizes, margin, strict=True)
        )
        needed = voxels * (3.0 + threads) * at_a_time
        smallest = all(size <= one for size, one in zip(sizes, unit, strict=True))
        if needed <= memory_limit() / 4 or smallest:
            break
        splittable = [size if size > one else 0 for size, one in zip(sizes, unit, strict=True)]
        counts[int(np.argmax(splittable))] += 1
    if math.prod(unit) > 1:
        check_memory(
            f"The envelope by blocks of {shape_text(sizes)} voxels, with rays of {max(margin) - 2} "
            "voxels around each,",
            needed,
            advice="take shorter rays (envelope.ray_length_nm) or smaller blocks (blocks.shape)",
        )
    return Grid(tuple((*range(0, n, size), n) for n, size in zip(shape, sizes, strict=True)))


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
    threads = min(threads_for(2 * len(rays) * solid.size), len(rays))
    held = [np.zeros(solid.shape, np.uint8) for _ in range(threads)]
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
