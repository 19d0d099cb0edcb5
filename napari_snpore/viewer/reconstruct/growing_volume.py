"""Layer of the volume during its reconstruction, which other steps do not accept as a result."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Image

from napari_snpore.gray_limits import gray_limits
from napari_snpore.viewer.shared.layers import KEY, SEPARATOR, add_layer, volume_data
from napari_snpore.viewer.shared.view_kept import keeping_choice
from napari_snpore.volume import Volume


class GrowingVolume:
    """Shows the array that a thread fills: nothing is copied, each call draws what there is by
    then.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Image | None = None

    def show(self, volume: Any, voxel_nm: float, stem: str, iteration: int) -> None:
        """Show the volume as it is after an iteration."""
        _, white = gray_limits([volume[volume.shape[0] // 2]])
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
