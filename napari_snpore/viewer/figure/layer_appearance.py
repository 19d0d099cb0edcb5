"""Colors in which the window shows a layer, and its units in nm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_snpore.figures.plate_spec import Painter
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.subvolume import Projection
from napari_snpore.viewer.shared.layer_colors import colors_of
from napari_snpore.viewer.shared.layers import scheme_of
from napari_snpore.viewer.shared.units import nm_a_unit


@dataclass(frozen=True)
class SliceAppearance:
    """Field of view, thickness and oblique plane of the open Ortho slices.

    Parameters
    ----------
    field_nm : float
        Side of their field of view; 0 is everything.
    projection : {"mean", "max"}, optional
        Of thick slices.
    thickness_nm : float
        Of thick slices.
    oblique_of : Layer, optional
        The layer whose oblique slice is open.
    tilt_deg, turn_deg : float
        Of the oblique slice.
    """

    field_nm: float = 0.0
    projection: Projection | None = None
    thickness_nm: float = 0.0
    oblique_of: Layer | None = None
    tilt_deg: float = 0.0
    turn_deg: float = 0.0


def nm_per_world_unit(viewer: Any, layer: Layer | None) -> tuple[float, float, float]:
    """Return how many nm the window's coordinates count along z, y and x.

    Layers of one window share them; where one has none, they are those of the layer that is drawn.
    """
    found = nm_a_unit(viewer.layers.units or getattr(layer, "units", None))
    z, y, x = (float(nm) for nm in found) if len(found) == 3 else (1.0, 1.0, 1.0)
    return z, y, x


def gray_painter(layer: Layer) -> Painter:
    """Return what paints grey values as an image layer does now; for a thread."""
    low, high = (float(end) for end in layer.contrast_limits)
    colors = colors_of(layer)

    def paint(values: NDArray[Any]) -> NDArray[np.uint8]:
        from napari_snpore.figures.panels import in_colors

        return in_colors(values, (low, high), colors)

    return paint


def label_painter(layer: Layer) -> Painter:
    """Return what paints labels as a labels layer does now; for a thread."""
    colormap = layer.colormap
    only = int(layer.selected_label) if layer.show_selected_label else None

    def paint(values: NDArray[Any]) -> NDArray[np.uint8]:
        rgba = np.array(colormap.map(values), dtype=np.float64)
        if only is not None:
            rgba[values != only] = 0.0
        return np.asarray(np.rint(255 * np.clip(rgba, 0, 1)).astype(np.uint8))

    return paint


def shown_scheme(layer: Layer) -> PhaseScheme:
    """Return the phases of a labels layer in the colours that the window gives them; one that it
    hides lets all through.
    """
    scheme = scheme_of(layer)
    rgba = np.array(
        [_color_of(layer.colormap, label) for label in range(1, len(scheme.names) + 1)],
        dtype=np.float64,
    )
    if layer.show_selected_label:
        rgba[[k != layer.selected_label for k in range(1, len(rgba) + 1)], 3] = 0.0
    return PhaseScheme(scheme.names, tuple(_hex(color) for color in rgba))


def opaque(shown: PhaseScheme, own: PhaseScheme) -> PhaseScheme:
    """Return colors for bars and numbers: those of the window, and the phase's own where the window
    hides it.
    """
    colors = (
        a[:7] if int(a[7:] or "ff", 16) else b
        for a, b in zip(shown.colors, own.colors, strict=True)
    )
    return PhaseScheme(shown.names, tuple(colors))


def _color_of(colormap: Any, label: int) -> Any:
    """Return the colour of a label (RGBA, 0 to 1) without the map's own code, which is compiled at
    its first use.
    """
    if isinstance(colormap, DirectLabelColormap):
        return colormap.color_dict.get(label, colormap.color_dict[None])
    return colormap.map(np.array([label], dtype=np.uint8 if label < 256 else np.uint16))[0]


def _hex(rgba: Sequence[float]) -> str:
    red, green, blue, alpha = (round(255 * float(np.clip(part, 0, 1))) for part in rgba)
    return f"#{red:02x}{green:02x}{blue:02x}" + ("" if alpha == 255 else f"{alpha:02x}")
