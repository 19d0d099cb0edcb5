"""What the recipe of a specimen is made of: the histories of its layers, and the files that it came
from. Read in the GUI thread; arrays are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Layer

from napari_snpore.errors import InputError
from napari_snpore.history import (
    AlignStep,
    BinStep,
    CropStep,
    HistoryStep,
    InvertContrastStep,
    LeaveOutTiltsStep,
    MakePhantomStep,
    MergeObjectsStep,
    NormalizeMassStep,
    ReadStep,
    ReconstructStep,
    RepairPixelsStep,
    SegmentStep,
    SmoothStep,
    SplitObjectStep,
    SubtractBackgroundStep,
    has_step,
    source_files,
)
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.forms.path_dialogs import folder_of
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layer_history import is_part, made_from
from napari_snpore.viewer.shared.layers import (
    array_from_layer,
    is_phases,
    is_series,
    is_volume,
    kind_of,
    object_table,
    record_of,
    scheme_of,
    stem_of,
    steps_of,
    volume_from_layer,
)
from napari_snpore.volume import Triple, Volume

_CHANGES = frozenset(
    step.NAME
    for step in (
        LeaveOutTiltsStep,
        RepairPixelsStep,
        CropStep,
        BinStep,
        InvertContrastStep,
        SubtractBackgroundStep,
        NormalizeMassStep,
        AlignStep,
        ReconstructStep,
        SmoothStep,
    )
)
"""Steps that make another series or volume of the one that was opened."""

_SAMPLES = ("needle",)
"""Specimens whose files are part of the package, by their folders."""


@dataclass(frozen=True, eq=False)
class RecipeRequest:
    """One specimen for a worker.

    Attributes
    ----------
    name : str
        First part of the layers' names.
    history : tuple of HistoryStep
        Of its phases, else of its volume.
    files : tuple of str
        Names of the files that the history begins with.
    folders : tuple of Path
        Where they may lie.
    shape, angles_deg, pixel_size_nm, spacing_nm
        Of the data as they were opened, where a layer of them is there.
    phase_names : tuple of str
    objects : mapping of str to DataFrame
        Tables of the objects that were measured on these phases, by phase.
    left_out : tuple of str
        Sentences on what a run does not repeat.
    limits : mapping of str to object
        ``min_voxels`` and ``limit_nm`` of the open Measure form.
    boxes : tuple of NamedBox
        Of the window.
    grid : Volume or None
        The phases, in whose voxels the boxes are counted; None without phases.
    """

    name: str
    history: tuple[HistoryStep, ...]
    files: tuple[str, ...]
    folders: tuple[Path, ...] = ()
    shape: tuple[int, ...] | None = None
    angles_deg: tuple[float, ...] | None = None
    pixel_size_nm: float | None = None
    spacing_nm: Triple | None = None
    phase_names: tuple[str, ...] = ()
    objects: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    boxes: tuple[NamedBox, ...] = ()
    grid: Volume | None = None

    @property
    def has_series(self) -> bool:
        """Whether the recipe begins with a tilt series."""
        return has_step(self.history, ReconstructStep)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files, where all of them are in one of the folders; else none."""
        for folder in self.folders:
            found = tuple(folder / name for name in self.files)
            if found and all(one.exists() for one in found):
                return found
        return ()

    @property
    def files_in_words(self) -> str:
        """The files as a sentence names them."""
        first = self.files[0] if self.files else f"the file of {self.name}"
        return first if len(self.files) < 2 else f"{first} and {len(self.files) - 1} more"


