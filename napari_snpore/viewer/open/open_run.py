"""A finished run in napari: the volume, its phases, and its objects with their table. Also how ``snpore view`` starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files import read_volume
from napari_snpore.history import ReconstructStep, last_step, phase_names_of
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.study.provenance import check_record
from napari_snpore.viewer.shared.layers import (
    SEPARATOR,
    LayerData,
    add_layer,
    kind_of,
    objects_data,
    phases_data,
    select,
    volume_data,
)
from napari_snpore.viewer.shared.object_table import show_table
from napari_snpore.volume import Volume

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_snpore.study.recipe import Recipe

_YES_OR_NO = ("touches_border", "resolved")


def find_runs(folder: str | Path) -> list[Path]:
    """Return the finished runs in a folder: itself, or those directly inside it, as a demo leaves them."""
    folder = Path(folder)
    if not (folder / "record.json").is_file():
        return []
    if (folder / "volumes").is_dir():
        return [folder]
    return sorted(one.parent for one in folder.glob("*/record.json") if (one.parent / "volumes").is_dir())


def run_layers(folder: str | Path) -> list[LayerData]:
    """Return the layer data of one finished run: grey volume, phases, objects (hidden) with their features.

    Parameters
    ----------
    folder : path
        As ``snpore run`` and ``snpore measure`` leave it.

    Raises
    ------
    FileFormatError
        The folder is no finished run, or one of its files is damaged or missing.
    """
    folder = Path(folder)
    if find_runs(folder) != [folder]:
        raise FileFormatError(f"{folder} holds no finished run: record.json and volumes/ are needed.")
    check_record(folder / "record.json")
    recipe = _recipe(folder)
    name = (recipe.name if recipe is not None else "") or folder.name
    found: list[LayerData] = []
    gray = _gray(folder, recipe)
    if gray is not None:
        found.append(volume_data(gray, SEPARATOR.join([name, *_made_by(gray)])))
    phases = _volume_file(folder, "phases")
    if phases is not None:
        volume = read_volume(phases)
        data = Volume(np.asarray(volume.data), volume.spacing, volume.origin, volume.history)
        opacity = 1.0 if gray is None else 0.7
        found.append(phases_data(data, f"{name}{SEPARATOR}phases", _scheme(recipe, volume), opacity=opacity))
    for path in sorted((folder / "volumes").glob("objects_*")):
        found.append(_objects(folder, path, name, visible=phases is None))
    if not found:
        raise FileFormatError(f"{folder / 'volumes'} holds no volume that a run writes.")
    return found


def runs_layers(folder: str | Path) -> list[LayerData]:
    """Return the layer data of all runs in a folder; those after the first are hidden.

    Raises
    ------
    FileFormatError
        There is no finished run.
    """
    runs = find_runs(folder)
    if not runs:
        raise FileFormatError(f"{folder} holds no finished run: record.json and volumes/ are needed.")
    found = run_layers(runs[0])
    for run in runs[1:]:
        found += [(data, {**meta, "visible": False}, kind) for data, meta, kind in run_layers(run)]
    return found


def open_run(folder: str | Path, viewer: ViewerModel | None = None) -> ViewerModel:
    """Open one finished run, or all runs of a demo (the first one visible), and return the viewer.

    Parameters
    ----------
    folder : path
        Of the run.
    viewer : ViewerModel, optional
        Where; default a new window.

    Raises
    ------
    FileFormatError
        There is no finished run.
    """
    layers = runs_layers(folder)
    if viewer is None:
        from napari import Viewer

        viewer = Viewer(title=f"snpore · {Path(folder).resolve().name}")
    for data in layers:
        add_layer(viewer, data)
    objects = _first_objects(viewer)
    if objects is not None:
        select(viewer, objects)
    return viewer


def launch(paths: Sequence[str | Path]) -> None:
    """Open finished runs and any other paths in a window, and stay until it is closed.

    Raises
    ------
    InputError
        A path that nothing can open; the window is closed again.
    """
    import napari

    viewer = napari.Viewer(title="snpore")
    try:
        for path in paths:
            open_path(viewer, path)
    except InputError:
        viewer.close()
        raise
    objects = _first_objects(viewer)
    if objects is not None:
        show_table(viewer, objects)
    napari.run()


def open_path(viewer: Viewer, path: str | Path) -> None:
    """Open a finished run, a file that is ours, or whatever napari knows."""
    from napari_snpore.viewer.open.readers import get_reader, layer_data, read

    if find_runs(path):
        open_run(path, viewer)
    elif get_reader(str(path)) is None:
        try:
            viewer.open(str(path))
        except ValueError as error:
            # neither we nor napari: our own reader says best what is wrong with the file
            layer_data([str(path)])
            raise InputError(f"{path} cannot be opened: {error}.") from error
    else:
        for data in read(str(path)):
            if len(data) == 3:
                add_layer(viewer, data)


def _recipe(folder: Path) -> Recipe | None:
    from napari_snpore.study.recipe import read_recipe  # the study brings in every step: half a second

    path = folder / "recipe.toml"
    return read_recipe(path) if path.is_file() else None


def _volume_file(folder: Path, name: str) -> Path | None:
    found = [folder / "volumes" / f"{name}{suffix}" for suffix in (".tif", ".ome.zarr")]
    return next((path for path in found if path.exists()), None)


def _gray(folder: Path, recipe: Recipe | None) -> Volume | None:
    """Return the reconstruction, or the volume that the run started from where it is still there."""
    made = _volume_file(folder, "reconstruction")
    if made is not None:
        return read_volume(made)
    given = None if recipe is None else recipe.input.volume
    if recipe is None or given is None or not Path(given).exists():
        return None
    return read_volume(given, spacing=recipe.input.spacing_nm)


def _made_by(volume: Volume) -> list[str]:
    made = last_step(volume.history, ReconstructStep)
    if made is None:
        return []
    return [" ".join(str(part) for part in (made.method.upper(), made.iterations) if part)]


def _scheme(recipe: Recipe | None, phases: Volume) -> PhaseScheme:
    if recipe is not None:
        return recipe.threshold.scheme
    names = phase_names_of(phases.history)
    if names is None or names == PORE_C_SN.names:
        return PORE_C_SN
    from napari_snpore.study.recipe import ThresholdSection

    return ThresholdSection(phases=len(names), names=list(names)).scheme


def _objects(folder: Path, path: Path, name: str, *, visible: bool) -> LayerData:
    key = path.name.removeprefix("objects_").split(".")[0]
    phase, _, way = key.partition("_")
    title = f"{name}{SEPARATOR}{phase} objects{f' ({way})' if way else ''}"
    volume = read_volume(path)
    labels = Volume(np.asarray(volume.data), volume.spacing, volume.origin, volume.history)
    return objects_data(labels, _table(folder / "tables" / f"objects_{key}.csv"), title, phase=phase, visible=visible)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise FileFormatError(f"There is no {path}: the run is not complete.")
    try:
        table = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise FileFormatError(f"{path} is not a readable table: {error}.") from error
    return table.astype({name: bool for name in _YES_OR_NO if name in table})


def _first_objects(viewer: Any) -> Layer | None:
    """Return the layer whose table is worth a look."""
    return next((layer for layer in viewer.layers if kind_of(layer) == "objects"), None)
