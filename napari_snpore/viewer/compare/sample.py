"""Entry *Three states, a study* of File > Open Sample: finished runs in the package, compared at once."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from napari_snpore.errors import InputError
from napari_snpore.viewer.shared.docking import PLUGIN, join_instrument
from napari_snpore.viewer.shared.events import calling_viewer

NO_LAYERS: list[Any] = [(None,)]
"""What a sample returns to napari when it adds no layer."""

SAMPLE = Path(str(files("napari_snpore"))) / "data" / "three_states"
"""Tables of three finished runs; scripts/make_three_states.py makes them."""


def three_states() -> list[Any]:
    """Open the Compare form with the finished runs of a pristine, a sodiated and a desodiated phantom
    fibre, and compare them.

    Raises
    ------
    InputError
        There is no window to open the form in.
    """
    viewer = calling_viewer()
    if viewer is None or getattr(viewer, "window", None) is None:
        raise InputError(
            "This sample opens the Compare form, which needs a window; in Python read_state_result reads its runs."
        )
    _, form = viewer.window.add_plugin_dock_widget(PLUGIN, "Compare")
    join_instrument(form, viewer)
    form.open_study(SAMPLE)
    return NO_LAYERS
