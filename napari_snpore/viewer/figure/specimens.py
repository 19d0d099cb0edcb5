"""Specimens among the layers of a window: the columns of the plate's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.layers import Layer

from napari_snpore.errors import InputError
from napari_snpore.figures.plate_spec import SpecimenColumn
from napari_snpore.viewer.errors.lines import fraction_intervals_of
from napari_snpore.viewer.shared.layers import (
    kind_of,
    object_table,
    record_of,
    scheme_of,
    stem_of,
    volume_from_layer,
)


def is_objects(layer: Layer) -> bool:
    """Say whether a layer holds measured objects with their table."""
    return kind_of(layer) == "objects" and "length_nm" in getattr(layer, "features", ())


def noun_of(objects: Layer | None) -> str:
    """Return what the objects of a layer are, in the plural."""
    phase = "" if objects is None else str(record_of(objects).get("phase", ""))
    return {"pore": "pores", "Sn": "Sn clusters", "C": "C objects"}.get(
        phase, f"{phase} objects".strip()
    )


def specimens_in(
    layers: Sequence[Layer], *, phases: Layer | None = None, objects: Layer | None = None
) -> tuple[tuple[SpecimenColumn, ...], tuple[str, ...]]:
    """Return the specimens among some layers, in the order of these, and a sentence for every layer
    that cannot be read.

    Parameters
    ----------
    layers : sequence of Layer
        Those of a window: layers of phases, of measured objects and of dead pores count.
    phases, objects : Layer, optional
        The chosen ones: they come before others of their stem, and may be labels of unknown origin.
    """
    found: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for layer in sorted(
        layers, key=lambda one: one is phases or one is objects
    ):  # the last of a stem counts
        if not (kind_of(layer) in ("phases", "dead pores") or layer is phases or is_objects(layer)):
            continue
        try:
            volume = volume_from_layer(layer)
        except InputError as error:
            left_out.append(f"Left out: the specimen '{stem_of(layer.name)}'. {error}")
            continue
        state = found.setdefault(stem_of(layer.name), {"objects": {}})
        if is_objects(layer):
            state["objects"][noun_of(layer)] = object_table(layer.features)
        elif kind_of(layer) == "dead pores":
            state["dead"] = volume
        else:
            state["phases"], state["scheme"] = volume, scheme_of(layer)
            state["intervals"] = fraction_intervals_of(layer)
    order = list(
        dict.fromkeys(stem_of(layer.name) for layer in layers if stem_of(layer.name) in found)
    )
    states = (
        SpecimenColumn(name, **found[name])
        for name in order
        if "phases" in found[name] or found[name]["objects"]
    )
    return tuple(states), tuple(left_out)
