"""Settings and results of the Threshold form per volume, restored when the volume is chosen
again.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from napari.layers import Layer

from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.thresholds import Suggestion
from napari_snpore.viewer.shared.layers import array_from_layer
from napari_snpore.viewer.threshold.polish_panel import PolishedShares
from napari_snpore.viewer.threshold.steps import Enclosed


@dataclass(frozen=True, eq=False)
class SavedForm:
    """State of the form for one volume; ``packed``: an envelope of a saved window, not unpacked
    yet.
    """

    thresholds: tuple[float, ...]
    chosen_thresholds: tuple[float, ...] | None
    suggestion: Suggestion | None
    scheme: PhaseScheme
    envelope_settings: Mapping[str, Any]
    histogram: Histogram | None
    enclosed: Enclosed | None
    packed: Mapping[str, Any] | None
    residual_map: ResidualMap | None = None
    polished: PolishedShares | None = None


class ThresholdMemory:
    """Remembers volumes while their layers live and hold the array that they held when they were
    shown.
    """

    def __init__(self) -> None:
        self._kept: weakref.WeakKeyDictionary[Layer, tuple[weakref.ref[Any], SavedForm]] = (
            weakref.WeakKeyDictionary()
        )
        self._layer: weakref.ref[Layer] | None = None
        self._array: weakref.ref[Any] | None = None

    def enter(self, layer: Layer | None) -> SavedForm | None:
        """Note which volume is shown now, and return what was kept of it."""
        self._layer = None if layer is None else weakref.ref(layer)
        self._array = None if layer is None else _reference(layer)
        known = None if layer is None else self._kept.pop(layer, None)
        if known is None or self._array is None or known[0]() is not self._array():
            return None
        return known[1]

    def leave(self, saved: SavedForm) -> None:
        """Keep the state of the form for the volume that was shown until now."""
        layer = None if self._layer is None else self._layer()
        if layer is None or self._array is None:
            return
        now = _reference(layer)
        if now is not None and now() is self._array():
            self._kept[layer] = (now, saved)

    def keep(self, layer: Layer, saved: SavedForm) -> None:
        """Keep a state for a volume that is not shown."""
        now = _reference(layer)
        if now is not None:
            self._kept[layer] = (now, saved)

    def take_envelope(self, layer: Layer, enclosed: Enclosed) -> None:
        """Keep an envelope that was ready only after another volume was chosen."""
        known = self._kept.get(layer)
        if known is not None:
            self._kept[layer] = (known[0], replace(known[1], enclosed=enclosed, packed=None))


def _reference(layer: Layer) -> weakref.ref[Any] | None:
    """Refer to the array of a layer; one that cannot be referred to weakly is not remembered, nor
    is one that is no volume.
    """
    try:
        return weakref.ref(array_from_layer(layer))
    except (TypeError, InputError):
        return None
