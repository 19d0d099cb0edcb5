"""Objects that are corrected by hand, and objects that follow a correction of their phases: only
what changed is labelled and measured again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.history import MergeObjectsStep, SplitObjectStep
from napari_snpore.measurement.corrections import (
    Box,
    ObjectsChange,
    Point,
    Voxel,
    box_around,
    merged_parts,
    put_patches,
    replaced_objects,
    split_parts,
)
from napari_snpore.measurement.labelling import label_objects
from napari_snpore.measurement.objects import measure_objects
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.volume import Triple, Volume

ObjectCorrection = MergeObjectsStep | SplitObjectStep
"""A correction of objects, as their history keeps it."""

_FIRST_REACH = 16  # voxels around a centroid that are looked through for the exterior


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjectSet:
    """Labelled objects with their table and what they were measured with.

    Parameters
    ----------
    labels : integer array, shape (z, y, x)
        Objects 1..N without gaps.
    spacing, origin : (float, float, float)
        Voxel size and place of the first voxel, nm.
    table : DataFrame
        One row an object, in the order of the labels.
    section : MeasureSection
        The options of the measurement.
    objects_from : str
        How the objects were found, in words.
    phases : integer array, shape (z, y, x), optional
        The phases that they are of; None for objects that were labelled elsewhere.
    number : int
        Label of their phase; 0 without phases.
    connectivity : int or None
        Of connected components; None where the objects were found in another way.
    intensity : array of real numbers, shape (z, y, x), optional
        Grey values.
    corrections : tuple of MergeObjectsStep and SplitObjectStep
        That hold, oldest first.
    """

    labels: NDArray[Any]
    spacing: Triple
    origin: Triple
    table: pd.DataFrame
    section: MeasureSection
    objects_from: str
    phases: NDArray[Any] | None = None
    number: int = 0
    connectivity: int | None = None
    intensity: Any = None
    corrections: tuple[ObjectCorrection, ...] = ()

    def box_of(self, label: int) -> Box:
        """Return the box of an object."""
        row = self.table.iloc[label - 1]
        z, y, x = (slice(int(row[f"{one}_min"]), int(row[f"{one}_max"]) + 1) for one in "zyx")
        return z, y, x

    def label_at(self, voxel: Sequence[int]) -> int:
        """Return the object of a voxel; 0 where there is none."""
        z, y, x = voxel
        return int(self.labels[z, y, x])


@dataclass(frozen=True, eq=False)
class ObjectsUpdate:
    """What came of a correction.

    Parameters
    ----------
    change : ObjectsChange
        To be put into the labels.
    table : DataFrame
        One row an object, after it.
    corrections : tuple of MergeObjectsStep and SplitObjectStep
        That hold after it.
    lost : int
        Earlier corrections that could not be kept, because their voxels are of no object now.
    """

    change: ObjectsChange
    table: pd.DataFrame
    corrections: tuple[ObjectCorrection, ...]
    lost: int = 0


def merge_two(objects: ObjectSet, first: Voxel, second: Voxel) -> ObjectsUpdate:
    """Make the objects of two voxels one.

    Raises
    ------
    InputError
        A voxel that lies in no object, or both in the same.
    """
    one, two = objects.label_at(first), objects.label_at(second)
    if not (one and two):
        raise InputError("Two objects are needed: one of the two places lies in none.")
    if one == two:
        raise InputError(f"Both places lie in object {one}: click another one to merge it with.")
    box = box_around([objects.box_of(one), objects.box_of(two)])
    parts = merged_parts(objects.labels, box, one, two)
    step = MergeObjectsStep(_plain(first), _plain(second), int(np.count_nonzero(parts)))
    return _updated(objects, (one, two), box, parts, (*objects.corrections, step), "merged by hand")


def split_one(
    objects: ObjectSet, voxel: Voxel, line: tuple[Point, Point], axis: int
) -> ObjectsUpdate:
    """Cut the object of a voxel in two, by the plane through a line along an array axis; see
    :func:`~napari_snpore.measurement.corrections.split_parts`.

    Raises
    ------
    InputError
        A voxel that lies in no object, or a line that does not pass through it.
    """
    label = objects.label_at(voxel)
    if not label:
        raise InputError("There is no object at this place: click the one to be split first.")
    box = objects.box_of(label)
    parts = split_parts(objects.labels, box, label, line, axis)
    counts = np.bincount(parts.ravel(), minlength=3)
    ends = (_point(line[0]), _point(line[1]))
    step = SplitObjectStep(_plain(voxel), ends, int(axis), (int(counts[1]), int(counts[2])))
    return _updated(objects, (label,), box, parts, (*objects.corrections, step), "split by hand")


def follow_phases(objects: ObjectSet, touched: Iterable[Box]) -> ObjectsUpdate | None:
    """Return the objects of phases that were corrected, as far as they changed; None where none
    did.

    Exact for connected components: those that hold, or touch, a voxel that came or went are found
    anew; all others stay as they are. Corrections of objects are made again in what was found.
    Where voxels became exterior, or were, the depths of all objects change, which is not followed.

    Parameters
    ----------
    objects : ObjectSet
        Connected components of a phase, with ``phases`` as they are now.
    touched : iterable of three slices
        Boxes outside of which no voxel changed.
    """
    assert objects.phases is not None
    assert objects.connectivity is not None
    gone: set[int] = set()
    boxes: list[Box] = []
    for box in touched:
        wide = _widened(box, objects.labels.shape)
        labels = np.asarray(objects.labels[wide])
        inside = np.asarray(objects.phases[wide]) == objects.number
        differs = (labels > 0) != inside
        if not differs.any():
            continue
        near = ndimage.binary_dilation(differs, np.ones((3, 3, 3), np.bool_))
        gone |= set(np.unique(labels[near]).tolist()) - {0}
        places = np.argwhere(differs)
        low, high = places.min(axis=0), places.max(axis=0) + 1
        z, y, x = (
            slice(one.start + int(a), one.start + int(b))
            for one, a, b in zip(wide, low, high, strict=True)
        )
        boxes.append((z, y, x))
    if not boxes:
        return None
    box = box_around([*boxes, *map(objects.box_of, gone)])
    labels = np.asarray(objects.labels[box])
    inside = np.asarray(objects.phases[box]) == objects.number
    mask = inside & ((labels == 0) | np.isin(labels, list(gone)))
    parts: NDArray[Any] = label_objects(mask, connectivity=objects.connectivity)
    parts, held = corrected_parts(parts, objects.corrections, box)
    kept = tuple(
        held.get(k, one)
        for k, one in enumerate(objects.corrections)
        if k in held or not _is_of(objects, one, gone)
    )
    lost = len(objects.corrections) - len(kept)
    update = _updated(objects, gone, box, parts, kept, "")
    return replace(update, lost=lost)


def corrected_again(
    objects: ObjectSet, corrections: Sequence[ObjectCorrection]
) -> tuple[ObjectSet, int]:
    """Make corrections again in objects that were found anew.

    Parameters
    ----------
    objects : ObjectSet
        Its labels are changed in place where their dtype allows.
    corrections : sequence of MergeObjectsStep and SplitObjectStep
        Oldest first.

    Returns
    -------
    tuple
        The objects with the corrections that could be made, and how many could not.
    """
    lost = 0
    for one in corrections:
        try:
            if isinstance(one, MergeObjectsStep):
                update = merge_two(objects, one.first, one.second)
            else:
                update = split_one(objects, one.voxel, one.line, one.axis)
        except InputError:
            lost += 1
            continue
        objects = with_update(objects, update)
    return objects, lost


def with_update(objects: ObjectSet, update: ObjectsUpdate) -> ObjectSet:
    """Return objects after an update; the labels are changed in place where their dtype allows."""
    labels = objects.labels
    if not np.can_cast(update.change.dtype, labels.dtype):
        labels = labels.astype(update.change.dtype)
    put_patches(labels, update.change.patches)
    return replace(objects, labels=labels, table=update.table, corrections=update.corrections)


def corrected_parts(
    parts: NDArray[Any], corrections: Sequence[ObjectCorrection], box: Box | None = None
) -> tuple[NDArray[Any], dict[int, ObjectCorrection]]:
    """Make corrections again in objects of a box that were found anew.

    Parameters
    ----------
    parts : integer array
        Objects 1..K without gaps, of the whole volume or of a box in it.
    corrections : sequence of MergeObjectsStep and SplitObjectStep
        Oldest first.
    box : three slices, optional
        Where ``parts`` lies; default: all of the volume.

    Returns
    -------
    tuple
        The objects, and the corrections that hold, by their place in the sequence.
    """
    place = box or tuple(slice(0, n) for n in parts.shape)
    start = np.array([one.start for one in place])
    held: dict[int, ObjectCorrection] = {}
    for k, one in enumerate(corrections):
        if not _lies_in(one, place):
            continue
        labels = [int(parts[tuple(np.array(voxel) - start)]) for voxel in _voxels(one)]
        if not all(labels):
            continue
        count = int(parts.max())
        if isinstance(one, MergeObjectsStep):
            low, high = sorted(labels)
            if low != high:
                parts = np.where(parts == high, low, parts)
                parts[parts == count] = high  # without a gap
            held[k] = replace(one, voxels=int(np.count_nonzero(parts == low)))
            continue
        ends = [_point(np.array(end) - start) for end in one.line]
        whole = (slice(0, parts.shape[0]), slice(0, parts.shape[1]), slice(0, parts.shape[2]))
        try:
            sides = split_parts(parts, whole, labels[0], (ends[0], ends[1]), one.axis)
        except InputError:  # the other part was not found anew: they are apart as they were
            held[k] = one
            continue
        parts = np.where(sides == 2, count + 1, parts)
        counts = np.bincount(sides.ravel(), minlength=3)
        held[k] = replace(one, voxels=(int(counts[1]), int(counts[2])))
    return parts, held


def _updated(
    objects: ObjectSet,
    gone: Iterable[int],
    box: Box,
    parts: NDArray[Any],
    corrections: tuple[ObjectCorrection, ...],
    by: str,
) -> ObjectsUpdate:
    """Return the change that puts parts in place of objects, and the table after it."""
    gone = set(gone)
    count = len(objects.table)
    # those that may take a number that becomes free: the highest ones
    last = range(max(1, count - len(gone)), count + 1)
    boxes = {label: objects.box_of(label) for label in last}
    change = replaced_objects(objects.labels, count, gone, box, parts, boxes)
    rows = _measured(objects, box, parts, by)
    return ObjectsUpdate(change, _table_after(objects.table, change, rows), corrections)


def _table_after(table: pd.DataFrame, change: ObjectsChange, rows: pd.DataFrame) -> pd.DataFrame:
    kept = table[~table["label"].isin(change.gone)].copy()
    moved = dict(change.moved)
    kept["label"] = [moved.get(label, label) for label in kept["label"]]
    if not len(rows):
        return kept.sort_values("label").reset_index(drop=True)
    rows = rows.copy()
    rows["label"] = rows["label"].map(dict(change.new))
    for name in table.columns:
        if name not in rows:
            earlier = table.loc[table["label"].isin(change.gone), name]
            rows[name] = earlier.iloc[0] if len(earlier) else table[name].iloc[0]
    rows = rows[list(table.columns)].astype(dict(table.dtypes))
    parts = [kept, rows] if len(kept) else [rows]
    return pd.concat(parts, ignore_index=True).sort_values("label").reset_index(drop=True)


def _measured(objects: ObjectSet, box: Box, parts: NDArray[Any], by: str) -> pd.DataFrame:
    """Return the rows of the parts in a box, as a measurement of the whole volume has them."""
    if not parts.any():
        return objects.table.iloc[:0]
    start = [one.start for one in box]
    origin = tuple(
        first + low * size
        for first, low, size in zip(objects.origin, start, objects.spacing, strict=True)
    )
    section = objects.section
    gray = None if objects.intensity is None else np.asarray(objects.intensity[box])
    rows = measure_objects(
        Volume(parts, objects.spacing, origin),
        intensity=gray,
        directions=section.directions,
        convention=section.convention,
        objects_from=f"{objects.objects_from}, {by}" if by else objects.objects_from,
        min_voxels=section.min_voxels,
    )
    border = np.zeros(len(rows), np.bool_)
    for axis, low, size in zip("zyx", start, objects.labels.shape, strict=True):
        rows[f"{axis}_min"] += low
        rows[f"{axis}_max"] += low
        border |= ((rows[f"{axis}_min"] == 0) | (rows[f"{axis}_max"] == size - 1)).to_numpy()
    rows["touches_border"] = border
    if "depth_nm" in objects.table and objects.phases is not None:
        centers = rows[[f"centroid_{axis}_nm" for axis in "zyx"]].to_numpy(np.float64)
        places = (centers - np.array(objects.origin)) / np.array(objects.spacing)
        rows["depth_nm"] = [
            _depth(objects.phases, np.floor(place + 0.5).astype(int), objects.spacing)
            for place in places
        ]
    return rows


def _depth(phases: NDArray[Any], voxel: NDArray[Any], spacing: Triple) -> float:
    """Return how far (nm) a voxel lies from the nearest exterior one; see
    :func:`~napari_snpore.measurement.shape.depths`.
    """
    if phases[tuple(voxel)] == 0:
        return 0.0
    reach = _FIRST_REACH
    while True:
        low = np.maximum(voxel - reach, 0)
        high = np.minimum(voxel + reach + 1, phases.shape)
        outside = np.argwhere(phases[tuple(map(slice, low, high))] == 0) + low
        whole = bool((low == 0).all() and (high == phases.shape).all())
        if len(outside):
            found = float(np.sqrt((((outside - voxel) * np.array(spacing)) ** 2).sum(axis=1).min()))
            if whole or found <= reach * min(spacing):
                return found
        elif whole:
            return math.nan
        reach *= 2


def _widened(box: Box, shape: Sequence[int]) -> Box:
    z, y, x = (
        slice(max(0, one.start - 1), min(size, one.stop + 1))
        for one, size in zip(box, shape, strict=True)
    )
    return z, y, x


def _voxels(correction: ObjectCorrection) -> tuple[Voxel, ...]:
    if isinstance(correction, MergeObjectsStep):
        return correction.first, correction.second
    return (correction.voxel,)


def _lies_in(correction: ObjectCorrection, box: Sequence[slice]) -> bool:
    return all(
        one.start <= place < one.stop
        for voxel in _voxels(correction)
        for place, one in zip(voxel, box, strict=True)
    )


def _is_of(objects: ObjectSet, correction: ObjectCorrection, gone: set[int]) -> bool:
    """Say whether a correction was made in one of some objects."""
    return any(objects.label_at(voxel) in gone for voxel in _voxels(correction))


def _plain(voxel: Sequence[Any]) -> Voxel:
    z, y, x = map(int, voxel)
    return z, y, x


def _point(place: Sequence[Any]) -> Point:
    z, y, x = map(float, place)
    return z, y, x
