"""Units of length of layer axes, and their size in nm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pint
from numpy.typing import NDArray

from napari_snpore.errors import MissingScaleError

if TYPE_CHECKING:
    from napari.layers import Layer

UNIT = "nm"
"""Unit of every axis of every layer that the plugin makes."""


def has_scale(layer: Layer) -> bool:
    """Say whether every axis of a layer has a length."""
    return all(unit.dimensionality == {"[length]": 1} for unit in layer.units)


def nm_a_unit(units: Sequence[Any] | None, count: int = 3) -> NDArray[np.float64]:
    """Return the size in nm of the unit of each of the last axes; 1 for a unit that is no length,
    as napari draws it.
    """
    if units is None:
        return np.ones(count)
    registry = pint.get_application_registry()
    return np.array(
        [
            float(registry.Quantity(1.0, unit).to(UNIT).magnitude)
            if unit.dimensionality == {"[length]": 1}
            else 1.0
            for unit in units[-count:]
        ]
    )


def nm_factors(units: Sequence[Any], name: str) -> list[float]:
    """Return how many nm the unit of each axis is.

    Raises
    ------
    MissingScaleError
        An axis has no unit of length; ``name`` is that of the layer.
    """
    registry = pint.get_application_registry()
    try:
        return [float(registry.Quantity(1.0, unit).to(UNIT).magnitude) for unit in units]
    except pint.DimensionalityError:
        raise MissingScaleError(
            f"The layer '{name}' has no voxel size (unit {units[0]}); set its scale, and nm on every axis."
        ) from None
