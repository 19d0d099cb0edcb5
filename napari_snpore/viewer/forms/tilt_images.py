"""Aligned images behind a volume layer: kept from its reconstruction, or made again from a series in
the window.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from napari.layers import Layer

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import HistoryStep, ReconstructStep, last_step
from napari_snpore.study.aligned_images import aligned_images, steps_to_images
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.shared.layer_history import CUT
from napari_snpore.viewer.shared.layers import (
    is_series,
    record_of,
    series_from_layer,
    stem_of,
    steps_of,
)

NOT_RECONSTRUCTED = (
    "This volume was opened, not reconstructed here: there are no tilt images to compare it with."
)
CUT_OUT = "This box was cut out of a volume: the images are of the whole."
NO_SERIES = (
    "The tilt series behind this volume is not in the window: open it to compare with its images."
)

_KEPT: weakref.WeakKeyDictionary[Layer, TiltSeries] = weakref.WeakKeyDictionary()
"""Aligned images by volume layer; their history says of which volume they are."""


@dataclass(frozen=True, eq=False)
class TiltImages:
    """The images behind one volume and how it was made of them.

    Attributes
    ----------
    made_by : ReconstructStep
        Of the volume.
    load : callable
        ``load(progress, should_stop)`` returns the aligned series; for a worker.
    """

    made_by: ReconstructStep
    load: Callable[[Progress, ShouldStop], TiltSeries]

    @property
    def known_blur_px(self) -> float | None:
        """Blur (px) in the model of the volume; None where none was found, or the method has
        none.
        """
        made = self.made_by
        if made.blur_px is None or (made.blur_from or "").startswith("none"):
            return None
        return made.blur_px


def keep_images(layer: Layer, aligned: TiltSeries) -> None:
    """Keep the aligned images of a volume that was just made, for as long as its layer lives."""
    _KEPT[layer] = aligned


def images_behind(viewer: Any, layer: Layer | None) -> TiltImages:
    """Return the images behind a volume layer.

    Raises
    ------
    InputError
        There are none; the sentence says why, and what to do.
    """
    history = steps_of(record_of(layer))
    made = last_step(history, ReconstructStep)
    if layer is None or made is None:
        raise InputError(NOT_RECONSTRUCTED)
    if any(step.name == CUT for step in history):
        raise InputError(CUT_OUT)
    for other in (layer, *viewer.layers):
        aligned = _KEPT.get(other)
        # a smoothed volume has the images of its original
        if aligned is not None and steps_to_images(history, aligned.history) == ():
            return TiltImages(made, partial(_as_kept, aligned))
    source = _series_of(viewer, layer, history)
    if source is None:
        raise InputError(NO_SERIES)
    raw, owner = series_from_layer(source), weakref.ref(layer)

    def load(progress: Progress, should_stop: ShouldStop) -> TiltSeries:
        aligned = aligned_images(raw, history, progress=progress, should_stop=should_stop)
        volume_layer = owner()
        if volume_layer is not None:
            _KEPT[volume_layer] = aligned
        return aligned

    return TiltImages(made, load)


def _as_kept(aligned: TiltSeries, progress: Progress, should_stop: ShouldStop) -> TiltSeries:
    del progress, should_stop
    return aligned


def _series_of(viewer: Any, layer: Layer, history: tuple[HistoryStep, ...]) -> Layer | None:
    """Return the series in the window that a volume was made of, the one with the fewest steps to
    go; of series without a history only that of the same specimen counts.
    """
    found = []
    for other in viewer.layers:
        if not is_series(other):
            continue
        steps = steps_to_images(history, steps_of(record_of(other)))
        same_specimen = stem_of(other.name) == stem_of(layer.name)
        if steps is not None and (same_specimen or steps_of(record_of(other))):
            found.append((len(steps), not same_specimen, other))
    return min(found, key=lambda one: one[:2])[2] if found else None
