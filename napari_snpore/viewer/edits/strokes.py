"""What napari's brush, fill, polygon and eraser overwrote, as strokes of the backend."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels

from napari_snpore.segmentation.phase_edits import Stroke, stroke_of_voxels


def strokes_of(layer: Labels, atoms: Any) -> list[Stroke]:
    """Return the strokes of one entry of napari's undo history, which its event ``paint`` carries;
    oldest first.

    An entry is a list of what was changed together: a box with a mask and the values under it, or
    single voxels as (indices, values before, value now).
    """
    strokes = []
    for atom in atoms:
        if hasattr(atom, "slice_key"):
            strokes.append(_of_box(layer, atom))
        else:
            strokes.append(stroke_of_voxels(atom[0], atom[1]))
    return strokes


def _of_box(layer: Labels, atom: Any) -> Stroke:
    z, y, x = (
        slice(*key.indices(size)[:2])
        for key, size in zip(atom.slice_key, layer.data.shape, strict=True)
    )
    shape = tuple(one.stop - one.start for one in (z, y, x))
    if atom.mask is None:
        return Stroke((z, y, x), np.asarray(atom.old_values).reshape(shape))
    mask = np.asarray(atom.mask).reshape(shape)
    before = np.zeros(shape, np.asarray(atom.old_values).dtype)
    before[mask] = atom.old_values
    return Stroke((z, y, x), before, mask)
