"""Layers added by the Threshold form: the surface of the envelope and the phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_snpore.history import SegmentStep, SmoothStep, last_step, stored_history
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.viewer.shared.layers import (
    KEY,
    SEPARATOR,
    envelope_data,
    is_volume,
    kind_of,
    phases_like,
    put_layer,
    record_of,
    stem_of,
    steps_of,
    volume_data,
    volume_from_layer,
)
from napari_snpore.viewer.shared.view_kept import keeping_choice
from napari_snpore.viewer.threshold.steps import Enclosed
from napari_snpore.volume import Volume

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer


def show_envelope(viewer: ViewerModel, layer: Layer, enclosed: Enclosed) -> Layer:
    """Draw the skin of an envelope beside the volume that it was made from, and return its layer;
    the selection stays.
    """
    volume = volume_from_layer(layer).after(enclosed.envelope.made_by, enclosed.skin)
    with keeping_choice(viewer):
        shown = put_layer(viewer, envelope_data(volume, _envelope_name(layer)))
        shown.visible = True
    return shown


def hide_envelope(viewer: ViewerModel, layer: Layer) -> None:
    """Hide the skin of a volume's envelope, where there is one."""
    if _envelope_name(layer) in viewer.layers:
        viewer.layers[_envelope_name(layer)].visible = False


def show_phases(viewer: ViewerModel, layer: Layer, phases: Volume, scheme: PhaseScheme) -> Labels:
    """Add the phases of a volume, or put them in the place of older ones, and return their
    layer.
    """
    data = phases_like(layer, phases, _phases_name(layer), scheme)
    shown: Labels = put_layer(viewer, data)
    shown.visible = True
    _lift(viewer, shown)
    return shown


def phases_of(viewer: ViewerModel, layer: Layer) -> Labels | None:
    """Return the phases that *Apply* made of a volume, and would replace; None where there are
    none.
    """
    name = _phases_name(layer)
    found: list[Labels] = [
        other for other in viewer.layers if other.name == name and kind_of(other) == "phases"
    ]
    return found[0] if found else None


def are_of_envelope(phases: Labels | None) -> bool:
    """Say whether phases were made inside an envelope: without one, vacuum counts as pore."""
    made = last_step(steps_of(record_of(phases)), SegmentStep)
    return made is not None and made.envelope is not None


def show_occlusion(viewer: ViewerModel, layer: Layer, field: Volume) -> None:
    """Add the ambient occlusion of a volume as an image from 0 (open) to 1 (closed); the selection
    stays.
    """
    data = volume_data(
        field,
        f"{stem_of(layer.name)}{SEPARATOR}occlusion",
        contrast_limits=(0.0, 1.0),
        colormap="viridis",
        metadata={KEY: {"kind": "occlusion", **stored_history(field.history)}},
    )
    with keeping_choice(viewer):
        put_layer(viewer, data).visible = True


def show_smooth(viewer: ViewerModel, layer: Layer, smooth: Volume) -> Layer:
    """Add a smoothed volume beside its original, which is hidden, and return its layer."""
    made_by = last_step(smooth.history, SmoothStep)
    name = f"{layer.name}{SEPARATOR}{'smooth' if made_by is None else f'{made_by.method} {made_by.strength:g}'}"
    layer.visible = False
    return put_layer(viewer, volume_data(smooth, name, contrast_limits=layer.contrast_limits))


def _lift(viewer: ViewerModel, shown: Layer) -> None:
    """Move a layer above all grey volumes: one that was opened or smoothed after it would cover
    it.
    """
    below = viewer.layers.index(shown)
    top = max(
        (index for index, layer in enumerate(viewer.layers) if is_volume(layer)), default=below
    )
    if top > below:
        viewer.layers.move(below, top + 1)


def _phases_name(layer: Layer) -> str:
    return f"{stem_of(layer.name)}{SEPARATOR}phases"


def _envelope_name(layer: Layer) -> str:
    return f"{stem_of(layer.name)}{SEPARATOR}envelope"
