"""Colours of layers: object labels coloured by a measured quantity, and the colour table of an
image layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Layer
from napari.utils.colormaps import (
    CyclicLabelColormap,
    DirectLabelColormap,
    ensure_colormap,
    label_colormap,
)
from numpy.typing import NDArray

MAP = "viridis"
_LEAST_BRIGHT = 0.85  # of the brightest channel
CHOSEN_COLOR = (1.0, 0.17, 0.84, 1.0)
"""Of the object that was chosen by a click: in no colour table of quantities, and in no phase."""


def object_colormap(
    values: Any | None, *, shown: NDArray[np.bool_] | None = None, chosen: int | None = None
) -> Any:
    """Return label colours for objects 1..N.

    Parameters
    ----------
    values : array-like of length N, or None
        One number an object, in the order of the labels: its colour runs from the 1st to the 99th
        percentile, so that one large object does not make all others equal. None: a colour of its
        own for each object.
    shown : bool array of length N, optional
        Objects that are visible; default: all.
    chosen : int, optional
        Number of the object that stands out.
    """
    if values is None and shown is None:
        if chosen is None:
            return _own_map()
        raise ValueError("shown is needed to make one object stand out")
    colors = _own_colors(len(np.asarray(shown))) if values is None else _colors_by(values)
    if shown is not None:
        colors[~np.asarray(shown, np.bool_)] = 0.0
    if chosen is not None and 1 <= chosen <= len(colors):
        colors[chosen - 1] = CHOSEN_COLOR
    table: dict[int | None, Any] = {None: np.zeros(4), 0: np.zeros(4)}
    table.update(enumerate(colors, 1))
    return DirectLabelColormap(color_dict=table)


def _own_colors(count: int) -> NDArray[np.float64]:
    return np.array(_own_map().map(np.arange(1, count + 1)), np.float64).reshape(count, 4)


def _own_map() -> Any:
    """Return napari's colours of labels, none of them so dark that it is lost over grey values."""
    usual = label_colormap()
    colors = np.array(usual.colors, np.float64)
    brightest = colors[1:, :3].max(axis=1, keepdims=True)  # the first is the background
    colors[1:, :3] *= np.maximum(1.0, _LEAST_BRIGHT / np.maximum(brightest, 1e-3))
    return CyclicLabelColormap(colors=colors, background_value=0)


def _colors_by(values: Any) -> NDArray[np.float64]:
    numbers = np.asarray(values, np.float64)
    known = numbers[np.isfinite(numbers)]
    low, high = np.percentile(known, (1, 99)) if known.size else (0.0, 1.0)
    share = np.clip((numbers - low) / (high - low if high > low else 1.0), 0.0, 1.0)
    # few colours: napari looks each of them up
    steps = np.rint(255 * np.nan_to_num(share)) / 255
    colors = np.array(ensure_colormap(MAP).map(steps), np.float64).reshape(len(numbers), 4)
    colors[~np.isfinite(numbers)] = (0.5, 0.5, 0.5, 1.0)
    return colors


def colors_of(layer: Layer) -> NDArray[np.uint8]:
    """Return the colours of an image layer over its contrast range, gamma included: uint8, shape
    (256, 3).
    """
    places = np.linspace(0.0, 1.0, 256) ** float(layer.gamma)
    rgba = np.asarray(layer.colormap.map(places))
    colors: NDArray[np.uint8] = np.rint(255 * np.clip(rgba[:, :3], 0, 1)).astype(np.uint8)
    return colors
