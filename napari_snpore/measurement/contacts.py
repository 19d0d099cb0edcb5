"""Contacts of each object: voxel faces shared with pore, carbon and exterior, and the distance to
the nearest pore.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import Block, PairArray, inside_of, small_blocks, voxelwise
from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of, stops_at_once
from napari_snpore.engines import anywhere, extremes, receive_from_blocks
from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import DeadPores
from napari_snpore.measurement.distance import distance_map
from napari_snpore.measurement.inputs import TIE, checked_mask, phases_by_blocks
from napari_snpore.measurement.label_numbers import renumbered
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.segmentation.phases import PORE
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

_MOST_ROWS = 1 << 20
"""Greatest label of a table by label; labels in memory beyond it are renumbered first, since each block
has such a table.
"""

_WORDS = {0: "exterior", 1: "pore", 2: "matrix"}


@stops_at_once
def contact_areas(
    labels: Volume | NDArray[Any],
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    edge_width_nm: float = 0.0,
    dead: Volume | NDArray[np.bool_] | None = None,
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the shares of pore, matrix and exterior in the faces of every object, and its distance
    to the nearest pore.

    Parameters
    ----------
    labels : Volume or array of integers, shape (z, y, x)
        0 outside; numbers may have gaps. Arrays on disk are read block by block.
    phases : Volume or array of integers, same shape
        0 exterior, 1 pore, 2 matrix, 3 the objects' phase; up to 255.
    spacing : float or (float, float, float), optional
        Voxel size in nm; a Volume brings its own.
    edge_width_nm : float
        δ, the blur of an edge (10-90 % width): an object with no pore voxel within δ of its voxels
        is encapsulated. Blur makes a false carbon rim, so that faces alone (δ = 0) call almost
        every cluster encapsulated.
    dead : Volume or bool array, same shape, optional
        Dead pores: adds the distance to the nearest open one.
    scratch : ScratchSpace
        Where distances lie, 4 bytes per voxel; default in memory.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per object: ``label``; ``pore_face_percent, matrix_face_percent,
        exterior_face_percent`` of the area of its voxel faces towards other voxels than its own
        (other objects count as neither); ``pore_distance_nm``, from the centre of the nearest voxel
        of the object to that of the nearest pore (NaN without one); ``pore_within_delta``,
        ``encapsulated`` (no pore, dead or open, within δ); with ``dead`` also
        ``open_pore_distance_nm``.

    Raises
    ------
    InputError
        Arrays of different shapes or kinds, numbers below 0, a negative δ.

    Examples
    --------
    One voxel of tin, a pore on one side, carbon on the others:

    >>> phases = np.full((3, 3, 3), 2)
    >>> phases[1, 1, 1], phases[1, 1, 2] = 3, 1
    >>> table = contact_areas((phases == 3).astype(np.uint32), phases, spacing=1.0)
    >>> table[["pore_face_percent", "matrix_face_percent", "pore_distance_nm"]].round(1).values.tolist()
    [[16.7, 83.3, 1.0]]
    """
    objects, found = array_of(labels), phases_by_blocks(phases)
    voxel = spacing_of(labels, spacing, phases, dead)
    if np.dtype(objects.dtype).kind not in "iu":
        raise InputError(
            f"labels is {objects.dtype}; integers are needed (label_objects makes them from a mask)."
        )
    if tuple(objects.shape) != tuple(found.shape):
        raise InputError(
            f"labels has shape {objects.shape}, phases {found.shape}; one shape is needed."
        )
    least, count = extremes(objects)
    if least < 0:
        raise InputError("labels holds negative numbers; 0 is outside, objects are 1 and above.")
    if isinstance(dead, DeadPores):
        raise InputError("dead holds three connectivities; give one of them, such as dead.mask(6).")
    if not (math.isfinite(edge_width_nm) and edge_width_nm >= 0):
        raise InputError(f"edge_width_nm is {edge_width_nm}; 0 or a length in nm is needed.")
    steps = 2 if dead is None else 3  # faces, then one or two distance maps
    given = None
    if count > _MOST_ROWS and isinstance(objects, np.ndarray):
        objects, given = renumbered(objects, should_stop=should_stop)
        count = len(given)
    faces, present = _faces(
        objects, found, count, progress=share_of(progress, 0, 1 / steps), should_stop=should_stop
    )
    areas = np.zeros((count + 1, 4))
    face = [voxel[1] * voxel[2], voxel[0] * voxel[2], voxel[0] * voxel[1]]
    for axis, way in np.ndindex(3, 2):
        areas += face[axis] * faces[axis, way].astype(np.float64)
    total = areas.sum(axis=1)
    share = np.divide(
        100 * areas, total[:, None], out=np.full(areas.shape, np.nan), where=total[:, None] > 0
    )

    def distance(pore: Any, step: int) -> NDArray[np.float64]:
        share = share_of(progress, step / steps, (step + 1) / steps)
        return _distance(objects, pore, voxel, count, scratch, share, should_stop)

    away = distance(voxelwise(found, lambda part: part == PORE), 1)
    rows = slice(1, None)
    near = (away[rows] <= edge_width_nm * (1 + TIE)) | (
        areas[rows, 1] > 0
    )  # a shared face is no distance at all
    table = pd.DataFrame(
        {
            "label": np.arange(1, count + 1) if given is None else given,
            **{f"{word}_face_percent": share[rows, phase] for phase, word in _WORDS.items()},
            "pore_distance_nm": np.where(np.isfinite(away[rows]), away[rows], np.nan),
            "pore_within_delta": near,
            "encapsulated": ~near,
        }
    )
    if dead is not None:
        away = distance(_open_pores(found, dead), 2)
        table["open_pore_distance_nm"] = np.where(np.isfinite(away[rows]), away[rows], np.nan)
    return table[present[rows]].reset_index(drop=True)


