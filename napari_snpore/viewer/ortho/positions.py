"""Named positions: a points layer that keeps where one was, with which the window can be saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Points

from napari_snpore.errors import InputError
from napari_snpore.viewer.layers import KEY, UNIT, VOLUME_AXES, kind_of
from napari_snpore.viewer.quietly import add_quietly
from napari_snpore.volume import Triple

KIND = "positions"


def positions_layer(viewer: ViewerModel) -> Points | None:
    """Return the layer of named positions; None while none was kept."""
    return next((layer for layer in viewer.layers if isinstance(layer, Points) and kind_of(layer) == KIND), None)


def position_names(viewer: ViewerModel) -> list[str]:
    """Return the names of the positions in the order in which they were kept."""
    layer = positions_layer(viewer)
    return [] if layer is None else [str(name) for name in layer.features["name"]]


def keep_position(viewer: ViewerModel, name: str, point: Triple) -> str:
    """Keep a point (z, y, x) in nm under a name, in place of one of the same name; an empty name is numbered.

    Returns
    -------
    str
        The name.
    """
    names = position_names(viewer)
    name = name.strip() or next(found for k in range(1, len(names) + 2) if (found := f"position {k}") not in names)
    layer = positions_layer(viewer)
    kept: dict[str, Any] = {} if layer is None else dict(zip(names, layer.data, strict=True))
    kept[name] = np.asarray(point, float)
    features = pd.DataFrame({"name": list(kept)})
    points = np.array(list(kept.values()))
    if layer is None:
        layer = Points(
            points,
            name="positions",
            features=features,
            units=(UNIT,) * 3,
            axis_labels=VOLUME_AXES,
            size=_size(viewer),
            face_color="transparent",
            border_color="#ff922b",
            symbol="cross",
            text={"string": "{name}", "color": "#ff922b", "size": 10, "anchor": "upper_left"},
            out_of_slice_display=False,
            metadata={KEY: {"kind": KIND, "history": []}},
        )
        add_quietly(viewer, layer)
    else:
        layer.data = points
        layer.features = features
    return name


def position_named(viewer: ViewerModel, name: str) -> Triple:
    """Return the point (z, y, x) in nm that was kept under a name.

    Raises
    ------
    InputError
        There is none of this name.
    """
    layer, names = positions_layer(viewer), position_names(viewer)
    if layer is None or name not in names:
        raise InputError(f"No position is called {name!r}; kept are {', '.join(names) or 'none'}.")
    z, y, x = (float(value) for value in layer.data[names.index(name)])
    return z, y, x


def _size(viewer: ViewerModel) -> float:
    extent = np.asarray(viewer.layers.extent.world)
    return float(np.ptp(extent, axis=0)[-3:].max()) / 40 if len(viewer.layers) else 1.0
