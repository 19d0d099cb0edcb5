"""Clipping planes of the 3D scene in nm, converted to the coordinates of each layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from napari.layers import Image, Labels, Layer, Surface

from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.shared.units import nm_a_unit
from napari_snpore.volume import Triple


@dataclass(frozen=True)
class ClippingCut:
    """One plane that cuts the scene; what lies on the side of its normal stays.

    Parameters
    ----------
    place_nm : (float, float, float)
        A point (z, y, x) of the plane.
    normal : (float, float, float)
        Direction (z, y, x) towards what stays, in nm space; of any length above 0.
    """

    place_nm: Triple
    normal: Triple


def box_cuts(low: Triple, high: Triple) -> list[ClippingCut]:
    """Return the six planes around a box (nm)."""
    cuts = []
    for axis in range(3):
        for place, sign in ((low, 1.0), (high, -1.0)):
            normal = [0.0, 0.0, 0.0]
            normal[axis] = sign
            cuts.append(ClippingCut(place, (normal[0], normal[1], normal[2])))
    return cuts


def can_be_clipped(layer: Layer) -> bool:
    """Say whether a layer is part of what is cut: volumes, labels and surfaces of three axes."""
    return isinstance(layer, (Image, Labels, Surface)) and layer.ndim == 3 and kind_of(layer) not in (
        "series", "frames", "scene plane", "box handles",
    )  # fmt: skip


def clip(layers: Iterable[Layer], cuts: Sequence[ClippingCut]) -> None:
    """Cut layers by planes; no plane shows them whole again.

    Parameters
    ----------
    layers : iterable of Layer
        Those that :func:`can_be_clipped` refuses stay as they are.
    cuts : sequence of Cut
        A point of a layer is shown where it lies on the kept side of all of them.
    """
    for layer in layers:
        if can_be_clipped(layer):
            layer.experimental_clipping_planes = [in_data(layer, cut) for cut in cuts]


def in_data(layer: Layer, cut: ClippingCut) -> dict[str, object]:
    """Return a plane in the data coordinates of a layer, as napari takes it.

    With world = linear · data + shift in nm, the plane n · (world − p) = 0 has the normal linearᵀ ·
    n in data coordinates.
    """
    nm = nm_a_unit(layer.units, layer.ndim)
    shift = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), float) * nm
    steps = [
        np.asarray(layer.data_to_world(axis), float) * nm - shift for axis in np.eye(layer.ndim)
    ]
    linear = np.stack(steps, axis=1)
    normal = linear.T @ np.asarray(cut.normal, float)
    return {
        "position": tuple(np.linalg.solve(linear, np.asarray(cut.place_nm) - shift).tolist()),
        "normal": tuple((normal / np.linalg.norm(normal)).tolist()),
        "enabled": True,
    }
