"""Fibres that can be compared: specimens of the window with their phases, and finished runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from napari.layers import Labels, Layer

from napari_snpore.comparison.state_result import StateResult
from napari_snpore.history import source_files
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.study.run_errors import recorded_errors
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.figure.specimens import is_objects
from napari_snpore.viewer.shared.layer_history import has_step, is_part, made_from, path
from napari_snpore.viewer.shared.layers import (
    kind_of,
    object_table,
    record_of,
    scheme_of,
    stem_of,
    steps_of,
    volume_from_layer,
)
from napari_snpore.volume import Volume


@dataclass(eq=False)
class ComparedFibre:
    """One row of the list: a specimen of the window, or a finished run.

    Attributes
    ----------
    name, state : str
        Fibres with the same state are several of one state.
    folder : Path or None
        Of a finished run; None for a specimen.
    result : StateResult or None
        Of a run, or of a specimen when it was compared last.
    key : tuple
        What the result of a specimen was made from; see :func:`specimen_key`.
    has_errors : bool
        Whether any number has an interval.
    is_included : bool
        Whether it takes part.
    is_called_by_folder : bool
        Whether its state is only the name of its folder, and nobody gave it another one.
    """

    name: str
    state: str
    folder: Path | None = None
    result: StateResult | None = None
    key: tuple[Any, ...] = ()
    has_errors: bool = False
    is_included: bool = True
    is_called_by_folder: bool = False

    @property
    def source(self) -> str:
        """Where the fibre comes from, in words."""
        return f"Run {self.folder}" if self.folder is not None else "Specimen of this window"


@dataclass(frozen=True, eq=False)
class SpecimenLayers:
    """Layers of one specimen that a comparison takes.

    Attributes
    ----------
    name : str
        First part of the layers' names.
    phases : Labels
    objects : tuple of Labels
        Measured objects of these phases, the latest of each phase.
    """

    name: str
    phases: Labels
    objects: tuple[Labels, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What the numbers of the specimen are made from: changes with every step and correction."""
        layers = (self.phases, *self.objects)
        return tuple(
            (path(one), id(one.data), tuple(one.scale), len(one.features)) for one in layers
        )

    @property
    def has_errors(self) -> bool:
        """Whether the history of the phases keeps errors that still hold."""
        errors = recorded_errors(steps_of(record_of(self.phases)))
        return errors is not None and bool(errors.numbers["low_95"].notna().any())

    def is_of_run(self, result: StateResult) -> bool:
        """Return whether these are the phases of a run: their history keeps the numbers of it."""
        errors = recorded_errors(steps_of(record_of(self.phases)))
        if errors is None or len(errors.numbers) != len(result.numbers):
            return False
        return all(
            list(errors.numbers[name]) == list(result.numbers[name])
            for name in ("quantity", "unit", "value")
        )


@dataclass(frozen=True, eq=False)
class SpecimenData:
    """What a worker takes of a specimen."""

    phases: Volume
    scheme: PhaseScheme
    objects: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    labels: Mapping[str, Volume] = field(default_factory=dict)
    boxes: tuple[NamedBox, ...] = ()
    sources: tuple[Path, ...] = ()


def has_intervals(result: StateResult) -> bool:
    """Return whether any number of a fibre has an interval."""
    return bool(result.numbers["low_95"].notna().any())


def specimens_with_phases(layers: Iterable[Layer]) -> list[SpecimenLayers]:
    """Return the specimens of a window that have phases, in the order of their layers.

    The latest phases of a specimen count, those that a phantom was planted with only where there
    are no others. Boxes that were cut out are no fibres. Labels of unknown origin count once their
    objects were measured.
    """
    whole = [layer for layer in layers if not is_part(layer)]
    objects = [layer for layer in whole if is_objects(layer)]
    measured = {stem_of(layer.name) for layer in objects}
    found: dict[str, Labels] = {}
    for layer in sorted(whole, key=lambda one: not has_step(one, "planted phases")):
        stem, kind = stem_of(layer.name), kind_of(layer)
        unknown = isinstance(layer, Labels) and layer.ndim == 3 and kind is None
        if kind == "phases" or (unknown and stem in measured):
            found[stem] = layer
    order = dict.fromkeys(stem_of(layer.name) for layer in whole)
    return [
        SpecimenLayers(stem, found[stem], _objects_of(found[stem], objects))
        for stem in order
        if stem in found
    ]


def data_of(
    specimen: SpecimenLayers, boxes: Iterable[NamedBox] = (), folder: Path | None = None
) -> SpecimenData:
    """Return what a worker takes of a specimen, with the boxes of its window and the files in its
    folder; arrays are referred to.

    Raises
    ------
    InputError
        The phases have no voxel size in nm, or are turned.
    """
    tables = {
        str(record_of(layer).get("phase")): object_table(layer.features)
        for layer in specimen.objects
    }
    labels = {
        str(record_of(layer).get("phase")): volume_from_layer(layer) for layer in specimen.objects
    }
    phases = volume_from_layer(specimen.phases)
    files = [] if folder is None else [folder / one for one in source_files(phases.history)]
    scheme = scheme_of(specimen.phases)
    return SpecimenData(phases, scheme, tables, labels, tuple(boxes), tuple(files))


def _objects_of(phases: Labels, objects: Sequence[Labels]) -> tuple[Labels, ...]:
    """Return the latest objects of each phase that were measured on these phases as they are."""
    found: dict[str, Labels] = {}
    for layer in objects:
        if stem_of(layer.name) != stem_of(phases.name):
            continue
        if has_step(layer, "label") and made_from(layer, [phases], by="label") is None:
            continue  # of older phases
        found[str(record_of(layer).get("phase"))] = layer
    return tuple(found.values())
