"""Command of the menu and of the command palette that starts the guided tour."""

from __future__ import annotations

import napari

from napari_snpore.viewer.shared.docking import PLUGIN
from napari_snpore.viewer.shared.events import plain_viewer


def start_tour(viewer: napari.Viewer) -> None:
    """Open the Workbench and start the guided tour in it."""
    window = plain_viewer(viewer).window
    dock, bench = window.add_plugin_dock_widget(PLUGIN, "Workbench")
    dock.show()
    dock.raise_()
    bench.tour.start()
