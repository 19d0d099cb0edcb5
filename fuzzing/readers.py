"""How each kind of input is opened: the calls that window, commands and Python make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_snpore.errors import MissingAnglesError, MissingScaleError
from napari_snpore.figures.save import recipe_of
from napari_snpore.files import read_xf
from napari_snpore.files.image_input import contents_of, parse_input
from napari_snpore.files.movies import recipe_of_movie
from napari_snpore.files.read import tilt_series_of, volume_of
from napari_snpore.study.output_folder import output_folder
from napari_snpore.study.plate_files import find_plate_files, read_plate_recipe
from napari_snpore.study.recipe import read_recipe
from napari_snpore.viewer.open.readers import get_reader
from napari_snpore.viewer.open.run_layers import runs_layers
from napari_snpore.viewer.window import read_window, restore_window

_READ_AT_ONCE = 2**24
"""Arrays of at most so many bytes are read whole; of a larger one the first plane."""


def open_image(path: Path) -> None:
    """Open a file as a volume, after the window has asked whether it is read here."""
    get_reader(str(path))
    source = parse_input(path)
    contents_of(source)
    try:
        volume = volume_of(source)
    except MissingScaleError:
        sizes = [size or 1.0 for size in source.files[0].spacing_nm]
        volume = volume_of(source, spacing=sizes)
    _values(volume.data)


def open_series(path: Path) -> None:
    """Open a stack with its side files as a tilt series."""
    get_reader(str(path))
    source = parse_input(path)
    contents_of(source)
    try:
        series = tilt_series_of(source)
    except (MissingScaleError, MissingAnglesError):
        angles = np.linspace(-60, 60, source.image_count)
        series = tilt_series_of(source, angles_deg=angles, pixel_size_nm=0.27)
    _values(series.images)


def open_window(folder: Path) -> None:
    """Read a saved window and restore it, without a screen."""
    get_reader(str(folder))
    restore_window(ViewerModel(), read_window(folder))


def open_run(folder: Path) -> None:
    """Open a finished run as layers and for a plate, then make room for another in its place."""
    get_reader(str(folder))
    for data, *_ in runs_layers(folder):
        _values(data)
    find_plate_files(read_plate_recipe(folder))
    with output_folder(folder):
        pass


def open_figure(path: Path) -> None:
    """Read the recipe inside a figure or a movie."""
    if path.suffix == ".gif":
        recipe_of_movie(path)
    else:
        recipe_of(path)
        read_plate_recipe(path)


def _values(data: Any) -> None:
    small = int(np.prod(data.shape, dtype=float)) * data.dtype.itemsize <= _READ_AT_ONCE
    np.asarray(data if small else data[0])


READERS: dict[str, Callable[[Path], Any]] = {
    "image": open_image,
    "series": open_series,
    "transform": read_xf,
    "recipe": read_recipe,
    "plate": read_plate_recipe,
    "window": open_window,
    "run": open_run,
    "figure": open_figure,
}
"""Reader by kind of input; each raises an error of our own, or returns."""