def request_of(viewer: Any, name: str, *, phases: Layer | None = None) -> RecipeRequest:
    """Return the request of a specimen.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
    name : str
        First part of its layers' names.
    phases : Layer, optional
        Default: those that were made last, else the last volume.

    Raises
    ------
    InputError
        There is nothing whose making a recipe could say; the sentence says why.
    """
    layers = [one for one in viewer.layers if stem_of(one.name) == name and not is_part(one)]
    layer = phases or _last(layers, name)
    history = steps_of(record_of(layer))
    if not has_step(history, ReadStep):
        if has_step(history, MakePhantomStep):
            raise InputError(
                f"'{name}' was made in this window and is in no file, with which a recipe begins: save the layer, open the "
                "file, and go on from there."
            )
        raise InputError(
            f"The layer '{layer.name}' does not say from which file it was made, with which a recipe begins."
        )
    objects = _objects_of(layer, layers)
    left_out = tuple(
        f"Objects of {phase} that were merged or split by hand are measured as they are found."
        for phase, one in objects.items()
        if any(
            step.name in (MergeObjectsStep.NAME, SplitObjectStep.NAME)
            for step in steps_of(record_of(one))
        )
    )
    source = _source_layer(layers, history)
    return RecipeRequest(
        name,
        history,
        source_files(history),
        _folders(viewer, layer),
        phase_names=tuple(scheme_of(layer).names) if is_phases(layer) else (),
        objects={phase: object_table(one.features) for phase, one in objects.items()},
        left_out=left_out,
        limits=_limits(viewer),
        boxes=tuple(boxes_of(viewer)),
        grid=volume_from_layer(layer) if is_phases(layer) else None,
        **_known(source),
    )


def _last(layers: Sequence[Layer], name: str) -> Layer:
    """Return the phases that were made last, else the last volume."""
    usable = [one for one in layers if kind_of(one) in ("phases", "volume")]
    phases = [one for one in usable if is_phases(one) and _is_made(one)]
    volumes = [one for one in usable if is_volume(one)]
    found = phases or volumes
    if found:
        return found[-1]
    if any(is_series(one) for one in layers):
        raise InputError(
            f"'{name}' is a tilt series alone; reconstruct it first, a recipe says how that was done."
        )
    raise InputError(f"'{name}' has neither a volume nor phases; a recipe says how they were made.")


def _is_made(phases: Layer) -> bool:
    return has_step(steps_of(record_of(phases)), SegmentStep)


def _objects_of(phases: Layer, layers: Sequence[Layer]) -> dict[str, Layer]:
    """Return the latest objects of each phase that were measured on these phases as they are."""
    return {
        str(record_of(one).get("phase")): one
        for one in layers
        if kind_of(one) == "objects" and made_from(one, [phases], by="label") is not None
    }


def _source_layer(layers: Sequence[Layer], history: Sequence[HistoryStep]) -> Layer | None:
    """Return the series, or the volume, as it was opened; None where it is no longer there."""
    fits = is_series if has_step(history, ReconstructStep) else is_volume
    for one in layers:
        names = {step.name for step in steps_of(record_of(one))}
        if fits(one) and names and not names & _CHANGES:
            return one
    return None


def _known(source: Layer | None) -> dict[str, Any]:
    """Return what the layer of the opened data says of them."""
    if source is None:
        return {}
    shape = tuple(int(n) for n in np.shape(array_from_layer(source)))
    if is_series(source):
        record = record_of(source)
        return {
            "shape": shape,
            "angles_deg": tuple(map(float, record["angles_deg"])),
            "pixel_size_nm": float(record["pixel_size_nm"]),
        }
    return {"shape": shape, "spacing_nm": volume_from_layer(source).spacing}


def _folders(viewer: Any, layer: Layer) -> tuple[Path, ...]:
    """Return where the files of a specimen may lie: beside its data, in a folder of its name there, or
    in the package.
    """
    beside = folder_of(viewer, layer)
    name = stem_of(layer.name)
    found = [beside, beside / name]
    if name in _SAMPLES:
        found.append(Path(str(package_files("napari_snpore") / "data" / name)))
    return tuple(found)


def _limits(viewer: Any) -> Mapping[str, Any]:
    """Return the limits of sizes of the open Measure form; nothing without one."""
    window = getattr(viewer, "window", None)
    docked = () if window is None else window.dock_widgets.values()
    found = (getattr(one, "size_limits", None) for one in docked)
    return next((dict(one) for one in found if one is not None), {})