def _open_pores(phases: Any, dead: Volume | Any) -> Any:
    """Return where there is pore that is not dead, read by blocks where the phases are."""
    closed = array_of(dead)
    if isinstance(phases, np.ndarray):
        closed = checked_mask(dead, name="dead", shape=phases.shape)
        return (phases == PORE) & ~closed
    return PairArray(phases, closed, lambda part, dead: (part == PORE) & ~dead, np.dtype(np.bool_))


def _faces(
    objects: Any,
    phases: Any,
    count: int,
    *,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Count the faces of each object along each axis and in both ways towards exterior, pore, matrix
    and anything else; and return which objects there are.
    """
    shape = tuple(objects.shape)

    def work(block: Block) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        outer = tuple(slice(k.start, min(k.stop + 1, n)) for k, n in zip(block, shape, strict=True))
        labels, kinds = np.asarray(objects[outer]), np.asarray(phases[outer])
        own = inside_of(block, outer)
        counts = np.zeros((3, 2, 4 * (count + 1)), np.int64)
        for axis in range(3):
            if outer[axis].stop - outer[axis].start < 2:
                continue
            # pairs whose first voxel is in the block
            first = (*own[:axis], slice(None, -1), *own[axis + 1 :])
            second = (*own[:axis], slice(1, None), *own[axis + 1 :])
            for way, (here, there) in enumerate(((first, second), (second, first))):
                one, two = labels[here], labels[there]
                towards = (one > 0) & (two != one)
                kind = np.where(two[towards] > 0, 3, np.minimum(kinds[there][towards], 3))
                code = one[towards].astype(np.int64) * 4 + kind
                counts[axis, way] = np.bincount(code, minlength=4 * (count + 1))
        there_is = np.zeros(count + 1, np.bool_)
        there_is[labels[own].reshape(-1)] = True
        return counts, there_is

    counts = np.zeros((3, 2, 4 * (count + 1)), np.int64)
    present = np.zeros(count + 1, np.bool_)

    def add(_: int, found: tuple[NDArray[np.int64], NDArray[np.bool_]]) -> None:
        with lock:
            np.add(counts, found[0], out=counts)
            np.logical_or(present, found[1], out=present)

    lock = Lock()
    receive_from_blocks(
        work,
        small_blocks(objects),
        add,
        arrays=[objects, phases],
        progress=progress,
        should_stop=should_stop,
    )
    return counts.reshape(3, 2, count + 1, 4), present


def _distance(
    objects: Any,
    pores: Any,
    voxel: Triple,
    count: int,
    scratch: ScratchSpace,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> NDArray[np.float64]:
    """Return for each object the distance (nm) of its nearest voxel to the nearest pore; inf without
    one.
    """
    away = np.full(count + 1, np.inf)
    if not anywhere(pores):
        if progress is not None:
            progress(1, 1)
        return away
    out = scratch.empty(tuple(objects.shape), np.float32)
    elsewhere = voxelwise(pores, np.logical_not)
    distance = distance_map(elsewhere, voxel, out=out, should_stop=should_stop)
    lock = Lock()

    def look(block: Block) -> None:
        labels = np.asarray(objects[block])
        chosen = labels > 0
        near, of = distance[block][chosen].astype(np.float64), labels[chosen].astype(np.intp)
        with lock:
            np.minimum.at(away, of, near)

    run_blocks(look, small_blocks(objects), progress=progress, should_stop=should_stop)
    return away
