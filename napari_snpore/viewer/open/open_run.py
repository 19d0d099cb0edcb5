"""Finished runs, and any other paths, in a napari window; ``snpore view`` starts here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_snpore.errors import InputError
from napari_snpore.files.image_input import parse_input
from napari_snpore.viewer.forms.path_dialogs import note_folder
from napari_snpore.viewer.open.readers import get_reader, read
from napari_snpore.viewer.open.run_layers import find_runs, runs_layers
from napari_snpore.viewer.shared.docking import show_table
from napari_snpore.viewer.shared.layers import add_layer, kind_of, select

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Layer


def open_run(folder: str | Path, viewer: ViewerModel | None = None) -> ViewerModel:
    """Open one finished run, or all runs of a demo (the first one visible), and return the viewer.

    Parameters
    ----------
    folder : path
        Folder of the run, or of the runs of a demo.
    viewer : ViewerModel, optional
        Viewer that the layers are added to; default a new window.

    Raises
    ------
    FileFormatError
        There is no finished run.
    """
    layers = runs_layers(folder)
    if viewer is None:
        from napari import Viewer

        viewer = Viewer(title=f"snpore · {Path(folder).resolve().name}")
    note_folder(viewer, [add_layer(viewer, data) for data in layers], folder)
    objects = _first_objects(viewer)
    if objects is not None:
        select(viewer, objects)
    return viewer


def launch(paths: Sequence[str | Path]) -> None:
    """Open finished runs and any other paths in a window; return when it is closed.

    Raises
    ------
    InputError
        A path cannot be opened; the window is closed again.
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
    """Open a finished run, a file that this plugin reads, or any file that napari reads."""
    if find_runs(path):
        open_run(path, viewer)
    elif get_reader(str(path)) is None:
        try:
            viewer.open(str(path))
        except ValueError as error:
            parse_input(
                path
            )  # raises a sentence about a damaged file, which napari's error does not give
            raise InputError(f"{path} cannot be opened: {error}.") from error
    else:
        layers = [add_layer(viewer, data) for data in read(str(path)) if len(data) == 3]
        note_folder(viewer, layers, path)


def _first_objects(viewer: Any) -> Layer | None:
    """Return the lowest layer of objects; None without one."""
    return next((layer for layer in viewer.layers if kind_of(layer) == "objects"), None)
