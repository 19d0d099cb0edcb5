"""Layer of the volume during its reconstruction, which other steps do not accept as a result; and the
grey values between which a volume is shown at first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from numpy.typing import NDArray

from napari_snpore.viewer.shared.layers import KEY, SEPARATOR, add_layer, volume_data
from napari_snpore.viewer.shared.view_kept import keeping_choice
from napari_snpore.volume import Volume

_BLACK, _WHITE = 0.1, 99.9
"""Percentiles of the grey values that are shown black and white: a few voxels that an iteration
overshoots would leave all others dark.
"""
_MOST_VOXELS = 1_000_000
"""Of a volume that are looked at for these percentiles, which takes some hundredths of a second."""


def first_contrast(volume: NDArray[np.float32]) -> tuple[float, float]:
    """Return the grey values between which a volume is shown at first.

    Parameters
    ----------
    volume : array, shape (z, y, x)
        Grey values; every n-th voxel of a large one is looked at.
    """
    flat = volume.reshape(-1)
    # odd, so that voxels of all columns are met where the rows are a power of two long
    every = flat[:: (flat.size // _MOST_VOXELS) | 1]
    low, high = np.percentile(every, [_BLACK, _WHITE])
    return float(min(low, 0.0)), float(max(high, 1e-30))


class GrowingVolume:
    """Shows the array that a thread fills: nothing is copied, each call draws what there is by
    then.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Image | None = None

    def show(self, volume: Any, voxel_nm: float, stem: str, iteration: int) -> None:
        """Show the volume as it is after an iteration."""
        sample = np.asarray(volume[volume.shape[0] // 2])
        white = float(np.percentile(sample, _WHITE))
        if self._layer is None or self._layer not in self._viewer.layers:
            data = volume_data(
                Volume(volume, (voxel_nm,) * 3),
                f"{stem}{SEPARATOR}iteration {iteration}",
                contrast_limits=(0.0, max(white, 1e-30)),
                metadata={KEY: {"kind": "preview"}},
            )
            with keeping_choice(self._viewer):
                self._layer = add_layer(self._viewer, data)
            self._viewer.dims.set_point(range(3), [voxel_nm * n / 2 for n in volume.shape])
        assert self._layer is not None
        self._layer.name = f"{stem}{SEPARATOR}iteration {iteration}"
        self._layer.contrast_limits = (0.0, max(white, 1e-30))
        self._layer.refresh()

    def hide(self) -> None:
        """Take the layer away."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            with keeping_choice(self._viewer):
                self._viewer.layers.remove(layer)
