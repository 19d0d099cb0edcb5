"""Colours of a layer of objects: by a quantity, without those that a filter hides, one standing
out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from napari.layers import Labels
from numpy.typing import NDArray

from napari_snpore.measurement.columns import column_of
from napari_snpore.viewer.shared.layer_colors import object_colormap

EACH = "each its own"

_USUAL = ("length_nm", "width_nm", "aspect_ratio", "volume_nm3", "depth_nm")


def color_choices(table: pd.DataFrame | None) -> list[tuple[str, str | None]]:
    """Return what objects can be coloured by, as (words, column): every number of their table, the
    usual ones first; the first is a colour for each object.
    """
    numbers = (
        []
        if table is None
        else [str(name) for name in table.select_dtypes("number") if name != "label"]
    )
    usual = [name for name in _USUAL if name in numbers]
    ordered = [*usual, *(name for name in numbers if name not in usual)]
    return [(EACH, None), *((column_of(name).title, name) for name in ordered)]


def color_objects(
    layer: Labels,
    table: pd.DataFrame,
    column: str | None,
    kept: NDArray[np.bool_],
    chosen: int | None,
) -> None:
    """Colour the objects 1..N of a layer.

    Parameters
    ----------
    layer : Labels
    table : DataFrame
        One row an object, in the order of the labels.
    column : str or None
        What they are coloured by; None: a colour for each.
    kept : bool array, one a row
        Those that are visible.
    chosen : int or None
        The object that stands out.
    """
    values = None if column is None else table[column].to_numpy()
    everything = bool(kept.all()) and chosen is None
    layer.colormap = object_colormap(values, shown=None if everything else kept, chosen=chosen)
