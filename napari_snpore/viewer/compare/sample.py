"""Entry *Three states, a study* of File > Open Sample: finished runs in the package, compared at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.viewer.shared.docking import PLUGIN, join_instrument
from napari_snpore.viewer.shared.events import breathe, calling_viewer
from napari_snpore.viewer.shared.layers import SEPARATOR, LayerData, add_layer, phases_data
from napari_snpore.viewer.shared.worker import run_alive
from napari_snpore.volume import Volume

_APART = 1.1
"""Distance of the fibres in the window, over their width."""


def three_states() -> list[LayerData]:
    """Return the phases of a pristine, a sodiated and a desodiated phantom fibre beside each other, and
    let the Compare form compare their finished runs. In a window all but the last are there already.

    Without a window there are the phases alone.
    """
    layers = run_alive("Open the runs", _read)
    viewer = calling_viewer()
    if viewer is None or getattr(viewer, "window", None) is None:
        return layers
    _, form = viewer.window.add_plugin_dock_widget(PLUGIN, "Compare")
    join_instrument(form, viewer)
    form.open_study(runs_folder())
    *first, last = layers
    for one in first:  # napari adds all that is returned in one go, a second without a repaint
        breathe(viewer)
        add_layer(viewer, one)
    breathe(viewer)
    return [last]


def is_of_sample(folder: Path) -> bool:
    """Return whether a run is one of the sample, whose folder is gone when the program ends."""
    if not _temporary.cache_info().currsize:  # the sample was not opened
        return False
    return folder.resolve().is_relative_to(Path(_temporary().name).resolve())


def runs_folder() -> Path:
    """Return the folder with the runs of the sample, which is gone when the program ends."""
    from napari_snpore.study.states.sample import sample_study

    folder = Path(_temporary().name) / "three_states"
    sample_study(folder)
    return folder


@cache
def _temporary() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="snpore-")


def _read(progress: Progress, should_stop: ShouldStop) -> list[LayerData]:
    """Read the phases of the runs, each moved along x to its place in the window."""
    from napari_snpore.files import read_volume
    from napari_snpore.study.states.sample import STATES

    folder, layers = runs_folder(), []
    for number, state in enumerate(STATES):
        progress(number, len(STATES))
        found = read_volume(folder / state / "volumes" / "phases.tif")
        z, y, x = found.origin
        origin = (z, y, x + _APART * number * found.size_nm[2])
        data = Volume(np.asarray(found.data), found.spacing, origin, found.history)
        layers.append(phases_data(data, f"{state}{SEPARATOR}phases"))
    return layers
