"""Command of the menu and of the command palette that saves the recipe of the specimen."""

from __future__ import annotations

import napari

from napari_snpore.viewer.shared.docking import PLUGIN
from napari_snpore.viewer.shared.events import plain_viewer


def save_recipe_as(viewer: napari.Viewer) -> None:
    """Open the Workbench, and ask where to save the recipe of its specimen."""
    window = plain_viewer(viewer).window
    dock, bench = window.add_plugin_dock_widget(PLUGIN, "Workbench")
    dock.show()
    dock.raise_()
    bench.ask_recipe()
