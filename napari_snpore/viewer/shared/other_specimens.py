"""Hides the labels of other specimens at the same place, which would blend into colours of no
phase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_snpore.viewer.shared.layers import kind_of, stem_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_KINDS = ("phases", "objects", "envelope", "dead pores")


def hide_other_specimens(viewer: ViewerModel, shown: Layer) -> str:
    """Hide the labels of other specimens that lie where a layer lies, and return the sentence that
    says so, or nothing.

    Specimens set beside each other stay, and so does what a box was cut from: it fills far more
    than the box.
    """
    hidden: dict[str, list[str]] = {}
    for layer in viewer.layers:
        kind, stem = kind_of(layer), stem_of(layer.name)
        if (
            kind in _KINDS
            and layer.visible
            and stem != stem_of(shown.name)
            and _lie_together(layer, shown)
        ):
            layer.visible = False
            stems = hidden.setdefault(str(kind), [])
            if stem not in stems:
                stems.append(stem)
    words = [f"the {kind} of {', '.join(stems)}" for kind, stems in hidden.items()]
    return f" Hid {' and '.join(words)}." if words else ""


def _lie_together(one: Layer, other: Layer) -> bool:
    """Say whether two layers share more than half of the space that they fill together."""
    if one.ndim != other.ndim:
        return False
    (low, high), (other_low, other_high) = one.extent.world, other.extent.world
    shared = np.prod(np.clip(np.minimum(high, other_high) - np.maximum(low, other_low), 0, None))
    together = np.prod(high - low) + np.prod(other_high - other_low) - shared
    return bool(shared > together / 2)
