"""Preview of the phases: a layer on the volume's array with a colormap of the thresholds.

``contrast_limits`` lie on the outer thresholds, ``low_color`` and ``high_color`` paint what lies
outside; which values those are is exact for 8- and 16-bit integers and within one float32 spacing
for float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import KEY, SEPARATOR, same_array, stem_of
from napari_snpore.viewer.shared.view_kept import keeping_choice

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from napari.utils.colormaps import Colormap
    from qtpy.QtCore import QObject

COARSE_VOXELS = 128
"""Voxels a side, at most, that a 3D view shows while a threshold is dragged."""


def is_exact(dtype: Any) -> bool:
    """Say whether the preview paints every value of a dtype as *Apply* labels it, or within one
    float32 spacing.
    """
    kind = np.dtype(dtype)
    return (
        kind.kind == "b"
        or (kind.kind in "iu" and kind.itemsize <= 2)
        or (kind.kind == "f" and kind.itemsize <= 4)
    )


def preview_limits(dtype: Any, thresholds: Sequence[float]) -> tuple[float, float]:
    """Return contrast limits: what is at or below the first is the first phase, at or above the
    second the last.

    Parameters
    ----------
    dtype : dtype
        Of the volume.
    thresholds : sequence of float
        One or more, increasing.
    """
    first, last = float(thresholds[0]), float(thresholds[-1])
    if np.dtype(dtype).kind in "iub":
        low, high = np.ceil(first) - 0.5, np.ceil(last) - 0.5
        return (low - 0.25, high + 0.25) if low == high else (float(low), float(high))
    return float(np.nextafter(_float32_from(first), np.float32(-np.inf))), float(
        _float32_from(last)
    )


def preview_colormap(
    scheme: PhaseScheme,
    thresholds: Sequence[float],
    limits: tuple[float, float],
    *,
    show_first: bool = True,
) -> Colormap:
    """Return a constant colormap with the outer phases as its low and high colour; inner thresholds
    are its controls.

    ``show_first`` false leaves the first phase (pore, and vacuum) transparent, so that a 3D view
    shows what is behind it.
    """
    from napari.utils.colormaps import Colormap

    colors = list(scheme.colors)
    inner = colors[1:-1] or [colors[-1]]
    low, high = limits
    controls = [0.0, *((t - low) / (high - low) for t in thresholds[1:-1]), 1.0]
    if len(inner) == 1:  # vispy wants two colours
        inner, controls = inner * 2, [0.0, 0.5, 1.0]
    return Colormap(
        colors=inner,
        controls=controls,
        interpolation="zero",
        name="phases",
        low_color=colors[0] if show_first else "transparent",
        high_color=colors[-1],
    )


class PhasePreview:
    """The preview layer of one volume at a time.

    Parameters
    ----------
    viewer : ViewerModel
        Where it is shown.
    owner : QObject
        The widget whose end is the end of the preview's ties.
    """

    def __init__(self, viewer: ViewerModel, owner: QObject) -> None:
        self._viewer = viewer
        self._source: Any = None
        self._scheme: PhaseScheme | None = None
        self._thresholds: tuple[float, ...] = ()
        self._coarse = False
        self._source_was_visible = False
        self._colormap: Colormap | None = None
        self._colormap_key: object = None
        self.layer: Image | None = None
        connect_while_alive(owner, viewer.layers.events.removed, self._on_removed)
        connect_while_alive(owner, viewer.dims.events.ndisplay, self._on_ndisplay)

    def show(self, source: Image, thresholds: Sequence[float], scheme: PhaseScheme) -> None:
        """Paint the phases that thresholds make of a layer's volume, above that layer."""
        if self._source is not source:
            self.hide()
            self._source = source
        self._thresholds, self._scheme = tuple(thresholds), scheme
        if self.layer is None:
            self.layer = self._make(source)
        self._paint()

    def shows(self, source: Any) -> bool:
        """Return whether the preview is of this layer, and of its present values."""
        return self.layer is not None and self._source is source and same_array(self.layer, source)

    def hide(self) -> None:
        """Remove the preview layer."""
        self.coarsen(False)
        layer, self.layer, self._source = self.layer, None, None
        if layer is not None and layer in self._viewer.layers:
            with keeping_choice(self._viewer):
                self._viewer.layers.remove(layer)

    def coarsen(self, coarse: bool) -> None:
        """While dragging in 3D show at most 128 voxels a side; the name says so.

        The full volume below is hidden meanwhile: it would be drawn anew with every frame.
        """
        layer, source = self.layer, self._source
        if layer is None or source is None or source.multiscale or coarse == self._coarse:
            return
        stride = max(-(-size // COARSE_VOXELS) for size in source.data.shape)
        if coarse and (self._viewer.dims.ndisplay != 3 or stride == 1):
            return
        self._coarse = coarse
        layer.data = source.data[(slice(None, None, stride),) * 3] if coarse else source.data
        layer.scale = np.asarray(source.scale) * (stride if coarse else 1)
        layer.name = self._name(source)
        if coarse:
            self._source_was_visible, source.visible = source.visible, False
        elif self._source_was_visible:
            source.visible = True

    def _make(self, source: Image) -> Image:
        from napari.layers import Image

        layer = Image(
            source.data,
            multiscale=source.multiscale,
            name=self._name(source),
            scale=source.scale,
            translate=source.translate,
            units=source.units,
            axis_labels=source.axis_labels,
            contrast_limits=preview_limits(source.dtype, self._thresholds),
            blending="translucent",
            interpolation2d="nearest",
            interpolation3d="nearest",
            rendering="translucent",
            opacity=0.75,
            metadata={KEY: {"kind": "preview"}},
        )
        with keeping_choice(self._viewer):
            self._viewer.layers.insert(self._viewer.layers.index(source) + 1, layer)
        return layer

    def _name(self, source: Image) -> str:
        return f"{stem_of(source.name)}{SEPARATOR}preview{' (coarse)' if self._coarse else ''}"

    def _paint(self) -> None:
        layer, scheme = self.layer, self._scheme
        if layer is None or scheme is None:
            return
        limits = preview_limits(self._source.dtype, self._thresholds)
        shows_pores = self._viewer.dims.ndisplay == 2
        # A new colormap is a new shader. With one or two thresholds a drag changes the limits only;
        # inner thresholds are control points, which lie relative to the limits.
        inner = (self._thresholds, limits) if len(self._thresholds) > 2 else ()
        key = (scheme, shows_pores, inner)
        if key != self._colormap_key or layer.colormap is not self._colormap:
            layer.colormap = preview_colormap(
                scheme, self._thresholds, limits, show_first=shows_pores
            )
            self._colormap, self._colormap_key = layer.colormap, key
        layer.contrast_limits = limits

    def _on_ndisplay(self, event: Any = None) -> None:
        del event
        self._paint()

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            if self._coarse and self._source_was_visible:
                self._source.visible = True
            self._coarse = False
            self.layer = self._source = None
        elif event.value is self._source:
            self.hide()


def _float32_from(value: float) -> np.float32:
    """Return the smallest float32 that is not below a value."""
    near = np.float32(value)
    return near if float(near) >= value else np.nextafter(near, np.float32(np.inf))
