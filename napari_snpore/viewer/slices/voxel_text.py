"""Text of the Ortho slices form: index and value of the voxel at the cross-hair."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_snpore.viewer.forms.form import caveat, number
from napari_snpore.viewer.shared.units import has_scale
from napari_snpore.viewer.slices.mirror import can_be_sliced
from napari_snpore.volume import Triple


def has_values(layer: Layer) -> bool:
    """Return whether each voxel of a layer that can be sliced holds one number."""
    return (
        isinstance(layer, (Image, Labels))
        and can_be_sliced(layer)
        and not getattr(layer, "rgb", False)
    )


def voxel_words(layer: Layer, point: Triple) -> str:
    """Return the voxel of a layer at a point (z, y, x) of the window, and its value."""
    where = np.rint(layer.world_to_data(point)).astype(int)
    words = "voxel " + ", ".join(f"{axis} {k}" for axis, k in zip("zyx", where, strict=True))
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    if not ((where >= 0) & (where < data.shape)).all():
        words = "the cross-hair is outside this layer"
    elif isinstance(data, np.ndarray):
        words += f": value {number(float(data[tuple(where)]), 4)}"
    if not has_scale(layer):
        words += f" · {caveat('this layer has no voxel size: positions are in voxels, not nm')}"
    return words


def words_without_volume(layers: Iterable[Layer]) -> list[str]:
    """Return what to do where all there is has too many axes; nothing else is said here."""
    wide = [layer for layer in layers if isinstance(layer, (Image, Labels)) and layer.ndim > 3]
    return [
        caveat(
            f"'{layer.name}' has {layer.ndim} axes, slices need z, y, x: right-click it, choose Split Stack, and keep one "
            "time point or channel."
        )
        for layer in wide[-1:]
    ]
