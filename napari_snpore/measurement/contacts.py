"""Contacts of each object: voxel faces shared with pore, carbon and exterior, and the distance to
the nearest pore.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import slabs
from napari_snpore.compute import (
    Progress,
    ShouldStop,
    check_stop,
    run_blocks,
    stops_at_once,
)
from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import DeadPores
from napari_snpore.measurement.distance import distance_map
from napari_snpore.measurement.inputs import TIE, checked_mask, checked_phases
from napari_snpore.measurement.label_numbers import renumbered
from napari_snpore.measurement.labelling import voxel_counts
from napari_snpore.volume import Volume, array_of, spacing_of

_MOST_ROWS = 1 << 20
"""Greatest label of a table by label; labels beyond it are renumbered first, since each slab has such
a table.
"""

_SLABS = 16
"""Parts of the volume whose faces are counted at once; results do not depend on it."""

_WORDS = {0: "exterior", 1: "pore", 2: "matrix"}


@stops_at_once
def contact_areas(
    labels: Volume | NDArray[Any],
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    edge_width_nm: float = 0.0,
    dead: Volume | NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the shares of pore, matrix and exterior in the faces of every object, and its distance
    to the nearest pore.

    Parameters
    ----------
    labels : Volume or array of integers, shape (z, y, x)
        0 outside; numbers may have gaps.
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
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; asked before each axis and each distance map, and between
        planes.

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
    objects, found = np.asarray(array_of(labels)), checked_phases(phases)
    voxel = spacing_of(labels, spacing, phases, dead)
    if objects.dtype.kind not in "iu":
        raise InputError(
            f"labels is {objects.dtype}; integers are needed (label_objects makes them from a mask)."
        )
    if objects.shape != found.shape:
        raise InputError(
            f"labels has shape {objects.shape}, phases {found.shape}; one shape is needed."
        )
    if objects.min() < 0:
        raise InputError("labels holds negative numbers; 0 is outside, objects are 1 and above.")
    if isinstance(dead, DeadPores):
        raise InputError("dead holds three connectivities; give one of them, such as dead.mask(6).")
    if not (math.isfinite(edge_width_nm) and edge_width_nm >= 0):
        raise InputError(f"edge_width_nm is {edge_width_nm}; 0 or a length in nm is needed.")
    steps = 4 if dead is None else 5  # three axes, then one or two distance maps

    def complete(step: int) -> None:
        if progress is not None:
            progress(step, steps)
        check_stop(should_stop)

    check_stop(should_stop)
    count, given = int(objects.max(initial=0)), None
    if count > _MOST_ROWS:
        objects, given = renumbered(objects, should_stop=should_stop)
        count = len(given)
    areas = np.zeros((count + 1, 4))
    face = [voxel[1] * voxel[2], voxel[0] * voxel[2], voxel[0] * voxel[1]]
    for axis in range(3):
        for one, two in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            here, there = ((slice(None),) * axis + (part,) for part in (one, two))
            areas += face[axis] * _faces(
                objects[here], objects[there], found[there], count, should_stop
            )
        complete(axis + 1)
    total = areas.sum(axis=1)
    share = np.divide(
        100 * areas, total[:, None], out=np.full(areas.shape, np.nan), where=total[:, None] > 0
    )
    away = _distance(objects, found != 1, voxel, count, should_stop)
    complete(4)
    rows = slice(1, None)
    present = voxel_counts(objects, count)[rows] > 0
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
        closed = found != 1
        closed |= checked_mask(dead, name="dead", shape=found.shape)
        away = _distance(objects, closed, voxel, count, should_stop)
        table["open_pore_distance_nm"] = np.where(np.isfinite(away[rows]), away[rows], np.nan)
        complete(5)
    return table[present].reset_index(drop=True)


def _faces(
    one: Any, two: Any, phases: Any, count: int, should_stop: ShouldStop | None
) -> NDArray[np.float64]:
    """Count the faces of each object towards exterior, pore, matrix and anything else."""

    def work(slab: slice) -> NDArray[np.int64]:
        here, there = one[slab], two[slab]
        towards = (here > 0) & (there != here)
        kind = np.where(there[towards] > 0, 3, np.minimum(phases[slab][towards], 3))
        return np.bincount(here[towards].astype(np.int64) * 4 + kind, minlength=4 * (count + 1))

    thick = max(1, -(-len(one) // _SLABS))
    slabs = (slice(first, first + thick) for first in range(0, len(one), thick))
    parts = run_blocks(work, slabs, should_stop=should_stop)
    counts: NDArray[np.int64] = (
        np.sum(parts, axis=0) if parts else np.zeros(4 * (count + 1), np.int64)
    )
    return counts.reshape(-1, 4).astype(np.float64)


def _distance(
    objects: Any,
    elsewhere: NDArray[np.bool_],
    voxel: Any,
    count: int,
    should_stop: ShouldStop | None,
) -> NDArray[np.float64]:
    """Return for each object the distance (nm) of its nearest voxel to the nearest voxel that is
    not ``elsewhere``; inf without one.
    """
    away = np.full(count + 1, np.inf)
    if elsewhere.all():
        return away
    distance = distance_map(elsewhere, voxel, should_stop=should_stop)
    for slab in slabs(objects.shape):
        chosen = objects[slab] > 0
        labels = objects[slab][chosen].astype(np.intp)
        np.minimum.at(away, labels, distance[slab][chosen].astype(np.float64))
    return away
