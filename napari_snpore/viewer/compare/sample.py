"""Entry *Three states, a study* of File > Open Sample: finished runs in the package, compared at once."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from napari_snpore.viewer.shared.docking import PLUGIN, join_instrument
from napari_snpore.viewer.shared.events import calling_viewer
from napari_snpore.viewer.shared.layers import SEPARATOR, LayerData, phases_data
from napari_snpore.volume import Volume

SAMPLE = Path(str(files("napari_snpore"))) / "data" / "three_states"
"""Tables and phases of three finished runs; scripts/make_three_states.py makes them."""

STATES = ("pristine", "sodiated", "desodiated")
_APART = 1.1
"""Distance of the fibres in the window, over their width."""


def three_states() -> list[LayerData]:
    """Return the phases of a pristine, a sodiated and a desodiated phantom fibre beside each other, and
    let the Compare form compare their finished runs.

    Without a window there are the phases alone.
    """
    viewer = calling_viewer()
    if viewer is not None and getattr(viewer, "window", None) is not None:
        _, form = viewer.window.add_plugin_dock_widget(PLUGIN, "Compare")
        join_instrument(form, viewer)
        form.open_study(SAMPLE)
    return [_phases(state, number) for number, state in enumerate(STATES)]


def _phases(state: str, number: int) -> LayerData:
    """Return the phases of one run, moved along x to its place in the window."""
    from napari_snpore.files import read_volume

    found = read_volume(SAMPLE / state / "phases.nrrd")
    z, y, x = found.origin
    origin = (z, y, x + _APART * number * found.size_nm[2])
    data = Volume(np.asarray(found.data), found.spacing, origin, found.history)
    return phases_data(data, f"{state}{SEPARATOR}phases")
