"""What the colours of a layer mean: grey values of a volume, or the quantity that objects are
coloured by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import DirectLabelColormap, ensure_colormap
from numpy.typing import NDArray

from napari_snpore.figures.plate_spec import ColorScale
from napari_snpore.measurement.columns import column_of
from napari_snpore.viewer.shared.layer_colors import MAP, colors_of
from napari_snpore.viewer.shared.layers import is_volume

_COMPARED = 200
"""Objects whose colours are compared with those of a quantity."""


def scale_of_scene(layers: Iterable[Layer]) -> ColorScale | None:
    """Return the scale of what is coloured among the visible layers: objects before a volume; None
    where no colour is a number.
    """
    shown = [layer for layer in layers if layer.visible]
    scales = [color_scale(layer) for layer in reversed(shown) if isinstance(layer, Labels)]
    scales += [color_scale(layer) for layer in reversed(shown) if is_volume(layer)]
    return next((scale for scale in scales if scale is not None), None)


def color_scale(layer: Layer) -> ColorScale | None:
    """Return what the colours of a layer mean; None where they are no numbers, as those of
    phases.
    """
    if isinstance(layer, Image):
        low, high = (float(end) for end in layer.contrast_limits)
        return ColorScale("Grey value", low, high, colors_of(layer))
    column = coloring_column(layer)
    if column is None:
        return None
    values = np.asarray(layer.features[column], np.float64)[1:]
    low, high = color_range(values)
    colors = np.rint(255 * ensure_colormap(MAP).map(np.linspace(0, 1, 256))[:, :3])
    return ColorScale(column_of(column).axis, low, high, colors.astype(np.uint8))


def coloring_column(layer: Layer) -> str | None:
    """Return the column of its table by which the objects of a layer are coloured: the one whose
    colours they have; None without one.
    """
    colormap = getattr(layer, "colormap", None)
    if not isinstance(layer, Labels) or not isinstance(colormap, DirectLabelColormap):
        return None
    table = layer.features.select_dtypes("number").drop(columns=["index", "label"], errors="ignore")
    known: dict[Any, Any] = colormap.color_dict
    labels = [label for label in range(1, min(len(table), _COMPARED)) if label in known]
    colors = np.array([known[label] for label in labels], np.float64).reshape(-1, 4)
    plain = (colors[:, 3] > 0) if len(colors) else np.zeros(0, bool)
    for column in map(str, table.columns):
        values = np.asarray(table[column], np.float64)
        low, high = color_range(values[1:])
        if not high > low:
            continue
        share = np.clip((values[labels] - low) / (high - low), 0, 1)
        wanted = ensure_colormap(MAP).map(np.nan_to_num(share))
        near = np.abs(colors[:, :3] - wanted[:, :3]).max(axis=1) < 0.01
        usable = plain & np.isfinite(values[labels])
        # one object may stand out in a colour of its own
        if usable.sum() > 1 and (near & usable).sum() >= max(usable.sum() - 1, 2):
            return column
    return None


def color_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the values at the ends of the colours of objects: the 1st and the 99th percentile."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 0.0
    low, high = np.percentile(known, (1, 99))
    return float(low), float(high)
