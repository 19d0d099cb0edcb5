"""Sets the voxel size of a layer that has none, or one in another unit, and writes it into its
history.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.layers import Layer

from napari_snpore.history import VoxelSizeStep, stored_history
from napari_snpore.viewer.shared.layers import KEY, record_of, steps_of
from napari_snpore.viewer.shared.units import UNIT, has_scale, nm_factors


def give_scale(layers: Sequence[Layer], size_nm: float) -> None:
    """Set the size in nm of the unit of layers without a length, on every axis, and write it into
    their history.
    """
    for layer in layers:
        spacing = tuple(size_nm * float(step) for step in layer.scale)
        _note(layer, spacing, "given in the window")
        layer.translate = tuple(size_nm * float(place) for place in layer.translate)
        layer.scale = spacing
        layer.units = (UNIT,) * layer.ndim


def to_nm(layer: Layer) -> None:
    """Convert a layer of another length unit to nm at its place, and write that into its history;
    skip other layers.
    """
    if not has_scale(layer) or {str(unit) for unit in layer.units} == {"nanometer"}:
        return
    was = str(layer.units[-1])
    factors = np.array(nm_factors(layer.units, layer.name)).round(9)  # 1000, not 999.9999999999999
    turn = np.diag([*factors, 1.0])
    affine = turn @ np.array(layer.affine.affine_matrix) @ np.linalg.inv(turn)
    spacing = factors * layer.scale
    _note(layer, spacing.tolist(), f"converted from {was}")
    layer.affine = affine
    layer.translate = factors * layer.translate
    layer.scale = spacing
    layer.units = (UNIT,) * layer.ndim


def _note(layer: Layer, spacing_nm: Sequence[float], source: str) -> None:
    record = record_of(layer)
    history = (*steps_of(record), VoxelSizeStep(tuple(spacing_nm), source).step)
    layer.metadata = {**layer.metadata, KEY: {**record, **stored_history(history)}}
