"""Colours of layers: object labels coloured by a measured quantity, and the colour table of an
image layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Layer
from napari.utils.colormaps import DirectLabelColormap, ensure_colormap, label_colormap
from numpy.typing import NDArray

MAP = "viridis"


def object_colormap(values: Any | None) -> Any:
    """Return label colours for objects 1..N.

    Parameters
    ----------
    values : array-like of length N, or None
        One number an object, in the order of the labels: its colour runs from the 1st to the 99th
        percentile, so that one large object does not make all others equal. None: a colour of its
        own for each object.
    """
    if values is None:
        return label_colormap()
    numbers = np.asarray(values, np.float64)
    known = numbers[np.isfinite(numbers)]
    low, high = np.percentile(known, (1, 99)) if known.size else (0.0, 1.0)
    share = np.clip((numbers - low) / (high - low if high > low else 1.0), 0.0, 1.0)
    colors: dict[int | None, Any] = {None: np.zeros(4), 0: np.zeros(4)}
    mapped = ensure_colormap(MAP).map(np.nan_to_num(share))
    mapped[~np.isfinite(numbers)] = (0.5, 0.5, 0.5, 1.0)
    colors.update(enumerate(mapped, 1))
    return DirectLabelColormap(color_dict=colors)


def colors_of(layer: Layer) -> NDArray[np.uint8]:
    """Return the colours of an image layer over its contrast range, gamma included: uint8, shape
    (256, 3).
    """
    places = np.linspace(0.0, 1.0, 256) ** float(layer.gamma)
    rgba = np.asarray(layer.colormap.map(places))
    colors: NDArray[np.uint8] = np.rint(255 * np.clip(rgba[:, :3], 0, 1)).astype(np.uint8)
    return colors
