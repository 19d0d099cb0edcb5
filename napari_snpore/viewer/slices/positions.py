"""Named positions: a points layer, saved with the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Points

from napari_snpore.errors import InputError
from napari_snpore.viewer.shared.layers import KEY, VOLUME_AXES, kind_of
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.shared.view_kept import add_keeping_selection
from napari_snpore.volume import Triple

KIND = "positions"


@dataclass(frozen=True)
class SavedView:
    """How a position was looked at.

    Parameters
    ----------
    plane : str
        Name of the slice that was worked on last; empty where that is not known.
    field_nm : float
        Field of view; 0: everything.
    thick_way : str
        As the form says it: "single slice", "mean over", "maximum over".
    thickness_nm : float
        Of the thick slice.
    """

    plane: str = ""
    field_nm: float = 0.0
    thick_way: str = "single slice"
    thickness_nm: float = 0.0


def positions_layer(viewer: ViewerModel) -> Points | None:
    """Return the layer of named positions; None while none was kept."""
    return next(
        (layer for layer in viewer.layers if isinstance(layer, Points) and kind_of(layer) == KIND),
        None,
    )


def position_names(viewer: ViewerModel) -> list[str]:
    """Return the names of the positions in the order in which they were kept."""
    layer = positions_layer(viewer)
    return [] if layer is None else [str(name) for name in layer.features["name"]]


def name_new_points(layer: Points, new: Sequence[int]) -> None:
    """Give points that were added by hand names of their own: napari copies those of others."""
    names = [str(name) for name in layer.features["name"]]
    for k in new:
        names[k] = ""
        names[k] = free_number(names)
    features = layer.features.copy()
    features["name"] = names
    features.loc[features.index[list(new)], "plane"] = ""  # not shown on any plane yet
    layer.features = features


def free_number(names: Sequence[str]) -> str:
    """Return the first of ``position 1``, ``position 2`` … that is free."""
    candidates = (f"position {k}" for k in range(1, len(names) + 2))
    return next(name for name in candidates if name not in names)


def keep_position(
    viewer: ViewerModel, name: str, point: Triple, saved_view: SavedView | None = None
) -> str:
    """Keep a point (z, y, x) in nm under a name, in place of one of the same name; an empty name is
    numbered.

    Returns
    -------
    str
        The name.
    """
    names = position_names(viewer)
    name = name.strip() or free_number(names)
    layer = positions_layer(viewer)
    kept: dict[str, Any] = {} if layer is None else dict(zip(names, layer.data, strict=True))
    rows = {} if layer is None else dict(zip(names, layer.features.to_dict("records"), strict=True))
    kept[name] = np.asarray(point, float)
    rows[name] = {"name": name, **asdict(saved_view or SavedView())}
    features = pd.DataFrame(list(rows.values()), columns=["name", *asdict(SavedView())])
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
            text={"string": "{name}", "color": "#ff922b", "size": 7, "anchor": "upper_left"},
            out_of_slice_display=False,
            metadata={KEY: {"kind": KIND, "history": []}},
        )
        add_keeping_selection(viewer, layer)
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


def view_named(viewer: ViewerModel, name: str) -> SavedView | None:
    """Return how a position was looked at; None where that was not kept, as for points added by
    hand.
    """
    layer, names = positions_layer(viewer), position_names(viewer)
    if (
        layer is None
        or name not in names
        or not set(asdict(SavedView())) <= set(layer.features.columns)
    ):
        return None
    row = layer.features.iloc[names.index(name)]
    if not isinstance(row["plane"], str) or not row["plane"] or not np.isfinite(row["field_nm"]):
        return None
    return SavedView(
        row["plane"], float(row["field_nm"]), str(row["thick_way"]), float(row["thickness_nm"])
    )


def _size(viewer: ViewerModel) -> float:
    extent = np.asarray(viewer.layers.extent.world)
    return float(np.ptp(extent, axis=0)[-3:].max()) / 40 if len(viewer.layers) else 1.0
