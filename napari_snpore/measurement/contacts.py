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

from napari_snpore.blocks import Block, VoxelwiseArray, inside_of, small_blocks, voxelwise
from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of, stops_at_once
from napari_snpore.engines import run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import DeadPores
from napari_snpore.measurement.distance import distance_map
from napari_snpore.measurement.inputs import TIE, mask_by_blocks, phases_by_blocks
from napari_snpore.measurement.label_numbers import check_labels
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.segmentation.phases import PORE
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

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
        Where distances to the nearest pore, and to the nearest open one, lie: 4 bytes per voxel each;
        default in memory.
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
    check_labels(objects)
    if isinstance(dead, DeadPores):
        raise InputError("dead holds three connectivities; give one of them, such as dead.mask(6).")
    if not (math.isfinite(edge_width_nm) and edge_width_nm >= 0):
        raise InputError(f"edge_width_nm is {edge_width_nm}; 0 or a length in nm is needed.")
    steps = 2 if dead is None else 3  # faces, then one or two distance maps
    present, faces = _faces(
        objects, found, progress=share_of(progress, 0, 1 / steps), should_stop=should_stop
    )
    areas = np.zeros((len(present), 4))
    face = [voxel[1] * voxel[2], voxel[0] * voxel[2], voxel[0] * voxel[1]]
    for axis, way in np.ndindex(3, 2):
        areas += face[axis] * faces[axis, way]
    total = areas.sum(axis=1)
    share = np.divide(
        100 * areas, total[:, None], out=np.full(areas.shape, np.nan), where=total[:, None] > 0
    )

    def distance(elsewhere: Any, step: int) -> NDArray[np.float64]:
        share = share_of(progress, step / steps, (step + 1) / steps)
        return _distance(objects, elsewhere, voxel, present, scratch, share, should_stop)

    away = distance(voxelwise(found, lambda part: part != PORE), 1)
    near = (away <= edge_width_nm * (1 + TIE)) | (areas[:, 1] > 0)  # a shared face is no distance
    table = pd.DataFrame(
        {
            "label": present,
            **{f"{word}_face_percent": share[:, phase] for phase, word in _WORDS.items()},
            "pore_distance_nm": np.where(np.isfinite(away), away, np.nan),
            "pore_within_delta": near,
            "encapsulated": ~near,
        }
    )
    if dead is not None:
        away = distance(_no_open_pore(found, dead), 2)
        table["open_pore_distance_nm"] = np.where(np.isfinite(away), away, np.nan)
    return table


def _no_open_pore(phases: Any, dead: Volume | Any) -> Any:
    """Return where there is no pore, or a dead one, read by blocks where the phases are."""
    closed = mask_by_blocks(dead, name="dead", shape=phases.shape)
    if isinstance(phases, np.ndarray):
        return (phases != PORE) | np.asarray(closed)
    return VoxelwiseArray(
        phases, lambda part, dead: (part != PORE) | dead, np.dtype(np.bool_), closed
    )


def _faces(
    objects: Any, phases: Any, *, progress: Progress | None, should_stop: ShouldStop | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the labels of all objects, rising, and the faces of each along each axis and in both ways
    towards exterior, pore, matrix and anything else, shape (axis, way, object, towards).
    """
    shape = tuple(objects.shape)

    def work(block: Block) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        outer = tuple(slice(k.start, min(k.stop + 1, n)) for k, n in zip(block, shape, strict=True))
        labels, kinds = np.asarray(objects[outer]), np.asarray(phases[outer])
        own = inside_of(block, outer)
        found = []
        for axis in range(3):
            # pairs whose first voxel is in the block
            first = (*own[:axis], slice(None, -1), *own[axis + 1 :])
            second = (*own[:axis], slice(1, None), *own[axis + 1 :])
            for here, there in ((first, second), (second, first)):
                one, two = labels[here], labels[there]
                towards = (one > 0) & (two != one)
                kind = np.where(two[towards] > 0, 3, np.minimum(kinds[there][towards], 3))
                # only objects with such faces: no table of all of them for each block
                these, place = np.unique(one[towards].astype(np.int64), return_inverse=True)
                counts = np.bincount(place * 4 + kind, minlength=4 * len(these))
                found.append((these, counts.reshape(-1, 4)))
        return found

    parts = run_on_blocks(
        work,
        small_blocks(objects),
        arrays=[objects, phases],
        progress=progress,
        should_stop=should_stop,
    )
    named = [these for part in parts for these, _ in part]
    present = np.unique(np.concatenate(named))
    if not len(present):  # no faces at all: one object that fills the box, or none
        only = int(np.asarray(objects[tuple(slice(0, 1) for _ in shape)]).max(initial=0))
        present = np.array([only] if only else [], np.int64)
    counts = np.zeros((6, len(present), 4))
    for part in parts:
        for k, (these, of_these) in enumerate(part):
            counts[k, np.searchsorted(present, these)] += of_these
    return present, counts.reshape(3, 2, len(present), 4)


def _distance(
    objects: Any,
    elsewhere: Any,
    voxel: Triple,
    present: NDArray[np.int64],
    scratch: ScratchSpace,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> NDArray[np.float64]:
    """Return for each object, by its label among those that are ``present``, the distance (nm) of its
    nearest voxel to the nearest one that is not ``elsewhere``; inf without one.
    """
    away = np.full(len(present), np.inf)
    without_gaps = len(present) > 0 and present[-1] == len(present)
    out = scratch.empty(tuple(objects.shape), np.float32)
    distance = distance_map(elsewhere, voxel, out=out, should_stop=should_stop)
    lock = Lock()

    def look(block: Block) -> None:
        labels = np.asarray(objects[block])
        chosen = labels > 0
        near, of = distance[block][chosen].astype(np.float64), labels[chosen].astype(np.int64)
        of = of - 1 if without_gaps else np.searchsorted(present, of)
        with lock:
            np.minimum.at(away, of, near)

    run_blocks(look, small_blocks(objects), progress=progress, should_stop=should_stop)
    return away
