"""Layers of a finished run: the grey volume, its phases, and its objects with their table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_snpore.errors import FileFormatError
from napari_snpore.files import read_volume
from napari_snpore.files.guarded_reading import guarded
from napari_snpore.files.image_input import parse_input
from napari_snpore.files.read import volume_of
from napari_snpore.files.tables import read_table
from napari_snpore.history import ReconstructStep, last_step, recorded_phase_names
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.study.provenance import check_record
from napari_snpore.viewer.shared.layers import (
    LARGEST_WHOLE,
    SEPARATOR,
    LayerData,
    objects_data,
    phases_data,
    volume_data,
)
from napari_snpore.volume import Volume

if TYPE_CHECKING:
    from napari_snpore.study.recipe import Recipe

_YES_OR_NO = ("touches_border", "resolved")
"""Columns that CSV stores as 0 and 1."""


def find_runs(folder: str | Path) -> list[Path]:
    """Return the finished runs in a folder: the folder itself, or those directly inside it, as
    ``snpore demo`` writes them.
    """
    folder = Path(folder)
    try:
        if not (folder / "record.json").is_file():
            return []
        if (folder / "volumes").is_dir():
            return [folder]
        return sorted(
            one.parent for one in folder.glob("*/record.json") if (one.parent / "volumes").is_dir()
        )
    except OSError:  # a folder that may not be entered, or a name that is too long
        return []


def run_layers(folder: str | Path) -> list[LayerData]:
    """Return the layer data of one finished run: grey volume, phases, objects (hidden) with their
    features.

    Parameters
    ----------
    folder : path
        Written by ``snpore run`` or ``snpore measure``.

    Raises
    ------
    FileFormatError
        The folder holds no finished run, or one of its files is damaged or missing.
    """
    folder = Path(folder)
    with guarded(folder):
        return _run_layers(folder)


def _run_layers(folder: Path) -> list[LayerData]:
    if find_runs(folder) != [folder]:
        raise FileFormatError(
            f"{folder} holds no finished run: record.json and volumes/ are needed."
        )
    check_record(folder / "record.json")
    recipe = _recipe(folder)
    name = (recipe.name if recipe is not None else "") or folder.name
    found: list[LayerData] = []
    gray, levels = _gray(folder, recipe)
    if gray is not None:
        title = SEPARATOR.join([name, *_made_by(gray)])
        found.append(volume_data(gray, title, levels=levels))
    phases = _volume_file(folder, "phases")
    if phases is not None:
        volume, levels = _volume_and_levels(phases)
        opacity = 1.0 if gray is None else 0.7
        title = f"{name}{SEPARATOR}phases"
        found.append(saved_phases_data(volume, title, recipe, levels=levels, opacity=opacity))
    for path in sorted((folder / "volumes").glob("objects_*")):
        found.append(_objects(folder, path, name, visible=phases is None))
    if not found:
        raise FileFormatError(f"{folder / 'volumes'} holds no volume that a run writes.")
    return found


def saved_phases_data(
    volume: Volume,
    name: str,
    recipe: Recipe | None = None,
    *,
    levels: Sequence[Any] = (),
    opacity: float = 1.0,
) -> LayerData:
    """Return the layer data of phases of a file, of small ones in memory, to be painted on; names and
    colours are those of the recipe, else what the file says.
    """
    scheme = _scheme(recipe, volume)
    if not levels or math.prod(volume.shape) <= LARGEST_WHOLE:
        volume = replace(volume, data=np.asarray(volume.data))
    return phases_data(volume, name, scheme, levels=levels, opacity=opacity)


def runs_layers(folder: str | Path) -> list[LayerData]:
    """Return the layer data of all runs in a folder; those after the first are hidden.

    Raises
    ------
    FileFormatError
        There is no finished run.
    """
    runs = find_runs(folder)
    if not runs:
        raise FileFormatError(
            f"{folder} holds no finished run: record.json and volumes/ are needed."
        )
    found = run_layers(runs[0])
    for run in runs[1:]:
        found += [(data, {**meta, "visible": False}, kind) for data, meta, kind in run_layers(run)]
    return found


def _recipe(folder: Path) -> Recipe | None:
    from napari_snpore.study.recipe import read_recipe  # imported here: half a second for all steps

    path = folder / "recipe.toml"
    return read_recipe(path) if path.is_file() else None


def _volume_file(folder: Path, name: str) -> Path | None:
    found = [folder / "volumes" / f"{name}{suffix}" for suffix in (".tif", ".ome.zarr")]
    return next((path for path in found if path.exists()), None)


def _volume_and_levels(
    path: str | Path, *, spacing: float | Sequence[float] | None = None, image: str | None = None
) -> tuple[Volume, Sequence[Any]]:
    source = parse_input(path, image=image, kind="volume")
    levels = source.files[0].levels if len(source.files) == 1 else ()
    return volume_of(source, spacing=spacing), levels


def _gray(folder: Path, recipe: Recipe | None) -> tuple[Volume | None, Sequence[Any]]:
    """Return the reconstruction, or the volume that the run started from if its file still exists,
    and coarser levels of it.
    """
    made = _volume_file(folder, "reconstruction")
    if made is not None:
        return _volume_and_levels(made)
    given = None if recipe is None else recipe.input.volume
    if recipe is None or given is None or not Path(given).exists():
        return None, ()
    return _volume_and_levels(given, spacing=recipe.input.spacing_nm, image=recipe.input.image)


def _made_by(volume: Volume) -> list[str]:
    made = last_step(volume.history, ReconstructStep)
    if made is None:
        return []
    return [" ".join(str(part) for part in (made.method.upper(), made.iterations) if part)]


def _scheme(recipe: Recipe | None, phases: Volume) -> PhaseScheme:
    if recipe is not None:
        return recipe.threshold.scheme
    names = recorded_phase_names(phases.history)
    if names is None or names == PORE_C_SN.names:
        return PORE_C_SN
    from napari_snpore.study.recipe import (
        ThresholdSection,
    )  # imported here: half a second for all steps

    return ThresholdSection(phases=len(names), names=list(names)).scheme


def _objects(folder: Path, path: Path, name: str, *, visible: bool) -> LayerData:
    key = path.name.removeprefix("objects_").split(".")[0]
    phase, _, way = key.partition("_")
    title = f"{name}{SEPARATOR}{phase} objects{f' ({way})' if way else ''}"
    volume = read_volume(path)
    labels = Volume(np.asarray(volume.data), volume.spacing, volume.origin, volume.history)
    return objects_data(
        labels,
        _table(folder / "tables" / f"objects_{key}.csv"),
        title,
        phase=phase,
        visible=visible,
    )


def _table(path: Path) -> pd.DataFrame:
    table = read_table(path, missing="There is no {path}: the run is not complete.")
    with guarded(path):
        return table.astype({name: bool for name in _YES_OR_NO if name in table})
