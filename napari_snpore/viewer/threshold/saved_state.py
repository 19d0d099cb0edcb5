"""State of the Threshold form in a saved window: settings and the packed envelope.

The envelope is kept voxel by voxel (a bit each), not as a recipe: what *Apply* makes after
reopening is what it made before, even where another version would draw the envelope a little
differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_snpore.segmentation.envelope import Envelope, EnvelopeOptions
from napari_snpore.segmentation.packed_mask import PackedMask
from napari_snpore.viewer.forms.form_values import form_values, set_form_values

_PARTS = ("tools", "envelope", "cleanup", "region", "polish")
"""Parts of the form, in the order in which they are set."""


def settings_of(form: Any) -> dict[str, Any]:
    """Return the boxes of each part of a Threshold form."""
    return {part: form_values(getattr(form, part)) for part in _PARTS}


def set_settings(form: Any, settings: Mapping[str, Any]) -> None:
    """Set the boxes to what :func:`settings_of` returned once; what is missing stays."""
    for part in _PARTS:
        set_form_values(getattr(form, part), settings.get(part, {}))


def pack_envelope(envelope: Envelope) -> dict[str, Any]:
    """Return an envelope as JSON values and one array."""
    return {
        "bits": envelope.packed.bits,
        "shape": list(envelope.packed.shape),
        "threshold": envelope.threshold,
        "ray_length_set_nm": envelope.options.ray_length_nm,
        "occlusion_threshold": envelope.options.occlusion_threshold,
        "cut_axes": list(envelope.options.cut_axes),
        "ray_length_nm": envelope.ray_length_nm,
        "volume_nm3": envelope.volume_nm3,
        "loose_voxel_count": envelope.loose_voxel_count,
    }


def unpack_envelope(kept: Mapping[str, Any]) -> Envelope:
    """Return the envelope that :func:`pack_envelope` packed."""
    return Envelope(
        PackedMask(np.asarray(kept["bits"]), tuple(kept["shape"])),
        kept["threshold"],
        EnvelopeOptions(
            kept["ray_length_set_nm"], kept["occlusion_threshold"], tuple(kept["cut_axes"])
        ),
        kept["ray_length_nm"],
        kept["volume_nm3"],
        kept["loose_voxel_count"],
    )
