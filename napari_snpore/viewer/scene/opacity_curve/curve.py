"""Opacity curves of a grey volume in 3D: how dense each grey value is drawn, and the colormap that
draws it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError

SUFFIX = "·α"
"""Ends the name of a colormap that carries a curve."""

RENDERING = "translucent"
"""napari's way to add up what lies along a ray by its opacity."""

_TABLE = 512
_SLAB_SHARE = 0.05
"""A curve states the opacity of a slab that is this share of the longest side thick."""

_EDGE = 0.08
"""Half the width of a ramp, as a share of what lies on either side of its threshold."""

_NARROW = 0.3
"""Share of the contrast range up to which the grey values that are seen count as a narrow band."""

_BRIGHTER = 0.35
"""Where in the colormap a narrow band begins."""


@dataclass(frozen=True)
class OpacityCurve:
    """Opacity of grey values: straight lines between points, level beyond the first and the last.

    Parameters
    ----------
    points : tuple of (float, float)
        Grey value and opacity (0 to 1) of at least two points, by rising grey value.

    Raises
    ------
    InputError
        Fewer than two points, grey values that do not rise, or an opacity outside 0 to 1.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        grays = [gray for gray, _ in self.points]
        rises = all(a < b for a, b in pairwise(grays))
        if len(grays) < 2 or not np.isfinite(grays).all() or not rises:
            raise InputError("An opacity curve needs two and more points of rising grey values.")
        if not all(0 <= opacity <= 1 for _, opacity in self.points):
            raise InputError("An opacity lies between 0 (clear) and 1.")

    def at(self, grays: ArrayLike) -> NDArray[np.float64]:
        """Return the opacity of grey values, 0 to 1, of the same shape."""
        known, opacities = np.transpose(self.points)
        return np.asarray(np.interp(np.asarray(grays, np.float64), known, opacities), np.float64)


def preset_curves(
    thresholds: Sequence[float], ends: tuple[float, float]
) -> Mapping[str, OpacityCurve]:
    """Return the ready curves of a volume by their names.

    Parameters
    ----------
    thresholds : sequence of float
        Grey values between pore and carbon, and between carbon and Sn; where they are not two, the
        curves that need them are left out.
    ends : (float, float)
        Lowest and highest grey value.

    Returns
    -------
    mapping of str to OpacityCurve
    """
    low, high = ends
    found = {"denser is brighter": OpacityCurve(((low, 0.0), (high, 1.0)))}
    if len(thresholds) != 2 or not low < thresholds[0] < thresholds[1] < high:
        return found
    carbon, tin = (float(value) for value in thresholds)
    below, above = _EDGE * (tin - carbon), _EDGE * (high - tin)
    dark = _EDGE * (carbon - low)
    found["Sn only"] = OpacityCurve(((low, 0.0), (tin - below, 0.0), (tin + above, 0.9), (high, 1)))
    found["carbon and Sn"] = OpacityCurve(
        (
            (low, 0.0),
            (carbon - dark, 0.0),
            (carbon + below, 0.2),
            (tin - below, 0.2),
            (tin + above, 0.95),
            (high, 1.0),
        )
    )
    half = max(2 * dark, min(2 * below, (carbon - low) / 2))
    found["surface of carbon"] = OpacityCurve(
        ((low, 0.0), (carbon - half, 0.0), (carbon, 0.7), (carbon + half, 0.0), (high, 0.0))
    )
    return found


def opacity_colormap(base: Any, name: str, curve: OpacityCurve, layer: Image) -> Any:
    """Return a colormap that draws a volume with a curve.

    Parameters
    ----------
    base : napari Colormap
        Its colours.
    name : str
        Of the base.
    curve : OpacityCurve
        Opacity of a slab of a twentieth of the longest side; the table holds that of one voxel.
    layer : Image
        Whose contrast limits and gamma place the grey values in the table.
    """
    from napari.utils.colormaps import Colormap

    low, high = (float(end) for end in layer.contrast_limits)
    places = np.linspace(0.0, 1.0, _TABLE)
    grays = low + places ** (1.0 / float(layer.gamma)) * (high - low)
    colors = np.array(base.map(_stretched(places, curve.at(grays))), np.float64)
    drawn = layer.data[-1] if layer.multiscale else layer.data  # in 3D the coarsest level
    slab = max(1.0, _SLAB_SHARE * max(drawn.shape[-3:]))
    colors[:, 3] = 1.0 - (1.0 - np.minimum(curve.at(grays), 0.999)) ** (1.0 / slab)
    return Colormap(colors, name=f"{name}{SUFFIX}")


def _stretched(places: NDArray[np.float64], opacities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread the brighter colours over a narrow band of grey values, which would have one dark
    colour otherwise.
    """
    seen = places[opacities > 0]
    if not seen.size or seen[-1] - seen[0] > _NARROW:
        return places
    share = (places - seen[0]) / max(float(seen[-1] - seen[0]), 1e-9)
    return np.asarray(np.clip(_BRIGHTER + (1.0 - _BRIGHTER) * share, 0.0, 1.0))
